#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace heart::hub {

/// A file of which pieces arrive in any order, and what of it is there already, over restarts and power cuts:
///
///     <name>.part    the bytes, at their places
///     <name>.pieces  a line that says which version, and then the number of every piece that is on the disk
///
/// From any thread.
class PartFile {
public:
    /// Goes on with what an earlier process left of the same version and size, or begins
    /// anew. ErrorCode::io, with a word when the disk is full.
    PartFile(std::filesystem::path target, std::uint64_t size, std::uint64_t piece_bytes, const std::string& version);
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;
    ~PartFile();

    [[nodiscard]] std::uint64_t pieces() const noexcept { return there_.size(); }
    [[nodiscard]] std::uint64_t begin_of(std::uint64_t piece) const noexcept { return piece * piece_bytes_; }
    [[nodiscard]] std::uint64_t end_of(std::uint64_t piece) const noexcept;
    [[nodiscard]] bool has(std::uint64_t piece) const;
    [[nodiscard]] std::uint64_t bytes_there() const;

    /// Throws ErrorCode::io.
    void write(std::uint64_t offset, const char* bytes, std::size_t size);
    /// The piece is whole: it is brought to the disk, and never asked for again.
    void note(std::uint64_t piece);
    /// Forgets everything: what was written is wrong.
    void restart();
    /// All pieces are there: the file takes its name.
    void finish();

    [[nodiscard]] std::filesystem::path path() const { return part_; }

private:
    void open_anew();
    void take_up();
    [[noreturn]] void fail(const char* what) const;

    std::filesystem::path target_, part_, notes_;
    std::uint64_t size_, piece_bytes_;
    std::string first_line_;
    int bytes_ = -1, list_ = -1;
    mutable std::mutex mutex_;
    std::vector<bool> there_;
};

}  // namespace heart::hub
