#pragma once

#include "server/database/database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::database {

/// What the server must remember besides users, jobs and songs.
class Ledger {
public:
    explicit Ledger(Database& database) : db_(database) {}

    // --- idempotency keys: the same request again gives the same answer ---
    struct Answer {
        std::string request_hash;  ///< of the first request with that key
        int status = 0;            ///< 0: the first one is still under way
        std::string body;
    };
    /// Claims the key for this request; what is known when it was claimed before.
    [[nodiscard]] std::optional<Answer> claim_key(std::string_view user_id, std::string_view key,
                                                  std::string_view request_hash);
    void answer_key(std::string_view user_id, std::string_view key, int status, std::string_view body);
    void release_key(std::string_view user_id, std::string_view key);  ///< the request failed: it may be sent again. Not
                                                                       ///< when there is an answer.
    void forget_keys_before(TimeMs time);

    // --- webhooks ---
    struct Webhook {
        std::string id, user_id, url, secret;
        TimeMs created = 0;
    };
    struct Delivery {
        std::string id, webhook_id, url, secret, event, body;
        int attempts = 0;
    };
    void add_webhook(const Webhook& hook);
    [[nodiscard]] std::vector<Webhook> webhooks(std::string_view user_id) const;
    bool remove_webhook(std::string_view user_id, std::string_view id);
    /// Notes the end of a job of Jobs::unannounced() with a delivery for each of its user's webhooks, durable until it
    /// succeeds or is given up. In one transaction: every end is noted once, whatever happens to the process. Does nothing
    /// when it was noted already, or the job waits again.
    void announce(std::string_view job_id, std::string_view event, std::string_view body);
    /// Those that are due, most urgent first.
    [[nodiscard]] std::vector<Delivery> due_deliveries(TimeMs now, std::int64_t most) const;
    void delivered(std::string_view id);
    void delivery_failed(std::string_view id, TimeMs next_try);  ///< counts the attempt
    void give_up(std::string_view id);

    // --- share links ---
    struct Share {
        std::string token_hash, song_id, user_id;
        TimeMs created = 0, expires = 0;
    };
    void add_share(const Share& share);
    [[nodiscard]] std::optional<Share> share(std::string_view token_hash) const;  ///< also old ones
    [[nodiscard]] std::vector<Share> shares_of(std::string_view user_id, std::string_view song_id) const;
    bool remove_shares(std::string_view user_id, std::string_view song_id);

    // --- small settings of the whole studio ---
    [[nodiscard]] std::optional<std::string> setting(std::string_view name) const;
    void set_setting(std::string_view name, std::string_view value);

private:
    Database& db_;
};

}  // namespace heart::server::database
