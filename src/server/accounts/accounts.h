#pragma once

#include "server/accounts/rate_limit.h"
#include "server/accounts/recent_keys.h"
#include "server/accounts/tokens.h"
#include "server/database/users.h"

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace heart::server::accounts {

enum class Registration { open, invite, closed };

struct AccountOptions {
    Registration registration = Registration::open;  ///< the first user may always register
    std::chrono::hours token_life{7 * 24};
    double logins_per_minute = 20;  ///< from one address
    int failures_before_lock = 10;  ///< wrong passwords for one account from one address within `lock_time`
    std::chrono::minutes lock_time{15};
    double registrations_per_hour = 20;  ///< from one address
};

/// What time it is; tests set it.
struct Clocks {
    std::function<RateLimit::Clock::time_point()> steady = [] { return RateLimit::Clock::now(); };
    std::function<std::int64_t()> seconds = [] { return database::now_ms() / 1000; };  ///< since 1970
};

/// Why an account's wish was refused; each has its words and its status in the api room.
enum class Refusal {
    email_taken,
    username_taken,
    registration_closed,
    invite_needed,
    invite_invalid,
    wrong_password,  ///< or unknown email, or locked account: not told apart
    too_many_tries,  ///< see `retry_after`
    disabled,
};

class AccountError : public std::exception {
public:
    explicit AccountError(Refusal refusal, std::chrono::milliseconds retry_after = {})
        : refusal_(refusal), retry_after_(retry_after) {}
    [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }
    [[nodiscard]] std::chrono::milliseconds retry_after() const noexcept { return retry_after_; }
    [[nodiscard]] const char* what() const noexcept override { return "the account's wish was refused"; }

private:
    Refusal refusal_;
    std::chrono::milliseconds retry_after_;
};

/// Who may be whom. From any thread; registering, logging in and changing a password take the time of a hash.
///
/// Guessing passwords is slowed down in three ways: by attempts from one address; by failures for one account from one
/// address; and, against many machines that guess together, by ten times as many failures for one account from anywhere. A
/// lock lets one attempt through every `lock_time / failures_before_lock`. A stranger thus locks only the pair of that
/// account and their own address; with many addresses the account too, but not for the addresses from which its owner logged
/// in lately (kept in memory, by hash), so that its owner stays able to. Addresses of IPv6 count by their network (/64).
/// Accounts that do not exist are locked in the same way, and every refusal takes the same work.
class Accounts {
public:
    Accounts(database::Database& database, SigningKey key, AccountOptions options, Clocks clocks = {});

    struct Entry {
        database::User user;
        std::string token;
    };
    /// `email` is lower-cased, nothing else is changed. Throws AccountError, and ErrorCode::usage for a password that
    /// `hash_password` refuses. The first user becomes administrator and needs no invite, whatever `registration` says. An
    /// invite is spent only where one is needed.
    [[nodiscard]] Entry register_user(std::string username, std::string_view email, std::string_view password,
                                      const std::optional<std::string>& invite, const std::string& address);
    /// Throws AccountError; `disabled` only to who knows the password. Rehashes what was hashed in an older way.
    [[nodiscard]] Entry log_in(std::string email, std::string_view password, const std::string& address);

    enum class TokenFault { none, invalid, no_user };
    struct Identity {
        std::optional<database::User> user;
        TokenFault fault = TokenFault::none;
    };
    /// Who a bearer token speaks for: a user that exists, is not disabled, and has not signed out since.
    [[nodiscard]] Identity identify(std::string_view token) const;

    /// Throws AccountError (wrong_password, also after too many of them; disabled) and ErrorCode::usage as `register_user`.
    /// All other tokens are void then; the new one is returned.
    [[nodiscard]] std::string change_password(const database::User& user, std::string_view old_password,
                                              std::string_view new_password);
    /// All tokens of the user are void.
    void sign_out_everywhere(const database::User& user);
    /// A code to be handed on; it is shown once and kept as a hash.
    [[nodiscard]] std::string invite(const database::User& by, std::chrono::hours life);

    [[nodiscard]] const SigningKey& key() const noexcept { return key_; }
    [[nodiscard]] const AccountOptions& options() const noexcept { return options_; }

private:
    struct Attempt;

    [[nodiscard]] std::string token_for(const database::User& user) const;
    [[nodiscard]] bool must_refuse(Attempt& attempt);
    void forgive(const Attempt& attempt);
    void refuse_password(const std::optional<database::User>& user, std::string_view password) const;
    [[nodiscard]] bool replace_password(const database::User& user, std::string_view new_password);

    database::Users users_;
    SigningKey key_;
    AccountOptions options_;
    Clocks clocks_;
    RateLimit logins_, registrations_;
    RateLimit failures_here_, failures_anywhere_;  // by account and address; by account
    RecentKeys known_places_;                      // account and address of those who logged in
    bool old_hashes_;                              // there may be users with bcrypt hashes
    std::mutex first_user_, passwords_;            // held while one is looked for and made; compared and set
};

}  // namespace heart::server::accounts
