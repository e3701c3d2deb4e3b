#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace heart::server::library {

/// The folders below the data folder, and the database beside them.
inline constexpr std::string_view kAudioFolder = "audio", kCoverFolder = "thumbnails", kPeaksFolder = "peaks",
                                  kCacheFolder = "cache", kDatabaseFile = "heartmula.db";

/// Whether it is a UUID in small letters: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
[[nodiscard]] bool is_song_id(std::string_view text) noexcept;
/// Throws ErrorCode::usage when it is not: nothing else may become part of a path.
void check_song_id(std::string_view id);

/// A file that is there by itself: no folder, no link.
[[nodiscard]] bool is_plain_file(const std::filesystem::path& path) noexcept;

/// A folder that is there by itself: no link.
[[nodiscard]] bool is_plain_folder(const std::filesystem::path& path) noexcept;

/// Makes the folder (0700) unless it is there. Throws ErrorCode::io, also when it is a link or no folder.
void make_private_folder(const std::filesystem::path& folder);

/// A text that is another one after the file was replaced or changed; empty when there is none.
[[nodiscard]] std::string state_of(const std::filesystem::path& file);

/// The file's bytes. Throws ErrorCode::not_found, ErrorCode::limit beyond `most`, ErrorCode::io.
[[nodiscard]] std::string read_whole(const std::filesystem::path& file, std::uint64_t most);

}  // namespace heart::server::library
