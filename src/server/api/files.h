#pragma once

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

}  // namespace heart::server::api
