// Do two threads that hand values over end together, whichever of them fails?

#include "core/consumer_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using Numbers = ConsumerThread<int>;

TEST(ConsumerThreads, TakeEverythingInOrder) {
    for (const std::size_t capacity : {1, 3, 1000}) {
        std::vector<int> taken;
        Numbers consumer(capacity, [&](Numbers& numbers) {
            while (const auto n = numbers.take()) taken.push_back(*n);
        });
        std::vector<int> expected;
        for (int i = 0; i < 500; ++i) {
            consumer.put(i);
            expected.push_back(i);
        }
        consumer.finish();
        EXPECT_EQ(taken, expected);
    }
}

TEST(ConsumerThreads, NeverHoldMoreThanTheirQueue) {
    std::atomic<int> put{0}, taken{0};
    bool held = true;
    Numbers consumer(2, [&](Numbers& numbers) {
        while (numbers.take()) {
            held = held && put - taken <= 2 + 2;  // in the queue, on its way in, and on its way out
            ++taken;
        }
    });
    for (int i = 0; i < 2000; ++i) {
        consumer.put(i);
        ++put;
    }
    consumer.finish();
    EXPECT_TRUE(held);
    EXPECT_EQ(taken, 2000);
}

TEST(ConsumerThreads, FailureComesOutOfTheOwnersNextCall) {
    Numbers consumer(1, [](Numbers& numbers) {
        (void)numbers.take();
        throw Error(ErrorCode::io, "no more");
    });
    try {
        for (int i = 0; i < 10; ++i) consumer.put(i);  // also one that waits for room
        FAIL() << "no error";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::io);
    }
    EXPECT_THROW(consumer.finish(), Error);
}

TEST(ConsumerThreads, OwnerThatGivesUpEndsTheThread) {
    ErrorCode code{};
    int taken = 0;
    {
        Numbers consumer(10, [&](Numbers& numbers) {
            try {
                while (numbers.take()) ++taken;
            } catch (const Error& e) {
                code = e.code();
                throw;
            }
        });
        consumer.put(1);
    }
    EXPECT_EQ(code, ErrorCode::cancelled);
    EXPECT_LE(taken, 1);
}

TEST(ConsumerThreads, LongWorkNoticesThatTheOwnerGaveUp) {
    std::atomic<bool> working{false};
    bool stopped = false;
    {
        Numbers consumer(1, [&](Numbers& numbers) {
            try {
                for (;;) {
                    numbers.check();
                    working = true;
                }
            } catch (const Error&) {
                stopped = true;
            }
        });
        while (!working) std::this_thread::yield();
        EXPECT_FALSE(consumer.ended_within(std::chrono::milliseconds(1)));
    }
    EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace heart::test
