#pragma once

#include "server/database/songs.h"
#include "server/database/users.h"

#include <filesystem>
#include <vector>

namespace soci {
class session;
}

namespace heart::server::database {

/// What the Python studio keeps: users with bcrypt hashes, finished songs. Times are UTC; a song whose user is not there is
/// of nobody; text that is not UTF-8 was mended.
struct PythonStudio {
    std::vector<User> users;  ///< oldest first
    std::vector<Song> songs;  ///< paths as they stand there, absolute ones of any machine
};

/// Reads the Python studio's database and leaves it as it is. Throws ErrorCode::not_found, ::malformed when it is none,
/// ::io.
[[nodiscard]] PythonStudio read_python_studio(const std::filesystem::path& file);

// --- for migrations.cpp ---
[[nodiscard]] bool is_python_studio(soci::session& session);
/// Copies it to "<file>.before-heart"; "<file>.before-heart-2" and so on when there is one. Throws ErrorCode::malformed for
/// a database that is damaged or holds programs (triggers, views).
void back_up_python_studio(soci::session& session, const std::filesystem::path& file);
/// Removes its two tables and returns their content, inside a transaction.
[[nodiscard]] PythonStudio take_out_python_studio(soci::session& session);
/// Adds that content to the tables of today. The oldest user becomes administrator, audio is "audio/<file>".
void put_in_python_studio(soci::session& session, const PythonStudio& old);

}  // namespace heart::server::database
