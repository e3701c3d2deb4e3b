#pragma once

#include "kernels/attention_parts.h"

#include <cstdint>

// Attention of many query columns: bound by arithmetic. Queries stand side by side in the lanes of registers, so that the
// softmax goes along no register, and both products are tiles of sums held in registers: numbers of keys and values are
// broadcast, queries and weights loaded.

namespace heart::kernels {
namespace {

/// Queries side by side, and what they look at.
struct Tile {
    const float* q;             ///< [head_dim][lanes], scaled
    float* sums;                ///< [head_dim][lanes] of weighted values
    float* largest;             ///< [lanes] score
    float* total;               ///< [lanes] of weights
    const std::uint32_t* bits;  ///< [2][kBlockQueries]: for each lane, which positions it looks at
    const float* keys;          ///< [positions][head_dim]
    const float* values;        ///< [positions][head_dim]
    float* weights;             ///< [positions][lanes], scores before
    std::int64_t head_dim;
    std::int64_t positions;  ///< a multiple of kTileRows
    bool partly_hidden;      ///< some lane does not look at some of the positions
    bool keep_hidden_out;    ///< 0 times the value of a hidden position would not be 0
};

template <class V>
constexpr std::int64_t kLanes = V::kTileRegisters* V::kWidth;

template <class V, int kRegisters>
void score_tile(const Tile& t) {
    using Floats = typename V::Floats;
    constexpr int kRows = V::kTileRows;
    for (std::int64_t first = 0; first < t.positions; first += kRows) {
        Floats sums[kRows][kRegisters];
#pragma GCC unroll 8
        for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
            for (int r = 0; r < kRegisters; ++r) sums[m][r] = V::set(0.0F);
        }
        const float* key = t.keys + first * t.head_dim;
        const float* q = t.q;
        for (std::int64_t d = 0; d < t.head_dim; ++d, q += kLanes<V>) {
            Floats query[kRegisters];
#pragma GCC unroll 4
            for (int r = 0; r < kRegisters; ++r) query[r] = V::load(q + r * V::kWidth);
#pragma GCC unroll 8
            for (int m = 0; m < kRows; ++m) {
                const Floats number = V::set(key[m * t.head_dim + d]);
#pragma GCC unroll 4
                for (int r = 0; r < kRegisters; ++r) sums[m][r] = V::fma(number, query[r], sums[m][r]);
            }
        }
        float* out = t.weights + first * kLanes<V>;
#pragma GCC unroll 8
        for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
            for (int r = 0; r < kRegisters; ++r) V::store(out + m * kLanes<V> + r * V::kWidth, sums[m][r]);
        }
    }
}

/// Scores become weights relative to the largest score so far; earlier sums are corrected for its growth.
template <class V, int kRegisters>
void weigh_tile(const Tile& t, typename V::Floats* correction) {
    for (int r = 0; r < kRegisters; ++r) {
        const std::int64_t lane = r * V::kWidth;
        float* weights = t.weights + lane;
        const auto hidden = V::set(-__builtin_inff());
        const auto before = V::load(t.largest + lane);
        auto largest = before;
        for (std::int64_t p = 0; p < t.positions; ++p) {
            auto score = V::load(weights + p * kLanes<V>);
            if (t.partly_hidden) {
                const std::uint32_t* words = t.bits + (p / 32) * kBlockQueries + lane;
                score = V::where(words, std::uint32_t{1} << (p % 32), score, hidden);
                V::store(weights + p * kLanes<V>, score);
            }
            largest = V::max(largest, score);
        }
        const auto reference = V::zero_for_minus_infinity(largest);
        auto total = V::set(0.0F);
        for (std::int64_t p = 0; p < t.positions; ++p) {
            const auto weight = exp<V>(V::sub(V::load(weights + p * kLanes<V>), reference));
            V::store(weights + p * kLanes<V>, weight);
            total = V::add(total, weight);
        }
        correction[r] = exp<V>(V::sub(before, reference));
        V::store(t.largest + lane, largest);
        V::store(t.total + lane, V::fma(V::load(t.total + lane), correction[r], total));
    }
}

template <class V, int kRegisters, bool kKeepHiddenOut>
void mix_tile(const Tile& t, const typename V::Floats* correction) {
    using Floats = typename V::Floats;
    constexpr int kRows = V::kTileRows;
    for (std::int64_t d = 0; d < t.head_dim; d += kRows) {
        float* out = t.sums + d * kLanes<V>;
        Floats sums[kRows][kRegisters];
#pragma GCC unroll 8
        for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
            for (int r = 0; r < kRegisters; ++r) {
                sums[m][r] = V::mul(V::load(out + m * kLanes<V> + r * V::kWidth), correction[r]);
            }
        }
        const float* value = t.values + d;
        const float* weights = t.weights;
        for (std::int64_t p = 0; p < t.positions; ++p, value += t.head_dim, weights += kLanes<V>) {
            Floats weight[kRegisters];
#pragma GCC unroll 4
            for (int r = 0; r < kRegisters; ++r) weight[r] = V::load(weights + r * V::kWidth);
#pragma GCC unroll 8
            for (int m = 0; m < kRows; ++m) {
                const Floats number = V::set(value[m]);
#pragma GCC unroll 4
                for (int r = 0; r < kRegisters; ++r) {
                    const Floats sum = V::fma(number, weight[r], sums[m][r]);
                    if constexpr (kKeepHiddenOut) {
                        const std::uint32_t* words = t.bits + (p / 32) * kBlockQueries + r * V::kWidth;
                        sums[m][r] = V::where(words, std::uint32_t{1} << (p % 32), sum, sums[m][r]);
                    } else {
                        sums[m][r] = sum;
                    }
                }
            }
        }
#pragma GCC unroll 8
        for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
            for (int r = 0; r < kRegisters; ++r) V::store(out + m * kLanes<V> + r * V::kWidth, sums[m][r]);
        }
    }
}

template <class V, int kRegisters>
void look_tile(const Tile& t) {
    typename V::Floats correction[kRegisters];
    score_tile<V, kRegisters>(t);
    weigh_tile<V, kRegisters>(t, correction);
    if (t.keep_hidden_out) mix_tile<V, kRegisters, true>(t, correction);
    else mix_tile<V, kRegisters, false>(t, correction);
}

/// Keys or values of the positions in `bits`, as f32; zeros in place of the others up to `count`. False where a number is
/// not finite.
template <class V, class Source>
bool unpack(const std::uint8_t* from, std::int64_t stride, std::int64_t head_dim, std::uint64_t bits, std::int64_t count,
            float* out) {
    auto differences = V::set(0.0F);  // x - x is 0 for finite x only
    for (std::int64_t p = 0; p < count; ++p, out += head_dim) {
        if ((bits >> p & 1) == 0) {
            for (std::int64_t d = 0; d < head_dim; ++d) out[d] = 0.0F;
            continue;
        }
        const std::uint8_t* row = from + p * stride;
        std::int64_t d = 0;
        for (; d + V::kWidth <= head_dim; d += V::kWidth) {
            const auto x = Source::template load<V>(row, d);
            V::store(out + d, x);
            differences = V::add(differences, V::sub(x, x));
        }
        if constexpr (V::kWidth == 16) {
            if (d == head_dim) continue;
            const auto x = Source::template load_half<V>(row, d);
            V::store_half(out + d, x);
            differences = V::add(differences, V::sub(x, x));
        }
    }
    return V::sum(differences) == 0.0F;
}

/// Queries [first, first + count) of one key head; query i is head i % group of the group in column i / group.
struct QueryRange {
    std::int64_t row, kv_head, first, count;
};

struct Bits {
    std::uint32_t words[2 * kBlockQueries];  ///< [low and high half][queries]
    std::uint64_t any;                       ///< positions that some query looks at
};

/// What the queries see of `count` positions from `start` on. Lanes beyond the last query see what it sees.
void look_at_mask(const Attention& a, const QueryRange& range, std::int64_t start, std::int64_t count, Bits& out) {
    const std::int64_t group = a.heads / a.kv_heads;
    std::int64_t column = -1;
    std::uint64_t bits = 0;
    out.any = 0;
    for (std::int64_t i = 0; i < kBlockQueries; ++i) {
        if (i < range.count && (range.first + i) / group != column) {
            column = (range.first + i) / group;
            bits = visible_bits(mask_of(a, range.row, column, start), count);
            out.any |= bits;
        }
        out.words[i] = static_cast<std::uint32_t>(bits);
        out.words[kBlockQueries + i] = static_cast<std::uint32_t>(bits >> 32);
    }
}

/// What all and what any of the lanes of a tile see.
struct TileBits {
    std::uint64_t all, any;
};

TileBits bits_of_tile(const Bits& bits, std::int64_t lane, std::int64_t count) {
    TileBits out = {~std::uint64_t{0}, 0};
    for (std::int64_t i = lane; i < lane + count; ++i) {
        const std::uint64_t seen = std::uint64_t{bits.words[kBlockQueries + i]} << 32 | bits.words[i];
        out.all &= seen;
        out.any |= seen;
    }
    return out;
}

/// Positions up to the last one in `bits`, in whole tiles.
template <class V>
std::int64_t used_positions(std::uint64_t bits) {
    return (63 - __builtin_clzll(bits)) / V::kTileRows * V::kTileRows + V::kTileRows;
}

template <class V>
void load_queries(const Attention& a, const QueryRange& range, float* q) {
    const std::int64_t group = a.heads / a.kv_heads;
    for (std::int64_t i = 0; i < (range.count + kLanes<V> - 1) / kLanes<V> * kLanes<V>; ++i) {
        float* out = q + i / kLanes<V> * kLanes<V> * a.head_dim + i % kLanes<V>;
        const std::int64_t column = (range.first + i) / group, head = range.kv_head * group + (range.first + i) % group;
        const float* in = a.q + head * a.q_head + column * a.q_column + range.row * a.q_row;
        for (std::int64_t d = 0; d < a.head_dim; ++d) out[d * kLanes<V>] = i < range.count ? in[d] * a.scale : 0.0F;
    }
}

template <class V>
void store_results(const Attention& a, const QueryRange& range, const float* sums, const float* total) {
    const std::int64_t group = a.heads / a.kv_heads;
    for (std::int64_t i = 0; i < range.count; ++i) {
        const float* in = sums + i / kLanes<V> * kLanes<V> * a.head_dim + i % kLanes<V>;
        const std::int64_t column = (range.first + i) / group, head = range.kv_head * group + (range.first + i) % group;
        float* y = a.y + ((range.row * a.n + column) * a.heads + head) * a.head_dim;
        const float factor = total[i] == 0.0F ? 0.0F : 1.0F / total[i];
        for (std::int64_t d = 0; d < a.head_dim; ++d) y[d] = in[d * kLanes<V>] * factor;
    }
}

/// All tiles of a block of queries look at one block of positions. `t` has the scratch and state of the first tile.
template <class V>
void look_tiles(Tile t, const QueryRange& range, const Bits& bits, bool finite_values) {
    for (std::int64_t lane = 0; lane < range.count; lane += kLanes<V>) {
        const std::int64_t count = smaller(kLanes<V>, range.count - lane);
        const TileBits seen = bits_of_tile(bits, lane, count);
        if (seen.any != 0) {
            t.bits = bits.words + lane;
            t.positions = used_positions<V>(seen.any);
            const std::uint64_t used = ~std::uint64_t{0} >> (64 - t.positions);
            t.partly_hidden = (seen.all & used) != used;
            t.keep_hidden_out = t.partly_hidden && !finite_values;
            const std::int64_t registers = (count + V::kWidth - 1) / V::kWidth;
            if (registers == 1) look_tile<V, 1>(t);
            else if (registers == 2 || V::kTileRegisters == 2) look_tile<V, 2>(t);
            else look_tile<V, V::kTileRegisters>(t);
        }
        t.q += kLanes<V> * t.head_dim;
        t.sums += kLanes<V> * t.head_dim;
        t.largest += kLanes<V>;
        t.total += kLanes<V>;
    }
}

template <class V>
void attend_queries(const Attention& a, const QueryRange& range, float* scratch) {
    static_assert(kBlockQueries % kLanes<V> == 0 && kLanes<V> <= kMaxLanes && kBlockPositions % V::kTileRows == 0);
    float* q = scratch;
    float* sums = q + kBlockQueries * a.head_dim;
    float* keys = sums + kBlockQueries * a.head_dim;
    float* values = keys + kBlockPositions * a.head_dim;
    float* weights = values + kBlockPositions * a.head_dim;
    float* largest = weights + kBlockPositions * kMaxLanes;
    float* total = largest + kBlockQueries;
    load_queries<V>(a, range, q);
    for (std::int64_t i = 0; i < kBlockQueries * a.head_dim; ++i) sums[i] = 0.0F;
    for (std::int64_t i = 0; i < kBlockQueries; ++i) {
        largest[i] = -__builtin_inff();
        total[i] = 0.0F;
    }
    const auto* k = static_cast<const std::uint8_t*>(a.k) + range.row * a.k_row + range.kv_head * a.k_head;
    const auto* v = static_cast<const std::uint8_t*>(a.v) + range.row * a.v_row + range.kv_head * a.v_head;
    Bits bits;
    for (std::int64_t start = 0; start < a.positions; start += kBlockPositions) {
        look_at_mask(a, range, start, smaller(kBlockPositions, a.positions - start), bits);
        if (bits.any == 0) continue;
        const std::int64_t used = used_positions<V>(bits.any);
        bool finite = true;
        with_source(a.type, [&](auto source) {
            using Source = decltype(source);
            unpack<V, Source>(k + start * a.k_position, a.k_position, a.head_dim, bits.any, used, keys);
            finite = unpack<V, Source>(v + start * a.v_position, a.v_position, a.head_dim, bits.any, used, values);
        });
        const Tile first = {q, sums, largest, total, nullptr, keys, values, weights, a.head_dim, used, false, false};
        look_tiles<V>(first, range, bits, finite);
    }
    store_results<V>(a, range, sums, total);
}

template <class V>
void attend_blocked(const Attention& a, int ith, int nth, float* scratch) {
    const std::int64_t queries = a.heads / a.kv_heads * a.n, blocks = (queries + kBlockQueries - 1) / kBlockQueries;
    const std::int64_t items = a.rows * a.kv_heads * blocks, last = items * (ith + 1) / nth;
    for (std::int64_t item = items * ith / nth; item < last; ++item) {
        const std::int64_t head = item / blocks, first = item % blocks * kBlockQueries;
        const std::int64_t count = smaller(kBlockQueries, queries - first);
        attend_queries<V>(a, {head / a.kv_heads, head % a.kv_heads, first, count}, scratch);
    }
}

}  // namespace
}  // namespace heart::kernels
