// When each line of a song is sung, for pages that show lyrics as they are heard, and for players as LRC.

#include "server/api/files.h"
#include "server/api/library_endpoints.h"
#include "server/api/lyrics_timer.h"
#include "server/api/reply.h"
#include "server/api/transcriber_process.h"
#include "server/http/request_parts.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace heart::server::api {

namespace {

Json state_json(const LyricsTimer::State& state) {
    Json lines = Json::array();
    for (const LyricsTime& l : state.lines) {
        lines.push_back({{"line", l.line}, {"text", l.sung.text}, {"start", l.sung.start}, {"end", l.sung.end}});
    }
    return {{"state", phase_name(state.phase)},
            {"reason", state.fault.empty() ? Json(nullptr) : Json(state.fault)},
            {"lines", std::move(lines)}};
}

http::Response timings(const Services& services, const LyricsTimer& timer, const http::Request& request) {
    const database::User user = user_of(services, request);
    Fields fields = Fields::of_query(request);
    const std::string format = fields.choice_or("format", "json", {"json", "lrc", "srt", "vtt"});
    fields.finish();
    const database::Song song = own_song(services, user, request.parameter("id"));
    const LyricsTimer::State state = timer.state_of(song);
    if (format == "json") return json_reply(state_json(state));
    if (state.phase != LyricsTimer::Phase::done) refuse(404, "The song's lines have no times yet");
    std::vector<speech::TimedLine> lines;
    for (const LyricsTime& l : state.lines) lines.push_back({l.sung, {}});
    http::Response reply;
    reply.headers.set("Content-Type", format == "vtt"   ? "text/vtt; charset=utf-8"
                                      : format == "srt" ? "application/x-subrip; charset=utf-8"
                                                        : "text/plain; charset=utf-8");
    reply.headers.set("Content-Disposition", http::content_disposition(title_of(song) + "." + format));
    reply.body = format == "vtt" ? to_vtt(lines) : format == "srt" ? to_srt(lines) : to_lrc(lines);
    return reply;
}

http::Response find_timings(const Services& services, LyricsTimer& timer, const http::Request& request) {
    const database::User user = user_of(services, request);
    const database::Song song = own_song(services, user, request.parameter("id"));
    if (!can_transcribe(services.options)) {
        refuse(501, "This server has no HeartTranscriptor; an administrator can download it");
    }
    if (song.settings.lyrics.find_first_not_of(" \t\r\n") == std::string::npos) refuse(400, "The song has no lyrics");
    if (!timer.ask(song)) refuse(429, "Too many songs wait for their times");
    return json_reply(state_json(timer.state_of(song)));
}

}  // namespace

void add_timing_endpoints(http::Router& router, Services& services) {
    const Services& s = services;
    const auto timer = std::make_shared<LyricsTimer>(services);
    router.add("GET", "/api/songs/{id}/timings", [&s, timer](const auto& r) { return timings(s, *timer, r); });
    router.add("POST", "/api/songs/{id}/timings", [&s, timer](const auto& r) { return find_timings(s, *timer, r); });
}

}  // namespace heart::server::api
