// Does the right password log in, and does guessing lead nowhere?

#include "server/accounts_test_support.h"
#include "support/cpu_time.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <vector>

namespace heart::test {
namespace {

using namespace std::chrono_literals;
using server::accounts::AccountError;

class AccountsLogin : public AccountsTest {
protected:
    static Options strict() {
        Options options = many();
        options.failures_before_lock = 3;
        return options;
    }
    /// Fails so often.
    void fail(Accounts& accounts, int times, const std::string& email, const std::string& address = kAddress) {
        for (int i = 0; i < times; ++i) EXPECT_EQ(log_in(accounts, email, "wrong", address), Refusal::wrong_password);
    }
};

TEST_F(AccountsLogin, TakesTheRightPasswordOnly) {
    const User ann = add_user("ann", hash_of_secret());
    const auto accounts = make();
    const auto entry = accounts->log_in("ANN@X", "secret", kAddress);
    EXPECT_EQ(entry.user.id, ann.id);
    EXPECT_EQ(accounts->identify(entry.token).user->id, ann.id);
    for (const std::string& password :
         {std::string(), std::string("Secret"), std::string("secret\0", 7), std::string(5000, 'x')}) {
        EXPECT_EQ(log_in(*accounts, "ann@x", password), Refusal::wrong_password);
    }
    EXPECT_EQ(log_in(*accounts, "nobody@x", "secret"), Refusal::wrong_password);
    EXPECT_EQ(log_in(*accounts, "' OR 1=1 --", "secret"), Refusal::wrong_password);
    EXPECT_EQ(log_in(*accounts, "ann", "secret"), Refusal::wrong_password);
}

TEST_F(AccountsLogin, RehashesWhatThePythonStudioHashed) {
    const User ann = add_user("ann", kOldHash);
    const auto accounts = make();
    EXPECT_EQ(log_in(*accounts, "ann@x", "wrong"), Refusal::wrong_password);
    EXPECT_EQ(users_->by_id(ann.id)->password_hash, kOldHash);
    const auto entry = accounts->log_in("ann@x", kOldPassword, kAddress);
    EXPECT_TRUE(users_->by_id(ann.id)->password_hash.starts_with("$argon2id$"));
    EXPECT_TRUE(accounts->identify(entry.token).user.has_value());
    EXPECT_EQ(log_in(*accounts, "ann@x", kOldPassword), std::nullopt);
    EXPECT_EQ(log_in(*accounts, "ann@x", "wrong"), Refusal::wrong_password);
}

TEST_F(AccountsLogin, TellsOnlyTheOwnerThatAnAccountIsDisabled) {
    const User ann = add_user("ann", hash_of_secret());
    const auto accounts = make();
    users_->set_disabled(ann.id, true);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), Refusal::disabled);
    EXPECT_EQ(log_in(*accounts, "ann@x", "wrong"), Refusal::wrong_password);
    users_->set_disabled(ann.id, false);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), std::nullopt);
}

TEST_F(AccountsLogin, LocksTheGuesserAndNotTheOwner) {
    add_user("ann", hash_of_secret());
    const auto accounts = make(strict());
    fail(*accounts, 3, "ann@x", "198.51.100.1");
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "198.51.100.1"), Refusal::wrong_password)
        << "the right one came too late";
    EXPECT_EQ(log_in(*accounts, "ANN@x", "secret", "198.51.100.1"), Refusal::wrong_password);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), std::nullopt);
    pass(15min);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "198.51.100.1"), std::nullopt);
}

TEST_F(AccountsLogin, ALockLetsOneTryThroughNowAndThen) {
    add_user("ann", hash_of_secret());
    const auto accounts = make(strict());
    fail(*accounts, 3, "ann@x");
    pass(4min);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), Refusal::wrong_password);
    pass(1min);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), std::nullopt);
}

TEST_F(AccountsLogin, SuccessForgivesTheFailuresBefore) {
    add_user("ann", hash_of_secret());
    const auto accounts = make(strict());
    for (int round = 0; round < 3; ++round) {
        fail(*accounts, 2, "ann@x");
        EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), std::nullopt) << round;
    }
}

TEST_F(AccountsLogin, ManyGuessersLockTheAccountButNotWhereItsOwnerIs) {
    add_user("ann", hash_of_secret());
    Options options = many();
    options.failures_before_lock = 1;  // 10 from anywhere
    const auto accounts = make(options);
    ASSERT_EQ(log_in(*accounts, "ann@x", "secret", "203.0.113.5"), std::nullopt);
    for (int i = 0; i < 10; ++i) fail(*accounts, 1, "ann@x", "198.51.100." + std::to_string(i));
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "198.51.100.99"), Refusal::wrong_password) << "one more guesser";
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "203.0.113.5"), std::nullopt) << "where she logged in before";
    fail(*accounts, 1, "ann@x", "203.0.113.5");
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "203.0.113.5"), Refusal::wrong_password) << "no free guesses there";
    pass(15min);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "198.51.100.99"), std::nullopt);
}

TEST_F(AccountsLogin, AnAddressOfIpv6IsItsNetwork) {
    add_user("ann", hash_of_secret());
    const auto accounts = make(strict());
    for (const char* address : {"2001:db8::1", "2001:db8::2", "2001:0db8:0000:0000:ffff::1"})
        fail(*accounts, 1, "ann@x", address);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "2001:db8::99"), Refusal::wrong_password);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "2001:db8:0:1::1"), std::nullopt);
    fail(*accounts, 2, "ann@x", "192.0.2.7");
    fail(*accounts, 1, "ann@x", "::ffff:192.0.2.7");
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "192.0.2.7"), Refusal::wrong_password);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "::ffff:192.0.2.8"), std::nullopt);
}

TEST_F(AccountsLogin, ManyAtOnceAreCountedLikeManyInTurn) {
    add_user("ann", hash_of_secret());
    const auto accounts = make(strict());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) threads.emplace_back([&] { fail(*accounts, 1, "ann@x"); });
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), Refusal::wrong_password);
}

TEST_F(AccountsLogin, IsLimitedByAddress) {
    add_user("ann", hash_of_secret());
    Options options = many();
    options.logins_per_minute = 3;
    const auto accounts = make(options);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), std::nullopt);
    EXPECT_EQ(log_in(*accounts, "a@x", "wrong"), Refusal::wrong_password);
    EXPECT_EQ(log_in(*accounts, "b@x", "wrong"), Refusal::wrong_password);
    try {
        (void)accounts->log_in("ann@x", "secret", kAddress);
        ADD_FAILURE() << "logged in";
    } catch (const AccountError& e) {
        EXPECT_EQ(e.refusal(), Refusal::too_many_tries);
        EXPECT_GE(e.retry_after(), 20s);
        EXPECT_LE(e.retry_after(), 21s);
    }
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret", "192.0.2.2"), std::nullopt);
    pass(21s);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), std::nullopt);
}

/// Of one refused attempt, the shorter of two.
double least_cpu_seconds(const std::function<void()>& attempt) {
    const double first = cpu_seconds(attempt);
    return std::min(first, cpu_seconds(attempt));
}

TEST_F(AccountsLogin, EveryRefusalTakesTheSameWork) {
    add_user("ann", hash_of_secret());
    add_user("old", kOldHash);
    const auto accounts = make(strict());
    fail(*accounts, 1, "nobody@x");  // some of it is prepared the first time
    fail(*accounts, 3, "ann@x", "198.51.100.1");
    struct Case {
        const char *what, *email;
        std::string password, address;
        double seconds = 0;
    };
    Case cases[] = {{"unknown email", "nobody2@x", "secret", kAddress},
                    {"wrong password", "ann@x", "wrong", kAddress},
                    {"wrong old password", "old@x", "wrong", kAddress},
                    {"locked, wrong password", "ann@x", "wrong", "198.51.100.1"},
                    {"locked, right password", "ann@x", "secret", "198.51.100.1"}};
    double least = 1e9, most = 0;
    for (Case& c : cases) {
        c.seconds = least_cpu_seconds(
            [&] { EXPECT_EQ(log_in(*accounts, c.email, c.password, c.address), Refusal::wrong_password); });
        std::printf("%s: %.3f s of CPU\n", c.what, c.seconds);
        least = std::min(least, c.seconds);
        most = std::max(most, c.seconds);
    }
    EXPECT_LT(most, 2.5 * least);  // without the other kind of hash it is four times
}

}  // namespace
}  // namespace heart::test
