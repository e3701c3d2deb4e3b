#pragma once

#include "core/cancel.h"
#include "kernels/instruction_set.h"

#include <cstddef>
#include <memory>
#include <vector>

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

/// What a machine measures of itself.
enum class MachineLimit { reading, f32, int8 };

/// Measures a machine as often as is wanted, for instance beside something that is timed on it: what else the machine does
/// then slows down both.
class MachineMeter {
public:
    /// Takes `buffer_bytes` of memory and touches them (ErrorCode::memory).
    MachineMeter(const MachineTest& test, const CancelToken& cancel);
    ~MachineMeter();
    MachineMeter(const MachineMeter&) = delete;
    MachineMeter& operator=(const MachineMeter&) = delete;

    /// The best of many passes of each loop, each for `seconds`. Throws ErrorCode::cancelled between passes.
    [[nodiscard]] MachineSpeed best();
    /// Units of 1e9 a second of each of a few passes, just now: about 30 ms. Reading goes the way that was the best in
    /// best(), where that has been asked for.
    [[nodiscard]] std::vector<double> now(MachineLimit limit);

    [[nodiscard]] std::size_t buffer_bytes() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// What a meter finds at best.
[[nodiscard]] MachineSpeed measure_machine(const MachineTest& test, const CancelToken& cancel);

/// The larger of both in each number: a machine that was busy once was too slow then.
[[nodiscard]] MachineSpeed better_of(const MachineSpeed& a, const MachineSpeed& b) noexcept;

/// Bytes of all caches of the outermost level together; a guess where the system does not say.
[[nodiscard]] std::size_t outer_cache_bytes();

}  // namespace heart::kernels
