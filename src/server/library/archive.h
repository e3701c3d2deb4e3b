#pragma once

#include "core/cancel.h"
#include "server/database/database.h"

#include <cstdint>
#include <filesystem>
#include <functional>

namespace heart::server::library {

using ArchiveProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Writes the whole studio (a consistent copy of the database, audio, covers; no cache, no signing key) as one tar file,
/// while the studio goes on. Whole or not at all.
void back_up(const database::Database& database, const std::filesystem::path& data_folder,
             const std::filesystem::path& archive, const ArchiveProgress& progress, const CancelToken& cancel);

/// Puts an archive's content into a data folder that has no database yet. Nothing outside that folder is ever written,
/// whatever the archive says; only the names that back_up() writes are taken. On any error everything is removed again.
/// ErrorCode::usage when there is a database, ::malformed, ::limit, ::io, ::cancelled.
void restore(const std::filesystem::path& archive, const std::filesystem::path& data_folder, const ArchiveProgress& progress,
             const CancelToken& cancel);

/// Takes in the studio that the Python version left at `old_database`: users, songs, their files (found where its absolute
/// paths point, or in audio/ and thumbnails/ beside the database), which are copied. What is here already is left alone; may
/// be run again.
struct Imported {
    std::int64_t users = 0, songs = 0, without_audio = 0, skipped = 0;
};
[[nodiscard]] Imported import_python_studio(database::Database& database, const std::filesystem::path& data_folder,
                                            const std::filesystem::path& old_database, const ArchiveProgress& progress,
                                            const CancelToken& cancel);

}  // namespace heart::server::library
