// A user's songs: lists with search, changes, the bin, covers, recipes.

#include "server/api/library_endpoints.h"

#include "core/error.h"
#include "formats/json.h"
#include "server/api/files.h"
#include "server/api/reference_wish.h"
#include "server/api/reply.h"
#include "server/http/request_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace heart::server::api {

namespace {

constexpr std::size_t kMostIds = 1000;
constexpr std::size_t kLongestSearch = 500;
constexpr std::size_t kLargestCover = std::size_t{8} << 20;
constexpr int kHighestRating = 5;

database::SongQuery::Order order_named(const std::string& name) {
    if (name == "oldest") return database::SongQuery::Order::oldest;
    if (name == "title") return database::SongQuery::Order::title;
    if (name == "longest") return database::SongQuery::Order::longest;
    if (name == "tag_similarity") return database::SongQuery::Order::tag_similarity;
    return database::SongQuery::Order::newest;
}

http::Response list_songs(const Services& services, const http::Request& request) {
    constexpr std::int64_t kMostPages = std::int64_t{1} << 40;  // times 100 is still a number
    const database::User user = user_of(services, request);
    Fields fields = Fields::of_query(request);
    database::SongQuery query;
    const std::int64_t page = fields.integer_or("page", 1, 1, kMostPages);
    query.limit = fields.integer_or("page_size", 20, 1, 100);
    query.search = fields.text_or("search", "", {.most = kLongestSearch});
    query.order =
        order_named(fields.choice_or("order", "newest", {"newest", "oldest", "title", "longest", "tag_similarity"}));
    query.favourites = fields.bool_or("favourites", false);
    query.deleted = fields.bool_or("deleted", false);
    query.playlist_id = fields.optional_text("playlist", {.most = kLongestId});
    fields.finish();
    if (query.playlist_id) {
        const auto list = services.songs.playlist(*query.playlist_id);
        if (!list || list->user_id != user.id) refuse(404, "Playlist not found");
    }
    query.user_id = user.id;
    query.offset = (page - 1) * query.limit;
    const database::SongPage found = services.songs.find(query);
    Json items = Json::array();
    for (const database::Song& song : found.songs) items.push_back(song_json(services, song));
    return json_reply({{"items", items}, {"total", found.total}, {"page", page}, {"page_size", query.limit}});
}

/// The limits of the options are bytes, whatever the script.
void check_bytes(Fields& fields, const std::string& name, const std::optional<std::string>& value, std::size_t most) {
    if (value && value->size() > most) fields.fault(name, fmt::format("at most {} bytes of UTF-8", most));
}

http::Response change_song(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const std::string& id = request.parameter("id");
    Fields fields = Fields::of_body(request);
    database::Songs::Change change;
    if (fields.has("title")) change.title = fields.text("title", {.least = 1});
    change.tags = fields.optional_text("tags");
    change.lyrics = fields.optional_text("lyrics");
    change.favourite = fields.optional_bool("favourite");
    if (const auto rating = fields.optional_natural("rating", kHighestRating)) change.rating = static_cast<int>(*rating);
    check_bytes(fields, "title", change.title, services.options.max_title_bytes);
    check_bytes(fields, "tags", change.tags, services.options.max_tags_bytes);
    check_bytes(fields, "lyrics", change.lyrics, services.options.max_lyrics_bytes);
    fields.finish();
    (void)own_song(services, user, id);
    if (!services.songs.change(user.id, id, change)) refuse(404, "Song not found");
    return json_reply(song_json(services, own_song(services, user, id)));
}

std::vector<std::string> ids_of(const http::Request& request) {
    Fields fields = Fields::of_body(request);
    std::vector<std::string> ids = fields.texts("ids", kMostIds, {.least = 1, .most = kLongestId});
    fields.finish();
    return ids;
}

http::Response into_the_bin(Services& services, const http::Request& request, bool deleted) {
    const database::User user = user_of(services, request);
    const auto moved = services.songs.set_deleted(user.id, ids_of(request), deleted);
    return json_reply({{deleted ? "deleted" : "restored", moved}});
}

/// Only what is in the bin: one slip of a finger is not enough to lose a song.
http::Response purge(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    std::vector<std::string> ids = ids_of(request);
    std::erase_if(ids, [&](const std::string& id) {
        const auto song = services.songs.by_id(id);
        return !song || song->user_id != user.id || !song->deleted;
    });
    if (ids.empty()) return json_reply({{"purged", 0}});
    const auto gone = services.songs.purge(user.id, ids);
    for (const database::Song& song : gone) remove_files(services, song);
    return json_reply({{"purged", gone.size()}});
}

http::Response set_cover(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    database::Song song = own_song(services, user, request.parameter("id"));
    try {
        services.library.set_cover(song, request.body);
    } catch (const Error& e) {
        if (e.code() == ErrorCode::malformed) refuse(400, "The cover must be a whole PNG or JPEG image");
        if (e.code() == ErrorCode::limit) refuse(413, "The cover has more than 8 MiB or 4096 pixels a side");
        throw;
    }
    services.songs.set_thumbnail(song.id, song.thumbnail_path);
    return json_reply(song_json(services, song));
}

http::Response draw_cover(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    database::Song song = own_song(services, user, request.parameter("id"));
    services.library.draw_cover(song);
    services.songs.set_thumbnail(song.id, song.thumbnail_path);
    return json_reply(song_json(services, song));
}

/// What was asked for, as POST /api/generate takes it, and all that made the song.
http::Response recipe(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const database::Song song = own_song(services, user, request.parameter("id"));
    const database::SongSettings& s = song.settings;
    Json settings = Json::object();
    if (!song.recipe.empty()) settings = formats::parse_json(song.recipe, "the song's recipe", {.max_bytes = 1 << 20});
    Json asked{{"title", s.title},
               {"lyrics", s.lyrics},
               {"tags", s.tags},
               {"max_audio_length_ms", s.max_audio_length_ms},
               {"temperature", s.temperature},
               {"topk", s.topk},
               {"cfg_scale", s.cfg_scale}};
    if (!song.recipe.empty()) asked["seed"] = s.seed;  // songs of an old database have none
    if (const Json reference = reference_facts(Json(settings)); !reference.is_null()) {
        asked["reference_of"] = song.id;  // whatever became of a kept one
        asked["reference_strength"] = reference.at("strength");
    }
    return json_reply({{"id", song.id}, {"request", asked}, {"take", s.take}, {"settings", settings}});
}

http::Response media(const Services& services, const http::Request& request) {
    constexpr database::TimeMs kLife = database::TimeMs{12} * 3600 * 1000;
    const database::User user = user_of(services, request);
    const database::Song song = own_song(services, user, request.parameter("id"));
    return json_reply(signed_addresses(services, song, database::now_ms() + kLife));
}

}  // namespace

database::Song own_song(const Services& services, const database::User& user, std::string_view id) {
    auto song = services.songs.by_id(id);
    if (!song || song->user_id != user.id || song->deleted) refuse(404, "Song not found");
    return *std::move(song);
}

Json signed_addresses(const Services& services, const database::Song& song, database::TimeMs expires) {
    const std::int64_t seconds = expires / 1000;
    const auto address = [&](std::string_view kind) {
        const std::string thing = fmt::format("{}/{}", kind, song.id);
        const std::string proof = accounts::sign_media(services.accounts.key(), thing, seconds);
        return fmt::format("/api/{}?exp={}&sig={}", thing, seconds, http::percent_encoded(proof));
    };
    Json out{{"audio", address("audio")}, {"thumbnail", nullptr}};
    if (!song.thumbnail_path.empty()) out["thumbnail"] = address("thumbnail");
    out["expires_at"] = database::iso_time(seconds * 1000);
    return out;
}

void add_song_endpoints(http::Router& router, Services& services) {
    Services& s = services;
    router.add("GET", "/api/songs", [&s](const http::Request& r) { return list_songs(s, r); });
    router.add("PATCH", "/api/songs/{id}", [&s](const http::Request& r) { return change_song(s, r); });
    router.add("POST", "/api/songs/delete", [&s](const http::Request& r) { return into_the_bin(s, r, true); });
    router.add("POST", "/api/songs/restore", [&s](const http::Request& r) { return into_the_bin(s, r, false); });
    router.add("POST", "/api/songs/purge", [&s](const http::Request& r) { return purge(s, r); },
               {.lane = http::Lane::heavy});
    router.add("POST", "/api/songs/{id}/cover", [&s](const http::Request& r) { return set_cover(s, r); },
               {.max_body = kLargestCover, .lane = http::Lane::heavy});
    router.add("DELETE", "/api/songs/{id}/cover", [&s](const http::Request& r) { return draw_cover(s, r); },
               {.lane = http::Lane::heavy});
    router.add("GET", "/api/songs/{id}/recipe", [&s](const http::Request& r) { return recipe(s, r); });
    router.add("GET", "/api/songs/{id}/media", [&s](const http::Request& r) { return media(s, r); });
}

void add_library_endpoints(http::Router& router, Services& services) {
    add_song_endpoints(router, services);
    add_timing_endpoints(router, services);
    add_playlist_endpoints(router, services);
    add_share_endpoints(router, services);
}

}  // namespace heart::server::api
