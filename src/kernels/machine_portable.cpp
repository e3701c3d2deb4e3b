#include "kernels/machine_loops.h"

namespace heart::kernels {

namespace {

// Vectors of 16 bytes, which every target has or the compiler makes up.
using Float4 = float __attribute__((vector_size(16)));
using UInt16x8 = std::uint16_t __attribute__((vector_size(16)));
using Uint64x2 = std::uint64_t __attribute__((vector_size(16)));

constexpr int kSums = 10;
constexpr std::size_t kStreams = 4;

/// Four streams a quarter of the block apart keep more reads on their way than one does.
std::uint64_t read(const void* data, std::size_t bytes, std::size_t ahead) {
    const char* p = static_cast<const char*>(data);
    const std::size_t stream = bytes / kStreams;
    Uint64x2 sum[kStreams] = {};
    for (std::size_t i = 0; i < stream; i += 64) {
        for (std::size_t j = 0; j < kStreams; ++j) {
            const char* line = p + j * stream + i;
            __builtin_prefetch(line + ahead);
            const auto* q = reinterpret_cast<const Uint64x2*>(line);
            sum[j] += (q[0] + q[1]) + (q[2] + q[3]);
        }
    }
    const Uint64x2 all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return all[0] + all[1];
}

/// Targets without a fused multiply-add take two instructions.
float multiply_add(std::int64_t rounds) {
    Float4 sum[kSums];
    for (int i = 0; i < kSums; ++i) sum[i] = Float4{} + static_cast<float>(i);
    const Float4 x = Float4{} + 0.5F, y = Float4{} + 0.25F;
    for (std::int64_t r = 0; r < rounds; ++r) {
        for (int i = 0; i < kSums; ++i) sum[i] = sum[i] * x + y;
    }
    for (int i = 1; i < kSums; ++i) sum[0] += sum[i];
    return sum[0][0];
}

/// Kernels without 8-bit products widen to 16 bits first: what they can do at most is 16-bit multiply-adds. Unsigned, since
/// the sums run over.
std::int32_t multiply_add_int8(std::int64_t rounds) {
    constexpr int kIntSums = 8;
    UInt16x8 sum[kIntSums];
    for (int i = 0; i < kIntSums; ++i) sum[i] = UInt16x8{} + static_cast<std::uint16_t>(i);
    const UInt16x8 x = UInt16x8{} + static_cast<std::uint16_t>(rounds);  // unknown, or it would become shifts and additions
    const UInt16x8 y = UInt16x8{} + static_cast<std::uint16_t>(2);
    for (std::int64_t r = 0; r < rounds; ++r) {
        for (int i = 0; i < kIntSums; ++i) sum[i] = sum[i] * x + y;
    }
    for (int i = 1; i < kIntSums; ++i) sum[0] += sum[i];
    return sum[0][0];
}

}  // namespace

MachineLoops machine_loops_portable() {
    return {read, multiply_add, kSums * 4 * 2.0, multiply_add_int8, 8 * 8 * 2.0};
}

}  // namespace heart::kernels
