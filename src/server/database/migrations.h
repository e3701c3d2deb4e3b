#pragma once

#include <soci/soci.h>

#include <filesystem>

namespace heart::server::database {

/// The schema that this program knows.
constexpr int kNewestSchema = 3;

[[nodiscard]] int schema_version(soci::session& session);

/// Brings the database to the newest schema; each step is there whole or not at all. Errors as Database's, and nothing is
/// written before the file is known to be ours, new, or the Python studio's.
void migrate(soci::session& session, const std::filesystem::path& file);

}  // namespace heart::server::database
