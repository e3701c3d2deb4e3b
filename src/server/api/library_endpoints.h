#pragma once

#include "server/api/services.h"
#include "server/api/validation.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace heart::server::api {

/// The user's own song that is not in the bin. 404 for all others, whoever has them.
[[nodiscard]] database::Song own_song(const Services& services, const database::User& user, std::string_view id);

/// {"audio", "thumbnail", "expires_at"}: addresses that work without a token until then.
[[nodiscard]] Json signed_addresses(const Services& services, const database::Song& song, database::TimeMs expires);

// The parts of add_library_endpoints.
void add_song_endpoints(http::Router& router, Services& services);
void add_timing_endpoints(http::Router& router, Services& services);
void add_playlist_endpoints(http::Router& router, Services& services);
void add_share_endpoints(http::Router& router, Services& services);

}  // namespace heart::server::api
