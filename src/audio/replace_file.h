#pragma once

#include <filesystem>
#include <span>

namespace heart::audio {

/// Throws when no file can be written at `path`, before long work is spent on it: ErrorCode::not_found for a missing
/// folder, ErrorCode::usage for a path that is a folder, a device or the like, ErrorCode::io when the system refuses.
/// Creates nothing.
void check_target(const std::filesystem::path& path);

/// Puts `bytes` at `path`, whole or not at all: they are written to a hidden, unique file in the same folder, synced to
/// the disk, and renamed onto `path`. On any error the hidden file is removed and what was at `path` is untouched. A
/// symbolic link is followed, and a replaced file hands on its permissions.
/// Throws like check_target(), and ErrorCode::io with the system's words when writing fails (disk full, no permission).
void replace_file(const std::filesystem::path& path, std::span<const char> bytes);

}  // namespace heart::audio
