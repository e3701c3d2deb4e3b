// What programs written for OpenAI's audio API find here: songs in place of speech. The answer comes when the song is
// finished; what takes longer than a program likes to wait is better asked of /api/generate.

#include "core/error.h"
#include "server/api/openai_reply.h"
#include "server/api/reference_wish.h"
#include "server/api/reply.h"
#include "server/api/transcriber_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <utility>

#include <sodium.h>

namespace heart::server::api {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kModel = "heartmula";
/// Requests that wait for their song at a time; each holds a thread of its lane, and the writing assistant needs some too.
constexpr int kMostWaiting = 4;

Json model_json(const char* id) {
    return {{"id", id}, {"object", "model"}, {"created", 0}, {"owned_by", "heart"}};
}

http::Response list_models(const Services& services, const http::Request& request) {
    (void)user_of(services, request);
    Json models = Json::array({model_json(kModel)});
    if (can_transcribe(services.options)) models.push_back(model_json(kTranscriptor));
    return json_reply({{"object", "list"}, {"data", models}});
}

http::Response show_model(const Services& services, const http::Request& request) {
    (void)user_of(services, request);
    const std::string& asked = request.parameter("model");
    if (asked == kTranscriptor && can_transcribe(services.options)) return json_reply(model_json(kTranscriptor));
    if (asked != kModel) refuse(404, fmt::format("No such model; this server has '{}'", kModel));
    return json_reply(model_json(kModel));
}

struct Speech {
    Fields fields;
    ReferenceWish reference;
    database::SongSettings settings;
    library::Format format = library::Format::mp3;
};

Speech speech_of(const StudioOptions& options, const http::Request& request) {
    Speech out{.fields = Fields::of_body(request)};
    database::SongSettings& s = out.settings;
    Fields& fields = out.fields;
    const std::string model = fields.text_or("model", kModel, {.most = 200});
    s.lyrics = fields.text("input");
    const auto instructions = fields.optional_text("instructions");
    s.tags = instructions ? *instructions : fields.text_or("voice", "");
    if (!fields.has("instructions") && !fields.has("voice")) fields.fault("instructions", "Field required: the song's tags");
    if (s.lyrics.size() > options.max_lyrics_bytes) {
        fields.fault("input", fmt::format("at most {} bytes of UTF-8", options.max_lyrics_bytes));
    }
    if (s.tags.size() > options.max_tags_bytes) {
        fields.fault(instructions ? "instructions" : "voice",
                     fmt::format("at most {} bytes of UTF-8", options.max_tags_bytes));
    }
    s.title = fields.text_or("title", "");
    if (s.title.size() > options.max_title_bytes) {
        fields.fault("title", fmt::format("at most {} bytes of UTF-8", options.max_title_bytes));
    }
    const std::string format = fields.choice_or("response_format", "mp3", {"mp3", "opus", "flac", "wav"});
    out.format = library::format_named(format).value_or(library::Format::mp3);
    if (fields.number_or("speed", 1.0, 0.25, 4.0) != 1.0) fields.fault("speed", "only 1 is supported");
    (void)fields.choice_or("stream_format", "audio", {"audio"});
    constexpr std::uint64_t kMostSeed = (std::uint64_t{1} << 53) - 1;  // the largest that every JSON reader keeps
    const auto seed = fields.optional_natural("seed", kMostSeed);
    s.seed = seed ? *seed : (std::uint64_t{randombytes_random()} << 21 ^ randombytes_random()) & kMostSeed;
    s.max_audio_length_ms = fields.integer_or("max_audio_length_ms", 120'000, 10'000, 240'000);
    s.temperature = fields.number_or("temperature", 1.0, 0.1, 2.0);
    s.topk = fields.integer_or("topk", 50, 1, 500);
    s.cfg_scale = fields.number_or("cfg_scale", 1.5, 1.0, 5.0);
    out.reference = read_reference_wish(fields);
    fields.finish();
    if (model != kModel) refuse(404, fmt::format("No such model; this server has '{}'", kModel));
    return out;
}

/// One of the few places where requests may wait.
class Place {
public:
    explicit Place(std::atomic<int>& taken) : taken_(taken) {
        if (taken_.fetch_add(1) >= kMostWaiting) {
            taken_.fetch_sub(1);
            http::Headers headers;
            headers.set("Retry-After", "30");
            refuse(429, "Too many songs are being waited for; /api/generate takes more and does not wait", headers);
        }
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { taken_.fetch_sub(1); }

private:
    std::atomic<int>& taken_;
};

/// Waits until the job ended. What the database says counts; the hub only says when to look.
database::Job await_end(const Services& services, const database::Job& job) {
    struct Shared {
        std::mutex mutex;
        std::condition_variable changed;
        bool news = false;
    };
    const auto shared = std::make_shared<Shared>();
    const auto subscription = services.hub.listen(job.user_id, [shared, id = job.id](const jobs::JobProgress& progress) {
        if (progress.id != id || progress.phase != jobs::JobPhase::ended) return;
        const std::lock_guard lock(shared->mutex);
        shared->news = true;
        shared->changed.notify_all();
    });
    constexpr auto kLook = std::chrono::seconds(1);
    const auto until = Clock::now() + services.options.speech_wait;
    while (true) {
        const auto now = services.jobs.by_id(job.id);
        if (!now) refuse(404, "The song was deleted while it was waited for");
        if (now->state != database::JobState::pending && now->state != database::JobState::processing) return *now;
        services.stopping.check();
        if (Clock::now() >= until) {
            refuse(504,
                   fmt::format("The song is not finished yet and goes on: GET /api/jobs/{} says how it stands", job.id));
        }
        std::unique_lock lock(shared->mutex);
        shared->changed.wait_for(lock, kLook, [&] { return shared->news; });
        shared->news = false;
    }
}

database::Job job_of(const database::User& user, database::SongSettings settings) {
    database::Job job;
    job.id = database::new_id();
    job.user_id = user.id;
    job.request_id = database::new_id();
    job.settings = std::move(settings);
    if (job.settings.title.empty()) job.settings.title = fmt::format("Generation {}", job.id.substr(0, 8));
    job.created = database::now_ms();
    return job;
}

void add_to_queue(const Services& services, const database::Job& job) {
    using Refused = database::Jobs::Refused;
    const Refused refused = services.runner.add({job});
    if (refused == Refused::no) return;
    http::Headers headers;
    headers.set("Retry-After", "30");
    if (refused == Refused::user_limit) refuse(429, "You have too many songs in the queue", headers);
    refuse(503, "The queue is full", headers);
}

http::Response speak(const Services& services, std::atomic<int>& waiting, const http::Request& request) {
    const database::User user = user_of(services, request);
    Speech speech = speech_of(services.options, request);
    const Place place(waiting);
    database::Job job = job_of(user, std::move(speech.settings));
    job.reference = reference_of_wish(services, user, speech.reference, speech.fields);
    add_to_queue(services, job);
    const database::Job ended = await_end(services, job);
    if (ended.state == database::JobState::cancelled) refuse(409, "The song was cancelled");
    const auto song = services.songs.by_id(job.id);
    if (ended.state != database::JobState::completed || !song) refuse(500, "The song could not be made: " + ended.reason);

    http::Response reply;
    reply.headers.set("Content-Type", library::media_type(speech.format));
    reply.headers.set("Cache-Control", "no-store");
    reply.headers.set("X-Heart-Song", song->id);
    reply.body = http::FileBody{.path = services.library.audio_file(*song, speech.format, services.stopping).string()};
    return reply;
}

}  // namespace

void add_openai_endpoints(http::Router& router, Services& services) {
    const Services& s = services;
    const auto waiting = std::make_shared<std::atomic<int>>(0);
    router.add("GET", "/v1/models", [&s](const http::Request& r) { return list_models(s, r); });
    router.add("GET", "/v1/models/{model}", [&s](const http::Request& r) { return show_model(s, r); });
    router.add("POST", "/v1/audio/speech", [&s, waiting](const http::Request& r) { return speak(s, *waiting, r); },
               {.lane = http::Lane::upstream});
}

}  // namespace heart::server::api
