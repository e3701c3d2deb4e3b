#include "hub/part_file.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace heart::hub {

namespace fs = std::filesystem;

PartFile::PartFile(fs::path target, std::uint64_t size, std::uint64_t piece_bytes, const std::string& version)
    : target_(std::move(target)),
      part_(target_.string() + ".part"),
      notes_(target_.string() + ".pieces"),
      size_(size),
      piece_bytes_(piece_bytes),
      first_line_(fmt::format("heart-pieces 1 {} {} {}", size, piece_bytes, version)),
      there_((size + piece_bytes - 1) / piece_bytes) {
    take_up();
}

PartFile::~PartFile() {
    if (bytes_ >= 0) ::close(bytes_);
    if (list_ >= 0) ::close(list_);
}

void PartFile::fail(const char* what) const {
    const int error = errno;
    Error why(ErrorCode::io, fmt::format("cannot {} '{}'", what, part_.string()));
    why.found(std::strerror(error));
    if (error == ENOSPC || error == EDQUOT) why.hint("make room and run it again: what has come is kept");
    throw why;
}

/// What the list says is there was synced before it said so. A torn last line is a piece that comes once more.
void PartFile::take_up() {
    std::ifstream in(notes_, std::ios::binary);
    std::string line;
    std::error_code failed;
    const bool same = std::getline(in, line) && line == first_line_ && fs::file_size(part_, failed) == size_ && !failed;
    if (!same) return open_anew();
    while (std::getline(in, line) && !in.eof()) {
        std::uint64_t piece = 0;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), piece);
        if (error == std::errc() && end == line.data() + line.size() && piece < there_.size()) there_[piece] = true;
    }
    in.close();
    bytes_ = ::open(part_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    list_ = ::open(notes_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (bytes_ < 0 || list_ < 0) fail("open");
    if (::write(list_, "\n", 1) != 1) fail("write");  // behind a torn line
}

void PartFile::open_anew() {
    if (bytes_ >= 0) ::close(bytes_);
    if (list_ >= 0) ::close(list_);
    std::fill(there_.begin(), there_.end(), false);
    // A list without bytes would promise too much: it goes first and comes last.
    ::unlink(notes_.c_str());
    bytes_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (bytes_ < 0 || ::ftruncate(bytes_, static_cast<off_t>(size_)) != 0) fail("write");
    list_ = ::open(notes_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    const std::string line = first_line_ + "\n";
    if (list_ < 0 || ::write(list_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) fail("write");
}

std::uint64_t PartFile::end_of(std::uint64_t piece) const noexcept {
    return std::min(size_, (piece + 1) * piece_bytes_);
}

bool PartFile::has(std::uint64_t piece) const {
    const std::lock_guard lock(mutex_);
    return there_[piece];
}

std::uint64_t PartFile::bytes_there() const {
    const std::lock_guard lock(mutex_);
    std::uint64_t bytes = 0;
    for (std::uint64_t piece = 0; piece < there_.size(); ++piece) {
        if (there_[piece]) bytes += end_of(piece) - begin_of(piece);
    }
    return bytes;
}

void PartFile::write(std::uint64_t offset, const char* bytes, std::size_t size) {
    while (size > 0) {
        const ssize_t written = ::pwrite(bytes_, bytes, size, static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("write");
        bytes += written;
        offset += static_cast<std::uint64_t>(written);
        size -= static_cast<std::size_t>(written);
    }
}

void PartFile::note(std::uint64_t piece) {
    if (::fdatasync(bytes_) != 0) fail("write");
    const std::string line = fmt::format("{}\n", piece);
    const std::lock_guard lock(mutex_);
    if (::write(list_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) fail("write");
    there_[piece] = true;
}

void PartFile::restart() {
    const std::lock_guard lock(mutex_);
    open_anew();
}

void PartFile::finish() {
    if (::fsync(bytes_) != 0) fail("write");
    if (::rename(part_.c_str(), target_.c_str()) != 0) fail("rename");
    ::unlink(notes_.c_str());
}

}  // namespace heart::hub
