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

/// Puts an archive's content into a data folder that has no database and no songs' files yet; makes the folder if it is
/// missing. Nothing outside that folder is ever written, whatever the archive says; only the names that back_up() writes are
/// taken. On any error everything is removed again.
/// ErrorCode::usage when something is there, ::not_found, ::malformed (also: cut off, changed), ::limit, ::io, ::cancelled.
void restore(const std::filesystem::path& archive, const std::filesystem::path& data_folder, const ArchiveProgress& progress,
             const CancelToken& cancel);

/// Takes in the studio that the Python version left at `old_database`: users, songs, their files (found where its absolute
/// paths point, or in audio/ and thumbnails/ beside the database), which are copied. What is here already is left alone; may
/// be run again. The old database is only read. Songs of someone whose address has an account here go to that account;
/// a name that is taken gets a number. Songs without a cover get a drawn one. ErrorCode::usage for the studio's own
/// database, ::not_found, ::malformed, ::io, ::cancelled: what was taken in until then stays.
struct Imported {
    std::int64_t users = 0, songs = 0;
    std::int64_t without_audio = 0;  ///< of these songs
    std::int64_t skipped = 0;        ///< songs that were here, or whose id is none
};
[[nodiscard]] Imported import_python_studio(database::Database& database, const std::filesystem::path& data_folder,
                                            const std::filesystem::path& old_database, const ArchiveProgress& progress,
                                            const CancelToken& cancel);

}  // namespace heart::server::library
