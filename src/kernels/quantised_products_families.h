#pragma once

#include "kernels/interleaved.h"

#include <cstddef>
#include <cstdint>

namespace heart::kernels::quantised {

// What quantised_products.cpp and the files of the instruction families say to each other. The families are compiled for
// different machines and must not share code: types, constants and declarations only.

inline constexpr std::int64_t kBlock = 32;  ///< activations that share a scale

/// Bits of the f32 numbers that bound what a block is scaled by: from 2^-119 on, its scale and the inverse are normal
/// numbers.
inline constexpr std::int32_t kSmallestBits = 0x04000000, kInfinityBits = 0x7F800000;

/// An integer below 2^22 in magnitude that is added to these bits makes the bits of the number kOffset + integer. So sums
/// that start here are floats already, and scaling takes the offset off again in one exact step, sum * scale - kOffset *
/// scale.
inline constexpr std::int32_t kOffsetBits = 0x4B400000;
inline constexpr float kOffset = 12582912.0F;

/// What is added to weights to store them unsigned; the product is too large by that many times the sum of the activations.
[[nodiscard]] static constexpr std::int32_t zero_point(WeightType type) {
    return type == WeightType::q8_0 ? 128 : type == WeightType::q4_0 ? 8 : 0;
}

/// 32 quantised activations x of one column.
struct ActivationBlock {
    std::int8_t q[kBlock];  ///< -127 .. 127
    float scale;            ///< x = scale * q; NaN where x has a NaN or an infinity
    std::int32_t start;     ///< kOffsetBits - zero_point(type) * sum of q: what integer sums of products start from
    float sum;              ///< scale * sum of q: what a weight's constant part is multiplied by
};

struct Activations {
    const ActivationBlock* blocks = nullptr;  ///< [cols / 32][width]: the columns of a tile side by side
    int width = 0;                            ///< columns in the tile
};

/// Strips of a matrix, one behind the other.
struct Strips {
    WeightType type = WeightType::q8_0;
    const std::uint8_t* data = nullptr;
    std::int64_t rows = 0;  ///< in all strips; the last may have less than 16
    std::int64_t cols = 0;
};

/// Quantises one column of `cols` numbers for weights of a type; its blocks lie `width` apart.
using Quantise = void (*)(const float* x, std::int64_t cols, WeightType type, ActivationBlock* out, int width);

/// y[c][r] for all rows of the strips and all columns of the tile.
using MultiplyTile = void (*)(const Strips& w, const Activations& x, float* y, std::int64_t y_stride);

struct Family {
    Quantise quantise;
    MultiplyTile multiply;
    int widest_tile;  ///< columns
};

extern const Family kPortable;
#if defined(__x86_64__)
extern const Family kAvx2;
extern const Family kAvx512;
// The same numbers; see hardware_reads_ahead.
extern const Family kAvx2HardwareAhead;
extern const Family kAvx512HardwareAhead;
#endif

}  // namespace heart::kernels::quantised
