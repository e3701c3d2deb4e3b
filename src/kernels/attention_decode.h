#pragma once

#include "kernels/attention_parts.h"

#include <cstdint>

// Attention of one or two query columns, as a song's frames need it: bound by reading the cache. A thread walks through a
// row's positions in blocks, all its heads side by side, so that it reads the cache in the order of memory, once.

namespace heart::kernels {
namespace {

/// Positions that the same queries look at, for one key head.
struct KeyBlock {
    const std::uint8_t* k;
    const std::uint8_t* v;
    std::int64_t k_stride, v_stride;  ///< bytes from position to position
    std::int64_t row_bytes;           ///< of one position
    std::int64_t fetched;             ///< positions from k and v on that may be fetched
    int count;
    std::uint8_t positions[kBlockPositions];
};

/// Queries of one key head, one behind the other.
struct QueryState {
    float* q;        ///< [queries][padded head_dim], scaled
    float* sums;     ///< [queries][padded head_dim] of weighted values
    float* largest;  ///< [queries] score
    float* total;    ///< [queries] of weights
    float* weights;  ///< [queries][kBlockPositions], scores before
    std::int64_t head_dim;
};

void list_positions(std::uint64_t bits, KeyBlock& block) {
    block.count = 0;
    for (; bits != 0; bits &= bits - 1) block.positions[block.count++] = static_cast<std::uint8_t>(__builtin_ctzll(bits));
}

/// Asks for what comes V::kDecodeTogether positions later, when it is this head's turn again. Memory's own look-ahead
/// follows neither the pieces that a thread with few heads reads nor the turns between heads.
template <class V>
__attribute__((always_inline)) inline void fetch_ahead(const KeyBlock& block, int position, const std::uint8_t* from,
                                                       std::int64_t stride) {
    if (position + V::kDecodeTogether >= block.fetched) return;
    const std::uint8_t* row = from + (position + V::kDecodeTogether) * stride;
    for (std::int64_t i = 0; i < block.row_bytes; i += 64) __builtin_prefetch(row + i, 0, V::kDecodeLocality);
}

/// Scores of kQueries queries from `query` on and kPositions positions of the list from `first` on.
template <class V, class Source, int kQueries, int kPositions>
__attribute__((always_inline)) inline void score_part(const QueryState& s, int query, const KeyBlock& block, int first) {
    using Floats = typename V::Floats;
    const std::int64_t stride = padded(s.head_dim);
    const float* q = s.q + query * stride;
    const std::uint8_t* rows[kPositions];
    for (int p = 0; p < kPositions; ++p) {
        const int position = block.positions[first + p];
        rows[p] = block.k + position * block.k_stride;
        if (query == 0) fetch_ahead<V>(block, position, block.k, block.k_stride);
    }
    Floats sums[kQueries][kPositions];
    for (auto& of_query : sums) {
        for (Floats& sum : of_query) sum = V::set(0.0F);
    }
    std::int64_t i = 0;
    for (; i + 32 <= s.head_dim; i += 32) {
        for (int p = 0; p < kPositions; ++p) {
            for_registers<V, Source, 32 / V::kWidth>(
                rows[p], i, [&](int r, Floats key) __attribute__((always_inline)) {
                    for (int j = 0; j < kQueries; ++j) {
                        sums[j][p] = V::fma(V::load(q + j * stride + i + r * V::kWidth), key, sums[j][p]);
                    }
                });
        }
    }
    for (; i + V::kWidth <= s.head_dim; i += V::kWidth) {
        for (int p = 0; p < kPositions; ++p) {
            const Floats key = Source::template load<V>(rows[p], i);
            for (int j = 0; j < kQueries; ++j) sums[j][p] = V::fma(V::load(q + j * stride + i), key, sums[j][p]);
        }
    }
    if constexpr (V::kWidth == 16) {
        if (i < s.head_dim) {
            for (int p = 0; p < kPositions; ++p) {
                const Floats key = Source::template load_half<V>(rows[p], i);
                for (int j = 0; j < kQueries; ++j) sums[j][p] = V::fma(V::load(q + j * stride + i), key, sums[j][p]);
            }
        }
    }
    for (int j = 0; j < kQueries; ++j) {
        V::template store_sums<kPositions>(s.weights + (query + j) * kBlockPositions + first, sums[j]);
    }
}

template <class V, class Source, int kQueries>
__attribute__((noinline)) void score(const QueryState& s, int query, const KeyBlock& block, int first, int last) {
    int p = first;
    for (; p + V::kDecodePositions <= last; p += V::kDecodePositions) {
        score_part<V, Source, kQueries, V::kDecodePositions>(s, query, block, p);
    }
    for (; p < last; ++p) score_part<V, Source, kQueries, 1>(s, query, block, p);
}

/// Scores become weights relative to the largest score so far; earlier sums are corrected for its growth.
template <class V>
__attribute__((noinline)) void weigh(const QueryState& s, int query, int count) {
    float* weights = s.weights + query * kBlockPositions;
    const std::int64_t filled = (count + V::kWidth - 1) / V::kWidth * V::kWidth;
    for (std::int64_t i = count; i < filled; ++i) weights[i] = -__builtin_inff();
    auto maximum = V::load(weights);
    for (std::int64_t i = V::kWidth; i < filled; i += V::kWidth) maximum = V::max(maximum, V::load(weights + i));
    const float before = s.largest[query], now = V::largest(maximum);
    const float largest = now > before ? now : before;
    const auto reference = V::zero_for_minus_infinity(V::set(largest));
    if (largest != before) {
        const float correction = V::first(exp<V>(V::sub(V::set(before), reference)));
        float* sums = s.sums + query * padded(s.head_dim);
        for (std::int64_t d = 0; d < padded(s.head_dim); d += V::kWidth) {
            V::store(sums + d, V::mul(V::load(sums + d), V::set(correction)));
        }
        s.total[query] *= correction;
        s.largest[query] = largest;
    }
    auto total = V::set(0.0F);
    for (std::int64_t i = 0; i < filled; i += V::kWidth) {
        const auto weight = exp<V>(V::sub(V::load(weights + i), reference));
        V::store(weights + i, weight);
        total = V::add(total, weight);
    }
    s.total[query] += V::sum(total);
}

/// Adds the weighted values of kRegisters registers from element `d` on, for kQueries queries from `query` on.
template <class V, class Source, int kQueries, int kRegisters, bool kHalf>
__attribute__((always_inline)) inline void mix_part(const QueryState& s, int query, const KeyBlock& block, int first,
                                                    int last, std::int64_t d) {
    using Floats = typename V::Floats;
    const std::int64_t stride = padded(s.head_dim);
    float* out = s.sums + query * stride + d;
    const float* weights = s.weights + query * kBlockPositions;
    Floats sums[kQueries][kRegisters];
    for (int j = 0; j < kQueries; ++j) {
        for (int r = 0; r < kRegisters; ++r) sums[j][r] = V::load(out + j * stride + r * V::kWidth);
    }
    for (int p = first; p < last; ++p) {
        const std::uint8_t* row = block.v + block.positions[p] * block.v_stride;
        if (query == 0 && d == 0) fetch_ahead<V>(block, block.positions[p], block.v, block.v_stride);
        Floats weight[kQueries];
        for (int j = 0; j < kQueries; ++j) weight[j] = V::set(weights[j * kBlockPositions + p]);
        const auto add = [&](int r, Floats value) __attribute__((always_inline)) {
            for (int j = 0; j < kQueries; ++j) sums[j][r] = V::fma(weight[j], value, sums[j][r]);
        };
        if constexpr (kHalf) add(0, Source::template load_half<V>(row, d));
        else for_registers<V, Source, kRegisters>(row, d, add);
    }
    for (int j = 0; j < kQueries; ++j) {
        for (int r = 0; r < kRegisters; ++r) V::store(out + j * stride + r * V::kWidth, sums[j][r]);
    }
}

/// As many registers of sums at a time as there are, from element `d` on; what is left with half as many.
template <class V, class Source, int kQueries, int kRegisters>
__attribute__((noinline)) void mix(const QueryState& s, int query, const KeyBlock& block, int first, int last,
                                   std::int64_t d) {
    constexpr std::int64_t kPart = kRegisters * V::kWidth;
    for (; d + kPart <= s.head_dim; d += kPart) {
        mix_part<V, Source, kQueries, kRegisters, false>(s, query, block, first, last, d);
    }
    if (d == s.head_dim) return;
    if constexpr (kRegisters > 1) mix<V, Source, kQueries, kRegisters / 2>(s, query, block, first, last, d);
    else if constexpr (V::kWidth == 16) mix_part<V, Source, kQueries, 1, true>(s, query, block, first, last, d);
}

template <int kNumber>
struct Constant {
    static constexpr int kValue = kNumber;
};

/// Calls `body(first, how many)` for queries [first, last), as many at a time as there are registers for, in parts of almost
/// one size.
template <class V, class Body>
void for_queries(int first, int last, Body body) {
    static_assert(V::kDecodeQueries <= 4);
    const int parts = (last - first + V::kDecodeQueries - 1) / V::kDecodeQueries;
    for (int part = 0, from = first; part < parts; ++part) {
        const int to = first + (last - first) * (part + 1) / parts;
        switch (to - from) {
            case 1: body(from, Constant<1>()); break;
            case 2: body(from, Constant<2>()); break;
            case 3:
                if constexpr (V::kDecodeQueries >= 3) body(from, Constant<3>());
                break;
            case 4:
                if constexpr (V::kDecodeQueries >= 4) body(from, Constant<4>());
                break;
            default: break;
        }
        from = to;
    }
}

/// Registers of sums for each of some queries: 8, 4 or 2.
template <class V, int kQueries>
constexpr int kMixRegisters = 8 * kQueries <= V::kDecodeSums   ? 8
                              : 4 * kQueries <= V::kDecodeSums ? 4
                                                               : 2;

/// Key heads [first, first + count) of one row.
struct HeadRange {
    std::int64_t row, first, count;
};

QueryState state_of_head(const Attention& a, std::int64_t head, float* scratch) {
    const std::int64_t all = a.heads * a.n, group = all / a.kv_heads, stride = padded(a.head_dim);
    float* sums = scratch + all * stride;
    float* numbers = sums + all * stride;
    return {scratch + head * group * stride,
            sums + head * group * stride,
            numbers + head * group,
            numbers + all + head * group,
            numbers + (2 * all + 15) / 16 * 16 + head * group * kBlockPositions,
            a.head_dim};
}

/// Queries of a key head stand column after column.
const float* query_of(const Attention& a, std::int64_t row, std::int64_t kv_head, std::int64_t i, std::int64_t group) {
    return a.q + (kv_head * group + i % group) * a.q_head + i / group * a.q_column + row * a.q_row;
}

float* result_of(const Attention& a, std::int64_t row, std::int64_t kv_head, std::int64_t i, std::int64_t group) {
    return a.y + ((row * a.n + i / group) * a.heads + kv_head * group + i % group) * a.head_dim;
}

void begin_head(const Attention& a, std::int64_t row, std::int64_t kv_head, const QueryState& s) {
    const std::int64_t group = a.heads / a.kv_heads, stride = padded(a.head_dim);
    for (std::int64_t i = 0; i < group * a.n; ++i) {
        const float* q = query_of(a, row, kv_head, i, group);
        for (std::int64_t d = 0; d < stride; ++d) {
            s.q[i * stride + d] = d < a.head_dim ? q[d] * a.scale : 0.0F;
            s.sums[i * stride + d] = 0.0F;
        }
        s.largest[i] = -__builtin_inff();
        s.total[i] = 0.0F;
    }
}

void finish_head(const Attention& a, std::int64_t row, std::int64_t kv_head, const QueryState& s) {
    const std::int64_t group = a.heads / a.kv_heads, stride = padded(a.head_dim);
    for (std::int64_t i = 0; i < group * a.n; ++i) {
        float* y = result_of(a, row, kv_head, i, group);
        const float factor = s.total[i] == 0.0F ? 0.0F : 1.0F / s.total[i];
        for (std::int64_t d = 0; d < a.head_dim; ++d) y[d] = s.sums[i * stride + d] * factor;
    }
}

/// Bits of each column of a row; all of them together in the result.
std::uint64_t visible_in_block(const Attention& a, std::int64_t row, std::int64_t start, std::uint64_t* bits) {
    std::uint64_t any = 0;
    for (std::int64_t c = 0; c < a.n; ++c) {
        bits[c] = visible_bits(mask_of(a, row, c, start), smaller(kBlockPositions, a.positions - start));
        any |= bits[c];
    }
    return any;
}

/// Queries [first, last) of each of `heads` key heads look at a block, which is given for the first head.
template <class V, class Source>
void look(const Attention& a, std::int64_t heads, int first, int last, KeyBlock block, float* scratch) {
    const std::uint8_t* k = block.k;
    const std::uint8_t* v = block.v;
    for (int p = 0; p < block.count; p += V::kDecodeTogether) {
        const int end = p + V::kDecodeTogether < block.count ? p + V::kDecodeTogether : block.count;
        for (std::int64_t h = 0; h < heads; ++h) {
            const QueryState state = state_of_head(a, h, scratch);
            block.k = k + h * a.k_head;
            for_queries<V>(first, last, [&](int query, auto number) {
                score<V, Source, decltype(number)::kValue>(state, query, block, p, end);
            });
        }
    }
    for (std::int64_t h = 0; h < heads; ++h) {
        const QueryState state = state_of_head(a, h, scratch);
        for (int query = first; query < last; ++query) weigh<V>(state, query, block.count);
    }
    for (int p = 0; p < block.count; p += V::kDecodeTogether) {
        const int end = p + V::kDecodeTogether < block.count ? p + V::kDecodeTogether : block.count;
        for (std::int64_t h = 0; h < heads; ++h) {
            const QueryState state = state_of_head(a, h, scratch);
            block.v = v + h * a.v_head;
            for_queries<V>(first, last, [&](int query, auto number) {
                constexpr int kQueries = decltype(number)::kValue;
                mix<V, Source, kQueries, kMixRegisters<V, kQueries>>(state, query, block, p, end, 0);
            });
        }
    }
}

template <class V, class Source>
void decode_heads(const Attention& a, const HeadRange& heads, float* scratch) {
    for (std::int64_t h = 0; h < heads.count; ++h) begin_head(a, heads.row, heads.first + h, state_of_head(a, h, scratch));
    const int group = static_cast<int>(a.heads / a.kv_heads), columns = static_cast<int>(a.n);
    const auto* k = static_cast<const std::uint8_t*>(a.k) + heads.row * a.k_row + heads.first * a.k_head;
    const auto* v = static_cast<const std::uint8_t*>(a.v) + heads.row * a.v_row + heads.first * a.v_head;
    KeyBlock block = {nullptr, nullptr, a.k_position, a.v_position, Source::row_bytes(a.head_dim), 0, 0, {}};
    for (std::int64_t start = 0; start < a.positions; start += kBlockPositions) {
        std::uint64_t bits[kDecodeColumns];
        if (visible_in_block(a, heads.row, start, bits) == 0) continue;
        block.k = k + start * a.k_position;
        block.v = v + start * a.v_position;
        block.fetched = a.positions - start;
        const bool same = bits[0] == bits[columns - 1];
        for (int c = 0; c < (same ? 1 : columns); ++c) {
            list_positions(bits[c], block);
            if (block.count == 0) continue;
            look<V, Source>(a, heads.count, c * group, (same ? columns : c + 1) * group, block, scratch);
        }
    }
    for (std::int64_t h = 0; h < heads.count; ++h) finish_head(a, heads.row, heads.first + h, state_of_head(a, h, scratch));
}

template <class V>
void decode(const Attention& a, int ith, int nth, float* scratch) {
    const std::int64_t items = a.rows * a.kv_heads, last = items * (ith + 1) / nth;
    for (std::int64_t item = items * ith / nth; item < last;) {
        const std::int64_t first = item % a.kv_heads;
        const HeadRange heads = {item / a.kv_heads, first, smaller(a.kv_heads - first, last - item)};
        with_source(a.type, [&](auto source) { decode_heads<V, decltype(source)>(a, heads, scratch); });
        item += heads.count;
    }
}

}  // namespace
}  // namespace heart::kernels
