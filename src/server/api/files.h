#pragma once

#include "server/api/services.h"
#include "server/database/songs.h"
#include "server/http/message.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace heart::server::api {

/// What a download of a song is called, without its ending: the title, or its id; nothing that a file name must not hold.
[[nodiscard]] std::string title_of(const database::Song& song);

/// A file with an entity tag of its size and time, revalidated at each use. 404 "File not found" when it is gone.
[[nodiscard]] http::Response file_reply(const std::filesystem::path& file, std::string_view media_type,
                                        const std::string& name, bool attachment);

/// Where the journals of codes are.
[[nodiscard]] std::filesystem::path journal_folder(const StudioOptions& options);

/// The files of a song or job that is gone from the database: sound, cover, and the journal that it was made from.
void remove_files(const Services& services, const database::Song& song) noexcept;

}  // namespace heart::server::api
