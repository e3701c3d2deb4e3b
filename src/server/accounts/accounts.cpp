#include "server/accounts/accounts.h"

#include "core/error.h"
#include "core/utf8.h"
#include "server/accounts/passwords.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <utf8proc.h>

namespace heart::server::accounts {

namespace {

using database::User;

constexpr double kAnywhereFactor = 10;
constexpr std::size_t kMostPlaces = 100'000;

/// Character by character; what is no UTF-8 stays as it is.
std::string lower_cased(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const Utf8Char c = decode_utf8(text, i);
        if (c.length == 0) {
            out += text[i++];
            continue;
        }
        append_utf8(out, static_cast<std::uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code))));
        i += c.length;
    }
    return out;
}

/// What one person has of addresses: a whole /64 of IPv6, one of IPv4 (also when it is written as an IPv6 one).
std::string network_of(const std::string& address) {
    in6_addr v6{};
    if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return address.substr(0, 64);
    char text[INET6_ADDRSTRLEN] = {};
    if (IN6_IS_ADDR_V4MAPPED(&v6) != 0) {
        inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof(text));
    } else {
        std::memset(v6.s6_addr + 8, 0, 8);
        inet_ntop(AF_INET6, &v6, text, sizeof(text));
    }
    return text;
}

}  // namespace

/// One try to log in: under what its failures are counted. Hashes: an email may be of any length, and need not lie around.
struct Accounts::Attempt {
    std::string account, place;
    bool counted_anywhere = false;

    Attempt(std::string_view email, const std::string& network)
        : account(hash_secret(email)), place(hash_secret(account + network)) {}
};

Accounts::Accounts(database::Database& database, SigningKey key, AccountOptions options, Clocks clocks)
    : users_(database),
      key_(std::move(key)),
      options_(options),
      clocks_(std::move(clocks)),
      logins_(options.logins_per_minute, std::chrono::minutes(1)),
      registrations_(options.registrations_per_hour, std::chrono::hours(1)),
      failures_here_(options.failures_before_lock, options.lock_time),
      failures_anywhere_(kAnywhereFactor * options.failures_before_lock, options.lock_time),
      known_places_(kMostPlaces) {
    const std::vector<User> all = users_.all();
    old_hashes_ = std::any_of(all.begin(), all.end(), [](const User& u) { return is_bcrypt(u.password_hash); });
}

std::string Accounts::token_for(const User& user) const {
    const std::int64_t life = std::chrono::duration_cast<std::chrono::seconds>(options_.token_life).count();
    return sign_token(key_, {.subject = user.id, .expires = clocks_.seconds() + life, .generation = user.token_generation});
}

Accounts::Entry Accounts::register_user(std::string username, std::string_view email, std::string_view password,
                                        const std::optional<std::string>& invite, const std::string& address) {
    if (const auto wait = registrations_.take(network_of(address), clocks_.steady()); wait.count() > 0) {
        throw AccountError(Refusal::too_many_tries, wait);
    }
    const auto check_allowed = [&](bool first) {
        if (first || options_.registration == Registration::open) return;
        if (options_.registration == Registration::closed) throw AccountError(Refusal::registration_closed);
        if (!invite) throw AccountError(Refusal::invite_needed);
    };
    check_allowed(users_.count() == 0);  // before the work of a hash
    User user{.username = std::move(username), .email = lower_cased(email), .password_hash = hash_password(password)};
    user.id = database::new_id();
    user.created = database::now_ms();

    std::unique_lock lock(first_user_);  // of two that come at once only one is the first
    const bool first = users_.count() == 0;
    check_allowed(first);
    const bool needs_invite = !first && options_.registration == Registration::invite;
    const auto added = users_.add(user, needs_invite ? std::optional(hash_secret(*invite)) : std::nullopt);
    lock.unlock();
    if (!added.invited) throw AccountError(Refusal::invite_invalid);
    if (added.taken == database::Taken::email) throw AccountError(Refusal::email_taken);
    if (added.taken == database::Taken::username) throw AccountError(Refusal::username_taken);
    std::string token = token_for(user);
    return {.user = std::move(user), .token = std::move(token)};
}

/// Counts the attempt as a failure before it is one, so that many at once cannot slip through together.
bool Accounts::must_refuse(Attempt& attempt) {
    const auto now = clocks_.steady();
    const bool locked_here = failures_here_.take(attempt.place, now).count() > 0;
    attempt.counted_anywhere = failures_anywhere_.take(attempt.account, now).count() == 0;
    return locked_here || (!attempt.counted_anywhere && !known_places_.contains(attempt.place));
}

void Accounts::forgive(const Attempt& attempt) {
    failures_here_.forget(attempt.place);
    if (attempt.counted_anywhere) failures_anywhere_.give_back(attempt.account);  // others' failures stay counted
    known_places_.add(attempt.place);
}

/// Ends an attempt after the one verification that `user` gave cause for, with the work that other causes would have taken.
void Accounts::refuse_password(const std::optional<User>& user, std::string_view password) const {
    const bool spent_bcrypt = user && is_bcrypt(user->password_hash);
    if (!user || spent_bcrypt) verify_nothing(password);
    if (old_hashes_ && !spent_bcrypt) verify_nothing_bcrypt(password);
    throw AccountError(Refusal::wrong_password);
}

/// False, and nothing done, when the password has changed since `user` was read: an old one never replaces a newer.
bool Accounts::replace_password(const User& user, std::string_view new_password) {
    const std::string hash = hash_password(new_password);
    const std::lock_guard lock(passwords_);
    const std::optional<User> now = users_.by_id(user.id);
    if (!now || now->password_hash != user.password_hash) return false;
    users_.set_password(user.id, hash);
    return true;
}

Accounts::Entry Accounts::log_in(std::string email, std::string_view password, const std::string& address) {
    const std::string network = network_of(address);
    if (const auto wait = logins_.take(network, clocks_.steady()); wait.count() > 0) {
        throw AccountError(Refusal::too_many_tries, wait);
    }
    email = lower_cased(email);
    Attempt attempt(email, network);
    const bool refused = must_refuse(attempt);
    std::optional<User> user = users_.by_email(email);
    const Verdict verdict = user ? verify_password(user->password_hash, password) : Verdict{};
    if (refused || !verdict.right) refuse_password(user, password);
    forgive(attempt);
    if (user->disabled) throw AccountError(Refusal::disabled);
    if (verdict.outdated) (void)replace_password(*user, password);
    std::string token = token_for(*user);
    return {.user = std::move(*user), .token = std::move(token)};
}

Accounts::Identity Accounts::identify(std::string_view token) const {
    const std::optional<Claims> claims = verify_token(key_, token, clocks_.seconds());
    if (!claims) return {.user = std::nullopt, .fault = TokenFault::invalid};
    std::optional<User> user = users_.by_id(claims->subject);
    if (!user) return {.user = std::nullopt, .fault = TokenFault::no_user};
    if (user->disabled || user->token_generation != claims->generation) {
        return {.user = std::nullopt, .fault = TokenFault::invalid};
    }
    return {.user = std::move(user), .fault = TokenFault::none};
}

std::string Accounts::change_password(const User& user, std::string_view old_password, std::string_view new_password) {
    const std::optional<User> now = users_.by_id(user.id);
    if (!now) throw AccountError(Refusal::wrong_password);
    if (now->disabled) throw AccountError(Refusal::disabled);
    const std::string attempt = hash_secret("change " + user.id);  // a stolen token must not serve for guessing
    const bool locked = failures_here_.take(attempt, clocks_.steady()).count() > 0;
    if (!verify_password(now->password_hash, old_password).right || locked) throw AccountError(Refusal::wrong_password);
    failures_here_.forget(attempt);
    if (!replace_password(*now, new_password)) throw AccountError(Refusal::wrong_password);
    users_.next_token_generation(user.id);  // after it: who got in with the old password got a token of the old generation
    const std::optional<User> changed = users_.by_id(user.id);
    if (!changed) throw AccountError(Refusal::wrong_password);
    return token_for(*changed);
}

void Accounts::sign_out_everywhere(const User& user) {
    users_.next_token_generation(user.id);
}

std::string Accounts::invite(const User& by, std::chrono::hours life) {
    std::string code = random_secret();
    const auto now = database::now_ms();
    users_.add_invite({.code_hash = hash_secret(code),
                       .created_by = by.id,
                       .created = now,
                       .expires = now + std::chrono::duration_cast<std::chrono::milliseconds>(life).count(),
                       .used_by = std::nullopt});
    return code;
}

}  // namespace heart::server::accounts
