#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace heart::formats {

/// Read-only bytes of one file: mapped into memory, part of the program, or made in memory. Copies share them.
class Bytes {
public:
    /// Maps a regular file. ErrorCode::not_found, ::io, or ::malformed for a folder or device in its place.
    [[nodiscard]] static Bytes map_file(const std::filesystem::path& path);

    /// Wraps memory that outlives every copy (embedded files, tests).
    [[nodiscard]] static Bytes borrow(std::span<const std::byte> memory);

    /// Shares memory that `owner` keeps alive.
    [[nodiscard]] static Bytes share(std::shared_ptr<const void> owner, std::span<const std::byte> memory);

    [[nodiscard]] std::span<const std::byte> view() const noexcept { return view_; }
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(view_.data()), view_.size()};
    }

    /// Tells the system that this part will not be read again soon, so that its pages stop counting as ours. Reading it
    /// again is allowed and merely slow. Only mapped files have such pages.
    void release(std::span<const std::byte> part) const noexcept;

private:
    std::shared_ptr<const void> owner_;  // unmaps or frees when the last copy goes; empty for borrowed memory
    std::span<const std::byte> view_;
    bool is_mapped_ = false;
};

/// A file that is part of the program.
struct EmbeddedFile {
    std::string_view name;  ///< path inside its folder, with '/' between parts
    std::span<const std::byte> bytes;
};

/// A read-only folder of files: on disk, or inside the program. Names come from Heart or are checked by
/// `is_plain_file_name`; a name never leads out of the folder.
class Folder {
public:
    [[nodiscard]] static Folder on_disk(std::filesystem::path path);
    [[nodiscard]] static Folder embedded(std::span<const EmbeddedFile> files, std::string label);

    /// The folder `name` inside this one; need not exist.
    [[nodiscard]] Folder sub(std::string_view name) const;

    [[nodiscard]] bool exists() const;
    [[nodiscard]] bool has(std::string_view name) const;

    /// Opens a file. ErrorCode::not_found names the whole path.
    [[nodiscard]] Bytes open(std::string_view name) const;

    /// For messages: where this is.
    [[nodiscard]] std::string describe() const;
    [[nodiscard]] bool is_embedded() const noexcept { return files_.data() != nullptr; }

private:
    std::filesystem::path path_;
    std::span<const EmbeddedFile> files_;
    std::string label_, prefix_;
};

/// True for a name that can only mean a file directly inside a folder: not empty, no '/', '\\', NUL or "..".
[[nodiscard]] bool is_plain_file_name(std::string_view name) noexcept;

}  // namespace heart::formats
