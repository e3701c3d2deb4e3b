// The loops that every family shares. A family's file first defines, in heart::kernels and an anonymous namespace, the
// struct `Simd`:
//
//   Vector                           kLanes floats
//   kLanes, kSums, kTileColumns, kShallowColumns   lanes, vectors of sums in a tile, and FloatKernels' widths
//   kUnpackedF16, kUnpackedBf16      FloatKernels' unpacked_tiles
//   kPrefetchBytes                   FloatKernels' prefetch_bytes
//   zero(), load(p), store(p, v), broadcast(p)    unaligned f32
//   fma(a, b, c)                     a * b + c
//   prelu(v, slope)                  v where v > 0, else slope * v
//   sum(v)                           of all lanes
//   f16_even(p), f16_odd(p), bf16_even(p), bf16_odd(p)   the first or second numbers of kLanes pairs
//
// Everything here is internal to the including file: each has its own copy, compiled for its own machine.

#pragma once

#include "kernels/float_products_kernels.h"

namespace heart::kernels {
namespace {

#define HEART_INLINE inline __attribute__((always_inline))

using Vector = Simd::Vector;

constexpr int kStripVectors = 16 / Simd::kLanes;

/// Weights of a type: a vector of one strip's numbers of an even column, and of the odd column behind it. Numbers in pairs
/// have no odd ends.
struct F32 {
    static constexpr bool kOddEnds = true;
    static constexpr std::int64_t kPairBytes = 128;
    static HEART_INLINE Vector even(const char* w, int vector) {
        return Simd::load(reinterpret_cast<const float*>(w) + vector * Simd::kLanes);
    }
    static HEART_INLINE Vector odd(const char* w, int vector) { return even(w + 64, vector); }
};

struct F16 {
    static constexpr bool kOddEnds = false;
    static constexpr std::int64_t kPairBytes = 64;
    static HEART_INLINE Vector even(const char* w, int vector) { return Simd::f16_even(w + vector * Simd::kLanes * 4); }
    static HEART_INLINE Vector odd(const char* w, int vector) { return Simd::f16_odd(w + vector * Simd::kLanes * 4); }
};

struct Bf16 {
    static constexpr bool kOddEnds = false;
    static constexpr std::int64_t kPairBytes = 64;
    static HEART_INLINE Vector even(const char* w, int vector) { return Simd::bf16_even(w + vector * Simd::kLanes * 4); }
    static HEART_INLINE Vector odd(const char* w, int vector) { return Simd::bf16_odd(w + vector * Simd::kLanes * 4); }
};

/// Where a tile's columns are read that stand apart; every fourth has a pointer of its own, so that the addresses of all
/// need few registers.
template <int kColumns>
class Apart {
public:
    HEART_INLINE Apart(const float* x, std::int64_t stride) : stride_(stride) {
        for (int i = 0; i < kPointers; ++i) fourth_[i] = x + 4 * i * stride;
    }
    template <int kColumn>
    HEART_INLINE const float* at(int input) const {
        return fourth_[kColumn / 4] + (kColumn % 4) * stride_ + input;
    }
    HEART_INLINE void advance(int inputs) {
        for (int i = 0; i < kPointers; ++i) fourth_[i] += inputs;
    }

private:
    static constexpr int kPointers = (kColumns + 3) / 4;
    const float* fourth_[kPointers];
    std::int64_t stride_;
};

/// Columns that stand interleaved: one stream.
template <int kColumns>
class Interleaved {
public:
    HEART_INLINE Interleaved(const float* x, std::int64_t) : x_(x) {}
    template <int kColumn>
    HEART_INLINE const float* at(int input) const {
        return x_ + input * kColumns + kColumn;
    }
    HEART_INLINE void advance(int inputs) { x_ += inputs * kColumns; }

private:
    const float* x_;
};

/// A tile's sums. A nest of structs instead of an array: only what is indexed by constants is sure to live in registers.
template <int kColumns, int kVectors>
struct Sums {
    Sums<kColumns - 1, kVectors> before;
    Vector v[kVectors];

    HEART_INLINE void zero() {
        before.zero();
        for (int i = 0; i < kVectors; ++i) v[i] = Simd::zero();
    }
    HEART_INLINE void load(const float* y, std::int64_t stride) {
        before.load(y, stride);
        for (int i = 0; i < kVectors; ++i) v[i] = Simd::load(y + (kColumns - 1) * stride + i * Simd::kLanes);
    }
    HEART_INLINE void store(float* y, std::int64_t stride) const {
        before.store(y, stride);
        for (int i = 0; i < kVectors; ++i) Simd::store(y + (kColumns - 1) * stride + i * Simd::kLanes, v[i]);
    }
    template <class Columns>
    HEART_INLINE void add(const Vector (&w)[kVectors], const Columns& x, int input) {
        before.add(w, x, input);
        const Vector value = Simd::broadcast(x.template at<kColumns - 1>(input));
        for (int i = 0; i < kVectors; ++i) v[i] = Simd::fma(w[i], value, v[i]);
    }
};

template <int kVectors>
struct Sums<0, kVectors> {
    HEART_INLINE void zero() {}
    HEART_INLINE void load(const float*, std::int64_t) {}
    HEART_INLINE void store(float*, std::int64_t) const {}
    template <class Columns>
    HEART_INLINE void add(const Vector (&)[kVectors], const Columns&, int) {}
};

/// The epilogue over sums that have just been stored. `vectors` per column.
inline void finish_tile(const FloatTile& t, int columns, int vectors) {
    const Vector slope = Simd::broadcast(&t.slope);
    for (int n = 0; n < columns; ++n) {
        float* y = t.y + n * t.y_stride;
        for (int i = 0; i < vectors * Simd::kLanes; i += Simd::kLanes) {
            Vector v = Simd::load(y + i);
            if (t.bias) v = Simd::add(v, Simd::load(t.bias + i));
            if (t.prelu) v = Simd::prelu(v, slope);
            if (t.residual) v = Simd::add(v, Simd::load(t.residual + n * t.residual_stride + i));
            Simd::store(y + i, v);
        }
    }
}

template <class Weights, int kStrips, int kColumns, class Columns>
void run_tile(const FloatTile& t) {
    constexpr int kVectors = kStrips * kStripVectors;
    Sums<kColumns, kVectors> sums;
    if (t.resume) sums.load(t.y, t.y_stride);
    else sums.zero();
    for (int n = 0; n < kColumns; ++n) {
        for (int line = 0; line < kStrips * 16; line += 16) {
            __builtin_prefetch(t.next_y + n * t.y_stride + line, 1);
            if (t.residual) __builtin_prefetch(t.residual + n * t.residual_stride + line);
        }
    }
    const char* next = t.next_w;
    const char* w = t.w;
    const char* ahead = t.w + t.ahead;
    const auto second = static_cast<std::int64_t>(t.strip_bytes);
    for (std::int64_t s = 0; s < t.segments; ++s) {
        Columns x(t.x + s * t.segment_stride, t.x_stride);
        for (std::int64_t pairs = t.segment_length / 2; pairs > 0; --pairs) {
            Vector weights[kVectors];
            for (int i = 0; i < kVectors; ++i) weights[i] = Weights::even(w + i / kStripVectors * second, i % kStripVectors);
            for (int i = 0; i < kStrips; ++i) {
                for (int line = 0; line < Weights::kPairBytes; line += 64) {
                    __builtin_prefetch(ahead + i * second + line);
                }
            }
            __builtin_prefetch(next, 0, 2);
            sums.add(weights, x, 0);
            for (int i = 0; i < kVectors; ++i) weights[i] = Weights::odd(w + i / kStripVectors * second, i % kStripVectors);
            sums.add(weights, x, 1);
            x.advance(2);
            w += Weights::kPairBytes;
            ahead += Weights::kPairBytes;
            next += 64;
        }
        if (Weights::kOddEnds && t.segment_length % 2 != 0) {
            Vector weights[kVectors];
            for (int i = 0; i < kVectors; ++i) weights[i] = Weights::even(w + i / kStripVectors * second, i % kStripVectors);
            sums.add(weights, x, 0);
            w += Weights::kPairBytes / 2;
            ahead += Weights::kPairBytes / 2;
        }
    }
    sums.store(t.y, t.y_stride);
    if (t.finish) finish_tile(t, kColumns, kVectors);
}

/// The weights of a strip as f32: what F32 reads where `Weights` reads w.
template <class Weights>
void unpack_strip(const char* w, std::int64_t columns, float* out) {
    for (std::int64_t pairs = columns / 2; pairs > 0; --pairs, w += Weights::kPairBytes, out += 32) {
        for (int i = 0; i < kStripVectors; ++i) {
            Simd::store(out + i * Simd::kLanes, Weights::even(w, i));
            Simd::store(out + 16 + i * Simd::kLanes, Weights::odd(w, i));
        }
    }
}

/// One vector of sums per column, then the lanes' sum, then what was left over at the ends of segments.
template <int kColumns>
void run_dots(const FloatDots& d) {
    Vector sums[kColumns];
    float rest[kColumns];
    for (int n = 0; n < kColumns; ++n) sums[n] = Simd::zero(), rest[n] = 0.0F;
    const float* w = d.w;
    for (std::int64_t s = 0; s < d.segments; ++s) {
        const float* x = d.x + s * d.segment_stride;
        std::int64_t i = 0;
        for (; i + Simd::kLanes <= d.segment_length; i += Simd::kLanes) {
            const Vector weights = Simd::load(w + i);
            for (int n = 0; n < kColumns; ++n) sums[n] = Simd::fma(weights, Simd::load(x + n * d.x_stride + i), sums[n]);
        }
        for (; i < d.segment_length; ++i) {
            for (int n = 0; n < kColumns; ++n) rest[n] = Simd::scalar_fma(w[i], x[n * d.x_stride + i], rest[n]);
        }
        w += d.segment_length;
    }
    for (int n = 0; n < kColumns; ++n) d.sums[n] = Simd::sum(sums[n]) + rest[n];
}

template <class Weights, int kStrips, int kColumns, class Columns>
constexpr auto tile_or_null() {
    using Kernel = void (*)(const FloatTile&);
    if constexpr (kStrips * kColumns * kStripVectors <= Simd::kSums && kColumns <= Simd::kTileColumns)
        return Kernel{run_tile<Weights, kStrips, kColumns, Columns>};
    else return Kernel{nullptr};
}

// Of one type and height, by columns - 1; of one type; of one layout of columns.
#define HEART_TILES(Weights, strips, Columns)                                                   \
    {                                                                                           \
        HEART_TILE(Weights, strips, 1, Columns), HEART_TILE(Weights, strips, 2, Columns),       \
            HEART_TILE(Weights, strips, 3, Columns), HEART_TILE(Weights, strips, 4, Columns),   \
            HEART_TILE(Weights, strips, 5, Columns), HEART_TILE(Weights, strips, 6, Columns),   \
            HEART_TILE(Weights, strips, 7, Columns), HEART_TILE(Weights, strips, 8, Columns),   \
            HEART_TILE(Weights, strips, 9, Columns), HEART_TILE(Weights, strips, 10, Columns),  \
            HEART_TILE(Weights, strips, 11, Columns), HEART_TILE(Weights, strips, 12, Columns), \
    }
#define HEART_TILE(Weights, strips, columns, Columns) tile_or_null<Weights, strips, columns, Columns<columns>>()
#define HEART_HEIGHTS(Weights, Columns) \
    { HEART_TILES(Weights, 1, Columns), HEART_TILES(Weights, 2, Columns), HEART_TILES(Weights, 4, Columns) }
#define HEART_TYPES(Columns) \
    { HEART_HEIGHTS(F32, Columns), HEART_HEIGHTS(F16, Columns), HEART_HEIGHTS(Bf16, Columns) }

/// The table of the including family.
#define HEART_FLOAT_KERNELS                                                                                              \
    {                                                                                                                    \
        Simd::kTileColumns, Simd::kShallowColumns, Simd::kPrefetchBytes, {HEART_TYPES(Apart), HEART_TYPES(Interleaved)}, \
            {0, Simd::kUnpackedF16, Simd::kUnpackedBf16}, {nullptr, unpack_strip<F16>, unpack_strip<Bf16>},              \
            run_dots<kDotColumns>, run_dots<1>, winograd_signal, winograd_outputs                                        \
    }

}  // namespace
}  // namespace heart::kernels
