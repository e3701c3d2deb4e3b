#include "server/database/likeness.h"
#include "server/database_support.h"

#include <cmath>

namespace heart::test {
namespace {

using server::database::KeptReference;
using server::database::Likeness;

class DatabaseLikeness : public DatabaseTest {
protected:
    DatabaseLikeness() {
        add_user("ann");
        add_user("bob");
    }
    static KeptReference reference(const std::string& user, const std::string& id) {
        return {.id = id,
                .user_id = user,
                .source = "song.wav",
                .start = 1.25,
                .seconds = 10,
                .model = "m",
                .licence = "l",
                .embedding = {0.1F, -3e-38F, 7},
                .created = 5};
    }
    [[nodiscard]] std::vector<std::string> ids(const std::string& user) const {
        std::vector<std::string> out;
        for (const KeptReference& r : likeness_.references(user)) out.push_back(r.id);
        return out;
    }
    [[nodiscard]] std::vector<std::string> near(const std::string& id, std::size_t most = 100) const {
        std::vector<std::string> out;
        for (const auto& n : likeness_.nearest("ann", id, most)) out.push_back(n.song_id);
        return out;
    }
    void place(const std::string& user, const std::string& id, std::vector<float> where, const std::string& model = "m") {
        songs_.add(song(user, id));
        ASSERT_TRUE(likeness_.set_embedding(id, {std::move(where), model, true}, "pop", 0.5));
    }

    Likeness likeness_{*db_};
};

TEST_F(DatabaseLikeness, AReferenceIsReadAsItWasWritten) {
    likeness_.add_reference(reference("ann", "1"));
    const auto read = likeness_.reference("ann", "1");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->embedding, reference("ann", "1").embedding);
    EXPECT_EQ(read->source, "song.wav");
    EXPECT_EQ(read->start, 1.25);
    EXPECT_EQ(read->seconds, 10);
    EXPECT_EQ(read->model, "m");
    EXPECT_EQ(read->licence, "l");
    EXPECT_EQ(read->created, 5);
}

TEST_F(DatabaseLikeness, ReferencesAreOfTheirUser) {
    likeness_.add_reference(reference("ann", "1"));
    EXPECT_FALSE(likeness_.reference("bob", "1"));
    EXPECT_FALSE(likeness_.remove_reference("bob", "1"));
    EXPECT_TRUE(ids("bob").empty());
    EXPECT_TRUE(likeness_.remove_reference("ann", "1"));
    EXPECT_FALSE(likeness_.remove_reference("ann", "1"));
}

TEST_F(DatabaseLikeness, TheOneThatWasUsedLongestAgoGivesWay) {
    for (int i = 0; i < 50; ++i) likeness_.add_reference(reference("ann", std::to_string(i)));
    likeness_.add_reference(reference("bob", "of bob"));
    likeness_.reference_used("ann", "0");
    likeness_.reference_used("bob", "1");  // not his
    likeness_.add_reference(reference("ann", "50"));
    EXPECT_EQ(ids("ann").size(), 50U);
    EXPECT_TRUE(likeness_.reference("ann", "0"));
    EXPECT_FALSE(likeness_.reference("ann", "1"));
    likeness_.add_reference(reference("ann", "51"));
    EXPECT_FALSE(likeness_.reference("ann", "2"));
    EXPECT_EQ(ids("bob").size(), 1U);
}

TEST_F(DatabaseLikeness, WhatIsOfAUserOrASongGoesWithThem) {
    likeness_.add_reference(reference("ann", "1"));
    place("ann", "s", {1});
    songs_.add(song("ann", "t"));
    ASSERT_TRUE(likeness_.order("t", "ann", {}));
    ASSERT_EQ(songs_.purge("ann", {"s"}).size(), 1U);
    EXPECT_EQ(ask("SELECT COUNT(*) FROM song_embeddings"), 0);
    (void)users_.remove("ann");
    EXPECT_EQ(ask("SELECT COUNT(*) FROM kept_references"), 0);
    EXPECT_EQ(ask("SELECT COUNT(*) FROM embedding_orders"), 0);
}

TEST_F(DatabaseLikeness, TheSimilarityIsOfTheTagsAsTheyAre) {
    songs_.add(song("ann", "s"));
    EXPECT_FALSE(likeness_.set_embedding("none", {{1}, "m", true}, "pop", 0.5));
    ASSERT_TRUE(likeness_.set_embedding("s", {{1}, "m", true}, "other tags", 0.5)) << "they were changed meanwhile";
    EXPECT_FALSE(songs_.by_id("s")->tag_similarity);
    EXPECT_FALSE(likeness_.embedding("s")->compared);
    ASSERT_TRUE(likeness_.set_embedding("s", {{1}, "m", true}, "pop", 0.5));
    EXPECT_EQ(songs_.by_id("s")->tag_similarity, 0.5);
    EXPECT_TRUE(likeness_.embedding("s")->compared);
    EXPECT_TRUE(songs_.change("ann", "s", {.title = "New", .tags = "pop"}));
    EXPECT_EQ(songs_.by_id("s")->tag_similarity, 0.5);
    EXPECT_TRUE(songs_.change("ann", "s", {.tags = "rock"}));
    EXPECT_FALSE(songs_.by_id("s")->tag_similarity);
    EXPECT_FALSE(likeness_.embedding("s")->compared);
    EXPECT_EQ(likeness_.embedding("s")->values, std::vector<float>{1}) << "the sound is the same";
}

TEST_F(DatabaseLikeness, TheNearestAreFoundAmongAll) {
    constexpr int kSongs = 300;
    for (int i = 0; i < kSongs; ++i) {
        const float angle = static_cast<float>(i) * 0.01F, length = static_cast<float>(1 + i % 7);
        place("ann", std::to_string(i), {length * std::cos(angle), length * std::sin(angle)});
    }
    EXPECT_EQ(near("0", 3), (std::vector<std::string>{"1", "2", "3"}));
    EXPECT_EQ(near("299", 2), (std::vector<std::string>{"298", "297"}));
    EXPECT_EQ(near("0", 1000).size(), kSongs - 1U);
    EXPECT_NEAR(likeness_.nearest("ann", "0", 1)[0].similarity, std::cos(0.01), 1e-6);
}

TEST_F(DatabaseLikeness, NearnessIsOfOnesOwnSongsOutsideTheBinAndOfOneModel) {
    place("ann", "1", {1, 0});
    place("ann", "2", {1, 1});
    place("ann", "bin", {1, 0});
    place("bob", "bob's", {1, 0});
    place("ann", "other model", {1, 0}, "n");
    place("ann", "other length", {1, 0, 0});
    place("ann", "nowhere", {0, 0});
    EXPECT_EQ(songs_.set_deleted("ann", {"bin"}, true), 1);
    EXPECT_EQ(near("1"), (std::vector<std::string>{"2", "nowhere"}));
    EXPECT_TRUE(near("unknown").empty());
}

TEST_F(DatabaseLikeness, OrdersWaitInTheirTurnAndOnce) {
    for (const char* id : {"1", "2"}) songs_.add(song("ann", id));
    EXPECT_FALSE(likeness_.next_order());
    EXPECT_FALSE(likeness_.orders_wait());
    ASSERT_TRUE(likeness_.order("1", "ann", {}));
    ASSERT_TRUE(likeness_.order("2", "ann", {}));
    ASSERT_TRUE(likeness_.order("1", "ann", {}));
    ASSERT_TRUE(likeness_.order("gone", "ann", {}));
    EXPECT_EQ(ask("SELECT COUNT(*) FROM embedding_orders"), 2);
    auto order = likeness_.next_order();
    ASSERT_TRUE(order);
    EXPECT_EQ(order->song_id, "1");
    EXPECT_EQ(order->attempts, 1);
    EXPECT_EQ(likeness_.next_order()->attempts, 2) << "the process did not live";
    likeness_.put_back("1");
    EXPECT_EQ(likeness_.order_of("1")->attempts, 1);
    EXPECT_TRUE(likeness_.orders_wait());
    likeness_.order_failed("1", "why");
    EXPECT_EQ(likeness_.order_of("1")->fault, "why");
    EXPECT_EQ(likeness_.next_order()->song_id, "2");
    ASSERT_TRUE(likeness_.order("1", "ann", {}));
    EXPECT_EQ(likeness_.next_order()->song_id, "2") << "what failed goes to the end";
    likeness_.order_done("2");
    order = likeness_.next_order();
    EXPECT_EQ(order->song_id, "1");
    EXPECT_EQ(order->attempts, 1);
    EXPECT_EQ(order->fault, "");
}

TEST_F(DatabaseLikeness, OnlySoManyWait) {
    for (const char* id : {"1", "2", "3"}) songs_.add(song("ann", id));
    songs_.add(song("bob", "4"));
    const Likeness::Limits limits{.per_user = 2, .all = 2};
    EXPECT_TRUE(likeness_.order("1", "ann", limits));
    EXPECT_TRUE(likeness_.order("2", "ann", limits));
    EXPECT_TRUE(likeness_.order("2", "ann", limits)) << "it waits already";
    EXPECT_FALSE(likeness_.order("3", "ann", Likeness::Limits{.per_user = 2, .all = 10}));
    EXPECT_FALSE(likeness_.order("4", "bob", limits));
    EXPECT_TRUE(likeness_.order("4", "bob", Likeness::Limits{.per_user = 2, .all = 10}));
    EXPECT_TRUE(likeness_.order("3", "ann", {})) << "without limits";
    likeness_.order_failed("1", "why");
    likeness_.order_failed("2", "why");
    EXPECT_FALSE(likeness_.order("1", "ann", limits)) << "3 and 4 wait";
    EXPECT_TRUE(likeness_.order("1", "ann", Likeness::Limits{.per_user = 2, .all = 10})) << "what failed does not wait";
}

TEST_F(DatabaseLikeness, SongsStandInTheOrderOfTheirSimilarity) {
    int number = 0;
    for (const std::optional<double> similarity : {std::optional(0.1), std::optional<double>(), std::optional(0.9)}) {
        auto made = song("ann", std::to_string(++number));
        made.created = 1000 * number;
        songs_.add(made);
        ASSERT_TRUE(likeness_.set_embedding(made.id, {{1}, "m", true}, "pop", similarity));
    }
    const auto page = songs_.find(
        {.user_id = "ann", .order = server::database::SongQuery::Order::tag_similarity, .offset = 0, .limit = 10});
    std::vector<std::string> found;
    for (const auto& s : page.songs) found.push_back(s.id);
    EXPECT_EQ(found, (std::vector<std::string>{"3", "1", "2"}));
    EXPECT_EQ(page.total, 3);
}

TEST_F(DatabaseLikeness, AJobKeepsItsReferenceThroughARestart) {
    auto made = job("ann", "j");
    made.reference = R"({"reference_strength":"1"})";
    ASSERT_EQ(jobs_.add({made}, {}), server::database::Jobs::Refused::no);
    EXPECT_EQ(jobs_.start_next()->reference, made.reference);
    db_ = std::make_unique<server::database::Database>(db_->file());
    server::database::Jobs again(*db_);
    EXPECT_TRUE(again.recover(3).empty());
    EXPECT_EQ(again.start_next()->reference, made.reference);
    again.end("j", server::database::JobState::failed, "why");
    EXPECT_EQ(again.retry("j", {}), server::database::Jobs::Refused::no);
    EXPECT_EQ(again.by_id("j")->reference, made.reference);
}

}  // namespace
}  // namespace heart::test
