#pragma once

#include "server/database/jobs.h"
#include "server/database/ledger.h"
#include "server/database/songs.h"
#include "server/jobs/live_song.h"
#include "server/jobs/progress_hub.h"
#include "server/jobs/song_maker.h"
#include "server/library/library.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace heart::server::jobs {

struct RunnerOptions {
    std::filesystem::path journals;  ///< folder of the journals of codes, "<id>.codes"; those of finished songs stay
    int most_attempts = 3;           ///< a job that was started so often and never ended is parked as failed
    database::Jobs::Limits limits;
};

/// For metrics.
struct RunnerCounters {
    std::uint64_t completed = 0, failed = 0, cancelled = 0, resumed = 0;
    double song_seconds = 0, work_seconds = 0;  ///< of audio made, and of making it
    double ms_per_frame = 0;                    ///< of the song made last, or being made
};

/// Takes jobs from the durable queue, one after the other, and makes songs of them on a thread of its own, which gives way
/// to threads that answer requests. Needs no sockets.
class Runner {
public:
    /// All must outlive the runner.
    Runner(database::Database& database, library::Library& library, SongMaker& maker, ProgressHub& hub,
           RunnerOptions options);
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    ~Runner();  ///< stops, as stop() does

    /// Recovers what an earlier process left and begins to work.
    void start();
    /// Puts the job at hand back with its journal and returns when the thread has ended.
    void stop();

    /// Adds jobs, all or none, and reports that they wait.
    [[nodiscard]] database::Jobs::Refused add(std::vector<database::Job> jobs);
    /// False when there is nothing to cancel. A job that runs ends within a frame.
    bool cancel(const database::Job& job);
    [[nodiscard]] database::Jobs::Refused retry(const database::Job& job);
    bool move_before(const database::Job& job, const std::optional<std::string>& other);

    /// The sound of the job at hand.
    [[nodiscard]] std::shared_ptr<LiveSong> live(std::string_view id) const;
    [[nodiscard]] RunnerCounters counters() const;
    [[nodiscard]] std::optional<std::string> current() const;  ///< id of the job at hand

    /// Called behind the end of a job, to be set before start(). A hint for who cannot wait: what must not be missed is in
    /// database::Jobs::unannounced().
    void on_ended(std::function<void(const database::Job&)> call);

private:
    class Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace heart::server::jobs
