#pragma once

#include <filesystem>
#include <optional>
#include <span>

#include <sys/types.h>

namespace heart::audio {

/// Throws when no file can be written at `path`, before long work is spent on it: ErrorCode::not_found for a missing
/// folder, ErrorCode::usage for a path that is a folder, a device or the like, ErrorCode::io when the system refuses.
/// Creates nothing.
void check_target(const std::filesystem::path& path);

/// Puts `bytes` at `path`, whole or not at all: they are written to a hidden, unique file in the same folder, synced to
/// the disk, and renamed onto `path`. On any error the hidden file is removed and what was at `path` is untouched. A
/// symbolic link is followed, and a replaced file hands on its permissions.
/// Throws like check_target(), and ErrorCode::io with the system's words when writing fails (disk full, no permission).
void replace_file(const std::filesystem::path& path, std::span<const char> bytes);

/// The same for what is too large for memory: a hidden file that takes pieces, and appears at its path with commit() or
/// goes away with the object.
class FileReplacement {
public:
    /// Throws like check_target().
    explicit FileReplacement(const std::filesystem::path& path);
    FileReplacement(const FileReplacement&) = delete;
    FileReplacement& operator=(const FileReplacement&) = delete;
    ~FileReplacement();

    void write(std::span<const char> bytes);  ///< Throws ErrorCode::io.
    /// The open, hidden file, for libraries that write by themselves; stays this object's.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    /// Syncs it and puts it in its place. Throws ErrorCode::io; nothing was changed then.
    void commit();

private:
    std::filesystem::path target_, hidden_;
    std::optional<mode_t> mode_;
    int descriptor_ = -1;
};

}  // namespace heart::audio
