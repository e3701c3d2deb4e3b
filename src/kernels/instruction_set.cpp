#include "kernels/instruction_set.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace heart::kernels {

namespace {

#if defined(__x86_64__)
/// Not every compiler's __builtin_cpu_supports knows this one.
bool has_f16c() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

std::vector<InstructionSet> detect() {
    std::vector<InstructionSet> sets{InstructionSet::portable};
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    if (avx2) sets.push_back(InstructionSet::avx2);
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")) {
        sets.push_back(InstructionSet::avx512);
    }
#endif
    return sets;
}

InstructionSet at_start() {
    const auto& sets = available_instruction_sets();
    if (const char* asked = std::getenv("HEART_INSTRUCTION_SET")) {
        for (const InstructionSet set : sets) {
            if (name_of(set) == asked) return set;
        }
    }
    return sets.back();
}

std::atomic<InstructionSet>& chosen() {
    static std::atomic<InstructionSet> set{at_start()};
    return set;
}

bool made_by_amd() noexcept {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_is("amd") != 0;
#else
    return false;
#endif
}

bool has_avx512() noexcept {
    return available_instruction_sets().back() == InstructionSet::avx512;
}

std::atomic<bool>& reads_ahead() {
    static const char* const told = std::getenv("HEART_HARDWARE_PREFETCH");
    static std::atomic<bool> does{told != nullptr ? std::string_view(told) == "1" : made_by_amd() && has_avx512()};
    return does;
}

}  // namespace

std::string_view name_of(InstructionSet set) noexcept {
    switch (set) {
        case InstructionSet::portable: return "portable";
        case InstructionSet::avx2: return "avx2";
        case InstructionSet::avx512: return "avx512";
    }
    return "?";
}

const std::vector<InstructionSet>& available_instruction_sets() {
    static const std::vector<InstructionSet> sets = detect();
    return sets;
}

InstructionSet instruction_set() noexcept {
    return chosen().load(std::memory_order_relaxed);
}

bool hardware_reads_ahead() noexcept {
    return reads_ahead().load(std::memory_order_relaxed);
}

void assume_hardware_reads_ahead(bool does) noexcept {
    reads_ahead().store(does, std::memory_order_relaxed);
}

bool use_instruction_set(InstructionSet set) noexcept {
    const auto& sets = available_instruction_sets();
    if (std::find(sets.begin(), sets.end(), set) == sets.end()) return false;
    chosen().store(set, std::memory_order_relaxed);
    return true;
}

}  // namespace heart::kernels
