#include "server/accounts/recent_keys.h"

namespace heart::server::accounts {

void RecentKeys::add(std::string_view key) {
    const std::lock_guard lock(mutex_);
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
        keys_.splice(keys_.begin(), keys_, known->second);
        return;
    }
    keys_.emplace_front(key);
    by_key_.emplace(keys_.front(), keys_.begin());
    if (keys_.size() <= most_) return;
    by_key_.erase(keys_.back());
    keys_.pop_back();
}

bool RecentKeys::contains(std::string_view key) const {
    const std::lock_guard lock(mutex_);
    return by_key_.contains(key);
}

}  // namespace heart::server::accounts
