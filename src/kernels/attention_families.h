#pragma once

#include "kernels/attention.h"

#include <cstdint>

namespace heart::kernels {

// `attend` for one family of instructions; `scratch` has room for `scratch_floats` and is aligned to 64 bytes.
void attend_portable(const Attention& a, int ith, int nth, float* scratch) noexcept;
void attend_avx2(const Attention& a, int ith, int nth, float* scratch) noexcept;
void attend_avx512(const Attention& a, int ith, int nth, float* scratch) noexcept;

// Internal linkage: each family compiles this with its own instructions.
namespace {

inline constexpr std::int64_t kDecodeColumns = 2;    // up to this many columns are decoding
inline constexpr std::int64_t kBlockPositions = 64;  // positions looked at together: the bits of a word
inline constexpr std::int64_t kBlockQueries = 192;   // queries that share one unpacking of keys: 4 x 48, 8 x 24, 24 x 8
inline constexpr std::int64_t kMaxLanes = 48;        // queries side by side in one tile

/// Floats of a row of `head_dim`, filled up to whole registers of any family.
constexpr std::int64_t padded(std::int64_t head_dim) {
    return (head_dim + 15) / 16 * 16;
}

constexpr std::int64_t decode_scratch_floats(const Attention& a) {
    const std::int64_t queries = a.heads * a.n;  // of one row
    // Queries and sums; largest score and sum of weights; weights.
    return 2 * queries * padded(a.head_dim) + (2 * queries + 15) / 16 * 16 + queries * kBlockPositions;
}

constexpr std::int64_t blocked_scratch_floats(const Attention& a) {
    // Queries and sums, keys and values; largest score and sum of weights; weights.
    return 2 * (kBlockQueries + kBlockPositions) * a.head_dim + 2 * kBlockQueries + kMaxLanes * kBlockPositions;
}

constexpr std::int64_t scratch_floats(const Attention& a) {
    return a.n <= kDecodeColumns ? decode_scratch_floats(a) : blocked_scratch_floats(a);
}

}  // namespace

}  // namespace heart::kernels
