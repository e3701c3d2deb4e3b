#include "server/database/ledger.h"

#include "server/database/query.h"

#include <algorithm>
#include <string>

namespace heart::server::database {
namespace {

Ledger::Share read_share(Query& query) {
    Ledger::Share share;
    share.token_hash = query.text();
    share.song_id = query.text();
    share.user_id = query.text();
    share.created = query.integer();
    share.expires = query.integer();
    return share;
}

constexpr const char* kShare = "SELECT token_hash, song_id, user_id, created_at, expires_at FROM shares ";
constexpr const char* kShareKinds = "tttii";

std::vector<Ledger::Webhook> read_webhooks(soci::session& session, std::string_view user_id) {
    std::vector<Ledger::Webhook> hooks;
    Query query(session,
                "SELECT id, user_id, url, secret, created_at FROM webhooks WHERE user_id = :user ORDER BY created_at, id",
                "tttti");
    query.with("user", user_id);
    while (query.next()) {
        Ledger::Webhook& hook = hooks.emplace_back();
        hook.id = query.text();
        hook.user_id = query.text();
        hook.url = query.text();
        hook.secret = query.text();
        hook.created = query.integer();
    }
    return hooks;
}

void remove_delivery(Database& db, std::string_view id) {
    db.write([&](soci::session& session) { Query(session, "DELETE FROM deliveries WHERE id = :id").with("id", id).run(); });
}

}  // namespace

std::optional<Ledger::Answer> Ledger::claim_key(std::string_view user_id, std::string_view key,
                                                std::string_view request_hash) {
    std::optional<Answer> known;
    db_.write([&](soci::session& session) {
        const bool claimed = Query(session,
                                   "INSERT INTO idempotency_keys (user_id, key, request_hash, created_at) "
                                   "VALUES (:user, :key, :hash, :now) ON CONFLICT (user_id, key) DO NOTHING")
                                 .with("user", user_id)
                                 .with("key", key)
                                 .with("hash", request_hash)
                                 .with("now", now_ms())
                                 .run() == 1;
        if (claimed) return;
        Query query(session, "SELECT request_hash, status, body FROM idempotency_keys WHERE user_id = :user AND key = :key",
                    "tit");
        query.with("user", user_id).with("key", key);
        ensure(query.next(), "a key that could not be claimed is there");
        Answer& answer = known.emplace();
        answer.request_hash = query.text();
        answer.status = static_cast<int>(query.integer());
        answer.body = query.text();
    });
    return known;
}

void Ledger::answer_key(std::string_view user_id, std::string_view key, int status, std::string_view body) {
    db_.write([&](soci::session& session) {
        Query(session, "UPDATE idempotency_keys SET status = :status, body = :body WHERE user_id = :user AND key = :key")
            .with("status", status)
            .with("body", body)
            .with("user", user_id)
            .with("key", key)
            .run();
    });
}

void Ledger::release_key(std::string_view user_id, std::string_view key) {
    db_.write([&](soci::session& session) {
        Query(session, "DELETE FROM idempotency_keys WHERE user_id = :user AND key = :key AND status = 0")
            .with("user", user_id)
            .with("key", key)
            .run();
    });
}

void Ledger::forget_keys_before(TimeMs time) {
    db_.write([&](soci::session& session) {
        Query(session, "DELETE FROM idempotency_keys WHERE created_at < :time").with("time", time).run();
    });
}

void Ledger::add_webhook(const Webhook& hook) {
    db_.write([&](soci::session& session) {
        Query(session,
              "INSERT INTO webhooks (id, user_id, url, secret, created_at) VALUES (:id, :user, :url, :secret, :created)")
            .with("id", hook.id)
            .with("user", hook.user_id)
            .with("url", hook.url)
            .with("secret", hook.secret)
            .with("created", hook.created == 0 ? now_ms() : hook.created)
            .run();
    });
}

std::vector<Ledger::Webhook> Ledger::webhooks(std::string_view user_id) const {
    std::vector<Webhook> hooks;
    db_.read([&](soci::session& session) { hooks = read_webhooks(session, user_id); });
    return hooks;
}

bool Ledger::remove_webhook(std::string_view user_id, std::string_view id) {
    bool removed = false;
    db_.write([&](soci::session& session) {
        removed = Query(session, "DELETE FROM webhooks WHERE id = :id AND user_id = :user")
                      .with("id", id)
                      .with("user", user_id)
                      .run() == 1;
    });
    return removed;
}

void Ledger::announce(std::string_view job_id, std::string_view event, std::string_view body) {
    db_.write([&](soci::session& session) {
        const TimeMs now = now_ms();
        const bool mine =
            Query(session, "UPDATE jobs SET announced = 1 WHERE id = :id AND announced = 0").with("id", job_id).run() == 1;
        if (!mine) return;
        Query owner(session, "SELECT user_id FROM jobs WHERE id = :id", "t");
        owner.with("id", job_id);
        owner.next();
        for (const Webhook& hook : read_webhooks(session, owner.text())) {
            Query(session,
                  "INSERT INTO deliveries (id, webhook_id, event, body, next_try, created_at) "
                  "VALUES (:id, :hook, :event, :body, :now, :now)")
                .with("id", new_id())
                .with("hook", hook.id)
                .with("event", event)
                .with("body", body)
                .with("now", now)
                .run();
        }
    });
}

std::vector<Ledger::Delivery> Ledger::due_deliveries(TimeMs now, std::int64_t most) const {
    std::vector<Delivery> due;
    db_.read([&](soci::session& session) {
        Query query(session,
                    "SELECT d.id, d.webhook_id, w.url, w.secret, d.event, d.body, d.attempts FROM deliveries d "
                    "JOIN webhooks w ON w.id = d.webhook_id WHERE d.next_try <= :now "
                    "ORDER BY d.next_try, d.created_at, d.id LIMIT :most",
                    "tttttti");
        query.with("now", now).with("most", std::max<std::int64_t>(most, 0));
        while (query.next()) {
            Delivery& delivery = due.emplace_back();
            delivery.id = query.text();
            delivery.webhook_id = query.text();
            delivery.url = query.text();
            delivery.secret = query.text();
            delivery.event = query.text();
            delivery.body = query.text();
            delivery.attempts = static_cast<int>(query.integer());
        }
    });
    return due;
}

void Ledger::delivered(std::string_view id) {
    remove_delivery(db_, id);
}

void Ledger::delivery_failed(std::string_view id, TimeMs next_try) {
    db_.write([&](soci::session& session) {
        Query(session, "UPDATE deliveries SET attempts = attempts + 1, next_try = :next WHERE id = :id")
            .with("next", next_try)
            .with("id", id)
            .run();
    });
}

void Ledger::give_up(std::string_view id) {
    remove_delivery(db_, id);
}

void Ledger::add_share(const Share& share) {
    db_.write([&](soci::session& session) {
        Query(session,
              "INSERT INTO shares (token_hash, song_id, user_id, created_at, expires_at) "
              "VALUES (:token, :song, :user, :created, :expires)")
            .with("token", share.token_hash)
            .with("song", share.song_id)
            .with("user", share.user_id)
            .with("created", share.created)
            .with("expires", share.expires)
            .run();
    });
}

std::optional<Ledger::Share> Ledger::share(std::string_view token_hash) const {
    std::optional<Share> found;
    db_.read([&](soci::session& session) {
        Query query(session, std::string(kShare) + "WHERE token_hash = :token", kShareKinds);
        query.with("token", token_hash);
        if (query.next()) found = read_share(query);
    });
    return found;
}

std::vector<Ledger::Share> Ledger::shares_of(std::string_view user_id, std::string_view song_id) const {
    std::vector<Share> shares;
    db_.read([&](soci::session& session) {
        Query query(session,
                    std::string(kShare) + "WHERE song_id = :song AND user_id = :user ORDER BY created_at, token_hash",
                    kShareKinds);
        query.with("song", song_id).with("user", user_id);
        while (query.next()) shares.push_back(read_share(query));
    });
    return shares;
}

bool Ledger::remove_shares(std::string_view user_id, std::string_view song_id) {
    bool removed = false;
    db_.write([&](soci::session& session) {
        removed = Query(session, "DELETE FROM shares WHERE song_id = :song AND user_id = :user")
                      .with("song", song_id)
                      .with("user", user_id)
                      .run() > 0;
    });
    return removed;
}

std::optional<std::string> Ledger::setting(std::string_view name) const {
    std::optional<std::string> value;
    db_.read([&](soci::session& session) {
        Query query(session, "SELECT value FROM settings WHERE name = :name", "t");
        query.with("name", name);
        if (query.next()) value = query.text();
    });
    return value;
}

void Ledger::set_setting(std::string_view name, std::string_view value) {
    db_.write([&](soci::session& session) {
        Query(session,
              "INSERT INTO settings (name, value) VALUES (:name, :value) "
              "ON CONFLICT (name) DO UPDATE SET value = excluded.value")
            .with("name", name)
            .with("value", value)
            .run();
    });
}

}  // namespace heart::server::database
