#include "server/accounts/rate_limit.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>

namespace heart::server::accounts {

namespace {

constexpr double kRounding = 1e-9;  // who waits as long as was said finds one

}  // namespace

RateLimit::RateLimit(double burst, std::chrono::milliseconds period, std::size_t most_keys)
    : burst_(std::max(burst, 1.0)),
      per_ms_(burst / static_cast<double>(period.count())),
      most_keys_(std::max<std::size_t>(most_keys, 1)) {
    if (!(burst > 0) || !std::isfinite(burst) || period.count() <= 0) {
        throw Error(ErrorCode::usage, "a rate limit must allow something").expected("numbers above 0");
    }
}

std::chrono::milliseconds RateLimit::take(std::string_view key, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const auto known = by_key_.find(key);
    if (known == by_key_.end()) {
        if (buckets_.size() >= most_keys_) {
            by_key_.erase(buckets_.back().key);
            buckets_.pop_back();
        }
        buckets_.push_front({std::string(key), burst_, now});
        by_key_.emplace(buckets_.front().key, buckets_.begin());
    } else {
        buckets_.splice(buckets_.begin(), buckets_, known->second);
    }
    Bucket& bucket = buckets_.front();
    const double passed = std::chrono::duration<double, std::milli>(now - bucket.filled).count();
    if (passed > 0) {  // callers on several threads may come with times out of order
        bucket.level = std::min(burst_, bucket.level + passed * per_ms_);
        bucket.filled = now;
    }
    const double missing = 1 - bucket.level;
    if (missing < kRounding) {
        bucket.level = std::max(0.0, bucket.level - 1);
        return std::chrono::milliseconds(0);
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(missing / per_ms_)));
}

void RateLimit::give_back(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto known = by_key_.find(key);
    if (known != by_key_.end()) known->second->level = std::min(burst_, known->second->level + 1);
}

void RateLimit::forget(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto known = by_key_.find(key);
    if (known == by_key_.end()) return;
    const auto bucket = known->second;
    by_key_.erase(known);  // before the text that its key points to
    buckets_.erase(bucket);
}

std::size_t RateLimit::keys() const {
    const std::lock_guard lock(mutex_);
    return buckets_.size();
}

}  // namespace heart::server::accounts
