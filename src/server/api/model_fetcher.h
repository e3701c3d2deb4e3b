#pragma once

#include "core/cancel.h"
#include "hub/pull.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace heart::server::api {

/// Downloads checkpoints on a thread of its own, one order at a time. From any thread.
class ModelFetcher {
public:
    ModelFetcher() = default;
    ModelFetcher(const ModelFetcher&) = delete;
    ModelFetcher& operator=(const ModelFetcher&) = delete;
    ~ModelFetcher();  ///< stops; what has come is kept for the next order

    struct State {
        enum class Phase { idle, looking, fetching, checking, done, failed, cancelled };
        Phase phase = Phase::idle;
        std::vector<std::string> names;        ///< of the checkpoints that were ordered
        std::string at;                        ///< the one at hand
        std::uint64_t done = 0, total = 0;     ///< bytes of the one at hand
        std::uint64_t to_fetch = 0, free = 0;  ///< bytes of all, and of the disk, once they are known
        std::string fault;                     ///< one line for people; of failed
        [[nodiscard]] bool runs() const noexcept {
            return phase == Phase::looking || phase == Phase::fetching || phase == Phase::checking;
        }
    };

    /// False when an order is being carried out.
    bool start(hub::PullRequest request);
    /// False when there is nothing to stop.
    bool cancel();
    [[nodiscard]] State state() const;

private:
    void work(const hub::PullRequest& request, const CancelToken& cancel) noexcept;

    mutable std::mutex mutex_;  // of the state and the token
    State state_;
    std::shared_ptr<CancelToken> cancel_;
    std::mutex ordering_;  // of the thread
    std::thread thread_;
};

/// "idle", "looking", ...
[[nodiscard]] std::string_view phase_name(ModelFetcher::State::Phase phase) noexcept;

}  // namespace heart::server::api
