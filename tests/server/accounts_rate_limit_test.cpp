// Does the rate limit allow what it promises, and stay small whatever strangers send?

#include "core/error.h"
#include "server/accounts/rate_limit.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace heart::test {
namespace {

using namespace std::chrono_literals;
using server::accounts::RateLimit;

const RateLimit::Clock::time_point kStart{};

int takes_at_once(RateLimit& limit, std::string_view key, RateLimit::Clock::time_point now) {
    int count = 0;
    while (limit.take(key, now) == 0ms) ++count;
    return count;
}

TEST(RateLimit, AllowsABurstAndRefills) {
    RateLimit limit(5, 10s);
    EXPECT_EQ(takes_at_once(limit, "a", kStart), 5);
    EXPECT_EQ(takes_at_once(limit, "a", kStart + 1'999ms), 0);
    EXPECT_EQ(takes_at_once(limit, "a", kStart + 2'000ms), 1);
    EXPECT_EQ(takes_at_once(limit, "a", kStart + 7s), 2);
    EXPECT_EQ(takes_at_once(limit, "a", kStart + 1h), 5) << "no more than the burst";
}

TEST(RateLimit, SaysHowLongToWait) {
    RateLimit limit(5, 10s);
    takes_at_once(limit, "a", kStart);
    const auto wait = limit.take("a", kStart + 500ms);
    EXPECT_GE(wait, 1'500ms);
    EXPECT_LE(wait, 1'510ms);
    EXPECT_EQ(limit.take("a", kStart + 500ms + wait), 0ms);
}

TEST(RateLimit, ARefusalCostsNothing) {
    RateLimit limit(2, 10s);
    takes_at_once(limit, "a", kStart);
    for (int i = 0; i < 1000; ++i) EXPECT_GT(limit.take("a", kStart + 1s), 0ms);
    EXPECT_EQ(limit.take("a", kStart + 5s), 0ms);
}

TEST(RateLimit, TellsKeysApart) {
    RateLimit limit(3, 10s);
    EXPECT_EQ(takes_at_once(limit, "a", kStart), 3);
    EXPECT_EQ(takes_at_once(limit, "b", kStart), 3);
    EXPECT_EQ(limit.keys(), 2U);
}

TEST(RateLimit, GivesBackAndForgets) {
    RateLimit limit(3, 10s);
    takes_at_once(limit, "a", kStart);
    limit.give_back("a");
    EXPECT_EQ(takes_at_once(limit, "a", kStart), 1);
    limit.forget("a");
    EXPECT_EQ(limit.keys(), 0U);
    EXPECT_EQ(takes_at_once(limit, "a", kStart), 3);
    limit.forget("never seen");
    limit.give_back("never seen");
    EXPECT_EQ(limit.take("b", kStart), 0ms);
    limit.give_back("b");
    limit.give_back("b");
    EXPECT_EQ(takes_at_once(limit, "b", kStart), 3) << "no more than the burst";
}

TEST(RateLimit, KeepsABoundedNumberOfKeys) {
    RateLimit limit(1, 1h, 100);
    for (int i = 0; i < 10'000; ++i) {
        (void)limit.take("stranger " + std::to_string(i), kStart);
        EXPECT_LE(limit.keys(), 100U);
        if (i % 50 == 0) (void)limit.take("regular", kStart);
    }
    EXPECT_GT(limit.take("regular", kStart), 0ms) << "the longest unused fall out first";
    EXPECT_EQ(limit.take("stranger 1", kStart), 0ms);
    limit.forget("stranger 1");
    EXPECT_EQ(limit.keys(), 99U);
}

TEST(RateLimit, WorksBelowOneAPeriod) {
    RateLimit limit(0.5, 10s);
    EXPECT_EQ(takes_at_once(limit, "a", kStart), 1);
    EXPECT_GT(limit.take("a", kStart + 19s), 0ms);
    EXPECT_EQ(limit.take("a", kStart + 20s), 0ms);
}

TEST(RateLimit, IsNotFooledByTimesOutOfOrder) {
    RateLimit limit(2, 10s);
    EXPECT_EQ(takes_at_once(limit, "a", kStart + 10s), 2);
    EXPECT_EQ(takes_at_once(limit, "a", kStart), 0);
    EXPECT_EQ(takes_at_once(limit, "a", kStart + 10s), 0);
}

TEST(RateLimit, RefusesWhatAllowsNothing) {
    for (const double burst :
         {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        EXPECT_THROW(RateLimit(burst, 10s), Error) << burst;
    }
    EXPECT_THROW(RateLimit(1, 0ms), Error);
}

TEST(RateLimit, CountsExactlyOnManyThreads) {
    RateLimit limit(1000, 1h, 3);
    std::atomic<int> taken = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) {
                if (limit.take("a", kStart) == 0ms) ++taken;
            }
        });
    }
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(taken, 1000);
}

}  // namespace
}  // namespace heart::test
