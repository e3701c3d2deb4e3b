// Do threads that share a node's work out do all of it, once, and leave the queue ready for the next node?

#include "kernels/work_queue.h"
#include "support/on_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace heart::test {
namespace {

using namespace kernels;

TEST(WorkQueueOfThreads, PiecesCoverAllAndGrowSmaller) {
    for (const int threads : {1, 2, 3, 16}) {
        for (std::int64_t units = 0; units < 300; ++units) {
            std::int64_t covered = 0, last = units + 1;
            for (std::int64_t number = 0; covered < units; ++number) {
                const Piece p = guided_piece(units, threads, number);
                ASSERT_EQ(p.first, covered) << units << " by " << threads << ", piece " << number;
                ASSERT_GT(p.last, p.first);
                ASSERT_LE(p.last - p.first, last) << "smaller and smaller";
                last = p.last - p.first;
                covered = p.last;
            }
            ASSERT_EQ(covered, units);
            ASSERT_TRUE(units == 0 || last == 1) << "whoever is last is soon done";
            for (const std::int64_t behind : {std::int64_t{300}, std::int64_t{1000}}) {
                const Piece p = guided_piece(units, threads, behind);
                ASSERT_GE(p.first, p.last) << "nothing is left";
            }
        }
    }
}

TEST(WorkQueueOfThreads, EachUnitIsDoneOnceNodeAfterNode) {
    constexpr std::int64_t kUnit = 3;
    for (const int threads : {1, 2, 5}) {
        WorkQueue queue;
        for (std::int64_t count = 0; count < 80; ++count) {
            std::vector<std::atomic<int>> done(static_cast<std::size_t>(count));
            on_threads(threads, [&](int i) {
                share_out({i, threads, &queue}, count, kUnit, [&](std::int64_t first, std::int64_t last) {
                    EXPECT_EQ(first % kUnit, 0) << "whole units";
                    for (; first < last; ++first) ++done[static_cast<std::size_t>(first)];
                });
            });
            for (const auto& times : done) ASSERT_EQ(times, 1) << count << " by " << threads;
        }
    }
}

TEST(WorkQueueOfThreads, WhoIsHeldUpLeavesTheRestToOthers) {
    WorkQueue queue;
    std::atomic<int> by_other{0};
    std::atomic<bool> others_done{false};
    on_threads(2, [&](int i) {
        share_out({i, 2, &queue}, 64, 1, [&](std::int64_t first, std::int64_t last) {
            if (i == 0) {
                while (!others_done) {  // held up until the other thread has done all the rest
                    if (by_other + static_cast<int>(last - first) >= 64) others_done = true;
                }
            } else {
                by_other += static_cast<int>(last - first);
            }
        });
    });
    EXPECT_GE(by_other, 48) << "all but the first piece, a quarter";
}

TEST(WorkQueueOfThreads, WithoutOneEachDoesAnEqualShare) {
    std::vector<std::int64_t> sizes(3);
    on_threads(3, [&](int i) {
        share_out({i, 3}, 90, 10,
                  [&](std::int64_t first, std::int64_t last) { sizes[static_cast<std::size_t>(i)] += last - first; });
    });
    EXPECT_EQ(sizes, (std::vector<std::int64_t>{30, 30, 30}));
}

}  // namespace
}  // namespace heart::test
