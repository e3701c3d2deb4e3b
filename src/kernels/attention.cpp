#include "kernels/attention.h"

#include "kernels/attention_families.h"
#include "kernels/instruction_set.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heart::kernels {

namespace {

struct alignas(64) CacheLine {
    float numbers[16];
};

/// Scratch of this thread, kept from call to call.
float* scratch_of_thread(std::int64_t floats) {
    thread_local std::vector<CacheLine> lines;
    const auto wanted = static_cast<std::size_t>(floats + 15) / 16;
    if (lines.size() < wanted) lines = std::vector<CacheLine>(wanted);
    return lines.front().numbers;
}

}  // namespace

bool can_attend(const Attention& a) noexcept {
    const std::int64_t step = a.type == CacheType::q8_0 ? 32 : 8;
    return a.head_dim > 0 && a.head_dim % step == 0 && a.kv_heads > 0 && a.heads > 0 && a.heads % a.kv_heads == 0;
}

void attend(const Attention& a, int ith, int nth) {
    if (a.n <= 0 || a.rows <= 0) return;
    float* scratch = scratch_of_thread(scratch_floats(a));
    switch (instruction_set()) {
#if defined(__x86_64__)
        case InstructionSet::avx512: return attend_avx512(a, ith, nth, scratch);
        case InstructionSet::avx2: return attend_avx2(a, ith, nth, scratch);
#endif
        default: return attend_portable(a, ith, nth, scratch);
    }
}

}  // namespace heart::kernels
