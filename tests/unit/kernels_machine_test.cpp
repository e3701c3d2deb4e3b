// Is the machine measured with numbers that it can have?

#include "kernels/machine.h"
#include "kernels/machine_loops.h"

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

// Not by their speed, which says as much about what else the machine is doing.
TEST(Machine, EveryInstructionSetRunsLoopsOfItsOwn) {
    const auto& sets = available_instruction_sets();
    for (std::size_t wide = 1; wide < sets.size(); ++wide) {
        const MachineLoops more = machine_loops(sets[wide]), less = machine_loops(sets[wide - 1]);
        EXPECT_NE(more.read, less.read) << name_of(sets[wide]);
        EXPECT_NE(more.multiply_add, less.multiply_add) << name_of(sets[wide]);
        EXPECT_NE(more.multiply_add_int8, less.multiply_add_int8) << name_of(sets[wide]);
        EXPECT_GT(more.flops_per_round, less.flops_per_round) << name_of(sets[wide]);
        EXPECT_GT(more.ops_per_round, less.ops_per_round) << name_of(sets[wide]);
    }
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
