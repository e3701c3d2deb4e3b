#include "core/error.h"
#include "server/api/files.h"
#include "server/api/reply.h"
#include "server/http/request_parts.h"

#include <fmt/format.h>

namespace heart::server::api {

namespace {

using database::Song;

http::Response history(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Fields fields = Fields::of_query(request);
    const std::int64_t page = fields.integer_or("page", 1, 1, std::int64_t{1} << 40);
    const std::int64_t page_size = fields.integer_or("page_size", 20, 1, 100);
    const std::string search = fields.text_or("search", "", {.most = 1000});
    fields.finish();
    const database::SongPage found =
        services.songs.find({.user_id = user.id, .search = search, .offset = (page - 1) * page_size, .limit = page_size});
    Json items = Json::array();
    for (const Song& song : found.songs) items.push_back(song_json(services, song));
    return json_reply({{"items", std::move(items)}, {"total", found.total}, {"page", page}, {"page_size", page_size}});
}

http::Response song(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const auto song = services.songs.by_id(request.parameter("id"));
    if (!song || song->deleted) refuse(404, "Generation not found");
    if (!song->user_id.empty() && song->user_id != user.id) refuse(403, "Access denied");
    return json_reply(song_json(services, *song));
}

http::Response remove(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const std::string& id = request.parameter("id");
    const auto song = services.songs.by_id(id);
    if (!song || song->deleted || services.songs.set_deleted(user.id, {id}, true) == 0) {
        refuse(404, "Generation not found or access denied");
    }
    return json_reply({{"message", "Generation deleted"}});
}

/// The song whose sound or cover ("audio", "thumbnail") is asked for, by someone who may have it.
Song song_for_media(const Services& services, const http::Request& request, const std::string& kind) {
    const std::string& id = request.parameter("id");
    const bool strict = services.options.signed_media && !has_media_proof(services, request, kind + "/" + id);
    std::string user_id;
    if (strict) user_id = user_of(services, request).id;
    auto song = services.songs.by_id(id);
    if (!song || song->deleted) refuse(404, "Generation not found");
    if (strict && !song->user_id.empty() && song->user_id != user_id) refuse(404, "Generation not found");
    return std::move(*song);
}

http::Response audio(const Services& services, const http::Request& request) {
    Fields fields = Fields::of_query(request);
    const std::string wanted = fields.choice_or("format", "wav", {"wav", "flac", "mp3", "opus"});
    const bool is_inline = fields.bool_or("inline", false);
    fields.finish();
    const Song song = song_for_media(services, request, "audio");
    const library::Format format = library::format_named(wanted).value_or(library::Format::wav);
    std::filesystem::path file;
    try {
        file = services.library.audio_file(song, format, services.stopping);
    } catch (const Error& e) {
        if (e.code() == ErrorCode::unsupported)
            refuse(422, fmt::format("This song cannot be had as {}: {}", wanted, e.what()));
        if (e.code() != ErrorCode::not_found) throw;
        refuse(404, "Audio file not found");
    }
    return file_reply(file, library::media_type(format), title_of(song) + std::string(library::file_ending(format)),
                      !is_inline);
}

/// The file that was made is there; others must be encoded.
http::Lane lane_of_audio(const http::Request& request) {
    return request.query_value("format").value_or("wav") == "wav" ? http::Lane::quick : http::Lane::heavy;
}

http::Response thumbnail(const Services& services, const http::Request& request) {
    Fields fields = Fields::of_query(request);
    const bool is_inline = fields.bool_or("inline", false);
    const std::string side = fields.choice_or("side", "", {"128", "384"});
    fields.finish();
    const Song song = song_for_media(services, request, "thumbnail");
    const auto file = side.empty()    ? services.library.cover_file(song)
                      : side == "128" ? services.library.small_cover_file(song, 128)
                                      : services.library.small_cover_file(song, 384);
    if (!file) refuse(404, "Thumbnail not found");
    return file_reply(*file, "image/png", title_of(song) + ".png", !is_inline);
}

http::Response peaks(const Services& services, const http::Request& request) {
    const Song song = song_for_media(services, request, "audio");
    try {
        http::Response out;
        out.headers.set("Content-Type", "application/json");
        out.headers.set("Cache-Control", "private, max-age=86400");  // a song's sound never changes
        out.body = services.library.peaks(song);
        return out;
    } catch (const Error& e) {
        if (e.code() != ErrorCode::not_found) throw;
        refuse(404, "Audio file not found");
    }
}

}  // namespace

void add_history_endpoints(http::Router& router, Services& services) {
    const http::RouteOptions encodes{.lane = http::Lane::heavy};
    router.add("GET", "/api/history", [&services](const auto& r) { return history(services, r); });
    router.add("GET", "/api/history/{id}", [&services](const auto& r) { return song(services, r); });
    router.add("DELETE", "/api/history/{id}", [&services](const auto& r) { return remove(services, r); });
    router.add("GET", "/api/audio/{id}", [&services](const auto& r) { return audio(services, r); },
               {.lane_of = lane_of_audio});
    router.add(
        "GET", "/api/audio/{id}/peaks", [&services](const auto& r) { return peaks(services, r); }, encodes);
    router.add("GET", "/api/thumbnail/{id}", [&services](const auto& r) { return thumbnail(services, r); });
}

}  // namespace heart::server::api
