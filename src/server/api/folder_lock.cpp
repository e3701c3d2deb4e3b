#include "server/api/folder_lock.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace heart::server::api {

namespace fs = std::filesystem;

FolderLock::FolderLock(const fs::path& folder) {
    std::error_code error;
    if (fs::create_directories(folder, error)) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) {
        throw Error(ErrorCode::io, fmt::format("cannot make the folder '{}'", folder.string())).found(error.message());
    }
    const fs::path name = folder / ".lock";
    file_ = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file_ < 0) {
        throw Error(ErrorCode::io, fmt::format("cannot open '{}'", name.string())).found(std::strerror(errno));
    }
    if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
        const int why = errno;
        close(file_);
        if (why != EWOULDBLOCK) {
            throw Error(ErrorCode::io, fmt::format("cannot lock '{}'", name.string())).found(std::strerror(why));
        }
        throw Error(ErrorCode::usage, fmt::format("another process uses the data folder '{}'", folder.string()))
            .hint("stop it, or name another folder with --data-dir");
    }
}

FolderLock::~FolderLock() {
    close(file_);
}

}  // namespace heart::server::api
