#include "server/api/lyrics_timer.h"

#include "core/error.h"
#include "server/api/log.h"
#include "server/api/sound_upload.h"
#include "server/api/transcriber_process.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace heart::server::api {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMostFaults = 1000;

std::string_view trimmed_line(std::string_view line) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t first = line.find_first_not_of(kSpace);
    return first == std::string_view::npos ? std::string_view{}
                                           : line.substr(first, line.find_last_not_of(kSpace) - first + 1);
}

/// Gives each line that was heard its number in the lyrics: the lines in order, but for section markers and empty ones.
Json numbered(const Json& heard, std::string_view lyrics) {
    Json out = Json::array();
    auto next = heard.begin();
    std::size_t number = 0;
    for (std::size_t at = 0; at <= lyrics.size() && next != heard.end(); ++number) {
        const std::size_t end = std::min(lyrics.find('\n', at), lyrics.size());
        const std::string_view line = trimmed_line(lyrics.substr(at, end - at));
        at = end + 1;
        if (line.empty() || line != next->at("text").get_ref<const std::string&>()) continue;
        out.push_back({{"line", number}, {"text", line}, {"start", next->at("start")}, {"end", next->at("end")}});
        ++next;
    }
    if (next != heard.end()) throw Error(ErrorCode::internal, "the lines that were timed are not those of the lyrics");
    return out;
}

std::vector<LyricsTime> lines_of(const std::string& stored) {
    std::vector<LyricsTime> out;
    for (const Json& l : Json::parse(stored)) {
        out.push_back({l.at("line").get<std::size_t>(),
                       {l.at("text").get<std::string>(), l.at("start").get<double>(), l.at("end").get<double>()}});
    }
    return out;
}

}  // namespace

std::string_view phase_name(LyricsTimer::Phase phase) noexcept {
    switch (phase) {
        case LyricsTimer::Phase::none: return "none";
        case LyricsTimer::Phase::waiting: return "waiting";
        case LyricsTimer::Phase::listening: return "listening";
        case LyricsTimer::Phase::done: return "done";
        case LyricsTimer::Phase::failed: break;
    }
    return "failed";
}

LyricsTimer::~LyricsTimer() {
    stopping_.cancel();
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool LyricsTimer::ask(const database::Song& song) {
    if (services_.songs.timings(song.id)) return true;
    const std::lock_guard lock(mutex_);
    const auto same = [&](const Order& order) { return order.song == song.id; };
    if ((at_ && same(*at_)) || std::any_of(waiting_.begin(), waiting_.end(), same)) return true;
    const auto of_user =
        std::count_if(waiting_.begin(), waiting_.end(), [&](const Order& order) { return order.user == song.user_id; });
    if (waiting_.size() >= kMost || static_cast<std::size_t>(of_user) >= kMostOfUser) return false;
    waiting_.push_back({song.id, song.user_id});
    faults_.erase(song.id);
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    changed_.notify_all();
    return true;
}

LyricsTimer::State LyricsTimer::state_of(const database::Song& song) const {
    std::string fault;
    {
        const std::lock_guard lock(mutex_);
        if (at_ && at_->song == song.id) return {Phase::listening, {}, {}};
        for (const Order& order : waiting_) {
            if (order.song == song.id) return {Phase::waiting, {}, {}};
        }
        const auto known = faults_.find(song.id);
        if (known != faults_.end()) fault = known->second;
    }
    // Behind the look above: what has just been found is stored before the song is not listened to any more.
    if (const auto stored = services_.songs.timings(song.id)) return {Phase::done, {}, lines_of(*stored)};
    if (!fault.empty()) return {Phase::failed, fault, {}};
    return {};
}

void LyricsTimer::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_.cancelled() || !waiting_.empty(); });
        if (stopping_.cancelled() || services_.stopping.cancelled()) return;
        at_ = std::move(waiting_.front());
        waiting_.pop_front();
        const std::string song = at_->song;
        lock.unlock();
        std::string fault;
        try {
            time(song);
        } catch (const http::HttpError& e) {
            fault = e.detail();
        } catch (const std::exception& e) {
            if (!stopping_.cancelled() && !services_.stopping.cancelled()) {
                log(LogLevel::error, "lyrics were not timed", {{"song", song}, {"why", printable(e.what())}});
            }
            fault = "The transcriptor failed";
        }
        lock.lock();
        at_.reset();
        if (!fault.empty()) {
            if (faults_.size() >= kMostFaults) faults_.clear();  // they are told again after the next try
            faults_[song] = fault;
        }
    }
}

void LyricsTimer::time(const std::string& id) {
    const auto song = services_.songs.by_id(id);
    if (!song || song->deleted) return;
    const OpenFile sound(services_.library.audio_file(*song, library::Format::wav, stopping_));
    const auto until = Clock::now() + services_.options.speech_wait;
    const Json said =
        run_transcriber(services_.options, {"--align=-", "--format=json"}, sound.number(), song->settings.lyrics, [&] {
            stopping_.check();
            services_.stopping.check();
            if (Clock::now() >= until) throw http::HttpError(504, "It took too long");
        });
    if (said.contains("error")) {
        throw Error(ErrorCode::internal, "the transcriptor refuses the song")
            .found(said.at("error").value("message", "nothing"));
    }
    // Lyrics that were changed meanwhile have other lines.
    (void)services_.songs.set_timings(id, song->settings.lyrics, numbered(said.at("lines"), song->settings.lyrics).dump());
}

}  // namespace heart::server::api
