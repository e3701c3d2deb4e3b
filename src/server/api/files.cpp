#include "server/api/files.h"

#include "server/api/reply.h"
#include "server/http/request_parts.h"

#include <fmt/format.h>

#include <system_error>

#include <sys/stat.h>

namespace heart::server::api {

std::string title_of(const database::Song& song) {
    constexpr std::size_t kMost = 150;  // bytes: with its ending it fits every file system
    std::string out;
    for (const char c : song.settings.title) {
        const bool unfit = static_cast<unsigned char>(c) < 0x20 || c == 0x7F ||
                           std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
        out += unfit ? '_' : c;
    }
    if (out.size() > kMost) {
        std::size_t end = kMost;
        while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;  // no half character
        out.resize(end);
    }
    return out.empty() || out.starts_with('.') ? song.id : out;
}

http::Response file_reply(const std::filesystem::path& file, std::string_view media_type, const std::string& name,
                          bool attachment) {
    struct stat info {};
    if (stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) refuse(404, "File not found");
    const std::int64_t seconds = info.st_mtim.tv_sec, nanoseconds = info.st_mtim.tv_nsec;
    http::Response out;
    out.headers.set("Content-Type", media_type);
    out.headers.set("Content-Disposition", http::content_disposition(name, attachment));
    out.headers.set("Cache-Control", "private, no-cache");  // kept, but asked for again by its tag
    out.body = http::FileBody{.path = file.string(),
                              .etag = fmt::format("\"{:x}-{:x}\"", seconds * 1'000'000'000 + nanoseconds, info.st_size),
                              .modified_ms = seconds * 1000 + nanoseconds / 1'000'000};
    return out;
}

std::filesystem::path journal_folder(const StudioOptions& options) {
    return options.data_folder / "codes";
}

void remove_files(const Services& services, const database::Song& song) noexcept {
    services.library.remove(song);
    std::error_code none;
    std::filesystem::remove(journal_folder(services.options) / (song.id + ".codes"), none);
}

}  // namespace heart::server::api
