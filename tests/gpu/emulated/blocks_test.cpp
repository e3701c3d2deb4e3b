// Do blocks on the CPU behave as on a GPU, and is what a GPU leaves undefined noticed?

#include "gpu/emulated/blocks.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

namespace heart::emulated {
namespace {

/// What lane `lane` of the warp gave.
unsigned given_by(const LaneBytes* all, unsigned lane) {
    unsigned value = 0;
    std::memcpy(&value, all[lane], sizeof value);
    return value;
}

unsigned of_neighbour(unsigned value) {
    return given_by(exchange("neighbour", &value, sizeof value), (threadIdx.x + 1) % kWarpLanes);
}

class EmulatedBlocks : public ::testing::TestWithParam<Order> {};

TEST_P(EmulatedBlocks, EveryThreadOfEveryBlockRunsOnce) {
    std::array<unsigned, 3 * 2 * 8 * 5> times{};
    const auto kernel = [&] {
        const unsigned block = blockIdx.y * gridDim.x + blockIdx.x, thread = threadIdx.y * blockDim.x + threadIdx.x;
        ++times[block * 40 + thread];
    };
    run_blocks({3, 2}, {8, 5}, 0, kernel, GetParam());
    for (const unsigned n : times) EXPECT_EQ(n, 1U);
}

TEST_P(EmulatedBlocks, LanesExchangeNumbersAsOftenAsTheyLike) {
    std::array<unsigned, 64> got{};
    run_blocks(
        {}, {64}, 0, [&] { got[threadIdx.x] = of_neighbour(of_neighbour(threadIdx.x)); }, GetParam());
    for (unsigned i = 0; i < 64; ++i) EXPECT_EQ(got[i], i / 32 * 32 + (i + 2) % 32);
}

TEST_P(EmulatedBlocks, WhatIsWrittenBeforeABarrierIsReadBehindIt) {
    std::array<unsigned, 200> written{}, read{};
    const auto kernel = [&] {
        written[threadIdx.x] = threadIdx.x + 1;
        meet_block();
        read[threadIdx.x] = written[(threadIdx.x + 77) % 200];
    };
    run_blocks({}, {200}, 0, kernel, GetParam());
    for (unsigned i = 0; i < 200; ++i) EXPECT_EQ(read[i], (i + 77) % 200 + 1);
}

TEST_P(EmulatedBlocks, ThreadsThatReturnedAreNotWaitedFor) {
    unsigned left = 0;
    const auto kernel = [&] {
        if (threadIdx.x % 3 == 0) return;
        meet_block();
        ++left;
    };
    run_blocks({}, {96}, 0, kernel, GetParam());
    EXPECT_EQ(left, 64U);
}

TEST_P(EmulatedBlocks, CopiesArriveWhenTheyAreWaitedFor) {
    const std::array<float, 2> from{1, 2};
    std::vector<float> before, behind;
    const auto kernel = [&] {
        auto* shared = static_cast<float*>(launched_shared_memory());
        for (std::size_t i = 0; i < 2; ++i) {
            copy_later(shared + i, &from[i], sizeof(float));
            end_copies();
        }
        before.assign(shared, shared + 2);
        wait_for_copies(1);
        behind.assign(shared, shared + 2);
        wait_for_copies(0);
        EXPECT_EQ(shared[1], 2);
    };
    run_blocks({}, {1}, 8, kernel, GetParam());
    EXPECT_TRUE(std::isnan(before[0]) && std::isnan(before[1]));
    EXPECT_EQ(behind[0], 1);
    EXPECT_TRUE(std::isnan(behind[1]));
}

TEST_P(EmulatedBlocks, SharedMemoryBeginsAnewInEachBlock) {
    unsigned soiled = 0;
    const auto kernel = [&] {
        auto* shared = static_cast<float*>(launched_shared_memory());
        soiled += std::isnan(*shared) ? 0 : 1;
        *shared = 1;
    };
    run_blocks({4}, {1}, 4, kernel, GetParam());
    EXPECT_EQ(soiled, 0U);
}

TEST_P(EmulatedBlocks, LanesAtDifferentOperationsEndTheProgram) {
    const auto kernel = [] { (void)exchange(threadIdx.x % 2 == 0 ? "this" : "that", nullptr, 0); };
    EXPECT_DEATH(run_blocks({}, {32}, 0, kernel, GetParam()), "meets others at th.*, who are at th");
}

TEST_P(EmulatedBlocks, WaitingForWhoNeverComesEndsTheProgram) {
    const auto kernel = [] {
        if (threadIdx.x < 7) (void)exchange("some lanes", nullptr, 0);
        else meet_block();
    };
    EXPECT_DEATH(run_blocks({}, {32}, 0, kernel, GetParam()), "32 threads of the block wait for others that never come");
}

INSTANTIATE_TEST_SUITE_P(Order, EmulatedBlocks, ::testing::Values(Order::first_to_last, Order::last_to_first),
                         [](const auto& info) { return info.param == Order::first_to_last ? "Forwards" : "Backwards"; });

TEST(EmulatedOrder, TellsWhoReadsWhatOthersHaveYetToWrite) {
    const auto result = [](Order order) {
        std::array<unsigned, 64> written{}, read{};
        const auto kernel = [&] {
            written[threadIdx.x] = 1;
            read[threadIdx.x] = written[(threadIdx.x + 1) % 64];  // no barrier
        };
        run_blocks({}, {64}, 0, kernel, order);
        return read;
    };
    EXPECT_NE(result(Order::first_to_last), result(Order::last_to_first));
}

}  // namespace
}  // namespace heart::emulated
