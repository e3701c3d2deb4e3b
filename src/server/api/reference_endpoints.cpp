// References: "make it sound like this". A sound comes in, where it is in the embedding model's space is kept.

#include "core/error.h"
#include "engine/embedder.h"
#include "server/api/files.h"
#include "server/api/library_endpoints.h"
#include "server/api/reply.h"
#include "server/api/sound_embedder.h"
#include "server/api/sound_upload.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::server::api {

namespace {

constexpr double kUsualSeconds = 10;  // what HeartMuLa was trained on
constexpr double kMostStart = 86'400, kLeastSeconds = 0.1, kMostSeconds = 3600;
constexpr std::size_t kLongestReferenceName = 255;  // bytes

struct Piece {
    double start = 0, seconds = kUsualSeconds;
};

Piece read_piece(Fields& fields) {
    Piece piece;
    piece.start = fields.number_or("start", piece.start, 0, kMostStart);
    piece.seconds = fields.number_or("seconds", piece.seconds, kLeastSeconds, kMostSeconds);
    return piece;
}

Json reference_json(const database::KeptReference& r) {
    return {{"id", r.id},
            {"source", r.source},
            {"start", r.start},
            {"seconds", r.seconds},
            {"model", r.model},
            {"licence", r.licence.empty() ? Json(nullptr) : Json(r.licence)},
            {"created_at", database::iso_time(r.created)}};
}

/// The last part of what the sender called the file.
std::string file_name(const http::FormPart& file) {
    const std::string_view all = file.filename ? std::string_view(*file.filename) : std::string_view{};
    const std::string_view name = all.substr(all.find_last_of("/\\") + 1);  // npos + 1 is 0
    return name.empty() ? "sound" : printable(name, kLongestReferenceName);
}

http::Response keep(Services& services, SoundEmbedder& embedder, const database::User& user, int sound, const Piece& piece,
                    std::string source) {
    Embedded heard = embedder.embed_now(sound, piece.start, piece.seconds);
    // Of several clips the mean, brought back to unit length: the language model saw no other.
    std::vector<float> embedding = engine::normalised(std::move(heard.sound));
    if (std::all_of(embedding.begin(), embedding.end(), [](float x) { return x == 0; })) {
        throw Error(ErrorCode::internal, "the embedding model says nothing of a sound");
    }
    const database::KeptReference reference{.id = database::new_id(),
                                            .user_id = user.id,
                                            .source = std::move(source),
                                            .start = piece.start,
                                            .seconds = heard.seconds,
                                            .model = std::move(heard.model),
                                            .licence = std::move(heard.licence),
                                            .embedding = std::move(embedding),
                                            .created = database::now_ms()};
    services.likeness.add_reference(reference);
    return json_reply(reference_json(reference));
}

http::Response add(Services& services, SoundEmbedder& embedder, const http::Request& request) {
    const database::User user = user_of(services, request);
    need_embedder(services.options);
    std::vector<http::FormPart> files;
    Fields fields = Fields::of_form(request, files);
    const http::FormPart file = sound_of(fields, files, services.options);
    const Piece piece = read_piece(fields);
    fields.finish();
    const NamelessFile sound(services.options.data_folder, file.data);
    return keep(services, embedder, user, sound.number(), piece, file_name(file));
}

http::Response add_of_song(Services& services, SoundEmbedder& embedder, const http::Request& request) {
    const database::User user = user_of(services, request);
    const database::Song song = own_song(services, user, request.parameter("id"));
    need_embedder(services.options);
    Piece piece;
    if (!request.body.empty()) {
        Fields fields = Fields::of_body(request);
        piece = read_piece(fields);
        fields.finish();
    }
    std::filesystem::path file;
    try {
        file = services.library.audio_file(song, library::Format::wav, services.stopping);
    } catch (const Error& e) {
        if (e.code() != ErrorCode::not_found) throw;
        refuse(404, "Audio file not found");
    }
    const OpenFile sound(file);
    return keep(services, embedder, user, sound.number(), piece, title_of(song));
}

http::Response list(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Json items = Json::array();
    for (const auto& reference : services.likeness.references(user.id)) items.push_back(reference_json(reference));
    return json_reply({{"items", std::move(items)}, {"limit", database::Likeness::kMostReferences}});
}

http::Response remove_reference(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    if (!services.likeness.remove_reference(user.id, request.parameter("id"))) refuse(404, "Reference not found");
    return json_reply({{"message", "Reference deleted"}});
}

}  // namespace

void add_reference_endpoints(http::Router& router, Services& services, SoundEmbedder& embedder) {
    Services& s = services;
    SoundEmbedder& e = embedder;
    router.add("GET", "/api/references", [&s](const http::Request& r) { return list(s, r); });
    router.add(
        "POST", "/api/references", [&s, &e](const http::Request& r) { return add(s, e, r); }, sound_route(s));
    router.add("DELETE", "/api/references/{id}", [&s](const http::Request& r) { return remove_reference(s, r); });
    router.add("POST", "/api/songs/{id}/reference", [&s, &e](const http::Request& r) { return add_of_song(s, e, r); },
               {.lane = http::Lane::upstream});
}

}  // namespace heart::server::api
