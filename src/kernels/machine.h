#pragma once

#include "core/cancel.h"
#include "kernels/instruction_set.h"

#include <cstddef>

namespace heart::kernels {

/// The most that a machine can do: what the speed of a model is a share of. Units of 1e9 a second, all threads together.
struct MachineSpeed {
    double read_gbps = 0;   ///< bytes read from memory
    double f32_gflops = 0;  ///< f32 multiply-adds in registers; each counts as two operations
    double int8_gops = 0;   ///< multiply-adds of 8-bit integers in registers; each counts as two
    double f16_gflops = 0;  ///< products of f16 matrices, where a device has its own units for them; 0: as f32
};

struct MachineTest {
    int threads = 1;
    InstructionSet instructions = instruction_set();
    double seconds = 0.3;          ///< for each number
    std::size_t buffer_bytes = 0;  ///< that is read again and again; 0: more than four times the caches
};

/// The best of several passes of each loop. Takes `buffer_bytes` of memory meanwhile (ErrorCode::memory). Throws
/// ErrorCode::cancelled between passes.
[[nodiscard]] MachineSpeed measure_machine(const MachineTest& test, const CancelToken& cancel);

/// The larger of both in each number: a machine that was busy once was too slow then.
[[nodiscard]] MachineSpeed better_of(const MachineSpeed& a, const MachineSpeed& b) noexcept;

/// Bytes of all caches of the outermost level together; a guess where the system does not say.
[[nodiscard]] std::size_t outer_cache_bytes();

}  // namespace heart::kernels
