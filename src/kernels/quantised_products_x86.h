// What the AVX2 and the AVX-512 family of quantised products have in common: who asks for weights, and which tile computes a
// product. Everything here is internal to the including file: each has its own copy, compiled for its own machine. That file
// then defines the three types of weights, `multiply_strips` and `multiply_columns`.

#pragma once

#include "kernels/quantised_products_families.h"

namespace heart::kernels::quantised {
namespace {

#define HEART_INLINE __attribute__((always_inline)) inline

constexpr int kWidest = 6;      ///< columns of a tile
constexpr int kFewColumns = 2;  ///< so many wait for memory; more are busy multiplying, and asking ahead costs little

/// Who sees to it that weights are there when they are multiplied. Where the hardware's own prefetching stops at each page,
/// we ask for what a place in a strip will need soon, spread over a block, since all its lines at once would fill the queue;
/// several streams then keep memory busier than one.
template <int kBytes>
struct AskAheadBy {
    static constexpr bool kOneStream = false;
    static HEART_INLINE void prefetch(const std::uint8_t* p) { __builtin_prefetch(p + kBytes); }
};

/// Where it does not stop, asking gets in its way, and one stream, strip after strip, is the fastest.
struct LeaveToHardware {
    static constexpr bool kOneStream = true;
    static HEART_INLINE void prefetch(const std::uint8_t*) {}
};

template <class Ahead>
struct Q8_0;
template <class Ahead>
struct Q4_0;
template <class Ahead>
struct Q4_K;

/// S strips by C columns.
template <class Type, int S, int C>
void multiply_strips(const std::uint8_t* w, std::int64_t rows, std::int64_t cols, const ActivationBlock* x, float* y,
                     std::int64_t y_stride);

/// All strips by C columns.
template <class Type, int C>
void multiply_columns(const Strips& w, const ActivationBlock* x, float* y, std::int64_t y_stride);

/// From `row` on, S strips at a time while there are so many; the row that comes next.
template <class Type, int S, int C>
std::int64_t multiply_rows(const Strips& w, std::int64_t row, const ActivationBlock* x, float* y, std::int64_t y_stride) {
    const std::int64_t row_bytes = w.cols / Type::kCols * Type::kBytes / kStripRows;
    for (; w.rows - row > (S - 1) * kStripRows; row += S * kStripRows)
        multiply_strips<Type, S, C>(w.data + row * row_bytes, w.rows - row, w.cols, x, y + row, y_stride);
    return row;
}

template <template <class> class Type, class OfFew, class OfMany>
void multiply_type(const Strips& w, const Activations& x, float* y, std::int64_t y_stride) {
    static_assert(kFewColumns == 2 && kWidest == 6);
    switch (x.width) {
        case 1: return multiply_columns<Type<OfFew>, 1>(w, x.blocks, y, y_stride);
        case 2: return multiply_columns<Type<OfFew>, 2>(w, x.blocks, y, y_stride);
        case 3: return multiply_columns<Type<OfMany>, 3>(w, x.blocks, y, y_stride);
        case 4: return multiply_columns<Type<OfMany>, 4>(w, x.blocks, y, y_stride);
        case 5: return multiply_columns<Type<OfMany>, 5>(w, x.blocks, y, y_stride);
        default: return multiply_columns<Type<OfMany>, 6>(w, x.blocks, y, y_stride);
    }
}

/// MultiplyTile; who asks where there are few columns, and where there are many.
template <class OfFew, class OfMany>
void multiply_tile(const Strips& w, const Activations& x, float* y, std::int64_t y_stride) {
    switch (w.type) {
        case WeightType::q8_0: return multiply_type<Q8_0, OfFew, OfMany>(w, x, y, y_stride);
        case WeightType::q4_0: return multiply_type<Q4_0, OfFew, OfMany>(w, x, y, y_stride);
        default: return multiply_type<Q4_K, OfFew, OfMany>(w, x, y, y_stride);
    }
}

}  // namespace
}  // namespace heart::kernels::quantised
