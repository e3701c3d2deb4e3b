#include "formats/bytes.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::formats {

namespace {

[[noreturn]] void throw_open_error(const std::filesystem::path& path, int error) {
    const bool missing = error == ENOENT || error == ENOTDIR;
    throw Error(missing ? ErrorCode::not_found : ErrorCode::io, fmt::format("cannot open '{}'", path.string()))
        .found(std::strerror(error));
}

struct Mapping {
    void* address = nullptr;
    std::size_t size = 0;
    Mapping(void* a, std::size_t n) : address(a), size(n) {}
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { munmap(address, size); }
};

struct Descriptor {
    int fd;
    explicit Descriptor(int f) : fd(f) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(fd); }
};

}  // namespace

Bytes Bytes::map_file(const std::filesystem::path& path) {
    // O_NONBLOCK: a named pipe in place of a file must not make us wait for a writer.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) throw_open_error(path, errno);
    const Descriptor file(fd);

    struct stat info {};
    if (fstat(fd, &info) != 0) throw_open_error(path, errno);
    if (!S_ISREG(info.st_mode)) {
        throw Error(ErrorCode::malformed, fmt::format("'{}' is not a file", path.string()))
            .expected("a regular file")
            .found(S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
    }
    Bytes out;
    if (info.st_size == 0) return out;
    const auto size = static_cast<std::size_t>(info.st_size);
    void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) throw_open_error(path, errno);
    auto mapping = std::make_shared<Mapping>(address, size);
    out.view_ = {static_cast<const std::byte*>(address), size};
    out.owner_ = std::move(mapping);
    out.is_mapped_ = true;
    return out;
}

Bytes Bytes::borrow(std::span<const std::byte> memory) {
    Bytes out;
    out.view_ = memory;
    return out;
}

Bytes Bytes::share(std::shared_ptr<const void> owner, std::span<const std::byte> memory) {
    Bytes out = borrow(memory);
    out.owner_ = std::move(owner);
    return out;
}

void Bytes::release(std::span<const std::byte> part) const noexcept {
    if (!is_mapped_ || part.empty()) return;  // other memory would come back as zeros
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto first = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
    const auto last = (reinterpret_cast<std::uintptr_t>(part.data()) + part.size()) / page * page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

Folder Folder::on_disk(std::filesystem::path path) {
    Folder out;
    out.path_ = std::move(path);
    return out;
}

Folder Folder::embedded(std::span<const EmbeddedFile> files, std::string label) {
    Folder out;
    out.files_ = files;
    out.label_ = std::move(label);
    return out;
}

Folder Folder::sub(std::string_view name) const {
    Folder out = *this;
    if (is_embedded()) {
        out.prefix_ += std::string(name) + "/";
    } else {
        out.path_ /= name;
    }
    return out;
}

bool Folder::exists() const {
    if (!is_embedded()) {
        std::error_code ignored;
        return std::filesystem::is_directory(path_, ignored);
    }
    return std::any_of(files_.begin(), files_.end(), [&](const EmbeddedFile& f) { return f.name.starts_with(prefix_); });
}

bool Folder::has(std::string_view name) const {
    if (!is_embedded()) {
        std::error_code ignored;
        return std::filesystem::exists(path_ / name, ignored);
    }
    const std::string wanted = prefix_ + std::string(name);
    return std::any_of(files_.begin(), files_.end(), [&](const EmbeddedFile& f) { return f.name == wanted; });
}

Bytes Folder::open(std::string_view name) const {
    if (!is_embedded()) return Bytes::map_file(path_ / name);
    const std::string wanted = prefix_ + std::string(name);
    for (const EmbeddedFile& f : files_) {
        if (f.name == wanted) return Bytes::borrow(f.bytes);
    }
    throw Error(ErrorCode::not_found, fmt::format("{} has no file '{}'", label_, wanted));
}

std::string Folder::describe() const {
    return is_embedded() ? (prefix_.empty() ? label_ : label_ + "/" + prefix_.substr(0, prefix_.size() - 1))
                         : path_.string();
}

bool is_plain_file_name(std::string_view name) noexcept {
    return !name.empty() && name != "." && name.find("..") == std::string_view::npos &&
           name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

}  // namespace heart::formats
