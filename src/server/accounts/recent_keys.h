#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace heart::server::accounts {

/// The keys that were added last, at most `most`: the longest not added fall out first. From any thread.
class RecentKeys {
public:
    explicit RecentKeys(std::size_t most) : most_(most) {}

    void add(std::string_view key);
    [[nodiscard]] bool contains(std::string_view key) const;

private:
    std::size_t most_;
    mutable std::mutex mutex_;
    std::list<std::string> keys_;  // the longest not added last
    std::unordered_map<std::string_view, std::list<std::string>::iterator> by_key_;
};

}  // namespace heart::server::accounts
