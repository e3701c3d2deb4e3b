#pragma once

#include "kernels/attention_parts.h"

#include <cstdint>

// Attention of one or two query columns, as a song's frames need it: bound by reading the cache. A thread walks through a
// row's positions in blocks, all its heads side by side, so that it reads the cache in the order of memory, once.

namespace heart::kernels {
namespace {

/// Positions of one key head that the same queries look at.
struct KeyBlock {
    const std::uint8_t* k;
    const std::uint8_t* v;
    std::int64_t k_stride, v_stride;  ///< bytes from position to position
    std::int64_t k_next, v_next;      ///< bytes to the same place in the block that comes next
    std::int64_t row_bytes;           ///< of one position
    int count;
    std::uint8_t positions[kBlockPositions];
};

/// Queries of one key head, one behind the other.
struct QueryState {
    float* q;           ///< [queries][padded head_dim], scaled
    float* sums;        ///< [queries][padded head_dim] of weighted values
    float* largest;     ///< [queries] score
    float* total;       ///< [queries] of weights
    float* correction;  ///< [queries] of earlier sums, because the largest score has grown
    float* weights;     ///< [queries][kBlockPositions], scores before
    std::int64_t head_dim;
};

void list_positions(std::uint64_t bits, KeyBlock& block) {
    block.count = 0;
    for (; bits != 0; bits &= bits - 1) block.positions[block.count++] = static_cast<std::uint8_t>(__builtin_ctzll(bits));
}

void prefetch(const std::uint8_t* p, std::int64_t bytes) {
    for (std::int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(p + i);
}

/// Scores of kQueries queries from `query` on and kPositions positions of the list from `first` on.
template <class V, class Source, int kQueries, int kPositions>
void score(const QueryState& s, int query, const KeyBlock& block, int first) {
    using Floats = typename V::Floats;
    const std::int64_t stride = padded(s.head_dim), whole = s.head_dim / V::kWidth * V::kWidth;
    const float* q = s.q + query * stride;
    const std::uint8_t* rows[kPositions];
    for (int p = 0; p < kPositions; ++p) {
        const int position = block.positions[first + p];
        rows[p] = block.k + position * block.k_stride;
        if (query == 0) {
            prefetch(rows[p] + block.k_next, block.row_bytes);
            prefetch(block.v + position * block.v_stride + block.v_next, block.row_bytes);
        }
    }
    Floats sums[kQueries][kPositions];
    for (auto& of_query : sums) {
        for (Floats& sum : of_query) sum = V::set(0.0F);
    }
    for (std::int64_t i = 0; i < whole; i += V::kWidth) {
        for (int p = 0; p < kPositions; ++p) {
            const Floats key = Source::template load<V>(rows[p], i);
            for (int j = 0; j < kQueries; ++j) sums[j][p] = V::fma(V::load(q + j * stride + i), key, sums[j][p]);
        }
    }
    if constexpr (V::kWidth == 16) {
        if (whole < s.head_dim) {
            for (int p = 0; p < kPositions; ++p) {
                const Floats key = Source::template load_half<V>(rows[p], whole);
                for (int j = 0; j < kQueries; ++j) sums[j][p] = V::fma(V::load(q + j * stride + whole), key, sums[j][p]);
            }
        }
    }
    for (int j = 0; j < kQueries; ++j) {
        V::template store_sums<kPositions>(s.weights + (query + j) * kBlockPositions + first, sums[j]);
    }
}

/// Scores become weights relative to the largest score so far.
template <class V>
void weigh(const QueryState& s, int query, int count) {
    float* weights = s.weights + query * kBlockPositions;
    const std::int64_t filled = (count + V::kWidth - 1) / V::kWidth * V::kWidth;
    for (std::int64_t i = count; i < filled; ++i) weights[i] = -__builtin_inff();
    auto maximum = V::load(weights);
    for (std::int64_t i = V::kWidth; i < filled; i += V::kWidth) maximum = V::max(maximum, V::load(weights + i));
    const float before = s.largest[query], now = V::largest(maximum);
    const float largest = now > before ? now : before;
    const auto reference = V::zero_for_minus_infinity(V::set(largest));
    auto total = V::set(0.0F);
    for (std::int64_t i = 0; i < filled; i += V::kWidth) {
        const auto weight = exp<V>(V::sub(V::load(weights + i), reference));
        V::store(weights + i, weight);
        total = V::add(total, weight);
    }
    const float correction = V::first(exp<V>(V::sub(V::set(before), reference)));
    s.largest[query] = largest;
    s.correction[query] = correction;
    s.total[query] = s.total[query] * correction + V::sum(total);
}

/// Adds the weighted values of kRegisters registers from element `d` on, for kQueries queries from `query` on.
template <class V, class Source, int kQueries, int kRegisters, bool kHalf>
void mix_part(const QueryState& s, int query, const KeyBlock& block, std::int64_t d) {
    using Floats = typename V::Floats;
    const std::int64_t stride = padded(s.head_dim);
    float* out = s.sums + query * stride + d;
    const float* weights = s.weights + query * kBlockPositions;
    Floats sums[kQueries][kRegisters];
    for (int j = 0; j < kQueries; ++j) {
        const Floats correction = V::set(s.correction[query + j]);
        for (int r = 0; r < kRegisters; ++r) sums[j][r] = V::mul(V::load(out + j * stride + r * V::kWidth), correction);
    }
    for (int p = 0; p < block.count; ++p) {
        const std::uint8_t* row = block.v + block.positions[p] * block.v_stride;
        Floats weight[kQueries];
        for (int j = 0; j < kQueries; ++j) weight[j] = V::set(weights[j * kBlockPositions + p]);
        for (int r = 0; r < kRegisters; ++r) {
            Floats value;
            if constexpr (kHalf) value = Source::template load_half<V>(row, d);
            else value = Source::template load<V>(row, d + r * V::kWidth);
            for (int j = 0; j < kQueries; ++j) sums[j][r] = V::fma(weight[j], value, sums[j][r]);
        }
    }
    for (int j = 0; j < kQueries; ++j) {
        for (int r = 0; r < kRegisters; ++r) V::store(out + j * stride + r * V::kWidth, sums[j][r]);
    }
}

template <class V, class Source, int kQueries>
void look(const QueryState& s, int query, const KeyBlock& block) {
    int p = 0;
    for (; p + V::kDecodePositions <= block.count; p += V::kDecodePositions) {
        score<V, Source, kQueries, V::kDecodePositions>(s, query, block, p);
    }
    for (; p < block.count; ++p) score<V, Source, kQueries, 1>(s, query, block, p);
    for (int j = 0; j < kQueries; ++j) weigh<V>(s, query + j, block.count);
    constexpr std::int64_t kPart = V::kDecodeRegisters * V::kWidth;
    std::int64_t d = 0;
    for (; d + kPart <= s.head_dim; d += kPart) mix_part<V, Source, kQueries, V::kDecodeRegisters, false>(s, query, block, d);
    for (; d + V::kWidth <= s.head_dim; d += V::kWidth) mix_part<V, Source, kQueries, 1, false>(s, query, block, d);
    if constexpr (V::kWidth == 16) {
        if (d < s.head_dim) mix_part<V, Source, kQueries, 1, true>(s, query, block, d);
    }
}

/// Queries [first, last) look at a block, as many at a time as there are registers for, in parts of almost one size.
template <class V, class Source>
void look_all(const QueryState& s, int first, int last, const KeyBlock& block) {
    static_assert(V::kDecodeQueries <= 4);
    const int parts = (last - first + V::kDecodeQueries - 1) / V::kDecodeQueries;
    for (int part = 0, from = first; part < parts; ++part) {
        const int to = first + (last - first) * (part + 1) / parts;
        switch (to - from) {
            case 1: look<V, Source, 1>(s, from, block); break;
            case 2: look<V, Source, 2>(s, from, block); break;
            case 3:
                if constexpr (V::kDecodeQueries >= 3) look<V, Source, 3>(s, from, block);
                break;
            case 4:
                if constexpr (V::kDecodeQueries >= 4) look<V, Source, 4>(s, from, block);
                break;
            default: break;
        }
        from = to;
    }
}

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
            numbers + 2 * all + head * group,
            numbers + (3 * all + 15) / 16 * 16,
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

/// Bits of each column; all of them together in the result.
std::uint64_t visible_in_block(const Attention& a, std::int64_t start, std::uint64_t* bits) {
    if (start >= a.positions) return 0;
    std::uint64_t any = 0;
    for (std::int64_t c = 0; c < a.n; ++c) {
        const std::uint16_t* mask = a.mask == nullptr ? nullptr : a.mask + c * a.mask_column + start;
        bits[c] = visible_bits(mask, smaller(kBlockPositions, a.positions - start));
        any |= bits[c];
    }
    return any;
}

template <class V, class Source>
void decode_heads(const Attention& a, const HeadRange& heads, float* scratch) {
    for (std::int64_t h = 0; h < heads.count; ++h) begin_head(a, heads.row, heads.first + h, state_of_head(a, h, scratch));
    const int group = static_cast<int>(a.heads / a.kv_heads), columns = static_cast<int>(a.n);
    const auto* k = static_cast<const std::uint8_t*>(a.k) + heads.row * a.k_row + heads.first * a.k_head;
    const auto* v = static_cast<const std::uint8_t*>(a.v) + heads.row * a.v_row + heads.first * a.v_head;
    std::uint64_t bits[2][kDecodeColumns];
    std::uint64_t any = visible_in_block(a, 0, bits[0]);
    KeyBlock block = {k, v, a.k_position, a.v_position, 0, 0, Source::row_bytes(a.head_dim), 0, {}};
    for (std::int64_t start = 0, now = 0; start < a.positions; start += kBlockPositions, now = 1 - now) {
        const std::uint64_t any_next = visible_in_block(a, start + kBlockPositions, bits[1 - now]);
        block.k_next = any_next != 0 ? kBlockPositions * a.k_position : 0;
        block.v_next = any_next != 0 ? kBlockPositions * a.v_position : 0;
        const bool same = bits[now][0] == bits[now][columns - 1];
        for (int c = 0; c < (same ? 1 : columns) && any != 0; ++c) {
            list_positions(bits[now][c], block);
            const int first = c * group, last = same ? columns * group : first + group;
            for (std::int64_t h = 0; h < heads.count && block.count != 0; ++h) {
                block.k = k + start * a.k_position + h * a.k_head;
                block.v = v + start * a.v_position + h * a.v_head;
                look_all<V, Source>(state_of_head(a, h, scratch), first, last, block);
            }
        }
        any = any_next;
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
