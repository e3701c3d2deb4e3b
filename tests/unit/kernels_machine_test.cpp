// Is the machine measured with numbers that it can have?

#include "kernels/machine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace heart::test {
namespace {

using namespace kernels;

constexpr std::size_t kSmallBuffer = std::size_t{8} << 20;  // these tests do not care for the truth

MachineTest quick(InstructionSet set, int threads = 1) {
    return {.threads = threads, .instructions = set, .seconds = 0.02, .buffer_bytes = kSmallBuffer};
}

TEST(Machine, EveryInstructionSetGivesNumbers) {
    for (const InstructionSet set : available_instruction_sets()) {
        const MachineSpeed speed = measure_machine(quick(set), {});
        for (const double x : {speed.read_gbps, speed.f32_gflops, speed.int8_gops}) {
            EXPECT_TRUE(std::isfinite(x) && x > 0.1 && x < 1e6) << name_of(set) << ": " << x;
        }
    }
}

TEST(Machine, WiderRegistersDoMore) {
    const auto& sets = available_instruction_sets();
    if (sets.size() < 2) GTEST_SKIP() << "one instruction set only";
    MachineSpeed narrow, wide;
    for (int i = 0; i < 5; ++i) {  // the best of several: the machine may be busy
        narrow = better_of(narrow, measure_machine(quick(sets.front()), {}));
        wide = better_of(wide, measure_machine(quick(sets.back()), {}));
    }
    EXPECT_GT(wide.f32_gflops, narrow.f32_gflops);
    EXPECT_GT(wide.int8_gops, narrow.int8_gops);
}

TEST(Machine, ThreadsMeasureTogether) {
    const MachineSpeed speed = measure_machine(quick(instruction_set(), 3), {});
    EXPECT_TRUE(std::isfinite(speed.read_gbps) && speed.read_gbps > 0.1);
}

TEST(Machine, StopsWhenAsked) {
    CancelToken cancel;
    cancel.cancel();
    try {
        (void)measure_machine({.threads = 2, .seconds = 60, .buffer_bytes = kSmallBuffer}, cancel);
        ADD_FAILURE() << "went on";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::cancelled);
    }
}

TEST(Machine, TheBetterOfTwoIsBetterInEachNumber) {
    const MachineSpeed best = better_of({1, 5, 3}, {2, 4, 3});
    EXPECT_EQ(best.read_gbps, 2);
    EXPECT_EQ(best.f32_gflops, 5);
    EXPECT_EQ(best.int8_gops, 3);
}

TEST(Machine, CachesHaveASize) {
    EXPECT_GE(outer_cache_bytes(), std::size_t{64} << 10);
    EXPECT_LE(outer_cache_bytes(), std::size_t{64} << 30);
}

}  // namespace
}  // namespace heart::test
