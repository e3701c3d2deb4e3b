#pragma once

#include <filesystem>

namespace heart::server::api {

/// A data folder that is this process's alone, for as long as the lock lives. The system lets go of it when the process
/// dies, however it dies.
class FolderLock {
public:
    /// Makes the folder (0700) if it is missing. ErrorCode::io; ErrorCode::usage while another process has it.
    explicit FolderLock(const std::filesystem::path& folder);
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
    ~FolderLock();

private:
    int file_ = -1;
};

}  // namespace heart::server::api
