#include "server/studio_fixture.h"

#include "audio/png.h"
#include "core/error.h"
#include "server/api/files.h"
#include "server/http/request_parts.h"
#include "server/jobs/job_reference.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include <unistd.h>

namespace heart::test {

namespace fs = std::filesystem;
using namespace server;

namespace {

audio::Waveform half_a_second() {
    audio::Waveform wave;
    wave.sample_rate = 48'000;
    wave.channels.assign(2, std::vector<float>(24'000));
    for (std::size_t i = 0; i < wave.channels[0].size(); ++i) {
        wave.channels[0][i] = wave.channels[1][i] = 0.3F * std::sin(static_cast<float>(i) * 0.05F);
    }
    return wave;
}

std::string text_of(const http::Response& response) {
    if (const auto* text = std::get_if<std::string>(&response.body)) return *text;
    if (const auto* file = std::get_if<http::FileBody>(&response.body)) {
        std::ifstream in(file->path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    return {};
}

}  // namespace

jobs::MadeSong FakeMaker::make(const database::Job& job, const fs::path& journal, const jobs::MakeHooks& hooks,
                               const CancelToken& cancel) {
    std::unique_lock lock(mutex_);
    while (held_) {
        cancel.check();
        changed_.wait_for(lock, std::chrono::milliseconds(5));
    }
    lock.unlock();
    cancel.check();
    std::ofstream(journal) << "codes";
    if (job.settings.lyrics == "fail") throw Error(ErrorCode::memory, "not enough memory for this song");
    if (hooks.progress) hooks.progress({Phase::frames, 6, 6, 0.5});
    jobs::MadeSong made{.wave = half_a_second(), .frames = 6, .recipe = {{"seed", std::to_string(job.settings.seed)}}};
    if (const auto reference = jobs::reference_in(job.reference)) {
        for (auto& setting : engine::reference_settings(*reference)) made.recipe.push_back(std::move(setting));
    }
    return made;
}

void FakeMaker::hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
}

void FakeMaker::release() {
    {
        const std::lock_guard lock(mutex_);
        held_ = false;
    }
    changed_.notify_all();
}

std::string Answer::detail() const {
    const auto said = api::Json::parse(text, nullptr, false);
    return said.is_object() && said.contains("detail") && said["detail"].is_string() ? said["detail"].get<std::string>()
                                                                                     : "";
}

StudioRooms::StudioRooms(const std::function<void(api::StudioOptions&)>& change) {
    std::string pattern = (fs::temp_directory_path() / "heart-studio-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = pattern;
    options.data_folder = folder;
    options.models_folder = folder / "ckpt";
    if (change) change(options);
    database = std::make_unique<database::Database>(folder / "heartmula.db");
    accounts = std::make_unique<accounts::Accounts>(*database, accounts::SigningKey(std::string(32, 'k')), options.accounts);
    library = std::make_unique<library::Library>(folder);
    assistant = std::make_unique<assistant::Assistant>(options.assistant);
    hub = std::make_unique<jobs::ProgressHub>();
    jobs::RunnerOptions runs;
    runs.journals = api::journal_folder(options);
    runs.limits = options.queue;
    runner = std::make_unique<jobs::Runner>(*database, *library, maker, *hub, runs);
    services.reset(new api::Services{options, *database, database::Users(*database), database::Jobs(*database),
                                     database::Songs(*database), database::Ledger(*database), database::Likeness(*database),
                                     *accounts, *library, *assistant, maker, *hub, *runner, metrics, stopping,
                                     [] { return http::ServerCounters{}; }});
    embedder = std::make_unique<api::SoundEmbedder>(*services);
    runner->on_ended([this](const database::Job& job) { embedder->job_ended(job); });
    api::add_account_endpoints(router, *services);
    api::add_queue_endpoints(router, *services);
    api::add_progress_endpoints(router, *services);
    api::add_history_endpoints(router, *services);
    api::add_library_endpoints(router, *services);
    api::add_assistant_endpoints(router, *services);
    api::add_admin_endpoints(router, *services);
    api::add_model_endpoints(router, *services);
    api::add_webhook_endpoints(router, *services);
    api::add_openai_endpoints(router, *services);
    api::add_transcription_endpoint(router, *services);
    api::add_reference_endpoints(router, *services, *embedder);
    api::add_likeness_endpoints(router, *services, *embedder);
    api::add_status_endpoints(router, *services);
    api::add_document_endpoints(router, *services);
}

StudioRooms::~StudioRooms() {
    stopping.cancel();
    maker.release();
    runner->stop();
    embedder->stop();
    router = {};  // and with it what endpoints have running, as a server does that goes
    embedder.reset();
    services.reset();
    runner.reset();
    database.reset();
    std::error_code none;
    fs::remove_all(folder, none);
}

database::TimeMs StudioRooms::next_time() {
    last_time_ = std::max(last_time_ + 1, database::now_ms());
    return last_time_;
}

database::User StudioRooms::add_user(const std::string& name) {
    database::User user;
    user.id = database::new_id();
    user.username = name;
    user.email = name + "@example.org";
    user.password_hash = "-";
    user.created = next_time();
    EXPECT_EQ(services->users.add(user).taken, database::Taken::no);
    return user;
}

std::string StudioRooms::token_of(const database::User& user) {
    const auto now = services->users.by_id(user.id);
    return accounts::sign_token(
        accounts->key(),
        {.subject = user.id, .expires = database::now_ms() / 1000 + 3600, .generation = now ? now->token_generation : 0});
}

database::Song StudioRooms::add_song(const database::User& user, const std::string& title, bool files) {
    database::Song song;
    song.id = database::new_id();
    song.user_id = user.id;
    song.request_id = song.id;
    song.settings.title = title;
    song.settings.lyrics = "[Verse]\nrain on the window";
    song.settings.tags = "piano,calm";
    song.settings.seed = 42;
    song.duration_ms = 500;
    song.frames = 6;
    song.recipe = R"({"seed":"42","topk":"50"})";
    song.created = next_time();
    if (files) {
        library->keep(song, half_a_second(), {{"seed", "42"}}, stopping);
    } else {
        song.audio_path = "audio/" + song.id + ".wav";
    }
    services->songs.add(song);
    return song;
}

database::Job StudioRooms::add_job(const database::User& user, const std::string& lyrics) {
    database::Job job;
    job.id = database::new_id();
    job.user_id = user.id;
    job.request_id = job.id;
    job.settings.title = "A job";
    job.settings.lyrics = lyrics;
    job.settings.tags = "pop";
    job.created = next_time();
    EXPECT_EQ(runner->add({job}), database::Jobs::Refused::no);
    return job;
}

database::JobState StudioRooms::await_end(const std::string& id) {
    auto state = database::JobState::pending;
    EXPECT_TRUE(comes_true([&] {
        const auto job = services->jobs.by_id(id);
        if (job) state = job->state;
        return state != database::JobState::pending && state != database::JobState::processing;
    }));
    return state;
}

Answer StudioRooms::ask(std::string_view method, const std::string& target, const std::string& token, std::string body,
                        const http::Headers& headers) {
    http::Request request;
    request.method = method;
    request.id = "0123456789abcdef";
    request.remote_address = "203.0.113.7";
    request.headers = headers;
    if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
    request.body = std::move(body);
    http::Response response;
    try {
        auto parts = http::parse_target(target);
        if (!parts) throw http::HttpError(400, "not a target");
        request.path = std::move(parts->path);
        request.query = std::move(parts->query);
        const http::Router::Match match = router.find(method, request.path);
        if (match.handler == nullptr) throw http::HttpError(match.allowed.empty() ? 404 : 405, "no such route");
        request.parameters = match.parameters;
        const std::size_t most = match.options.max_body > 0 ? match.options.max_body : options.http.limits.body_bytes;
        std::shared_ptr<void> admission;
        if (match.options.admit) admission = match.options.admit(request);
        if (request.body.size() > most) throw http::HttpError(413, "too large");
        response = (*match.handler)(request);
    } catch (...) {
        response = api::error_reply(request, std::current_exception());
    }
    return {response.status, response.headers, text_of(response)};
}

bool comes_true(const std::function<bool()>& condition, std::chrono::milliseconds most) {
    const auto until = std::chrono::steady_clock::now() + most;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

std::string small_png() {
    const auto bytes = audio::encode_png(audio::Image(16, 16, {200, 30, 90}));
    return {bytes.begin(), bytes.end()};
}

}  // namespace heart::test
