#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace heart::server::accounts {

/// Token buckets by key (an address, an account). Holds at most `most_keys`, the longest unused fall out first: a stranger
/// cannot fill the memory. From any thread.
class RateLimit {
public:
    using Clock = std::chrono::steady_clock;

    /// `burst` at once (at least one), refilled by `burst` every `period`. ErrorCode::usage unless both are above zero.
    RateLimit(double burst, std::chrono::milliseconds period, std::size_t most_keys = 100'000);

    /// Takes one; none left: how long until there is one.
    [[nodiscard]] std::chrono::milliseconds take(std::string_view key, Clock::time_point now = Clock::now());
    /// Gives one back that was taken.
    void give_back(std::string_view key);
    /// The key has its whole burst again.
    void forget(std::string_view key);
    [[nodiscard]] std::size_t keys() const;

private:
    struct Bucket {
        std::string key;
        double level = 0;
        Clock::time_point filled;
    };
    double burst_;   // at least 1
    double per_ms_;  // refilled
    std::size_t most_keys_;
    mutable std::mutex mutex_;
    std::list<Bucket> buckets_;  // the longest unused last
    std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_key_;
};

}  // namespace heart::server::accounts
