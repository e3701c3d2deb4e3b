#include "server/database/ledger.h"
#include "server/database_support.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace heart::test {
namespace {

using server::database::Invite;
using server::database::Jobs;
using server::database::Ledger;
using server::database::now_ms;
using server::database::Taken;
using server::database::User;

User person(const std::string& name) {
    User user;
    user.username = name;
    user.email = name + "@example.org";
    user.password_hash = "hash of " + name;
    return user;
}

/// Runs `work` on so many threads at once.
template <typename Work>
void at_once(int threads, Work&& work) {
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i) running.emplace_back([&work, i] { work(i); });
    for (auto& thread : running) thread.join();
}

class DatabaseUsers : public DatabaseTest {};

TEST_F(DatabaseUsers, TheFirstIsAdministratorAndAllIsStored) {
    User ann = person("Ann"), bob = person("bob");
    EXPECT_EQ(users_.add(ann).taken, Taken::no);
    EXPECT_EQ(users_.add(bob).taken, Taken::no);
    EXPECT_TRUE(ann.admin);
    EXPECT_FALSE(bob.admin);
    EXPECT_EQ(ann.id.size(), 36U);
    const auto found = users_.by_id(ann.id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->username, "Ann");
    EXPECT_EQ(found->email, "Ann@example.org");
    EXPECT_EQ(found->password_hash, "hash of Ann");
    EXPECT_TRUE(found->admin);
    EXPECT_EQ(found->created, ann.created);
    EXPECT_EQ(users_.by_email("bob@example.org")->id, bob.id);
    EXPECT_FALSE(users_.by_email("' OR '1'='1"));
    EXPECT_FALSE(users_.by_id("%"));
    EXPECT_EQ(users_.count(), 2);
    EXPECT_EQ(users_.all().size(), 2U);
}

TEST_F(DatabaseUsers, EmailsAndNamesAreTakenOnce) {
    User ann = person("ann");
    ASSERT_EQ(users_.add(ann).taken, Taken::no);
    User again = person("ann");
    EXPECT_EQ(users_.add(again).taken, Taken::email);
    again.email = "other@example.org";
    EXPECT_EQ(users_.add(again).taken, Taken::username);
    EXPECT_TRUE(again.id.empty());
    again.username = "ANN";
    EXPECT_EQ(users_.add(again).taken, Taken::no);
}

TEST_F(DatabaseUsers, OneOfManyAtOnceGetsTheNameAndOneIsFirst) {
    std::atomic<int> added = 0, admins = 0;
    at_once(6, [&](int i) {
        User same = person("same"), own = person("own" + std::to_string(i));
        if (users_.add(same).taken == Taken::no) ++added;
        if (users_.add(own).taken != Taken::no) ++added;
        if (same.admin) ++admins;
        if (own.admin) ++admins;
    });
    EXPECT_EQ(added, 1);
    EXPECT_EQ(admins, 1);
    EXPECT_EQ(users_.count(), 7);
}

TEST_F(DatabaseUsers, WhatChangesIsStored) {
    User ann = person("ann");
    (void)users_.add(ann);
    users_.set_password(ann.id, "new");
    users_.set_admin(ann.id, false);
    users_.set_disabled(ann.id, true);
    users_.next_token_generation(ann.id);
    users_.next_token_generation(ann.id);
    const auto now = users_.by_id(ann.id);
    EXPECT_EQ(now->password_hash, "new");
    EXPECT_FALSE(now->admin);
    EXPECT_TRUE(now->disabled);
    EXPECT_EQ(now->token_generation, 2);
}

TEST_F(DatabaseUsers, AnInviteIsGoodOnceAndOnlyInTime) {
    User ann = person("ann");
    (void)users_.add(ann);
    users_.add_invite({"good", ann.id, now_ms(), now_ms() + 60'000, {}});
    users_.add_invite({"old", ann.id, now_ms() - 100, now_ms() - 1, {}});
    User bob = person("bob");
    EXPECT_FALSE(users_.add(bob, "unknown").invited);
    EXPECT_FALSE(users_.add(bob, "old").invited);
    // Who has none does not learn who is here; who is refused keeps theirs.
    User twin = person("ann");
    EXPECT_EQ(users_.add(twin, "old").taken, Taken::no);
    EXPECT_EQ(users_.add(twin, "good").taken, Taken::email);
    EXPECT_TRUE(users_.add(bob, "good").invited);
    User cem = person("cem");
    EXPECT_FALSE(users_.add(cem, "good").invited);
    EXPECT_EQ(users_.count(), 2);
    const auto invites = users_.invites();
    ASSERT_EQ(invites.size(), 2U);
    const auto good = std::find_if(invites.begin(), invites.end(), [](const Invite& i) { return i.code_hash == "good"; });
    EXPECT_EQ(good->used_by, bob.id);
    EXPECT_EQ(good->created_by, ann.id);
    // Also when whoever used it is gone.
    users_.remove(bob.id);
    EXPECT_FALSE(users_.add(cem, "good").invited);
    EXPECT_TRUE(users_.remove_invite("good"));
    EXPECT_FALSE(users_.remove_invite("good"));
}

TEST_F(DatabaseUsers, OneOfManyAtOnceSpendsTheInvite) {
    User ann = person("ann");
    (void)users_.add(ann);
    users_.add_invite({"code", ann.id, now_ms(), now_ms() + 60'000, {}});
    std::atomic<int> in = 0;
    at_once(6, [&](int i) {
        User user = person("user" + std::to_string(i));
        if (users_.add(user, "code").invited) ++in;
    });
    EXPECT_EQ(in, 1);
    EXPECT_EQ(users_.count(), 2);
}

class DatabaseLedger : public DatabaseTest {
protected:
    void SetUp() override {
        add_user("ann");
        add_user("bob");
    }
    void end_job(const std::string& id, const std::string& user) {
        ASSERT_EQ(jobs_.add({job(user, id)}, {}), Jobs::Refused::no);
        ASSERT_TRUE(jobs_.cancel(id));
    }
    Ledger ledger_{*db_};
};

TEST_F(DatabaseLedger, AKeyIsClaimedOnceAndThenAnswers) {
    EXPECT_FALSE(ledger_.claim_key("ann", "k", "h1"));
    const auto busy = ledger_.claim_key("ann", "k", "h2");
    ASSERT_TRUE(busy);
    EXPECT_EQ(busy->status, 0);
    EXPECT_EQ(busy->request_hash, "h1");
    EXPECT_FALSE(ledger_.claim_key("bob", "k", "h2"));
    ledger_.answer_key("ann", "k", 200, R"({"id":"1"})");
    const auto answered = ledger_.claim_key("ann", "k", "h1");
    EXPECT_EQ(answered->status, 200);
    EXPECT_EQ(answered->body, R"({"id":"1"})");
    ledger_.release_key("ann", "k");  // has an answer: stays
    EXPECT_TRUE(ledger_.claim_key("ann", "k", "h1"));
    ledger_.release_key("bob", "k");
    EXPECT_FALSE(ledger_.claim_key("bob", "k", "h3"));
    ledger_.forget_keys_before(now_ms() - 60'000);
    EXPECT_TRUE(ledger_.claim_key("ann", "k", "h1"));
    ledger_.forget_keys_before(now_ms() + 60'000);
    EXPECT_FALSE(ledger_.claim_key("ann", "k", "h1"));
}

TEST_F(DatabaseLedger, OneOfManyAtOnceClaimsTheKey) {
    std::atomic<int> claimed = 0;
    at_once(6, [&](int) {
        for (int k = 0; k < 10; ++k) {
            if (!ledger_.claim_key("ann", "key" + std::to_string(k), "h")) ++claimed;
        }
    });
    EXPECT_EQ(claimed, 10);
}

TEST_F(DatabaseLedger, DeliveriesLiveUntilTheyAreDoneOrTheirHookIsGone) {
    ledger_.add_webhook({"w1", "ann", "https://a.example", "s1"});
    ledger_.add_webhook({"w2", "ann", "https://b.example", "s2"});
    ledger_.add_webhook({"w3", "bob", "https://c.example", "s3"});
    EXPECT_EQ(ledger_.webhooks("ann").size(), 2U);
    end_job("j1", "ann");
    ledger_.announce("j1", "song.completed", "{}");
    auto due = ledger_.due_deliveries(now_ms() + 1, 10);
    ASSERT_EQ(due.size(), 2U);
    EXPECT_EQ(ledger_.due_deliveries(now_ms() + 1, 1).size(), 1U);
    EXPECT_EQ(ledger_.due_deliveries(now_ms() - 60'000, 10).size(), 0U);
    EXPECT_EQ(due[0].event, "song.completed");
    EXPECT_EQ(due[0].body, "{}");
    ledger_.delivery_failed(due[0].id, now_ms() + 60'000);
    ASSERT_EQ(ledger_.due_deliveries(now_ms() + 1, 10).size(), 1U);
    const auto later = ledger_.due_deliveries(now_ms() + 120'000, 10);
    ASSERT_EQ(later.size(), 2U);
    EXPECT_EQ(later[1].id, due[0].id);
    EXPECT_EQ(later[1].attempts, 1);
    EXPECT_EQ(later[1].secret, later[1].webhook_id == "w1" ? "s1" : "s2");
    ledger_.delivered(due[1].id);
    EXPECT_EQ(ledger_.due_deliveries(now_ms() + 120'000, 10).size(), 1U);
    EXPECT_FALSE(ledger_.remove_webhook("bob", due[0].webhook_id));
    EXPECT_TRUE(ledger_.remove_webhook("ann", due[0].webhook_id));
    EXPECT_EQ(ledger_.due_deliveries(now_ms() + 120'000, 10).size(), 0U);
    end_job("j2", "bob");
    ledger_.announce("j2", "song.failed", "{}");
    due = ledger_.due_deliveries(now_ms() + 1, 10);
    ASSERT_EQ(due.size(), 1U);
    ledger_.give_up(due[0].id);
    EXPECT_EQ(ledger_.due_deliveries(now_ms() + 1, 10).size(), 0U);
}

TEST_F(DatabaseLedger, AnEndIsNotedOnceAndNotWhenTheJobWaitsAgain) {
    ledger_.add_webhook({"w", "ann", "https://a.example", "s"});
    end_job("first", "ann");
    end_job("second", "ann");
    end_job("other", "bob");
    EXPECT_EQ(jobs_.unannounced(10).size(), 3U);
    EXPECT_EQ(jobs_.unannounced(2).size(), 2U);
    at_once(4, [&](int) { ledger_.announce("first", "job.cancelled", "{}"); });
    EXPECT_EQ(ledger_.due_deliveries(now_ms() + 1, 10).size(), 1U);
    EXPECT_EQ(jobs_.retry("second", {}), Jobs::Refused::no);
    ledger_.announce("second", "job.cancelled", "{}");
    ledger_.announce("other", "job.cancelled", "{}");  // whose owner has no webhook
    ledger_.announce("unknown", "job.cancelled", "{}");
    EXPECT_EQ(ledger_.due_deliveries(now_ms() + 1, 10).size(), 1U);
    EXPECT_TRUE(jobs_.unannounced(10).empty());
}

TEST_F(DatabaseLedger, SharesGoWithTheirSong) {
    songs_.add(song("ann", "1"));
    ledger_.add_share({"t1", "1", "ann", 5, 10});
    ledger_.add_share({"t2", "1", "ann", 6, 11});
    const auto share = ledger_.share("t1");
    ASSERT_TRUE(share);
    EXPECT_EQ(share->song_id, "1");
    EXPECT_EQ(share->user_id, "ann");
    EXPECT_EQ(share->created, 5);
    EXPECT_EQ(share->expires, 10);
    EXPECT_EQ(ledger_.shares_of("ann", "1").size(), 2U);
    EXPECT_FALSE(ledger_.remove_shares("bob", "1"));
    songs_.purge("ann", {"1"});
    EXPECT_FALSE(ledger_.share("t1"));
    songs_.add(song("ann", "1"));
    ledger_.add_share({"t1", "1", "ann", 5, 10});
    EXPECT_TRUE(ledger_.remove_shares("ann", "1"));
    EXPECT_FALSE(ledger_.remove_shares("ann", "1"));
    EXPECT_EQ(thrown([&] { ledger_.add_share({"t3", "unknown", "ann", 5, 10}); }), static_cast<int>(ErrorCode::usage));
}

TEST_F(DatabaseLedger, SettingsAreKept) {
    EXPECT_FALSE(ledger_.setting("name"));
    ledger_.set_setting("name", "one");
    ledger_.set_setting("name", "two");
    EXPECT_EQ(ledger_.setting("name"), "two");
    ledger_.set_setting("name", "");
    EXPECT_EQ(ledger_.setting("name"), "");
}

TEST_F(DatabaseLedger, EverythingOfAUserGoesWithThem) {
    songs_.add(song("ann", "1"));
    (void)ledger_.claim_key("ann", "k", "h");
    ledger_.add_webhook({"w", "ann", "https://a.example", "s"});
    end_job("j", "ann");
    ledger_.announce("j", "e", "{}");
    ledger_.add_share({"t", "1", "ann", 5, 10});
    users_.add_invite({"i", "ann", 1, 2, {}});
    users_.remove("ann");
    for (const char* table : {"idempotency_keys", "webhooks", "deliveries", "shares", "invites", "generations"}) {
        EXPECT_EQ(ask(std::string("SELECT COUNT(*) FROM ") + table), 0) << table;
    }
}

}  // namespace
}  // namespace heart::test
