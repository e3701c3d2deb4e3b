#include "audio/replace_file.h"

#include "core/error.h"

#include <cerrno>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::audio {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void throw_system(const std::string& what, int error_number) {
    throw Error(ErrorCode::io, what).found(std::generic_category().message(error_number));
}

fs::path folder_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Where the bytes really go: renaming onto a symbolic link would replace the link and leave the file it names stale.
fs::path resolve_link(const fs::path& path) {
    std::error_code failed;
    if (!fs::is_symlink(path, failed)) return path;
    fs::path target = fs::canonical(path, failed);
    if (!failed) return target;
    throw Error(ErrorCode::not_found, "'" + path.string() + "' is a symbolic link to nothing").found(failed.message());
}

/// Makes the rename itself durable. Some file systems cannot sync a folder; the song is whole all the same.
void sync_folder(const fs::path& folder) noexcept {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

/// Permissions of the file at `target`, if there is one. Throws like check_target().
std::optional<mode_t> inspect(const fs::path& target) {
    struct stat info {};
    const fs::path folder = folder_of(target);
    if (::stat(folder.c_str(), &info) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) throw_system("cannot look into '" + folder.string() + "'", errno);
        throw Error(ErrorCode::not_found, "there is no folder '" + folder.string() + "'").hint("make the folder first");
    }
    if (!S_ISDIR(info.st_mode)) throw Error(ErrorCode::not_found, "'" + folder.string() + "' is not a folder");
    if (!target.has_filename()) throw Error(ErrorCode::usage, "'" + target.string() + "' names a folder, not a file");
    if (::access(folder.c_str(), W_OK | X_OK) != 0) throw_system("cannot write into '" + folder.string() + "'", errno);
    if (::stat(target.c_str(), &info) != 0) {
        if (errno != ENOENT) throw_system("cannot look at '" + target.string() + "'", errno);
        return std::nullopt;
    }
    if (S_ISDIR(info.st_mode)) {
        throw Error(ErrorCode::usage, "'" + target.string() + "' is a folder").hint("name a file inside it");
    }
    if (!S_ISREG(info.st_mode)) throw Error(ErrorCode::usage, "'" + target.string() + "' is not an ordinary file");
    // rename() needs no permission on the file it replaces; a file its owner made read-only is meant to stay.
    if (::access(target.c_str(), W_OK) != 0) throw_system("cannot write '" + target.string() + "'", errno);
    return info.st_mode & mode_t{07777};
}

}  // namespace

void check_target(const fs::path& path) {
    inspect(resolve_link(path));
}

FileReplacement::FileReplacement(const fs::path& path) : target_(resolve_link(path)), mode_(inspect(target_)) {
    const fs::path folder = folder_of(target_);
    std::random_device entropy;
    for (int attempt = 0; attempt < 100; ++attempt) {
        hidden_ = folder / (".heart-" + std::to_string(entropy()) + ".part");
        // 0666 and the process's umask, as for any file the user makes; mkstemp would force 0600.
        descriptor_ = ::open(hidden_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor_ >= 0) return;
        if (errno != EEXIST) break;
    }
    throw_system("cannot make a file in '" + folder.string() + "'", errno);
}

FileReplacement::~FileReplacement() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!hidden_.empty()) ::unlink(hidden_.c_str());
}

void FileReplacement::write(std::span<const char> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw_system("cannot write '" + target_.string() + "'", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

void FileReplacement::commit() {
    if (mode_ && ::fchmod(descriptor_, *mode_) != 0) {
        throw_system("cannot set the permissions of '" + target_.string() + "'", errno);
    }
    // Syncs before renaming: otherwise a power cut could leave the new name on an empty file.
    if (::fsync(descriptor_) != 0) throw_system("cannot write '" + target_.string() + "' to the disk", errno);
    const int closed = ::close(descriptor_);
    descriptor_ = -1;  // after close() the number is free, whatever it returned
    if (closed != 0) throw_system("cannot write '" + target_.string() + "'", errno);
    if (::rename(hidden_.c_str(), target_.c_str()) != 0) throw_system("cannot replace '" + target_.string() + "'", errno);
    hidden_.clear();
    sync_folder(folder_of(target_));
}

void replace_file(const fs::path& path, std::span<const char> bytes) {
    FileReplacement file(path);
    file.write(bytes);
    file.commit();
}

}  // namespace heart::audio
