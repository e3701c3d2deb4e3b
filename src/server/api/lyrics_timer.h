#pragma once

#include "core/cancel.h"
#include "server/api/services.h"
#include "speech/subtitles.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace heart::server::api {

/// A sung line, and which line of the lyrics it is, from 0.
struct LyricsTime {
    std::size_t line = 0;
    speech::TimedText sung;
};

/// Finds out when the lines of songs are sung, by the transcriptor, on a thread of its own, one song after the other.
/// What it found is in the database; what waits is forgotten when the process ends. From any thread.
class LyricsTimer {
public:
    enum class Phase { none, waiting, listening, done, failed };
    struct State {
        Phase phase = Phase::none;
        std::string fault;              ///< one line for people; of failed
        std::vector<LyricsTime> lines;  ///< of done, in the order of the lyrics
    };
    /// Songs of one user, and of all, that may wait.
    static constexpr std::size_t kMostOfUser = 20, kMost = 200;

    explicit LyricsTimer(Services& services) : services_(services) {}
    LyricsTimer(const LyricsTimer&) = delete;
    LyricsTimer& operator=(const LyricsTimer&) = delete;
    ~LyricsTimer();  ///< stops

    /// Puts the song behind those that wait, unless its lines have their times or it is there already. False when too many
    /// wait.
    bool ask(const database::Song& song);
    [[nodiscard]] State state_of(const database::Song& song) const;

private:
    struct Order {
        std::string song, user;
    };

    void work();
    void time(const std::string& song);

    Services& services_;
    CancelToken stopping_;
    mutable std::mutex mutex_;  // of the following
    std::condition_variable changed_;
    std::deque<Order> waiting_;
    std::optional<Order> at_;                    ///< the one that is listened to
    std::map<std::string, std::string> faults_;  ///< by song, of the latest tries
    std::thread thread_;
};

/// "none", "waiting", ...
[[nodiscard]] std::string_view phase_name(LyricsTimer::Phase phase) noexcept;

}  // namespace heart::server::api
