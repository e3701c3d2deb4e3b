#include "server/api/webhook_sender.h"

#include "core/error.h"
#include "net/http_client.h"
#include "server/accounts/tokens.h"
#include "server/api/log.h"
#include "server/api/reply.h"
#include "server/api/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace heart::server::api {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kConnectTime = seconds(5), kAnswerTime = seconds(10);
constexpr std::size_t kMostAnswer = 64 * 1024;
constexpr std::int64_t kRound = 500;  // deliveries that are looked at together
// Tries become due without anyone saying so; looking for them is one small question to the database.
constexpr milliseconds kLookForEvents = seconds(2);

std::string event_of(database::JobState state) {
    return fmt::format("job.{}", database::state_name(state));
}

/// What receivers read. The addresses are relative to the studio's, which does not know its own name.
std::string body_of(const database::Job& job) {
    Json body{{"event", event_of(job.state)},
              {"job",
               {{"id", job.id},
                {"request_id", job.request_id},
                {"title", job.settings.title},
                {"tags", job.settings.tags},
                {"status", database::state_name(job.state)},
                {"reason", job.reason.empty() ? Json(nullptr) : Json(job.reason)},
                {"created_at", database::iso_time(job.created)},
                {"started_at", time_or_null(job.started)},
                {"finished_at", time_or_null(job.finished)}}}};
    if (job.state == database::JobState::completed) {
        body["song"] = {{"id", job.id},
                        {"history", fmt::format("/api/history/{}", job.id)},
                        {"audio", fmt::format("/api/audio/{}", job.id)}};
    }
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string webhook_signature(std::string_view secret, std::int64_t time, std::string_view body) {
    const accounts::SigningKey key{std::string(secret)};
    std::string hex;
    for (const unsigned char byte : key.mac(fmt::format("{}.{}", time, body))) hex += fmt::format("{:02x}", byte);
    return fmt::format("t={},v1={}", time, hex);
}

milliseconds webhook_back_off(int failures) noexcept {
    constexpr double kFirst = 10'000, kGrowth = 3.6, kMost = 6.0 * 3600 * 1000;
    return milliseconds(std::llround(std::min(kMost, kFirst * std::pow(kGrowth, std::clamp(failures, 1, 30) - 1))));
}

WebhookSender::WebhookSender(Services& services) : services_(services) {}

WebhookSender::~WebhookSender() {
    stop();
}

void WebhookSender::start() {
    thread_ = std::thread([this] { work(); });
}

void WebhookSender::stop() {
    stopping_.cancel();
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void WebhookSender::wake() noexcept {
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    changed_.notify_all();
}

WebhookSender::Counters WebhookSender::counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
}

void WebhookSender::work() {
    while (!stopping_.cancelled()) {
        bool more = false;
        try {
            more = round();
        } catch (const std::exception& e) {
            if (!stopping_.cancelled()) log(LogLevel::error, "webhooks stalled", {{"error", e.what()}});
        }
        std::unique_lock lock(mutex_);
        if (!more) changed_.wait_for(lock, kLookForEvents, [this] { return woken_; });
        woken_ = false;
    }
}

void WebhookSender::announce() {
    for (const database::Job& job : services_.jobs.unannounced(kRound)) {
        services_.ledger.announce(job.id, event_of(job.state), body_of(job));
    }
}

bool WebhookSender::round() {
    announce();
    const auto due = services_.ledger.due_deliveries(database::now_ms(), kRound);
    std::set<std::string> tried;  // one of each webhook in a round: a slow receiver holds up the others once only
    for (const auto& delivery : due) {
        if (!tried.insert(delivery.webhook_id).second) continue;
        bool gone = false;
        const bool delivered = deliver(delivery, gone);
        const int failures = delivery.attempts + 1;
        const bool given_up = !delivered && (gone || failures >= kWebhookTries);
        if (delivered) {
            services_.ledger.delivered(delivery.id);
        } else if (given_up) {
            services_.ledger.give_up(delivery.id);
        } else {
            services_.ledger.delivery_failed(delivery.id, database::now_ms() + webhook_back_off(failures).count());
        }
        const std::lock_guard lock(mutex_);
        ++(delivered ? counters_.delivered : given_up ? counters_.given_up : counters_.failed);
    }
    return !due.empty();
}

bool WebhookSender::deliver(const database::Ledger::Delivery& delivery, bool& gone) {
    const bool anywhere = services_.options.private_webhooks;
    net::HttpRequest request{.method = "POST",
                             .url = delivery.url,
                             .headers = {{"Content-Type", "application/json"},
                                         {"User-Agent", "Heart-Studio"},
                                         {"X-Heart-Event", delivery.event},
                                         {"X-Heart-Delivery", delivery.id}},
                             .body = delivery.body,
                             .connect_timeout = kConnectTime,
                             .timeout = kAnswerTime,
                             .max_answer = kMostAnswer,
                             .public_addresses_only = !anywhere};
    request.headers.emplace_back("X-Heart-Signature",
                                 webhook_signature(delivery.secret, database::now_ms() / 1000, delivery.body));
    constexpr int kGone = 410;
    try {
        if (!anywhere && !delivery.url.starts_with("https://")) {
            throw Error(ErrorCode::usage, "the webhook's address").expected("https");
        }
        const int status = net::exchange(request, stopping_).status;
        gone = status == kGone;
        if (status >= 200 && status < 300) return true;
        log(LogLevel::warning, "webhook refused", {{"delivery", delivery.id}, {"status", status}});
    } catch (const Error& e) {
        stopping_.check();
        log(LogLevel::warning, "webhook failed", {{"delivery", delivery.id}, {"error", error_code_name(e.code())}});
    }
    return false;
}

}  // namespace heart::server::api
