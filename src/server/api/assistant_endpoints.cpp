#include "server/api/reply.h"

namespace heart::server::api {

namespace {

http::Response write_song(const Services& services, const http::Request& request) {
    (void)user_of(services, request);
    Fields fields = Fields::of_body(request);
    const std::string prompt = fields.text("prompt", {.most = 10'000});
    const std::string language = fields.text_or("language", "english", {.most = 100});
    fields.finish();
    const assistant::SongDraft draft = services.assistant.write_song(prompt, language, services.stopping);
    return json_reply({{"title", draft.title}, {"tags", draft.tags}, {"lyrics", draft.lyrics}});
}

http::Response draw_cover(const Services& services, const http::Request& request) {
    (void)user_of(services, request);
    Fields fields = Fields::of_body(request);
    const std::string title = fields.text("title", {.most = 1000});
    const std::string tags = fields.text("tags", {.most = 2000});
    (void)fields.text_or("lyrics_preview", "");  // of the contract, and without effect
    const std::string style = fields.text_or("style", "album cover art", {.most = 500});
    fields.finish();
    const assistant::Picture picture = services.assistant.draw_cover(title, tags, style, services.stopping);
    return json_reply({{"image_base64", picture.image_base64}, {"prompt_used", picture.prompt_used}});
}

}  // namespace

void add_assistant_endpoints(http::Router& router, Services& services) {
    const http::RouteOptions waits{.lane = http::Lane::upstream};
    router.add(
        "POST", "/api/ai/lyrics", [&services](const auto& r) { return write_song(services, r); }, waits);
    router.add(
        "POST", "/api/ai/thumbnail", [&services](const auto& r) { return draw_cover(services, r); }, waits);
}

}  // namespace heart::server::api
