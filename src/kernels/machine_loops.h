#pragma once

#include "kernels/instruction_set.h"

#include <cstddef>
#include <cstdint>

namespace heart::kernels {

/// The three loops of one family of instructions that measure a machine. Each is compiled in a file of its own with that
/// family's flags, and keeps all it needs in registers but for what `read` reads.
struct MachineLoops {
    /// Reads `bytes` (a multiple of 256) from an address aligned to 64 bytes in four streams, each of which asks for what
    /// lies `ahead` bytes further; returns a mixture of all of them.
    std::uint64_t (*read)(const void* data, std::size_t bytes, std::size_t ahead);
    /// f32 multiply-adds that do not wait for each other, `flops_per_round` operations a round.
    float (*multiply_add)(std::int64_t rounds);
    double flops_per_round;
    /// 8-bit integers multiplied and added up, `ops_per_round` operations a round.
    std::int32_t (*multiply_add_int8)(std::int64_t rounds);
    double ops_per_round;
};

[[nodiscard]] MachineLoops machine_loops_portable();
[[nodiscard]] MachineLoops machine_loops_avx2();
[[nodiscard]] MachineLoops machine_loops_avx512();

/// Those of one family; the portable ones where this processor's kind has no such family.
[[nodiscard]] MachineLoops machine_loops(InstructionSet set);

}  // namespace heart::kernels
