#pragma once

#include "server/database/jobs.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::jobs {

/// What a job is busy with; a song goes through these in order and never back.
enum class JobPhase { waiting, loading, composing, rendering, tagging, ended };
[[nodiscard]] std::string_view phase_name(JobPhase phase) noexcept;

/// How far a job is. Of one attempt, `progress`, `phase`, `composed_seconds` and `rendered_seconds` only grow.
struct JobProgress {
    std::string id, user_id;
    database::JobState state = database::JobState::pending;
    JobPhase phase = JobPhase::waiting;
    std::int64_t progress = 0, total_frames = 0;        ///< frames of codes
    double composed_seconds = 0, rendered_seconds = 0;  ///< of audio
    int position = 0;                                   ///< 1: the next to be started; 0: not waiting
    std::optional<double> eta_seconds;                  ///< until it is finished, if known
    std::string message;                                ///< for people
};

/// Tells those who listen how jobs advance: each only of their own. From any thread.
class ProgressHub {
public:
    using Listener = std::function<void(const JobProgress&)>;

    /// While it lives, `listener` is called, on the thread that reports, with everything about this user's jobs; at once
    /// with how every job stands that has not ended. Must return quickly and not call the hub.
    class Subscription {
    public:
        Subscription() = default;
        ~Subscription() { end(); }
        Subscription(Subscription&& other) noexcept : hub_(std::move(other.hub_)), number_(other.number_) {
            other.hub_.reset();
        }
        Subscription& operator=(Subscription&& other) noexcept {
            if (this != &other) {
                end();
                hub_ = std::move(other.hub_);
                number_ = other.number_;
                other.hub_.reset();
            }
            return *this;
        }
        void end() noexcept;

    private:
        friend class ProgressHub;
        struct Inside;
        std::weak_ptr<Inside> hub_;
        std::uint64_t number_ = 0;
    };

    ProgressHub();
    [[nodiscard]] Subscription listen(std::string user_id, Listener listener);

    /// Takes the news, but nothing back: what would shrink stays as it was until the job waits or has ended.
    void report(JobProgress news);
    [[nodiscard]] std::optional<JobProgress> of(std::string_view id) const;
    [[nodiscard]] std::size_t listeners() const;

private:
    std::shared_ptr<Subscription::Inside> inside_;
};

}  // namespace heart::server::jobs
