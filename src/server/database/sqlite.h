#pragma once

#include "core/error.h"

#include <soci/soci.h>

#include <filesystem>
#include <memory>

namespace heart::server::database::sqlite {

enum class Access { write, read };

/// Opens a connection and sets what SQLite keeps per connection: foreign keys, time to wait for others, how far a commit
/// reaches, no trust in functions that a schema names. The file must exist.
[[nodiscard]] std::unique_ptr<soci::session> open(const std::filesystem::path& file, Access access);

/// Makes the file if it is missing, for this user alone; takes others' rights away from one that is there.
void make_private_file(const std::filesystem::path& file);
/// Makes a file for this user alone that must not be there yet.
void make_new_private_file(const std::filesystem::path& file);

/// Writes a whole, consistent copy to a new file, which is on disk when this returns. Nothing is left behind on errors.
void copy(soci::session& session, const std::filesystem::path& file);

/// What SOCI threw, as one of ours: without the statement's parameters, which may be secrets.
[[nodiscard]] Error typed_error(const soci::soci_error& error);

}  // namespace heart::server::database::sqlite
