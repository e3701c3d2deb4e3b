#include "server/library/files.h"

#include "core/error.h"

#include <cerrno>
#include <fstream>
#include <system_error>

#include <sys/stat.h>

namespace heart::server::library {

namespace fs = std::filesystem;

bool is_song_id(std::string_view text) noexcept {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char c = text[i];
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return true;
}

void check_song_id(std::string_view id) {
    if (!is_song_id(id)) throw Error(ErrorCode::usage, "this is no song's id").expected("a UUID").found(printable(id, 60));
}

bool is_plain_file(const fs::path& path) noexcept {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool is_plain_folder(const fs::path& path) noexcept {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

void make_private_folder(const fs::path& folder) {
    if (::mkdir(folder.c_str(), 0700) == 0) return;
    const int reason = errno;
    if (reason == EEXIST && is_plain_folder(folder)) return;
    throw Error(ErrorCode::io, "cannot use the folder '" + folder.string() + "'")
        .found(reason == EEXIST ? "something that is no folder" : std::generic_category().message(reason));
}

std::string state_of(const fs::path& file) {
    struct stat info {};
    if (::lstat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return "";
    // A replaced file has a number of its own, even within one tick of the clock.
    return std::to_string(info.st_ino) + ":" + std::to_string(info.st_size) + ":" + std::to_string(info.st_mtim.tv_sec) +
           ":" + std::to_string(info.st_mtim.tv_nsec);
}

std::string read_whole(const fs::path& file, std::uint64_t most) {
    std::error_code failed;
    const std::uintmax_t size = fs::file_size(file, failed);
    std::ifstream in(file, std::ios::binary);
    if (failed || !in) {
        const bool missing = failed == std::errc::no_such_file_or_directory;
        throw Error(missing ? ErrorCode::not_found : ErrorCode::io, "cannot read '" + file.string() + "'")
            .found(failed.message());
    }
    if (size > most) {
        throw Error(ErrorCode::limit, "'" + file.string() + "' is too large")
            .expected("at most " + std::to_string(most) + " bytes")
            .found(std::to_string(size));
    }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
        throw Error(ErrorCode::io, "cannot read '" + file.string() + "' to its end");
    }
    return bytes;
}

}  // namespace heart::server::library
