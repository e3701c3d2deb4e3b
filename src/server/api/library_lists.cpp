// Playlists, and links that show one song to whoever has them.

#include "server/api/library_endpoints.h"
#include "server/api/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace heart::server::api {

namespace {

constexpr std::size_t kMostPlaylists = 500, kMostPlaylistSongs = 2000, kLongestName = 200;
constexpr std::size_t kMostShares = 20;  // of one song, those that are over not counted
constexpr std::int64_t kLongestShareHours = 720, kUsualShareHours = 168;
constexpr database::TimeMs kSharedMediaLife = 6 * database::kHour;

Json playlist_json(const database::Playlist& list) {
    return {
        {"id", list.id}, {"name", list.name}, {"created_at", database::iso_time(list.created)}, {"song_count", list.songs}};
}

database::Playlist own_playlist(const Services& services, const database::User& user, std::string_view id) {
    auto list = services.songs.playlist(id);
    if (!list || list->user_id != user.id) refuse(404, "Playlist not found");
    return *std::move(list);
}

std::string name_of(const http::Request& request) {
    Fields fields = Fields::of_body(request);
    std::string name = fields.text("name", {.least = 1, .most = kLongestName});
    fields.finish();
    return name;
}

http::Response list_playlists(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Json items = Json::array();
    for (const database::Playlist& list : services.songs.playlists(user.id)) items.push_back(playlist_json(list));
    return json_reply({{"items", items}});
}

http::Response add_playlist(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    std::string name = name_of(request);
    if (services.songs.playlists(user.id).size() >= kMostPlaylists) {
        refuse(400, fmt::format("At most {} playlists", kMostPlaylists));
    }
    const database::Playlist list{
        .id = database::new_id(), .user_id = user.id, .name = std::move(name), .created = database::now_ms()};
    services.songs.add_playlist(list);
    return json_reply(playlist_json(list));
}

/// With its songs in their order; those in the bin are left out until they come back.
http::Response show_playlist(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const database::Playlist list = own_playlist(services, user, request.parameter("id"));
    const database::SongPage page = services.songs.find(
        {.user_id = user.id, .playlist_id = list.id, .limit = static_cast<std::int64_t>(kMostPlaylistSongs)});
    std::unordered_map<std::string_view, const database::Song*> by_id;
    for (const database::Song& song : page.songs) by_id.emplace(song.id, &song);
    Json out = playlist_json(list);
    out["songs"] = Json::array();
    for (const std::string& id : services.songs.playlist_songs(list.id)) {
        if (const auto at = by_id.find(id); at != by_id.end()) out["songs"].push_back(song_json(services, *at->second));
    }
    return json_reply(out);
}

http::Response rename_playlist(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const std::string name = name_of(request);
    const std::string& id = request.parameter("id");
    if (!services.songs.rename_playlist(user.id, id, name)) refuse(404, "Playlist not found");
    return json_reply(playlist_json(own_playlist(services, user, id)));
}

http::Response remove_playlist(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    if (!services.songs.remove_playlist(user.id, request.parameter("id"))) refuse(404, "Playlist not found");
    return json_reply({{"message", "Playlist deleted"}});
}

http::Response set_playlist_songs(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Fields fields = Fields::of_body(request);
    std::vector<std::string> ids = fields.texts("songs", kMostPlaylistSongs, {.least = 1, .most = kLongestId});
    fields.finish();
    const std::string& id = request.parameter("id");
    if (!services.songs.set_playlist_songs(user.id, id, ids)) refuse(404, "Playlist not found");
    return json_reply(playlist_json(own_playlist(services, user, id)));
}

http::Response add_share(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const database::Song song = own_song(services, user, request.parameter("id"));
    Fields fields = Fields::of_body(request);
    const std::int64_t hours = fields.integer_or("expires_in_hours", kUsualShareHours, 1, kLongestShareHours);
    fields.finish();
    const database::TimeMs now = database::now_ms();
    const auto shares = services.ledger.shares_of(user.id, song.id);
    const auto alive = [now](const database::Ledger::Share& share) { return share.expires > now; };
    if (static_cast<std::size_t>(std::count_if(shares.begin(), shares.end(), alive)) >= kMostShares) {
        refuse(400, fmt::format("At most {} links to one song", kMostShares));
    }
    const std::string token = accounts::random_secret();
    const database::Ledger::Share share{.token_hash = accounts::hash_secret(token),
                                        .song_id = song.id,
                                        .user_id = user.id,
                                        .created = now,
                                        .expires = now + hours * database::kHour};
    services.ledger.add_share(share);
    return json_reply({{"url", "/api/shared/" + token},
                       {"token", token},
                       {"created_at", database::iso_time(share.created)},
                       {"expires_at", database::iso_time(share.expires)}});
}

http::Response list_shares(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const database::Song song = own_song(services, user, request.parameter("id"));
    Json items = Json::array();
    for (const auto& share : services.ledger.shares_of(user.id, song.id)) {
        items.push_back(
            {{"created_at", database::iso_time(share.created)}, {"expires_at", database::iso_time(share.expires)}});
    }
    return json_reply({{"items", items}});
}

http::Response remove_shares(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const database::Song song = own_song(services, user, request.parameter("id"));
    (void)services.ledger.remove_shares(user.id, song.id);
    return json_reply({{"message", "Links removed"}});
}

/// For anyone who has the link. An old, unknown or withdrawn one cannot be told apart, nor one whose song or owner is gone.
http::Response shared(const Services& services, const http::Request& request) {
    const database::TimeMs now = database::now_ms();
    const auto share = services.ledger.share(accounts::hash_secret(request.parameter("token")));
    if (!share || share->expires <= now) refuse(404, "Not found, or not shared any more");
    const auto song = services.songs.by_id(share->song_id);
    const auto owner = services.users.by_id(share->user_id);
    if (!song || song->deleted || song->user_id != share->user_id || !owner || owner->disabled) {
        refuse(404, "Not found, or not shared any more");
    }
    Json out{{"title", song->settings.title},
             {"tags", song->settings.tags},
             {"lyrics", song->settings.lyrics},
             {"duration_ms", song->duration_ms},
             {"created_at", database::iso_time(song->created)},
             {"shared_until", database::iso_time(share->expires)}};
    out.update(signed_addresses(services, *song, std::min(share->expires, now + kSharedMediaLife)));
    http::Response reply = json_reply(out);
    reply.headers.set("Referrer-Policy", "no-referrer");  // the address is the secret
    return reply;
}

}  // namespace

void add_playlist_endpoints(http::Router& router, Services& services) {
    Services& s = services;
    router.add("GET", "/api/playlists", [&s](const http::Request& r) { return list_playlists(s, r); });
    router.add("POST", "/api/playlists", [&s](const http::Request& r) { return add_playlist(s, r); });
    router.add("GET", "/api/playlists/{id}", [&s](const http::Request& r) { return show_playlist(s, r); });
    router.add("PATCH", "/api/playlists/{id}", [&s](const http::Request& r) { return rename_playlist(s, r); });
    router.add("DELETE", "/api/playlists/{id}", [&s](const http::Request& r) { return remove_playlist(s, r); });
    router.add("PUT", "/api/playlists/{id}/songs", [&s](const http::Request& r) { return set_playlist_songs(s, r); });
}

void add_share_endpoints(http::Router& router, Services& services) {
    Services& s = services;
    router.add("POST", "/api/songs/{id}/shares", [&s](const http::Request& r) { return add_share(s, r); });
    router.add("GET", "/api/songs/{id}/shares", [&s](const http::Request& r) { return list_shares(s, r); });
    router.add("DELETE", "/api/songs/{id}/shares", [&s](const http::Request& r) { return remove_shares(s, r); });
    router.add("GET", "/api/shared/{token}", [&s](const http::Request& r) { return shared(s, r); });
}

}  // namespace heart::server::api
