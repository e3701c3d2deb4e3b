#pragma once

#include "server/database/database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::database {

enum class JobState { pending, processing, completed, failed, cancelled };
/// "pending", ...: the words of the contract and of the table.
[[nodiscard]] std::string_view state_name(JobState state) noexcept;

/// What was asked for.
struct SongSettings {
    std::string title, lyrics, tags;  ///< title: never empty
    std::int64_t max_audio_length_ms = 120'000;
    double temperature = 1.0;
    std::int64_t topk = 50;
    double cfg_scale = 1.5;
    std::uint64_t seed = 0;
    std::int64_t take = 0;
};

struct Job {
    std::string id, user_id;
    std::string request_id;  ///< the takes of one request share it
    SongSettings settings;
    /// What the song is to take after: engine::reference_settings as a JSON object. The job's own copy, so that it does not
    /// matter what becomes of a kept reference. Empty: none.
    std::string reference;
    JobState state = JobState::pending;
    std::string reason;  ///< of failing or being cancelled, for people
    int attempts = 0;    ///< starts in a row that came no further and whose process did not live to say why
    bool cancel_asked = false;
    double order = 0;  ///< among the pending ones of its user: smaller is earlier
    TimeMs created = 0;
    std::optional<TimeMs> started, finished;
};

/// The durable queue. A job that was added is there exactly once until it ends, whatever happens to the process; what has
/// ended stays, with its reason.
class Jobs {
public:
    explicit Jobs(Database& database) : db_(database) {}

    struct Limits {
        std::int64_t per_user = 20, all = 500;  ///< pending and processing
    };
    enum class Refused { no, user_limit, full };
    /// Adds all or none.
    [[nodiscard]] Refused add(std::vector<Job> jobs, const Limits& limits);

    /// Takes the next job and counts the attempt: users take turns (the one whose last job was started longest ago comes
    /// first), each user's jobs go by `order`. None when nothing is pending.
    [[nodiscard]] std::optional<Job> start_next();

    /// After a start of the process: jobs that were processing are pending again, first of their user's; those that had
    /// `most_attempts` fail with a reason. Returns the ones that failed. One that was to be cancelled is cancelled instead,
    /// also by put_back().
    std::vector<Job> recover(int most_attempts);

    /// The job at hand has more codes than any attempt before had: it is not what keeps stopping the process, and its
    /// attempts count from this one.
    void came_further(std::string_view id);

    /// processing -> pending, first of its user's, the attempt not counted: the process stops in good order.
    void put_back(std::string_view id);
    /// processing -> failed or cancelled; nothing when it is not processing any more. `completed` is Songs::add_finished's
    /// work, which does both in one transaction.
    void end(std::string_view id, JobState state, std::string_view reason);

    /// pending -> cancelled at once; processing: marks the wish (cancel_asked) for the runner. False when it is neither.
    bool cancel(std::string_view id);
    /// failed or cancelled -> pending, last of its user's, attempts from 0. Throws ErrorCode::not_found when it is neither.
    [[nodiscard]] Refused retry(std::string_view id, const Limits& limits);
    /// Moves a pending job of this user before another one, or to the end. False when either is not pending or not theirs.
    bool move_before(std::string_view user_id, std::string_view id, const std::optional<std::string>& other);

    [[nodiscard]] std::optional<Job> by_id(std::string_view id) const;
    /// Pending and processing jobs of a user, processing first, then by order.
    [[nodiscard]] std::vector<Job> queue_of(std::string_view user_id) const;
    /// Ended but not completed ones, newest first.
    [[nodiscard]] std::vector<Job> failures_of(std::string_view user_id, std::int64_t most) const;
    /// Takes an ended one off that list. False when it is not there, not theirs or not ended.
    bool forget(std::string_view user_id, std::string_view id);
    /// Ended jobs, the first to end first, whose end Ledger::announce() has not noted.
    [[nodiscard]] std::vector<Job> unannounced(std::int64_t most) const;
    /// Pending ones in the order in which they would be started now, of all users.
    [[nodiscard]] std::vector<Job> in_turn() const;
    [[nodiscard]] std::int64_t count(JobState state) const;

private:
    Database& db_;
};

}  // namespace heart::server::database
