#include "server/api/model_fetcher.h"

#include "core/error.h"
#include "server/api/log.h"

#include <exception>
#include <utility>

namespace heart::server::api {

using Phase = ModelFetcher::State::Phase;

std::string_view phase_name(Phase phase) noexcept {
    switch (phase) {
        case Phase::idle: return "idle";
        case Phase::looking: return "looking";
        case Phase::fetching: return "fetching";
        case Phase::checking: return "checking";
        case Phase::done: return "done";
        case Phase::failed: return "failed";
        case Phase::cancelled: break;
    }
    return "cancelled";
}

ModelFetcher::~ModelFetcher() {
    (void)cancel();
    if (thread_.joinable()) thread_.join();
}

bool ModelFetcher::start(hub::PullRequest request) {
    const std::lock_guard order(ordering_);
    const auto token = std::make_shared<CancelToken>();
    {
        const std::lock_guard lock(mutex_);
        if (state_.runs()) return false;
        state_ = {};
        state_.phase = Phase::looking;
        for (const hub::Repository* repository : request.repositories) state_.names.emplace_back(repository->name);
        cancel_ = token;
    }
    if (thread_.joinable()) thread_.join();  // of an order that has ended
    thread_ = std::thread([this, request = std::move(request), token] { work(request, *token); });
    return true;
}

bool ModelFetcher::cancel() {
    const std::lock_guard lock(mutex_);
    if (!state_.runs()) return false;
    cancel_->cancel();
    return true;
}

ModelFetcher::State ModelFetcher::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}

void ModelFetcher::work(const hub::PullRequest& request, const CancelToken& cancel) noexcept {
    const auto end = [this](Phase phase, const char* fault) {
        const std::lock_guard lock(mutex_);
        state_.phase = phase;
        state_.fault = fault;
    };
    const auto hear = [this](const hub::PullProgress& p) {
        const std::lock_guard lock(mutex_);
        if (state_.phase != Phase::looking) state_.phase = p.checking ? Phase::checking : Phase::fetching;
        state_.at = p.what;
        state_.done = p.done;
        state_.total = p.total;
    };
    try {
        const hub::PullPlan plan = hub::plan_pull(request, hear, cancel);
        {
            const std::lock_guard lock(mutex_);
            state_.phase = Phase::fetching;
            state_.to_fetch = plan.bytes_missing;
            state_.free = plan.bytes_free;
        }
        hub::run_pull(request, plan, hear, cancel);
        end(Phase::done, "");
    } catch (const Error& e) {
        if (e.code() == ErrorCode::cancelled) return end(Phase::cancelled, "");
        log(LogLevel::warning, "checkpoints not fetched", {{"why", e.what()}});
        end(Phase::failed, e.what());
    } catch (const std::exception& e) {
        end(Phase::failed, e.what());
    }
}

}  // namespace heart::server::api
