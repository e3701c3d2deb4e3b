// For whom does a token speak, and until when?

#include "server/accounts_test_support.h"

#include <gtest/gtest.h>

namespace heart::test {
namespace {

using namespace std::chrono_literals;
using server::accounts::Claims;
using server::accounts::sign_token;
using server::accounts::SigningKey;

class AccountsSessions : public AccountsTest {
protected:
    using Fault = Accounts::TokenFault;

    static Fault fault_of(const Accounts& accounts, std::string_view token) {
        const auto identity = accounts.identify(token);
        EXPECT_EQ(identity.user.has_value(), identity.fault == Fault::none);
        return identity.fault;
    }
};

TEST_F(AccountsSessions, ATokenSpeaksForItsUserUntilItEnds) {
    const User ann = add_user("ann", hash_of_secret()), bob = add_user("bob", hash_of_secret());
    const auto accounts = make();
    const std::string token = accounts->log_in("bob@x", "secret", kAddress).token;
    EXPECT_EQ(accounts->identify(token).user->id, bob.id);
    pass(7 * 24h - 1s);
    EXPECT_EQ(fault_of(*accounts, token), Fault::none);
    pass(1s);
    EXPECT_EQ(fault_of(*accounts, token), Fault::invalid);
}

TEST_F(AccountsSessions, ATokenOfThePythonStudioStaysGoodWithItsKey) {
    const User ann = add_user("ann", hash_of_secret());
    const auto accounts = make();
    const std::string token = sign_token(accounts->key(), {.subject = ann.id, .expires = seconds_ + 60});
    EXPECT_EQ(fault_of(*accounts, token), Fault::none);
}

TEST_F(AccountsSessions, JunkAndForgeriesSpeakForNobody) {
    const User ann = add_user("ann", hash_of_secret());
    const auto accounts = make();
    const Claims claims{.subject = ann.id, .expires = seconds_ + 60};
    EXPECT_EQ(fault_of(*accounts, sign_token(SigningKey(std::string(32, 'k')), claims)), Fault::invalid);
    for (const char* token : {"", "x", "..", "null"}) EXPECT_EQ(fault_of(*accounts, token), Fault::invalid);
    EXPECT_EQ(fault_of(*accounts, sign_token(accounts->key(), {.subject = "nobody", .expires = seconds_ + 60})),
              Fault::no_user);
}

TEST_F(AccountsSessions, EndWithTheUser) {
    const User ann = add_user("ann", hash_of_secret());
    const auto accounts = make();
    const std::string token = accounts->log_in("ann@x", "secret", kAddress).token;
    users_->set_disabled(ann.id, true);
    EXPECT_EQ(fault_of(*accounts, token), Fault::invalid);
    users_->set_disabled(ann.id, false);
    EXPECT_EQ(fault_of(*accounts, token), Fault::none);
    (void)users_->remove(ann.id);
    EXPECT_EQ(fault_of(*accounts, token), Fault::no_user);
}

TEST_F(AccountsSessions, SigningOutEverywhereEndsAllOfThatUserOnly) {
    const User ann = add_user("ann", hash_of_secret());
    add_user("bob", hash_of_secret());
    const auto accounts = make();
    const std::string phone = accounts->log_in("ann@x", "secret", kAddress).token;
    const std::string desk = accounts->log_in("ann@x", "secret", kAddress).token;
    const std::string bobs = accounts->log_in("bob@x", "secret", kAddress).token;
    accounts->sign_out_everywhere(ann);
    EXPECT_EQ(fault_of(*accounts, phone), Fault::invalid);
    EXPECT_EQ(fault_of(*accounts, desk), Fault::invalid);
    EXPECT_EQ(fault_of(*accounts, bobs), Fault::none);
    EXPECT_EQ(fault_of(*accounts, accounts->log_in("ann@x", "secret", kAddress).token), Fault::none);
}

TEST_F(AccountsSessions, ChangingThePasswordEndsAllButTheNewOne) {
    const User ann = add_user("ann", hash_of_secret());
    const auto accounts = make();
    const std::string before = accounts->log_in("ann@x", "secret", kAddress).token;
    const auto wrong = [&] { (void)accounts->change_password(ann, "wrong", "new secret"); };
    EXPECT_EQ(refusal_of(wrong), Refusal::wrong_password);
    EXPECT_EQ(fault_of(*accounts, before), Fault::none);
    const std::string after = accounts->change_password(ann, "secret", "new secret");
    EXPECT_EQ(fault_of(*accounts, before), Fault::invalid);
    EXPECT_EQ(fault_of(*accounts, after), Fault::none);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), Refusal::wrong_password);
    EXPECT_EQ(log_in(*accounts, "ann@x", "new secret"), std::nullopt);
}

TEST_F(AccountsSessions, APasswordThatCannotBeChangesNothing) {
    const User ann = add_user("ann", hash_of_secret());
    const auto accounts = make();
    const std::string token = accounts->log_in("ann@x", "secret", kAddress).token;
    EXPECT_THROW((void)accounts->change_password(ann, "secret", std::string("a\0b", 3)), Error);
    EXPECT_EQ(fault_of(*accounts, token), Fault::none);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), std::nullopt);
}

TEST_F(AccountsSessions, AStolenTokenDoesNotServeForGuessing) {
    const User ann = add_user("ann", hash_of_secret());
    Options options = many();
    options.failures_before_lock = 2;
    const auto accounts = make(options);
    const auto change_with = [&](const char* old_password) {
        return refusal_of([&] { (void)accounts->change_password(ann, old_password, "new secret"); });
    };
    for (int i = 0; i < 2; ++i) EXPECT_EQ(change_with("wrong"), Refusal::wrong_password);
    EXPECT_EQ(change_with("secret"), Refusal::wrong_password);
    EXPECT_EQ(log_in(*accounts, "ann@x", "secret"), std::nullopt) << "logging in is another matter";
    pass(15min);
    EXPECT_EQ(change_with("secret"), std::nullopt);
}

TEST_F(AccountsSessions, ADisabledOrRemovedUserChangesNoPassword) {
    const User ann = add_user("ann", hash_of_secret());
    const auto accounts = make();
    const auto change = [&] { (void)accounts->change_password(ann, "secret", "new secret"); };
    users_->set_disabled(ann.id, true);
    EXPECT_EQ(refusal_of(change), Refusal::disabled);
    (void)users_->remove(ann.id);
    EXPECT_EQ(refusal_of(change), Refusal::wrong_password);
}

}  // namespace
}  // namespace heart::test
