#pragma once

#include "server/api/services.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace heart::server::api {

/// "t=<seconds since 1970>,v1=<hex HMAC-SHA256 of "<t>.<body>">": what X-Heart-Signature says.
[[nodiscard]] std::string webhook_signature(std::string_view secret, std::int64_t seconds, std::string_view body);

/// How long to wait behind so many failed tries: 10 s, then 3.6 times as long each, at most 6 h.
[[nodiscard]] std::chrono::milliseconds webhook_back_off(int failures) noexcept;

inline constexpr int kWebhookTries = 8;

/// Tells webhooks how jobs ended, from the durable ledger, on a thread of its own: jobs never wait for it, and what was not
/// delivered when the process ended is delivered by the next. A receiver may get a delivery twice, never a changed one.
class WebhookSender {
public:
    explicit WebhookSender(Services& services);
    WebhookSender(const WebhookSender&) = delete;
    WebhookSender& operator=(const WebhookSender&) = delete;
    ~WebhookSender();  ///< stops

    void start();
    /// Returns within a second; a try that is under way is broken off and not counted.
    void stop();
    /// A job has ended: the thread looks at once. It looks every two seconds anyway.
    void wake() noexcept;

    struct Counters {
        std::uint64_t delivered = 0, failed = 0, given_up = 0;
    };
    [[nodiscard]] Counters counters() const;

private:
    void work();
    /// Makes deliveries of the ends of jobs, also of those whose process died in that moment.
    void announce();
    /// Tries what is due, one of each webhook; false when nothing was.
    bool round();
    /// Whether the receiver took it; `gone`: it wants no more of it.
    bool deliver(const database::Ledger::Delivery& delivery, bool& gone);

    Services& services_;
    CancelToken stopping_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false;
    Counters counters_;
    std::thread thread_;
};

}  // namespace heart::server::api
