#pragma once

#include "core/cancel.h"
#include "server/api/embedder_process.h"
#include "server/api/services.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace heart::server::api {

/// Finds out where sounds are in the embedding model's space, by one process at a time: sounds that somebody waits for, and
/// before those nothing; songs in the background, when no song is being made or waits for it. Which songs wait is in the
/// database, and what was found for them; so a restart forgets nothing. From any thread.
class SoundEmbedder {
public:
    enum class Phase { none, waiting, listening, done, failed };
    struct State {
        Phase phase = Phase::none;
        std::string fault;  ///< one line for people; of failed
    };
    /// Requests that wait for a sound at a time: each holds a thread of its lane.
    static constexpr int kMostWaiting = 3;
    /// Starts for one song whose process did not live to say how they ended.
    static constexpr int kMostAttempts = 3;

    explicit SoundEmbedder(Services& services) : services_(services) {}
    SoundEmbedder(const SoundEmbedder&) = delete;
    SoundEmbedder& operator=(const SoundEmbedder&) = delete;
    ~SoundEmbedder() { stop(); }

    /// Goes on with songs that an earlier process left.
    void start();
    /// Ends what runs; the song at hand waits again.
    void stop();

    /// Waits for the piece of an open file. Throws HttpError: 429 when too many wait, 504 after StudioOptions::speech_wait,
    /// 400 for what is no sound or ends before the piece; ErrorCode::cancelled when the server stops.
    [[nodiscard]] Embedded embed_now(int sound, double start, double seconds);

    /// Puts the song behind those that wait, unless it was embedded and compared with its tags, or is there already. False
    /// when too many wait.
    bool ask(const database::Song& song);
    [[nodiscard]] State state_of(const database::Song& song) const;
    /// Behind the end of a job: a song that was made waits for its embedding, where there is a model.
    void job_ended(const database::Job& job) noexcept;

private:
    using Check = std::function<void()>;
    class Turn;
    enum class Step { nothing_waits, not_now, done };

    void wake();
    void work();
    [[nodiscard]] Step next();
    /// Throws what is wrong with it; EmbedderRefusal.
    void embed_song(const std::string& id);
    [[nodiscard]] Embedded embed_quietly(const ToEmbed& what);
    [[nodiscard]] Embedded embed_what_fits(ToEmbed what);
    [[nodiscard]] Check check_until_late() const;

    Services& services_;
    CancelToken stopping_;
    mutable std::mutex mutex_;  // of the following
    std::condition_variable changed_;
    bool news_ = false;  ///< songs may wait
    std::string at_;     ///< the song that is listened to
    bool running_ = false;
    int people_ = 0;  ///< who wait, the one whose sound is listened to among them
    std::thread thread_;
};

/// "none", "waiting", ...
[[nodiscard]] std::string_view phase_name(SoundEmbedder::Phase phase) noexcept;

}  // namespace heart::server::api
