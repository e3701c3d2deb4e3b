#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

namespace heart::engine {

/// Progress of writing a folder, in bytes.
using WriteProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// A folder that is being filled. Unless `keep` is called, everything in it is removed again.
class NewFolder {
public:
    /// Makes the folder, or takes an empty one. ErrorCode::usage when something is in it already, ::io when it cannot be
    /// made or has no room for `bytes`.
    NewFolder(std::filesystem::path path, std::uint64_t bytes);
    NewFolder(const NewFolder&) = delete;
    NewFolder& operator=(const NewFolder&) = delete;
    ~NewFolder();

    void keep() noexcept { kept_ = true; }

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
    bool made_ = false, kept_ = false;
};

/// Writes a small file. ErrorCode::io.
void write_text(const std::filesystem::path& path, std::string_view text);

}  // namespace heart::engine
