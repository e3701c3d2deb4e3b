#include "engine/new_folder.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

namespace heart::engine {

namespace fs = std::filesystem;

NewFolder::NewFolder(fs::path path, std::uint64_t bytes) : path_(std::move(path)) {
    std::error_code error;
    const bool is_file = fs::exists(path_, error) && !fs::is_directory(path_, error);
    if (is_file || (fs::exists(path_, error) && !fs::is_empty(path_, error))) {
        throw Error(ErrorCode::usage, fmt::format("'{}' is {}", path_.string(), is_file ? "a file" : "not empty"))
            .hint("name a new folder");
    }
    made_ = fs::create_directories(path_, error);
    if (error) throw Error(ErrorCode::io, fmt::format("cannot make the folder '{}'", path_.string())).found(error.message());
    const std::uint64_t room = fs::space(path_, error).available;
    if (error || room >= bytes) return;
    if (made_) fs::remove(path_, error);
    throw Error(ErrorCode::io, fmt::format("not enough room in '{}'", path_.string()))
        .expected(fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9))
        .found(fmt::format("{:.1f} GB", static_cast<double>(room) / 1e9));
}

NewFolder::~NewFolder() {
    if (kept_) return;
    std::error_code ignored;
    if (made_) {
        fs::remove_all(path_, ignored);
        return;
    }
    for (const auto& entry : fs::directory_iterator(path_, ignored)) fs::remove_all(entry.path(), ignored);
}

void write_text(const fs::path& path, std::string_view text) {
    std::ofstream out(path, std::ios::binary);
    out << text;
    if (out.flush()) return;
    throw Error(ErrorCode::io, fmt::format("cannot write '{}'", path.string())).found(std::strerror(errno));
}

}  // namespace heart::engine
