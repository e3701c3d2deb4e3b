#pragma once

#include "core/error.h"
#include "server/accounts/accounts.h"
#include "server/accounts/passwords.h"
#include "server/database/database.h"
#include "server/database/users.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace heart::test {

inline const std::string kAddress = "192.0.2.1";
inline const std::string kOldHash = "$2b$12$Q3Ls0zUeVRmAX7dX6bqDbuvxfhq8doaCYI79sGqmPqn/TxbAxzQRe";
inline const std::string kOldPassword = "correct horse battery staple";

/// Accounts on a database of their own, at a time that tests set.
class AccountsTest : public testing::Test {
protected:
    using Accounts = server::accounts::Accounts;
    using Options = server::accounts::AccountOptions;
    using Refusal = server::accounts::Refusal;
    using User = server::database::User;

    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "heart-accounts-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        database_ = std::make_unique<server::database::Database>(folder_ / "heartmula.db", 2);
        users_ = std::make_unique<server::database::Users>(*database_);
    }
    void TearDown() override {
        users_.reset();
        database_.reset();
        std::filesystem::remove_all(folder_);
    }

    static Options many() { return {.logins_per_minute = 1000, .registrations_per_hour = 1000}; }
    std::unique_ptr<Accounts> make(Options options = many()) {
        return std::make_unique<Accounts>(
            *database_, server::accounts::SigningKey("a secret of the tests, long enough for a key"), options,
            server::accounts::Clocks{.steady = [this] { return now_; }, .seconds = [this] { return seconds_; }});
    }
    void pass(std::chrono::seconds time) {
        now_ += time;
        seconds_ += time.count();
    }

    /// A user with a hash of its own, without the work of registering.
    User add_user(const std::string& name, const std::string& hash) {
        User user{.id = server::database::new_id(), .username = name, .email = name + "@x", .password_hash = hash};
        (void)users_->add(user);
        return user;
    }
    static const std::string& hash_of_secret() {  // of "secret"
        static const std::string hash = server::accounts::hash_password("secret");
        return hash;
    }

    /// Why it was refused; none when it was not.
    static std::optional<Refusal> refusal_of(const std::function<void()>& work) {
        try {
            work();
        } catch (const server::accounts::AccountError& e) {
            return e.refusal();
        }
        return std::nullopt;
    }
    static std::optional<Refusal> log_in(Accounts& accounts, const std::string& email, const std::string& password,
                                         const std::string& address = kAddress) {
        return refusal_of([&] { (void)accounts.log_in(email, password, address); });
    }
    static std::optional<Refusal> sign_up(Accounts& accounts, const std::string& name,
                                          const std::optional<std::string>& invite = {},
                                          const std::string& address = kAddress) {
        return refusal_of([&] { (void)accounts.register_user(name, name + "@x", "secret", invite, address); });
    }

    std::filesystem::path folder_;
    std::unique_ptr<server::database::Database> database_;
    std::unique_ptr<server::database::Users> users_;
    server::accounts::RateLimit::Clock::time_point now_{};
    std::int64_t seconds_ = 1'800'000'000;
};

}  // namespace heart::test
