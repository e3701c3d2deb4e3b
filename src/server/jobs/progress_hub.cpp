#include "server/jobs/progress_hub.h"

#include <algorithm>
#include <utility>

namespace heart::server::jobs {

using database::JobState;

/// One lock for all: listeners are called with it, so that none hears anything behind its end, and news come in order.
struct ProgressHub::Subscription::Inside {
    struct Ear {
        std::string user_id;
        Listener listener;
    };
    mutable std::mutex mutex;
    std::map<std::string, JobProgress, std::less<>> jobs;  // that have not ended
    std::map<std::uint64_t, Ear> ears;
    std::uint64_t next_number = 1;
};

std::string_view phase_name(JobPhase phase) noexcept {
    switch (phase) {
        case JobPhase::waiting: return "waiting";
        case JobPhase::loading: return "loading";
        case JobPhase::composing: return "composing";
        case JobPhase::rendering: return "rendering";
        case JobPhase::tagging: return "tagging";
        case JobPhase::ended: return "ended";
    }
    return "";
}

void ProgressHub::Subscription::end() noexcept {
    if (const auto hub = hub_.lock()) {
        const std::lock_guard lock(hub->mutex);
        hub->ears.erase(number_);
    }
    hub_.reset();
}

ProgressHub::ProgressHub() : inside_(std::make_shared<Subscription::Inside>()) {}

ProgressHub::Subscription ProgressHub::listen(std::string user_id, Listener listener) {
    const std::lock_guard lock(inside_->mutex);
    for (const auto& [id, job] : inside_->jobs) {
        if (job.user_id == user_id) listener(job);
    }
    Subscription out;
    out.hub_ = inside_;
    out.number_ = inside_->next_number++;
    inside_->ears.emplace(out.number_, Subscription::Inside::Ear{std::move(user_id), std::move(listener)});
    return out;
}

void ProgressHub::report(JobProgress news) {
    const std::lock_guard lock(inside_->mutex);
    const auto known = inside_->jobs.find(news.id);
    if (known != inside_->jobs.end() && news.state != JobState::pending) {
        const JobProgress& before = known->second;
        news.phase = std::max(news.phase, before.phase);
        news.progress = std::max(news.progress, before.progress);
        news.total_frames = std::max(news.total_frames, before.total_frames);
        news.composed_seconds = std::max(news.composed_seconds, before.composed_seconds);
        news.rendered_seconds = std::max(news.rendered_seconds, before.rendered_seconds);
    }
    for (const auto& [number, ear] : inside_->ears) {
        if (ear.user_id == news.user_id) ear.listener(news);
    }
    if (news.state == JobState::pending || news.state == JobState::processing) {
        inside_->jobs.insert_or_assign(news.id, std::move(news));
    } else if (known != inside_->jobs.end()) {
        inside_->jobs.erase(known);
    }
}

std::optional<JobProgress> ProgressHub::of(std::string_view id) const {
    const std::lock_guard lock(inside_->mutex);
    const auto found = inside_->jobs.find(id);
    return found == inside_->jobs.end() ? std::nullopt : std::optional(found->second);
}

std::size_t ProgressHub::listeners() const {
    const std::lock_guard lock(inside_->mutex);
    return inside_->ears.size();
}

}  // namespace heart::server::jobs
