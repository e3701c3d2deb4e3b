#include "server/api/idempotency.h"

#include "server/api/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <set>

namespace heart::server::api {

namespace {

using Ledger = database::Ledger;
using IdOf = std::function<std::string(std::int64_t)>;

/// Keys whose requests are answered right now in this process.
class UnderWay {
public:
    explicit UnderWay(std::string key) : key_(std::move(key)) {
        const std::lock_guard lock(mutex());
        mine_ = keys().insert(key_).second;
    }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    ~UnderWay() {
        const std::lock_guard lock(mutex());
        if (mine_) keys().erase(key_);
    }
    [[nodiscard]] bool mine() const noexcept { return mine_; }

private:
    static std::mutex& mutex() {
        static std::mutex m;
        return m;
    }
    static std::set<std::string>& keys() {
        static std::set<std::string> k;
        return k;
    }

    std::string key_;
    bool mine_ = false;
};

/// A UUID (version 4 by its form) that only this studio can compute.
std::string id_from(const accounts::SigningKey& key, const std::string& message) {
    auto bytes = key.mac(message);
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
    std::string out;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        out += fmt::format("{:02x}", bytes[i]);
    }
    return out;
}

std::string checked_key(std::string_view key) {
    const auto printable = [](char c) { return c > 0x20 && c < 0x7F; };
    if (key.empty() || key.size() > 200 || !std::all_of(key.begin(), key.end(), printable)) {
        refuse(422, "Idempotency-Key must be 1 to 200 printable ASCII characters without spaces");
    }
    return std::string(key);
}

http::Response replayed(const Ledger::Answer& answer) {
    http::Response out;
    out.status = answer.status;
    out.headers.set("Content-Type", "application/json");
    out.headers.set("Idempotency-Replayed", "true");
    out.body = answer.body;
    return out;
}

}  // namespace

http::Response answer_once(const Services& services, const database::User& user, const http::Request& request,
                           const std::function<http::Response(const IdOf&)>& work) {
    const auto field = request.headers.find("Idempotency-Key");
    if (!field) return work([](std::int64_t) { return database::new_id(); });

    const std::string key = checked_key(*field);
    const UnderWay way(user.id + " " + key);
    if (!way.mine()) refuse(409, "A request with this Idempotency-Key is being answered");
    Ledger ledger = services.ledger;
    const std::string hash = accounts::hash_secret(request.method + " " + request.path + "\n" + request.body);
    const auto known = ledger.claim_key(user.id, key, hash);
    if (known && known->request_hash != hash) refuse(422, "This Idempotency-Key was used with another request");
    if (known && known->status != 0) return replayed(*known);
    // A claim without an answer is of a process that did not live to give it: this one goes on in its place, and finds
    // what that one made by its ids. A fresh claim makes new things, also when the key was used long ago.
    const bool fresh = !known;
    const auto id_of = [&](std::int64_t n) {
        std::string id = id_from(services.accounts.key(), fmt::format("idempotency {} {} {} {}", user.id, key, hash, n));
        return fresh && services.jobs.by_id(id) ? database::new_id() : id;
    };
    http::Response response;
    try {
        response = work(id_of);
    } catch (...) {
        ledger.release_key(user.id, key);
        throw;
    }
    if (const auto* body = std::get_if<std::string>(&response.body)) {
        ledger.answer_key(user.id, key, response.status, *body);
    }
    return response;
}

}  // namespace heart::server::api
