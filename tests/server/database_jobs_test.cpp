#include "server/database_support.h"

#include <rapidcheck.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace heart::test {
namespace {

using server::database::Job;
using server::database::Jobs;
using server::database::JobState;
using Refused = server::database::Jobs::Refused;

constexpr Jobs::Limits kMany{1'000'000, 1'000'000};

class DatabaseJobs : public DatabaseTest {
protected:
    void add(const std::string& user, const std::string& id) { ASSERT_EQ(jobs_.add({job(user, id)}, kMany), Refused::no); }

    std::vector<std::string> start_all() {
        std::vector<std::string> ids;
        while (auto started = jobs_.start_next()) ids.push_back(started->id);
        return ids;
    }

    static std::vector<std::string> ids(const std::vector<Job>& jobs) {
        std::vector<std::string> ids;
        for (const Job& one : jobs) ids.push_back(one.id);
        return ids;
    }
};

TEST_F(DatabaseJobs, EveryFieldComesBackAsItWasAdded) {
    add_user("ann");
    Job asked = job("ann", "1");
    asked.settings.title = "Ünï 'quoted\" %_; DROP TABLE jobs; --";
    asked.settings.lyrics = "行く\n\xF0\x9F\x8E\xB5";
    asked.settings.tags = "";
    asked.settings.max_audio_length_ms = 240'000;
    asked.settings.temperature = 0.1 + 0.2;
    asked.settings.topk = 500;
    asked.settings.cfg_scale = 1.0 / 3;
    asked.settings.seed = std::numeric_limits<std::uint64_t>::max();
    asked.settings.take = 7;
    asked.created = 1'234'567'890'123;
    ASSERT_EQ(jobs_.add({asked}, kMany), Refused::no);

    const auto found = jobs_.by_id("1");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user_id, "ann");
    EXPECT_EQ(found->request_id, asked.request_id);
    EXPECT_EQ(found->settings.title, asked.settings.title);
    EXPECT_EQ(found->settings.lyrics, asked.settings.lyrics);
    EXPECT_EQ(found->settings.tags, "");
    EXPECT_EQ(found->settings.max_audio_length_ms, 240'000);
    EXPECT_EQ(found->settings.temperature, asked.settings.temperature);
    EXPECT_EQ(found->settings.topk, 500);
    EXPECT_EQ(found->settings.cfg_scale, asked.settings.cfg_scale);
    EXPECT_EQ(found->settings.seed, asked.settings.seed);
    EXPECT_EQ(found->settings.take, 7);
    EXPECT_EQ(found->created, asked.created);
    EXPECT_EQ(found->state, JobState::pending);
    EXPECT_FALSE(found->started);
    EXPECT_FALSE(found->finished);
}

TEST_F(DatabaseJobs, EverySeedOfSixtyFourBitsSurvives) {
    add_user("ann");
    int number = 0;
    EXPECT_TRUE(rc::check([&] {
        Job asked = job("ann", std::to_string(number++));
        asked.settings.seed = *rc::gen::arbitrary<std::uint64_t>() ^ (*rc::gen::arbitrary<bool>() ? 1ULL << 63 : 0);
        RC_ASSERT(jobs_.add({asked}, kMany) == Refused::no);
        RC_ASSERT(jobs_.by_id(asked.id)->settings.seed == asked.settings.seed);
    }));
}

TEST_F(DatabaseJobs, UsersTakeTurnsAndTheirOwnGoInOrder) {
    add_user("ann");
    add_user("bob");
    for (const char* id : {"a1", "a2", "a3"}) add("ann", id);
    for (const char* id : {"b1", "b2"}) add("bob", id);
    EXPECT_EQ(start_all(), (std::vector<std::string>{"a1", "b1", "a2", "b2", "a3"}));
}

TEST_F(DatabaseJobs, AUsersTurnIsRememberedWhenTheirJobsAreGone) {
    add_user("ann");
    add_user("bob");
    add("ann", "a1");
    ASSERT_EQ(jobs_.start_next()->id, "a1");
    jobs_.end("a1", JobState::failed, "no");
    ASSERT_TRUE(jobs_.forget("ann", "a1"));
    add("ann", "a2");
    add("bob", "b1");
    EXPECT_EQ(start_all(), (std::vector<std::string>{"b1", "a2"}));
}

TEST_F(DatabaseJobs, StartingCountsTheAttemptAndSaysWhen) {
    add_user("ann");
    add("ann", "1");
    const auto started = jobs_.start_next();
    ASSERT_TRUE(started);
    EXPECT_EQ(started->state, JobState::processing);
    EXPECT_EQ(started->attempts, 1);
    ASSERT_TRUE(started->started);
    const auto stored = jobs_.by_id("1");
    EXPECT_EQ(stored->state, JobState::processing);
    EXPECT_EQ(stored->attempts, 1);
    EXPECT_EQ(stored->started, started->started);
    EXPECT_FALSE(jobs_.start_next());
}

TEST_F(DatabaseJobs, LimitsRefuseTheWholeRequestAndOnlyThat) {
    add_user("ann");
    add_user("bob");
    const Jobs::Limits limits{2, 3};
    EXPECT_EQ(jobs_.add({job("ann", "1"), job("ann", "2"), job("ann", "3")}, limits), Refused::user_limit);
    EXPECT_EQ(jobs_.count(JobState::pending), 0);
    EXPECT_EQ(jobs_.add({job("ann", "1"), job("ann", "2")}, limits), Refused::no);
    EXPECT_EQ(jobs_.add({job("ann", "3")}, limits), Refused::user_limit);
    EXPECT_EQ(jobs_.add({job("bob", "4"), job("bob", "5")}, limits), Refused::full);
    EXPECT_EQ(jobs_.add({job("bob", "4")}, limits), Refused::no);
    (void)jobs_.start_next();  // one that is made still counts
    EXPECT_EQ(jobs_.add({job("bob", "5")}, limits), Refused::full);
    ASSERT_TRUE(jobs_.cancel("2"));
    EXPECT_EQ(jobs_.add({job("bob", "5")}, limits), Refused::no);
}

TEST_F(DatabaseJobs, AddingIsAllOrNothingAlsoWhenOneIsWrong) {
    add_user("ann");
    add("ann", "1");
    EXPECT_EQ(thrown([&] {
                  (void)jobs_.add({job("ann", "2"), job("ann", "1")}, kMany);
              }),
              static_cast<int>(ErrorCode::usage));
    EXPECT_EQ(thrown([&] {
                  (void)jobs_.add({job("ann", "3"), job("nobody", "4")}, kMany);
              }),
              static_cast<int>(ErrorCode::usage));
    EXPECT_EQ(thrown([&] {
                  (void)jobs_.add({job("ann", "5"), job("ann", std::string("6\0", 2))}, kMany);
              }),
              static_cast<int>(ErrorCode::usage));
    EXPECT_EQ(thrown([&] {
                  (void)jobs_.add({job("ann", "7"), job("ann", "\xff")}, kMany);
              }),
              static_cast<int>(ErrorCode::usage));
    EXPECT_EQ(jobs_.count(JobState::pending), 1);
}

TEST_F(DatabaseJobs, RecoveryPutsInterruptedOnesFirstAndParksThoseThatKillTheProcess) {
    add_user("ann");
    for (const char* id : {"1", "2", "3", "4"}) add("ann", id);
    (void)jobs_.start_next();
    (void)jobs_.start_next();
    EXPECT_TRUE(jobs_.recover(2).empty());
    EXPECT_EQ(ids(jobs_.queue_of("ann")), (std::vector<std::string>{"1", "2", "3", "4"}));
    EXPECT_EQ(jobs_.by_id("1")->attempts, 1);
    EXPECT_EQ(jobs_.start_next()->id, "1");
    const auto failed = jobs_.recover(2);
    ASSERT_EQ(ids(failed), std::vector<std::string>{"1"});
    EXPECT_EQ(failed[0].state, JobState::failed);
    EXPECT_FALSE(failed[0].reason.empty());
    EXPECT_TRUE(failed[0].finished);
    EXPECT_EQ(ids(jobs_.failures_of("ann", 10)), std::vector<std::string>{"1"});
    EXPECT_EQ(start_all(), (std::vector<std::string>{"2", "3", "4"}));
}

TEST_F(DatabaseJobs, RecoveryEndsWhatWasToBeCancelled) {
    add_user("ann");
    add("ann", "1");
    (void)jobs_.start_next();
    ASSERT_TRUE(jobs_.cancel("1"));
    EXPECT_TRUE(jobs_.recover(3).empty());
    EXPECT_EQ(jobs_.by_id("1")->state, JobState::cancelled);
}

TEST_F(DatabaseJobs, PuttingBackMakesItTheFirstAgainAndCountsNoAttempt) {
    add_user("ann");
    add("ann", "1");
    add("ann", "2");
    (void)jobs_.start_next();
    jobs_.put_back("1");
    const auto back = jobs_.by_id("1");
    EXPECT_EQ(back->state, JobState::pending);
    EXPECT_EQ(back->attempts, 0);
    EXPECT_EQ(start_all(), (std::vector<std::string>{"1", "2"}));
    jobs_.put_back("unknown");
    jobs_.end("1", JobState::failed, "why");
    jobs_.put_back("1");
    EXPECT_EQ(jobs_.by_id("1")->state, JobState::failed);
}

TEST_F(DatabaseJobs, EndingNeedsAJobThatIsMadeAndAnEndingState) {
    add_user("ann");
    add("ann", "1");
    jobs_.end("1", JobState::failed, "not started");
    EXPECT_EQ(jobs_.by_id("1")->state, JobState::pending);
    (void)jobs_.start_next();
    for (const auto state : {JobState::pending, JobState::processing, JobState::completed}) {
        EXPECT_EQ(thrown([&] { jobs_.end("1", state, ""); }), static_cast<int>(ErrorCode::usage));
    }
    jobs_.end("1", JobState::failed, "Grund: \xC3\xA4");
    const auto ended = jobs_.by_id("1");
    EXPECT_EQ(ended->state, JobState::failed);
    EXPECT_EQ(ended->reason, "Grund: \xC3\xA4");
    EXPECT_TRUE(ended->finished);
    jobs_.end("1", JobState::cancelled, "again");
    EXPECT_EQ(jobs_.by_id("1")->state, JobState::failed);
}

TEST_F(DatabaseJobs, CancellingEndsAPendingOneAndAsksARunningOne) {
    add_user("ann");
    add("ann", "1");
    add("ann", "2");
    (void)jobs_.start_next();
    EXPECT_TRUE(jobs_.cancel("1"));
    EXPECT_TRUE(jobs_.cancel("1"));
    EXPECT_TRUE(jobs_.by_id("1")->cancel_asked);
    EXPECT_EQ(jobs_.by_id("1")->state, JobState::processing);
    EXPECT_TRUE(jobs_.cancel("2"));
    EXPECT_EQ(jobs_.by_id("2")->state, JobState::cancelled);
    EXPECT_FALSE(jobs_.cancel("2"));
    EXPECT_FALSE(jobs_.cancel("unknown"));
}

TEST_F(DatabaseJobs, RetryingStartsAnewBehindTheOthers) {
    add_user("ann");
    add("ann", "1");
    (void)jobs_.start_next();
    jobs_.end("1", JobState::failed, "why");
    add("ann", "2");
    EXPECT_EQ(jobs_.retry("1", {1, 10}), Refused::user_limit);
    EXPECT_EQ(jobs_.retry("1", {10, 1}), Refused::full);
    EXPECT_EQ(jobs_.by_id("1")->state, JobState::failed);
    EXPECT_EQ(jobs_.retry("1", kMany), Refused::no);
    const auto again = jobs_.by_id("1");
    EXPECT_EQ(again->state, JobState::pending);
    EXPECT_EQ(again->attempts, 0);
    EXPECT_EQ(again->reason, "");
    EXPECT_FALSE(again->finished);
    EXPECT_EQ(start_all(), (std::vector<std::string>{"2", "1"}));
    EXPECT_EQ(thrown([&] { (void)jobs_.retry("1", kMany); }), static_cast<int>(ErrorCode::not_found));
    EXPECT_EQ(thrown([&] { (void)jobs_.retry("unknown", kMany); }), static_cast<int>(ErrorCode::not_found));
}

TEST_F(DatabaseJobs, MovingChangesOnlyTheOwnersWaitingOnes) {
    add_user("ann");
    add_user("bob");
    for (const char* id : {"0", "1", "2", "3"}) add("ann", id);
    add("bob", "b");
    (void)jobs_.start_next();
    EXPECT_TRUE(jobs_.move_before("ann", "3", "1"));
    EXPECT_EQ(ids(jobs_.queue_of("ann")), (std::vector<std::string>{"0", "3", "1", "2"}));
    EXPECT_TRUE(jobs_.move_before("ann", "3", {}));
    EXPECT_TRUE(jobs_.move_before("ann", "2", "2"));
    EXPECT_EQ(ids(jobs_.queue_of("ann")), (std::vector<std::string>{"0", "1", "2", "3"}));
    EXPECT_FALSE(jobs_.move_before("ann", "0", {}));
    EXPECT_FALSE(jobs_.move_before("ann", "1", "0"));
    EXPECT_FALSE(jobs_.move_before("ann", "b", "1"));
    EXPECT_FALSE(jobs_.move_before("bob", "1", "2"));
    EXPECT_FALSE(jobs_.move_before("bob", "b", "1"));
    EXPECT_FALSE(jobs_.move_before("ann", "unknown", "1"));
}

TEST_F(DatabaseJobs, ForgettingIsForOnesOwnThatEndedBadly) {
    add_user("ann");
    for (const char* id : {"1", "2", "3"}) add("ann", id);
    (void)jobs_.start_next();
    ASSERT_TRUE(songs_.add_finished(song("ann", "1")));
    jobs_.cancel("2");
    EXPECT_FALSE(jobs_.forget("ann", "1"));
    EXPECT_FALSE(jobs_.forget("ann", "3"));
    EXPECT_FALSE(jobs_.forget("bob", "2"));
    EXPECT_TRUE(jobs_.forget("ann", "2"));
    EXPECT_FALSE(jobs_.forget("ann", "2"));
    EXPECT_TRUE(jobs_.failures_of("ann", 10).empty());
}

TEST_F(DatabaseJobs, AFinishedSongAndItsJobsEndAreOne) {
    add_user("ann");
    add("ann", "1");
    EXPECT_FALSE(songs_.add_finished(song("ann", "1")));
    EXPECT_FALSE(songs_.by_id("1"));
    (void)jobs_.start_next();
    EXPECT_TRUE(songs_.add_finished(song("ann", "1")));
    EXPECT_EQ(jobs_.by_id("1")->state, JobState::completed);
    EXPECT_TRUE(songs_.by_id("1"));
    EXPECT_FALSE(songs_.add_finished(song("ann", "1")));

    add("ann", "2");
    (void)jobs_.start_next();
    server::database::Song wrong = song("ann", "2");
    wrong.settings.lyrics = "\xff";
    EXPECT_EQ(thrown([&] { (void)songs_.add_finished(wrong); }), static_cast<int>(ErrorCode::usage));
    EXPECT_EQ(jobs_.by_id("2")->state, JobState::processing);
}

/// Any history of the queue: what in_turn says is what repeated starts do.
TEST_F(DatabaseJobs, TheForecastIsWhatHappens) {
    const std::vector<std::string> people{"ann", "bob", "cem", "dee"};
    for (const auto& name : people) add_user(name);
    int number = 0;
    EXPECT_TRUE(rc::check([&] {
        const int steps = *rc::gen::inRange(0, 25);
        std::vector<std::string> known;
        for (int i = 0; i < steps; ++i) {
            const auto user = *rc::gen::elementOf(people);
            switch (*rc::gen::inRange(0, 6)) {
                case 0:
                case 1: {
                    std::vector<Job> some;
                    for (int n = *rc::gen::inRange(1, 4); n > 0; --n) {
                        some.push_back(job(user, std::to_string(number++)));
                        some.back().created = *rc::gen::inRange(1, 5);  // clocks that tie
                        known.push_back(some.back().id);
                    }
                    RC_ASSERT(jobs_.add(some, kMany) == Refused::no);
                    break;
                }
                case 2: (void)jobs_.start_next(); break;
                case 3: (void)jobs_.recover(3); break;
                case 4:
                    if (!known.empty()) jobs_.put_back(*rc::gen::elementOf(known));
                    break;
                default:
                    if (!known.empty()) (void)jobs_.move_before(user, *rc::gen::elementOf(known), {});
            }
        }
        const auto forecast = ids(jobs_.in_turn());
        RC_ASSERT(static_cast<std::int64_t>(forecast.size()) == jobs_.count(JobState::pending));
        RC_ASSERT(start_all() == forecast);
        for (const auto& user : people) {
            for (const Job& left : jobs_.queue_of(user)) jobs_.end(left.id, JobState::failed, "over");
        }
    }));
}

/// Many callers at once: each job is started once, and limits hold.
TEST_F(DatabaseJobs, ThreadsStartEachJobOnceAndNeverPassTheLimits) {
    for (const char* name : {"ann", "bob", "cem"}) add_user(name);
    std::mutex mutex;
    std::map<std::string, int> started;
    std::atomic<int> added = 0, most = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 40; ++i) {
                const std::string user = i % 3 == 0 ? "ann" : i % 3 == 1 ? "bob" : "cem";
                if (jobs_.add({job(user, fmt::format("{}-{}", t, i))}, {3, 7}) == Refused::no) ++added;
                const int busy = static_cast<int>(jobs_.count(JobState::pending));
                most = std::max(most.load(), busy);
                if (i % 2 == 0) continue;
                if (const auto next = jobs_.start_next()) {
                    {
                        const std::lock_guard lock(mutex);
                        ++started[next->id];
                    }
                    if (i % 4 == 1) (void)songs_.add_finished(song(next->user_id, next->id));
                    if (i % 4 == 3) jobs_.end(next->id, JobState::failed, "no");
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();
    while (const auto next = jobs_.start_next()) ++started[next->id];
    EXPECT_EQ(static_cast<int>(started.size()), added.load());
    for (const auto& [id, times] : started) EXPECT_EQ(times, 1) << id;
    EXPECT_LE(most.load(), 7);
}

}  // namespace
}  // namespace heart::test
