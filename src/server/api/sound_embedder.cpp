#include "server/api/sound_embedder.h"

#include "core/error.h"
#include "engine/embedder.h"
#include "server/api/log.h"
#include "server/api/program_answer.h"
#include "server/api/reply.h"
#include "server/api/sound_upload.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace heart::server::api {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLook(500);  // for the end of songs that are being made
constexpr std::chrono::milliseconds kTick(100);

/// Somebody waits for a sound of their own.
struct GivesWay {};

}  // namespace

/// The one process that may run.
class SoundEmbedder::Turn {
public:
    /// Waits for it. `background`: lets all others go before; they do not count as people.
    Turn(SoundEmbedder& all, bool background, const Check& check) : all_(all), background_(background) {
        std::unique_lock lock(all_.mutex_);
        if (!background_) {
            if (all_.people_ >= kMostWaiting) refuse_more();
            ++all_.people_;
        }
        try {
            while (all_.running_ || (background_ && all_.people_ > 0)) {
                lock.unlock();
                check();
                lock.lock();
                all_.changed_.wait_for(lock, kTick);
            }
        } catch (...) {
            if (!lock.owns_lock()) lock.lock();
            if (!background_) --all_.people_;
            throw;
        }
        all_.running_ = true;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        {
            const std::lock_guard lock(all_.mutex_);
            all_.running_ = false;
            if (!background_) --all_.people_;
        }
        all_.changed_.notify_all();
    }

private:
    [[noreturn]] static void refuse_more() {
        http::Headers headers;
        headers.set("Retry-After", "30");
        refuse(429, "Other sounds are being listened to", headers);
    }

    SoundEmbedder& all_;
    bool background_;
};

std::string_view phase_name(SoundEmbedder::Phase phase) noexcept {
    switch (phase) {
        case SoundEmbedder::Phase::none: return "none";
        case SoundEmbedder::Phase::waiting: return "waiting";
        case SoundEmbedder::Phase::listening: return "listening";
        case SoundEmbedder::Phase::done: return "done";
        case SoundEmbedder::Phase::failed: break;
    }
    return "failed";
}

void SoundEmbedder::start() {
    wake();
}

void SoundEmbedder::stop() {
    stopping_.cancel();
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void SoundEmbedder::wake() {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_.cancelled()) return;
        news_ = true;
        if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    }
    changed_.notify_all();
}

/// What throws when the server stops, and 504 when it took too long.
SoundEmbedder::Check SoundEmbedder::check_until_late() const {
    return [this, until = Clock::now() + services_.options.speech_wait] {
        stopping_.check();
        services_.stopping.check();
        if (Clock::now() >= until) refuse(504, "It took too long");
    };
}

Embedded SoundEmbedder::embed_now(int sound, double start, double seconds) {
    const Check check = check_until_late();
    const Turn turn(*this, false, check);
    try {
        return embed(services_.options, {.sound = sound, .start = start, .seconds = seconds}, check);
    } catch (const EmbedderRefusal& refusal) {
        refuse_sound(refusal.said());
    }
}

bool SoundEmbedder::ask(const database::Song& song) {
    const auto known = services_.likeness.embedding(song.id);
    if (known && known->compared) return true;
    if (!services_.likeness.order(song.id, song.user_id, database::Likeness::Limits{})) return false;
    wake();
    return true;
}

void SoundEmbedder::job_ended(const database::Job& job) noexcept {
    try {
        if (job.state != database::JobState::completed || !can_embed(services_.options)) return;
        (void)services_.likeness.order(job.id, job.user_id, std::nullopt);
        wake();
    } catch (const std::exception& e) {  // it can be asked for
        log(LogLevel::error, "a song does not wait for its embedding", {{"song", job.id}, {"why", printable(e.what())}});
    }
}

SoundEmbedder::State SoundEmbedder::state_of(const database::Song& song) const {
    {
        const std::lock_guard lock(mutex_);
        if (at_ == song.id) return {Phase::listening, {}};
    }
    // Behind the look above: what has just been found is stored before the song is not listened to any more.
    if (const auto order = services_.likeness.order_of(song.id)) {
        return order->fault.empty() ? State{Phase::waiting, {}} : State{Phase::failed, order->fault};
    }
    const auto known = services_.likeness.embedding(song.id);
    return {known && known->compared ? Phase::done : Phase::none, {}};
}

void SoundEmbedder::work() {
    std::unique_lock lock(mutex_);
    bool look = false;  // from time to time, not only when there is news
    for (;;) {
        const auto is_time = [this] { return stopping_.cancelled() || news_; };
        if (look) changed_.wait_for(lock, kLook, is_time);
        else changed_.wait(lock, is_time);
        if (stopping_.cancelled()) return;
        news_ = false;
        lock.unlock();
        Step step = Step::not_now;
        try {
            do step = next();
            while (step == Step::done && !stopping_.cancelled());
        } catch (const std::exception& e) {  // the database is locked or the disk full: it is tried again
            log(LogLevel::error, "songs are not embedded", {{"why", printable(e.what())}});
        }
        lock.lock();
        look = step != Step::nothing_waits;
    }
}

SoundEmbedder::Step SoundEmbedder::next() {
    if (!can_embed(services_.options) || services_.stopping.cancelled() || !services_.likeness.orders_wait()) {
        return Step::nothing_waits;
    }
    using database::JobState;
    if (services_.jobs.count(JobState::pending) + services_.jobs.count(JobState::processing) > 0) return Step::not_now;
    const auto order = services_.likeness.next_order();
    if (!order) return Step::nothing_waits;
    {
        const std::lock_guard lock(mutex_);
        at_ = order->song_id;
    }
    const auto leave = [this] {
        const std::lock_guard lock(mutex_);
        at_.clear();
    };
    std::string fault;
    bool gives_way = false;
    try {
        if (order->attempts > kMostAttempts) fault = "The server stopped each time it listened to the song";
        else embed_song(order->song_id);
    } catch (const GivesWay&) {
        gives_way = true;
    } catch (const http::HttpError& e) {
        fault = e.detail();
    } catch (const std::exception& e) {
        gives_way = stopping_.cancelled() || services_.stopping.cancelled();
        if (!gives_way) {
            log(LogLevel::error, "a song was not embedded", {{"song", order->song_id}, {"why", printable(e.what())}});
        }
        fault = "The song could not be embedded";
    }
    try {
        if (gives_way) services_.likeness.put_back(order->song_id);
        else if (fault.empty()) services_.likeness.order_done(order->song_id);
        else services_.likeness.order_failed(order->song_id, fault);
    } catch (...) {
        leave();
        throw;
    }
    leave();
    return gives_way ? Step::not_now : Step::done;
}

Embedded SoundEmbedder::embed_quietly(const ToEmbed& what) {
    const Check check = check_until_late();
    const Turn turn(*this, true, check);
    return embed(services_.options, what, [&] {
        check();
        const std::lock_guard lock(mutex_);
        if (people_ > 0) throw GivesWay();
    });
}

/// A text beyond what the model reads is left out: then the answer has none.
Embedded SoundEmbedder::embed_what_fits(ToEmbed what) {
    try {
        return embed_quietly(what);
    } catch (const EmbedderRefusal& refusal) {
        if (!what.text || refusal.code() != "limit") throw;
        what.text.reset();
        return what.sound ? embed_quietly(what) : Embedded{};
    }
}

void SoundEmbedder::embed_song(const std::string& id) {
    const auto song = services_.songs.by_id(id);
    if (!song || song->deleted) return;
    const std::string& tags = song->settings.tags;
    const auto similarity = [](const std::vector<float>& sound, const std::vector<float>& text) {
        return text.empty() ? std::nullopt : std::optional(engine::similarity(sound, text));
    };
    ToEmbed what;
    if (tags.find_first_not_of(" \t\r\n") != std::string::npos) what.text = tags;
    // A song whose tags alone are others needs not be heard again, unless by another model.
    if (const auto known = services_.likeness.embedding(id)) {
        const Embedded now = what.text ? embed_what_fits(what) : Embedded{};
        if (now.text.empty() || (now.model == known->model && now.text.size() == known->values.size())) {
            (void)services_.likeness.set_embedding(id, *known, tags, similarity(known->values, now.text));
            return;
        }
    }
    const OpenFile sound(services_.library.audio_file(*song, library::Format::wav, stopping_));
    what.sound = sound.number();
    Embedded now = embed_what_fits(what);
    const auto fits = similarity(now.sound, now.text);
    (void)services_.likeness.set_embedding(id, {std::move(now.sound), now.model, true}, tags, fits);
}

}  // namespace heart::server::api
