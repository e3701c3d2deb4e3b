// Who may register, and what becomes of them?

#include "server/accounts_test_support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace heart::test {
namespace {

using namespace std::chrono_literals;
using server::accounts::Registration;

class AccountsRegistration : public AccountsTest {
protected:
    static Options with(Registration registration) {
        Options options = many();
        options.registration = registration;
        return options;
    }
};

TEST_F(AccountsRegistration, TheFirstUserIsAdministratorAndNobodyElse) {
    const auto accounts = make();
    const auto first = accounts->register_user("Ann", "Ann@X.org", "secret", {}, kAddress);
    const auto second = accounts->register_user("Bob", "bob@x.org", "secret", {}, kAddress);
    EXPECT_TRUE(first.user.admin);
    EXPECT_FALSE(second.user.admin);
    EXPECT_EQ(first.user.username, "Ann");
    EXPECT_EQ(first.user.email, "ann@x.org");
    EXPECT_NE(first.user.id, second.user.id);
    EXPECT_EQ(accounts->identify(first.token).user->id, first.user.id);
    const auto stored = users_->by_id(first.user.id);
    ASSERT_TRUE(stored.has_value());
    EXPECT_TRUE(stored->password_hash.starts_with("$argon2id$"));
    EXPECT_GT(stored->created, 0);
}

TEST_F(AccountsRegistration, EmailsAreTheSameInAnyCase) {
    const auto accounts = make();
    (void)accounts->register_user("ann", "\xc3\x84NN@x", "secret", {}, kAddress);
    EXPECT_EQ(users_->all().at(0).email, "\xc3\xa4nn@x");
    const auto again = [&] { (void)accounts->register_user("bob", "\xc3\xa4nN@X", "secret", {}, kAddress); };
    EXPECT_EQ(refusal_of(again), Refusal::email_taken);
    EXPECT_EQ(log_in(*accounts, "\xc3\x84nn@x", "secret"), std::nullopt);
}

TEST_F(AccountsRegistration, SaysWhatIsTakenEmailFirst) {
    const auto accounts = make();
    ASSERT_EQ(sign_up(*accounts, "ann"), std::nullopt);
    EXPECT_EQ(sign_up(*accounts, "ann"), Refusal::email_taken);
    const auto same_name = [&] { (void)accounts->register_user("ann", "other@x", "secret", {}, kAddress); };
    EXPECT_EQ(refusal_of(same_name), Refusal::username_taken);
    const auto other_case = [&] { (void)accounts->register_user("Ann", "other@x", "secret", {}, kAddress); };
    EXPECT_EQ(refusal_of(other_case), std::nullopt) << "names are told apart by case";
}

TEST_F(AccountsRegistration, ClosedIsClosedButForTheFirst) {
    const auto accounts = make(with(Registration::closed));
    EXPECT_EQ(sign_up(*accounts, "ann"), std::nullopt);
    const std::string code = accounts->invite(users_->all().at(0), 1h);
    EXPECT_EQ(sign_up(*accounts, "bob"), Refusal::registration_closed);
    EXPECT_EQ(sign_up(*accounts, "bob", code), Refusal::registration_closed);
    EXPECT_EQ(users_->count(), 1);
}

TEST_F(AccountsRegistration, ByInviteTakesEachInviteOnce) {
    const auto accounts = make(with(Registration::invite));
    ASSERT_EQ(sign_up(*accounts, "ann"), std::nullopt);
    const std::string code = accounts->invite(users_->all().at(0), 1h), other = accounts->invite(users_->all().at(0), 1h);
    EXPECT_NE(code, other);
    EXPECT_NE(users_->invites().at(0).code_hash, code);
    EXPECT_EQ(sign_up(*accounts, "bob"), Refusal::invite_needed);
    EXPECT_EQ(sign_up(*accounts, "bob", ""), Refusal::invite_invalid);
    EXPECT_EQ(sign_up(*accounts, "bob", code + "x"), Refusal::invite_invalid);
    EXPECT_EQ(sign_up(*accounts, "ann", code), Refusal::email_taken) << "and the invite stays good";
    EXPECT_EQ(sign_up(*accounts, "bob", code), std::nullopt);
    EXPECT_EQ(sign_up(*accounts, "cid", code), Refusal::invite_invalid);
    EXPECT_EQ(sign_up(*accounts, "cid", other), std::nullopt);
    EXPECT_FALSE(users_->by_email("cid@x")->admin);
}

TEST_F(AccountsRegistration, AnInviteEnds) {
    const auto accounts = make(with(Registration::invite));
    ASSERT_EQ(sign_up(*accounts, "ann"), std::nullopt);
    const std::string code = accounts->invite(users_->all().at(0), -1h);
    EXPECT_EQ(sign_up(*accounts, "bob", code), Refusal::invite_invalid);
}

TEST_F(AccountsRegistration, WithAWrongInviteNobodyLearnsWhoIsHere) {
    const auto accounts = make(with(Registration::invite));
    ASSERT_EQ(sign_up(*accounts, "ann"), std::nullopt);
    EXPECT_EQ(sign_up(*accounts, "ann", "wrong"), Refusal::invite_invalid);
    EXPECT_EQ(sign_up(*accounts, "ann"), Refusal::invite_needed);
}

TEST_F(AccountsRegistration, OpenNeedsAndSpendsNoInvite) {
    const auto accounts = make();
    ASSERT_EQ(sign_up(*accounts, "ann"), std::nullopt);
    const std::string code = accounts->invite(users_->all().at(0), 1h);
    EXPECT_EQ(sign_up(*accounts, "bob", "wrong"), std::nullopt);
    EXPECT_EQ(sign_up(*accounts, "cid", code), std::nullopt);
    EXPECT_FALSE(users_->invites().at(0).used_by.has_value());
}

TEST_F(AccountsRegistration, OfManyAtOnceOnlyOneIsTheFirst) {
    const auto accounts = make(with(Registration::invite));
    std::atomic<int> in = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            if (!sign_up(*accounts, "user" + std::to_string(t))) ++in;
        });
    }
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(in, 1);
    EXPECT_EQ(users_->count(), 1);
    EXPECT_TRUE(users_->all().at(0).admin);
}

TEST_F(AccountsRegistration, IsLimitedByAddress) {
    Options options = many();
    options.registrations_per_hour = 2;
    const auto accounts = make(options);
    EXPECT_EQ(sign_up(*accounts, "ann"), std::nullopt);
    EXPECT_EQ(sign_up(*accounts, "ann"), Refusal::email_taken);
    EXPECT_EQ(sign_up(*accounts, "bob"), Refusal::too_many_tries);
    EXPECT_EQ(sign_up(*accounts, "bob", {}, "192.0.2.2"), std::nullopt);
    pass(30min);
    EXPECT_EQ(sign_up(*accounts, "cid"), std::nullopt);
}

TEST_F(AccountsRegistration, RefusesPasswordsThatCannotBe) {
    const auto accounts = make();
    for (const std::string& password : {std::string("secret\0x", 8), std::string(5000, 'x')}) {
        EXPECT_THROW((void)accounts->register_user("ann", "ann@x", password, {}, kAddress), Error);
    }
    EXPECT_EQ(users_->count(), 0);
}

}  // namespace
}  // namespace heart::test
