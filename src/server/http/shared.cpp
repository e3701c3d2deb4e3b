#include "server/http/shared.h"

#include <utility>

namespace heart::server::http {
namespace {

/// An IPv6 host owns a /64 at least: its addresses count as one.
std::string counted_address(const std::string& address) {
    error_code error;
    const auto parsed = asio::ip::make_address(address, error);
    if (error || !parsed.is_v6()) return address;
    const auto bytes = parsed.to_v6().to_bytes();
    return {bytes.begin(), bytes.begin() + 8};
}

}  // namespace

bool Census::enter(const std::string& address) {
    const std::lock_guard lock(mutex_);
    if (open_ >= limits_.connections) return false;
    if (!proxies_.trusts(address)) {
        auto& here = by_address_[counted_address(address)];
        if (here >= limits_.connections_per_address) return false;
        ++here;
    }
    ++open_;
    return true;
}

void Census::leave(const std::string& address) noexcept {
    {
        const std::lock_guard lock(mutex_);
        --open_;
        const auto here = by_address_.find(counted_address(address));
        if (here != by_address_.end() && --here->second == 0) by_address_.erase(here);
    }
    left_.notify_all();
}

std::uint64_t Census::open() const {
    const std::lock_guard lock(mutex_);
    return open_;
}

bool Census::wait_until_empty(Clock::time_point until) {
    std::unique_lock lock(mutex_);
    return left_.wait_until(lock, until, [this] { return open_ == 0; });
}

void Census::wait_until_empty() {
    std::unique_lock lock(mutex_);
    left_.wait(lock, [this] { return open_ == 0; });
}

Shared::Shared(ServerOptions options_, Router router_, Hooks hooks_)
    : options(std::move(options_)), router(std::move(router_)), hooks(std::move(hooks_)) {
    const auto most = options.limits.queued_requests;
    lanes[static_cast<std::size_t>(Lane::quick)] = std::make_unique<WorkerLane>(options.quick_threads, most);
    lanes[static_cast<std::size_t>(Lane::heavy)] = std::make_unique<WorkerLane>(options.heavy_threads, most);
    lanes[static_cast<std::size_t>(Lane::upstream)] = std::make_unique<WorkerLane>(options.upstream_threads, most);
}

}  // namespace heart::server::http
