// The lyrics of a sound, as programs written for OpenAI's audio API ask for them.

#include "core/error.h"
#include "server/api/openai_reply.h"
#include "server/api/program_answer.h"
#include "server/api/sound_upload.h"
#include "server/api/transcriber_process.h"
#include "speech/subtitles.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace heart::server::api {

namespace {

using Clock = std::chrono::steady_clock;

struct Asked {
    std::string_view sound;
    std::string format;
    std::vector<std::string> arguments;
    bool words = false;
};

Asked asked_of(const StudioOptions& options, const http::Request& request) {
    Asked out;
    std::vector<http::FormPart> files;
    Fields fields = Fields::of_form(request, files);
    out.sound = sound_of(fields, files, options).data;
    const std::string model = fields.text_or("model", kTranscriptor, {.most = 200});
    out.format = fields.choice_or("response_format", "json", {"json", "text", "srt", "vtt", "lrc", "verbose_json"});
    const std::string language = fields.text_or("language", "", {.most = 30});
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'; };
    if (!std::all_of(language.begin(), language.end(), is_letter)) fields.fault("language", "a code or an English name");
    if (!fields.text_or("prompt", "").empty()) fields.fault("prompt", "is not supported");
    if (fields.number_or("temperature", 0, 0, 1) != 0) fields.fault("temperature", "only 0 is supported");
    if (fields.bool_or("stream", false)) fields.fault("stream", "is not supported");
    if (fields.has("timestamp_granularities[]")) {
        for (const std::string& g : fields.texts("timestamp_granularities[]", 2)) {
            if (g == "word") out.words = true;
            else if (g != "segment") fields.fault("timestamp_granularities[]", "word or segment");
        }
        if (out.format != "verbose_json") fields.fault("timestamp_granularities[]", "only with verbose_json");
    }
    fields.finish();
    if (model != kTranscriptor) refuse(404, fmt::format("No such model; this server has '{}'", kTranscriptor));
    const bool timed = out.format != "json" && out.format != "text";
    out.arguments = {std::string("--timestamps=") + (out.words ? "word" : timed ? "line" : "none")};
    if (!language.empty()) out.arguments.push_back("--language=" + language);
    return out;
}

/// What the program says of the sound: a transcript, or {"error": ...}.
Json listen(const Services& services, const Asked& asked) {
    const NamelessFile file(services.options.data_folder, asked.sound);
    const auto until = Clock::now() + services.options.speech_wait;
    return run_transcriber(services.options, asked.arguments, file.number(), {}, [&] {
        services.stopping.check();
        if (Clock::now() >= until) refuse(504, "The sound takes too long; `heart transcribe` has no such limit");
    });
}

/// Whether something was heard. Throws what an error of the program is to whoever sent the sound.
bool heard_something(const Json& said) {
    if (!said.contains("error")) return true;
    const Json& error = said.at("error");
    if (error.value("code", "") == "not_found" && error.value("message", "").starts_with("no speech")) return false;
    refuse_sound(said);
}

std::vector<speech::TimedLine> lines_of(const Json& heard) {
    std::vector<speech::TimedLine> out;
    for (const Json& s : heard.at("segments")) {
        out.push_back({{s.at("text").get<std::string>(), s.at("start").get<double>(), s.at("end").get<double>()}, {}});
    }
    return out;
}

Json verbose_json(const Json& heard, bool words) {
    Json out{{"task", "transcribe"},
             {"language", heard.at("language")},
             {"duration", heard.at("seconds")},
             {"text", heard.at("text")},
             {"segments", Json::array()}};
    Json all_words = Json::array();
    for (const Json& s : heard.at("segments")) {
        out["segments"].push_back(
            {{"id", out["segments"].size()}, {"start", s.at("start")}, {"end", s.at("end")}, {"text", s.at("text")}});
        for (const Json& w : s.value("words", Json::array())) {
            all_words.push_back({{"word", w.at("word")}, {"start", w.at("start")}, {"end", w.at("end")}});
        }
    }
    if (words) out["words"] = std::move(all_words);
    return out;
}

http::Response text_reply(std::string text, const char* type) {
    http::Response reply;
    reply.headers.set("Content-Type", fmt::format("{}; charset=utf-8", type));
    reply.headers.set("Cache-Control", "no-store");
    reply.body = std::move(text);
    return reply;
}

http::Response transcribe(const Services& services, const http::Request& request) {
    (void)user_of(services, request);
    if (!can_transcribe(services.options)) {
        refuse(501, "This server has no HeartTranscriptor; an administrator can download it");
    }
    const Asked asked = asked_of(services.options, request);
    Json heard = listen(services, asked);
    if (!heard_something(heard)) heard = {{"text", ""}, {"language", ""}, {"seconds", 0}, {"segments", Json::array()}};
    std::string text = heard.at("text").get<std::string>();
    text.erase(0, text.find_first_not_of(' '));
    heard["text"] = text;
    if (asked.format == "json") return json_reply({{"text", text}});
    if (asked.format == "verbose_json") return json_reply(verbose_json(heard, asked.words));
    if (asked.format == "text") return text_reply(text + "\n", "text/plain");
    const auto lines = lines_of(heard);
    if (asked.format == "srt") return text_reply(to_srt(lines), "application/x-subrip");
    if (asked.format == "vtt") return text_reply(to_vtt(lines), "text/vtt");
    return text_reply(to_lrc(lines), "text/plain");
}

}  // namespace

void add_transcription_endpoint(http::Router& router, Services& services) {
    const Services& s = services;
    router.add(
        "POST", "/v1/audio/transcriptions", [&s](const http::Request& r) { return transcribe(s, r); }, sound_route(s));
}

}  // namespace heart::server::api
