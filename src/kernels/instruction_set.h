#pragma once

#include <string_view>
#include <vector>

namespace heart::kernels {

/// Families of instructions that kernels are compiled for, side by side in one binary, each in a file of its own; which one
/// runs is decided on the machine. Kernels of different families may round differently; one family always gives the same
/// numbers, on any number of threads.
enum class InstructionSet {
    portable,  ///< whatever the compiler's target has; plain C++ that it can vectorise (NEON on ARM)
    avx2,      ///< AVX2, FMA, F16C
    avx512,    ///< AVX-512 F, BW, DQ, VL and VNNI
};

[[nodiscard]] std::string_view name_of(InstructionSet set) noexcept;

/// What this machine and this build can run, the best last; never empty.
[[nodiscard]] const std::vector<InstructionSet>& available_instruction_sets();

/// The family that kernels use: the best there is, unless the environment variable HEART_INSTRUCTION_SET (portable, avx2,
/// avx512) asked for a lesser one at start, or `use_instruction_set` did. What is not available is not taken.
[[nodiscard]] InstructionSet instruction_set() noexcept;

/// For tests and comparisons; false, and no change, where the family is not available. Not while a kernel runs: weights
/// keep their layout, which all families share.
bool use_instruction_set(InstructionSet set) noexcept;

/// Whether memory that is read from end to end comes faster where kernels do not ask for what lies ahead: on AMD's
/// processors with AVX-512 (measured on Zen 4). Others stop fetching ahead by themselves where a page ends, or have not been
/// measured. The environment variable HEART_HARDWARE_PREFETCH (0, 1) says otherwise.
[[nodiscard]] bool hardware_reads_ahead() noexcept;

/// For tests and comparisons. Numbers do not depend on it.
void assume_hardware_reads_ahead(bool does) noexcept;

}  // namespace heart::kernels
