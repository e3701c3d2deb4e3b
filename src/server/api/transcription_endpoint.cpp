// The lyrics of a sound, as programs written for OpenAI's audio API ask for them.

#include "core/error.h"
#include "server/api/openai_reply.h"
#include "server/api/transcriber_process.h"
#include "speech/subtitles.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace heart::server::api {

namespace {

using Clock = std::chrono::steady_clock;

/// Sounds that are taken in or listened to at a time: each has its body in memory and a thread that waits for it.
constexpr int kMostSounds = 2;
/// For what stands around the sound in its form.
constexpr std::size_t kFormBytes = std::size_t{64} << 10;

/// Lets a request send its sound: who has no token is refused before, and so is who is one too many. Looks at the token
/// only, since nothing may wait here; the handler looks at the user.
std::shared_ptr<void> admit(const Services& services, const std::shared_ptr<std::atomic<int>>& taken,
                            const http::Request& request) {
    const auto token = bearer_token(request);
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    if (!token || !accounts::verify_token(services.accounts.key(), *token, now.count())) {
        http::Headers headers;
        headers.set("WWW-Authenticate", "Bearer");
        refuse(401, token ? "Invalid or expired token" : "Not authenticated", headers);
    }
    if (taken->fetch_add(1) >= kMostSounds) {
        taken->fetch_sub(1);
        http::Headers headers;
        headers.set("Retry-After", "10");
        refuse(429, "Other sounds are being transcribed", headers);
    }
    return {nullptr, [taken](void*) { taken->fetch_sub(1); }};
}

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
    if (files.size() == 1 && files[0].name == "file") {
        out.sound = files[0].data;
        if (out.sound.empty()) fields.fault("file", "the file is empty");
        if (out.sound.size() > options.max_sound_bytes) {
            fields.fault("file", fmt::format("at most {} bytes", options.max_sound_bytes));
        }
    } else {
        fields.fault("file", "exactly one file, in the field 'file'");
    }
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

/// An open file that has no name, with these bytes.
class NamelessFile {
public:
    NamelessFile(const std::filesystem::path& folder, std::string_view bytes) {
        std::string name = (folder / "sound-XXXXXX").string();
        number_ = ::mkostemp(name.data(), O_CLOEXEC);
        if (number_ < 0) fail();
        ::unlink(name.c_str());
        while (!bytes.empty()) {
            const ssize_t n = ::write(number_, bytes.data(), bytes.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) fail();
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    NamelessFile(const NamelessFile&) = delete;
    NamelessFile& operator=(const NamelessFile&) = delete;
    ~NamelessFile() { close(); }
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    void close() noexcept {
        if (number_ >= 0) ::close(number_);
    }
    [[noreturn]] void fail() {
        const int error = errno;
        close();
        throw Error(ErrorCode::io, "cannot keep the sound").found(std::generic_category().message(error));
    }
    int number_ = -1;
};

/// What the program says of the sound: a transcript, or {"error": ...}.
Json listen(const Services& services, const Asked& asked) {
    const NamelessFile file(services.options.data_folder, asked.sound);
    const auto until = Clock::now() + services.options.speech_wait;
    return run_transcriber(services.options, asked.arguments, file.number(), {}, [&] {
        services.stopping.check();
        if (Clock::now() >= until) refuse(504, "The sound takes too long; `heart transcribe` has no such limit");
    });
}

/// Throws what an error of the program is to whoever sent the sound.
void check_heard(const Json& said) {
    if (!said.contains("error")) return;
    const Json& error = said.at("error");
    const std::string code = error.value("code", "internal"), message = error.value("message", "");
    if (code == "not_found" && message.starts_with("no speech")) return;
    // The name of the file says nothing outside of that process.
    if (code == "malformed" || code == "unsupported") refuse(400, "The file is no sound that can be read");
    if (code == "usage" || code == "limit")
        refuse(400, message + (error.contains("found") ? ": " + error.value("found", "") : ""));
    throw Error(ErrorCode::internal, "the transcribing process failed: " + message);
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
    check_heard(heard);
    if (heard.contains("error")) heard = {{"text", ""}, {"language", ""}, {"seconds", 0}, {"segments", Json::array()}};
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
    const auto taken = std::make_shared<std::atomic<int>>(0);
    router.add("POST", "/v1/audio/transcriptions", [&s](const http::Request& r) { return transcribe(s, r); },
               {.max_body = s.options.max_sound_bytes + kFormBytes,
                .lane = http::Lane::upstream,
                .admit = [&s, taken](const http::Request& r) { return admit(s, taken, r); }});
}

}  // namespace heart::server::api
