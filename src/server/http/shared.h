#pragma once

#include "server/http/answer.h"
#include "server/http/asio_types.h"
#include "server/http/lanes.h"
#include "server/http/proxies.h"
#include "server/http/router.h"
#include "server/http/server.h"

#include <boost/asio/executor_work_guard.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>

namespace heart::server::http {

class Connection;

/// One thread and the connections that live on it.
struct Loop {
    asio::io_context context{1};
    asio::executor_work_guard<Executor> work{context.get_executor()};
    std::unordered_set<Connection*> connections;  ///< that have not ended; the loop's thread only
    std::thread thread;
};

/// Counts the open connections, all of them and those of an address.
class Census {
public:
    Census(const Limits& limits, const Proxies& proxies) : limits_(limits), proxies_(proxies) {}

    /// False when there are too many. Proxies stand for many clients and are not counted by their address.
    [[nodiscard]] bool enter(const std::string& address);
    void leave(const std::string& address) noexcept;
    [[nodiscard]] std::uint64_t open() const;
    /// Returns when nobody is left, or at `until`: then false.
    bool wait_until_empty(Clock::time_point until);
    void wait_until_empty();

private:
    const Limits& limits_;
    const Proxies& proxies_;
    mutable std::mutex mutex_;
    std::condition_variable left_;
    std::uint64_t open_ = 0;
    std::map<std::string, std::size_t> by_address_;
};

/// What all connections of a server share.
struct Shared {
    Shared(ServerOptions options_, Router router_, Hooks hooks_);

    const ServerOptions options;
    const Router router;
    const Hooks hooks;
    const Answerer answerer{hooks};
    const Proxies proxies{options.trusted_proxies};
    Census census{options.limits, proxies};
    std::array<std::unique_ptr<WorkerLane>, 3> lanes;
    std::atomic<std::uint64_t> accepted{0}, refused{0}, websockets{0}, streams{0}, requests{0};

    [[nodiscard]] WorkerLane& lane(Lane which) const { return *lanes[static_cast<std::size_t>(which)]; }
};

}  // namespace heart::server::http
