// Which songs are alike, and how well a song goes with its tags.

#include "server/api/library_endpoints.h"
#include "server/api/reply.h"
#include "server/api/sound_embedder.h"

#include <utility>

namespace heart::server::api {

namespace {

Json state_json(const SoundEmbedder::State& state, const database::Song& song) {
    return {{"state", phase_name(state.phase)},
            {"reason", state.fault.empty() ? Json(nullptr) : Json(state.fault)},
            {"tag_similarity", song.tag_similarity ? Json(*song.tag_similarity) : Json(nullptr)}};
}

/// State first: a song that is done has what was found.
http::Response embedding(const Services& services, const SoundEmbedder& embedder, const http::Request& request) {
    const database::User user = user_of(services, request);
    const auto state = embedder.state_of(own_song(services, user, request.parameter("id")));
    return json_reply(state_json(state, own_song(services, user, request.parameter("id"))));
}

http::Response find_embedding(const Services& services, SoundEmbedder& embedder, const http::Request& request) {
    const database::User user = user_of(services, request);
    const database::Song song = own_song(services, user, request.parameter("id"));
    need_embedder(services.options);
    if (!embedder.ask(song)) refuse(429, "Too many songs wait for their embedding");
    return embedding(services, embedder, request);
}

http::Response similar(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Fields fields = Fields::of_query(request);
    const std::int64_t limit = fields.integer_or("limit", 10, 1, 100);
    fields.finish();
    const database::Song song = own_song(services, user, request.parameter("id"));
    if (!services.likeness.embedding(song.id)) refuse(409, "The song has no embedding yet");
    Json items = Json::array();
    for (const auto& neighbour : services.likeness.nearest(user.id, song.id, static_cast<std::size_t>(limit))) {
        const auto other = services.songs.by_id(neighbour.song_id);
        if (!other || other->deleted) continue;  // gone meanwhile
        Json item{{"song_id", neighbour.song_id}, {"similarity", neighbour.similarity}};
        item.update(song_json(services, *other));
        items.push_back(std::move(item));
    }
    return json_reply({{"items", std::move(items)}});
}

}  // namespace

void add_likeness_endpoints(http::Router& router, Services& services, SoundEmbedder& embedder) {
    const Services& s = services;
    SoundEmbedder& e = embedder;
    router.add("GET", "/api/songs/{id}/embedding", [&s, &e](const http::Request& r) { return embedding(s, e, r); });
    router.add("POST", "/api/songs/{id}/embedding", [&s, &e](const http::Request& r) { return find_embedding(s, e, r); });
    router.add("GET", "/api/songs/{id}/similar", [&s](const http::Request& r) { return similar(s, r); },
               {.lane = http::Lane::heavy});
}

}  // namespace heart::server::api
