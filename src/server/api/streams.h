#pragma once

#include "server/api/services.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

namespace heart::server::api {

/// Asks now and then whether a token is still good: long connections must not outlive a sign-out. From any thread.
class TokenWatch {
public:
    TokenWatch(const accounts::Accounts& accounts, std::string token)
        : accounts_(accounts), token_(std::move(token)), asked_(std::chrono::steady_clock::now()) {}
    [[nodiscard]] bool good();

private:
    const accounts::Accounts& accounts_;
    std::string token_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point asked_;
    bool good_ = true;
};

/// Server-sent events (HTML standard, 9.2) of a user's progress. A reader that is slow misses what is overtaken: of each
/// song only the newest state waits for it.
[[nodiscard]] std::shared_ptr<http::BodySource> event_stream(jobs::ProgressHub& hub, const std::string& user_id,
                                                             std::shared_ptr<TokenWatch> watch);

/// A WAV file of unknown length: what the song has, and what comes.
[[nodiscard]] std::shared_ptr<http::BodySource> live_wav(std::shared_ptr<jobs::LiveSong> song);

}  // namespace heart::server::api
