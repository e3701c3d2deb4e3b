#include "server/jobs/runner.h"

#include "core/cancel.h"
#include "core/elapsed.h"
#include "core/error.h"

#include <fmt/format.h>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

namespace heart::server::jobs {

using database::Job;
using database::JobState;
using Clock = std::chrono::steady_clock;

namespace {

constexpr double kFrameSeconds = 0.08;
constexpr std::chrono::seconds kLook(2);  // for jobs that something else put into the database
constexpr std::int64_t kFramesPerReport = 10;
constexpr std::chrono::milliseconds kReportEvery(250);

/// Frames that the contract counts for a request.
std::int64_t total_frames(const Job& job) {
    return job.settings.max_audio_length_ms / 80;
}

/// Lets threads that answer requests go first; threads that this one starts do the same.
void give_way() {
    constexpr int kNicer = 5;
    // On Linux a thread has a priority of its own. Where that is refused songs are made all the same.
    const auto self = static_cast<id_t>(::syscall(SYS_gettid));
    (void)::setpriority(PRIO_PROCESS, self, ::getpriority(PRIO_PROCESS, self) + kNicer);
}

JobProgress progress_of(const Job& job) {
    JobProgress out;
    out.id = job.id;
    out.user_id = job.user_id;
    out.state = job.state;
    out.total_frames = total_frames(job);
    return out;
}

/// What the engine says about the job at hand, as what listeners hear: not every frame, and with a guess at the end.
class Reporter {
public:
    Reporter(const Job& job, ProgressHub& hub) : hub_(hub), news_(progress_of(job)) {
        news_.state = JobState::processing;
        tell(JobPhase::loading, "Starting generation...");
    }

    void hear(const Progress& p) {
        switch (p.phase) {
            case Phase::frames: frame(p); break;
            case Phase::load_codec:
            case Phase::decode:
                news_.rendered_seconds = std::max(news_.rendered_seconds, p.audio_seconds);
                news_.eta_seconds.reset();
                if (is_time(news_.phase < JobPhase::rendering)) tell(JobPhase::rendering, "Decoding audio...");
                break;
            default: break;  // loading and reading the prompt: said already
        }
    }

    void tell(JobPhase phase, std::string message) {
        news_.phase = phase;
        news_.message = std::move(message);
        told_ = Clock::now();
        hub_.report(news_);
    }

    void end(JobState state, std::string message) {
        news_.state = state;
        news_.eta_seconds.reset();
        tell(JobPhase::ended, std::move(message));
    }

    [[nodiscard]] double ms_per_frame() const noexcept { return ms_per_frame_; }

private:
    bool is_time(bool at_once) const { return at_once || Clock::now() - told_ >= kReportEvery; }

    void frame(const Progress& p) {
        const auto now = static_cast<std::int64_t>(p.done);
        if (first_ == 0) {
            first_ = now;
            since_ = Clock::now();
        } else if (now > first_) {
            ms_per_frame_ = seconds_since(since_) * 1000 / static_cast<double>(now - first_);
            const double left = p.total - p.done;
            news_.eta_seconds = left * ms_per_frame_ / 1000;
        }
        const std::int64_t counted = std::min(now, news_.total_frames);  // the model may have one frame more than was asked
        const bool is_first = news_.phase < JobPhase::composing;
        if (!is_time(is_first || counted - news_.progress >= kFramesPerReport)) return;
        news_.progress = counted;
        news_.composed_seconds = static_cast<double>(now) * kFrameSeconds;
        news_.rendered_seconds = std::max(news_.rendered_seconds, p.rendered_seconds);
        tell(JobPhase::composing, fmt::format("Generating frame {}/{}", counted, news_.total_frames));
    }

    ProgressHub& hub_;
    JobProgress news_;
    Clock::time_point told_, since_;
    std::int64_t first_ = 0;
    double ms_per_frame_ = 0;
};

}  // namespace

class Runner::Inside {
public:
    Inside(database::Database& db, library::Library& songs_files, SongMaker& maker, ProgressHub& progress,
           RunnerOptions given)
        : jobs(db), songs(db), library(songs_files), song_maker(maker), hub(progress), options(std::move(given)) {}

    void run();
    void make(Job& job, Reporter& reporter);
    void work_on(Job& job, Reporter& reporter, const CancelToken& token);
    void end(Job& job, Reporter& reporter, JobState state, const std::string& reason, const std::string& message);
    [[nodiscard]] bool make_next();
    void settle();
    void report_waiting();
    void tidy_journals();
    [[nodiscard]] std::filesystem::path journal_of(std::string_view id) const {
        return options.journals / (std::string(id) + ".codes");
    }
    void report_and_wake() {
        report_waiting();
        {
            const std::lock_guard lock(mutex);
            woken = true;
        }
        changed.notify_all();
    }

    database::Jobs jobs;
    database::Songs songs;
    library::Library& library;
    SongMaker& song_maker;
    ProgressHub& hub;
    RunnerOptions options;
    std::function<void(const Job&)> ended_call;

    mutable std::mutex mutex;
    std::condition_variable changed;
    bool stopping = false, woken = false;
    // The job at hand; empty without one.
    std::string current;
    std::shared_ptr<CancelToken> cancel;
    std::shared_ptr<LiveSong> live;
    RunnerCounters counters;
    /// The queue changes, and listeners are told so, under one lock: nobody hears of a change after a later one.
    std::mutex queue_mutex;
    struct Unsettled {
        std::string id;
        JobState state;
        std::string reason;
    };
    std::vector<Unsettled> unsettled;  ///< ends that the database could not take yet; of the runner's thread

    std::thread thread;
};

void Runner::Inside::run() {
    give_way();
    for (;;) {
        bool made = false;
        try {
            settle();
            made = make_next();
        } catch (const std::exception&) {  // the database is locked or the disk full: it is tried again
        }
        std::unique_lock lock(mutex);
        if (!made) changed.wait_for(lock, kLook, [&] { return stopping || woken; });
        woken = false;
        if (stopping) return;
    }
}

void Runner::Inside::settle() {
    while (!unsettled.empty()) {
        jobs.end(unsettled.back().id, unsettled.back().state, unsettled.back().reason);
        unsettled.pop_back();
    }
}

/// False when nothing is pending.
bool Runner::Inside::make_next() {
    std::optional<Job> job;
    std::optional<Reporter> reporter;
    {
        const std::lock_guard order(queue_mutex);
        job = jobs.start_next();
        if (!job) return false;
        job->state = JobState::processing;
        const std::lock_guard lock(mutex);
        current = job->id;
        cancel = std::make_shared<CancelToken>();
        live = std::make_shared<LiveSong>();
        if (stopping) cancel->cancel();
        reporter.emplace(*job, hub);
    }
    try {
        const std::lock_guard order(queue_mutex);
        report_waiting();
    } catch (const std::exception&) {  // positions are told with the next change
    }
    make(*job, *reporter);
    live->end();
    const std::lock_guard order(queue_mutex);
    {
        const std::lock_guard lock(mutex);
        current.clear();
        cancel.reset();
        live.reset();
    }
    report_waiting();
    return true;
}

/// Nothing that a job does may end the thread.
void Runner::Inside::make(Job& job, Reporter& reporter) {
    try {
        work_on(job, reporter, *cancel);
    } catch (const std::exception& e) {
        unsettled.push_back({job.id, JobState::failed, e.what()});
        reporter.end(JobState::failed, fmt::format("Error: {}", e.what()));
    }
}

void Runner::Inside::work_on(Job& job, Reporter& reporter, const CancelToken& token) {
    const auto start = Clock::now();
    const auto sound = live;  // only this thread changes it
    bool goes_on = job.attempts > 1;
    MakeHooks hooks;
    hooks.progress = [&](const Progress& p) {
        if (p.phase == Phase::frames && std::exchange(goes_on, false)) jobs.came_further(job.id);
        reporter.hear(p);
        const std::lock_guard lock(mutex);
        if (reporter.ms_per_frame() > 0) counters.ms_per_frame = reporter.ms_per_frame();
    };
    hooks.on_audio = [&](std::span<const float> stereo, std::uint32_t rate, std::int64_t) { sound->append(stereo, rate); };
    try {
        // A wish that came before there was a token would be lost without this look.
        const auto row = jobs.by_id(job.id);
        if (!row || row->cancel_asked) throw Error(ErrorCode::cancelled, "stopped on request");
        token.check();
        const bool resumes = std::filesystem::exists(journal_of(job.id));
        const MadeSong made = song_maker.make(job, journal_of(job.id), hooks, token);
        reporter.tell(JobPhase::tagging, "Saving the song...");
        database::Song song;
        song.id = job.id;
        song.user_id = job.user_id;
        song.request_id = job.request_id;
        song.settings = job.settings;
        song.frames = made.frames;
        song.created = database::now_ms();
        library.keep(song, made.wave, made.recipe, token);
        if (!songs.add_finished(song)) {  // its user is gone
            library.remove(song);
            return end(job, reporter, JobState::cancelled, "the account was removed", "Generation cancelled");
        }
        {
            const std::lock_guard lock(mutex);
            counters.completed += 1;
            counters.resumed += resumes ? 1 : 0;
            counters.song_seconds += static_cast<double>(song.duration_ms) / 1000;
            counters.work_seconds += seconds_since(start);
        }
        end(job, reporter, JobState::completed, "", "Generation complete!");
    } catch (const std::bad_alloc&) {
        end(job, reporter, JobState::failed, "not enough memory", "Error: not enough memory");
    } catch (const Error& e) {
        if (e.code() != ErrorCode::cancelled) {
            return end(job, reporter, JobState::failed, e.what(), fmt::format("Error: {}", e.what()));
        }
        const auto row = jobs.by_id(job.id);
        if (row && !row->cancel_asked) {  // the process stops: the job goes on with the next one
            const std::lock_guard order(queue_mutex);
            jobs.put_back(job.id);
            return;
        }
        end(job, reporter, JobState::cancelled, "cancelled by its owner", "Generation cancelled");
    }
}

void Runner::Inside::end(Job& job, Reporter& reporter, JobState state, const std::string& reason,
                         const std::string& message) {
    if (state != JobState::completed) {
        jobs.end(job.id, state, reason);
        const std::lock_guard lock(mutex);
        (state == JobState::failed ? counters.failed : counters.cancelled) += 1;
    }
    // A failed job may be tried again, and then goes on where it was; a finished song keeps its codes.
    std::error_code ignored;
    if (state == JobState::cancelled) std::filesystem::remove(journal_of(job.id), ignored);
    job.state = state;
    job.reason = reason;
    reporter.end(state, message);
    if (ended_call) ended_call(job);
}

/// Tells every job that waits where it stands. With the queue's lock.
void Runner::Inside::report_waiting() {
    double per_frame_ms = 0, ahead = 0;
    std::string at_hand;
    {
        const std::lock_guard lock(mutex);
        per_frame_ms = counters.ms_per_frame;
        if (counters.song_seconds > 0) per_frame_ms = counters.work_seconds / counters.song_seconds * kFrameSeconds * 1000;
        at_hand = current;
    }
    if (const auto now = hub.of(at_hand)) {
        ahead = static_cast<double>(std::max<std::int64_t>(now->total_frames - now->progress, 0)) * per_frame_ms / 1000;
    }
    int position = 0;
    for (const Job& job : jobs.in_turn()) {
        JobProgress news = progress_of(job);
        news.position = ++position;
        ahead += static_cast<double>(news.total_frames) * per_frame_ms / 1000;
        if (per_frame_ms > 0) news.eta_seconds = ahead;
        news.message = "Waiting in queue";
        hub.report(std::move(news));
    }
}

/// Journals of jobs that are gone or will never go on.
void Runner::Inside::tidy_journals() {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(options.journals, ignored)) {
        const auto job = jobs.by_id(entry.path().stem().string());
        const bool wanted = job && job->state != JobState::cancelled;
        if (!wanted) std::filesystem::remove(entry.path(), ignored);
    }
}

Runner::Runner(database::Database& database, library::Library& library, SongMaker& maker, ProgressHub& hub,
               RunnerOptions options)
    : inside_(std::make_unique<Inside>(database, library, maker, hub, std::move(options))) {
    std::error_code failed;
    std::filesystem::create_directories(inside_->options.journals, failed);
    if (!failed) std::filesystem::permissions(inside_->options.journals, std::filesystem::perms::owner_all, failed);
    if (failed) {
        throw Error(ErrorCode::io, fmt::format("cannot make the folder '{}'", inside_->options.journals.string()))
            .found(failed.message());
    }
}

Runner::~Runner() {
    stop();
}

void Runner::start() {
    for (const Job& parked : inside_->jobs.recover(inside_->options.most_attempts)) {
        if (inside_->ended_call) inside_->ended_call(parked);
    }
    inside_->tidy_journals();
    {
        const std::lock_guard order(inside_->queue_mutex);
        inside_->report_waiting();
    }
    inside_->thread = std::thread([this] { inside_->run(); });
}

void Runner::stop() {
    {
        const std::lock_guard lock(inside_->mutex);
        inside_->stopping = true;
        if (inside_->cancel) inside_->cancel->cancel();
    }
    inside_->changed.notify_all();
    if (inside_->thread.joinable()) inside_->thread.join();
}

database::Jobs::Refused Runner::add(std::vector<Job> jobs) {
    const std::lock_guard order(inside_->queue_mutex);
    const auto refused = inside_->jobs.add(std::move(jobs), inside_->options.limits);
    if (refused == database::Jobs::Refused::no) inside_->report_and_wake();
    return refused;
}

bool Runner::cancel(const Job& job) {
    std::optional<Job> ended;
    {
        const std::lock_guard order(inside_->queue_mutex);
        if (!inside_->jobs.cancel(job.id)) return false;
        const auto row = inside_->jobs.by_id(job.id);
        if (row && row->state == JobState::cancelled) {  // it was waiting
            ended = row;
            JobProgress news = progress_of(*row);
            news.phase = JobPhase::ended;
            news.message = "Generation cancelled";
            inside_->hub.report(std::move(news));
            std::error_code ignored;
            std::filesystem::remove(inside_->journal_of(job.id), ignored);
            inside_->report_waiting();
        }
        const std::lock_guard lock(inside_->mutex);
        if (inside_->current == job.id) inside_->cancel->cancel();
    }
    if (ended && inside_->ended_call) inside_->ended_call(*ended);
    return true;
}

database::Jobs::Refused Runner::retry(const Job& job) {
    const std::lock_guard order(inside_->queue_mutex);
    const auto refused = inside_->jobs.retry(job.id, inside_->options.limits);
    if (refused == database::Jobs::Refused::no) inside_->report_and_wake();
    return refused;
}

bool Runner::move_before(const Job& job, const std::optional<std::string>& other) {
    const std::lock_guard order(inside_->queue_mutex);
    if (!inside_->jobs.move_before(job.user_id, job.id, other)) return false;
    inside_->report_waiting();
    return true;
}

std::shared_ptr<LiveSong> Runner::live(std::string_view id) const {
    const std::lock_guard lock(inside_->mutex);
    return inside_->current == id ? inside_->live : nullptr;
}

RunnerCounters Runner::counters() const {
    const std::lock_guard lock(inside_->mutex);
    return inside_->counters;
}

std::optional<std::string> Runner::current() const {
    const std::lock_guard lock(inside_->mutex);
    return inside_->current.empty() ? std::nullopt : std::optional(inside_->current);
}

void Runner::on_ended(std::function<void(const Job&)> call) {
    inside_->ended_call = std::move(call);
}

}  // namespace heart::server::jobs
