#include "kernels/quantised_products_families.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

// Plain loops over the 16 rows of a strip, for the compiler to vectorise.

namespace heart::kernels::quantised {

namespace {

constexpr int kWidest = 8;

float f32_of(std::uint16_t half) noexcept {
    const std::uint32_t sign = (half & 0x8000U) << 16, exponent = (half >> 10) & 0x1FU, mantissa = half & 0x3FFU;
    if (exponent == 0) {
        const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
        return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t widened = exponent == 31 ? 255 : exponent + 127 - 15;
    return std::bit_cast<float>(sign | widened << 23 | mantissa << 13);
}

void load_halves(const std::uint8_t* p, float* out) noexcept {
    for (int r = 0; r < kStripRows; ++r) {
        std::uint16_t half;
        std::memcpy(&half, p + 2 * r, sizeof half);
        out[r] = f32_of(half);
    }
}

/// A block of 32 columns: weight = scale * (q - zero point) - min; the zero point is in what the activations start from.
struct WeightBlock {
    float scale[kStripRows], min[kStripRows];
    std::int16_t q[kBlock][kStripRows];
};

/// Weights from a group of 4 columns: for each row, one byte a column.
template <class Decode>
void unpack(const std::uint8_t* bytes, int first_column, Decode decode, WeightBlock& out) noexcept {
    for (int i = 0; i < 4; ++i) {
        for (int r = 0; r < kStripRows; ++r) out.q[first_column + i][r] = static_cast<std::int16_t>(decode(bytes[4 * r + i]));
    }
}

constexpr auto kWhole = [](std::uint8_t byte) { return byte; };
constexpr auto kLow = [](std::uint8_t byte) { return byte & 0x0F; };
constexpr auto kHigh = [](std::uint8_t byte) { return byte >> 4; };

/// Scale and min (6 bits each, packed as ggml does) of sub-block `j` of a q4_k block, for one row of its three words.
void unpack_factors(const std::uint8_t* words, int j, std::uint8_t& scale, std::uint8_t& min) noexcept {
    const auto byte = [words](int i) { return words[i / 4 * 64 + i % 4]; };
    if (j < 4) {
        scale = byte(j) & 63U;
        min = byte(j + 4) & 63U;
    } else {
        scale = static_cast<std::uint8_t>((byte(j + 4) & 0x0FU) | (byte(j - 4) >> 6 << 4));
        min = static_cast<std::uint8_t>((byte(j + 4) >> 4) | (byte(j) >> 6 << 4));
    }
}

/// Block `b` of a strip.
void unpack_block(WeightType type, const std::uint8_t* strip, std::int64_t b, WeightBlock& out) noexcept {
    if (type == WeightType::q4_k) {
        const std::uint8_t* p = strip + b / 8 * 144 * kStripRows;
        const int j = static_cast<int>(b % 8);
        float d[kStripRows], d_min[kStripRows];
        load_halves(p, d);
        load_halves(p + 32, d_min);
        for (int r = 0; r < kStripRows; ++r) {
            std::uint8_t scale, min;
            unpack_factors(p + 64 + 4 * r, j, scale, min);
            out.scale[r] = d[r] * static_cast<float>(scale);
            out.min[r] = d_min[r] * static_cast<float>(min);
        }
        const std::uint8_t* quants = p + 256 + j / 2 * 512;
        for (int c = 0; c < kBlock; c += 4) j % 2 == 0 ? unpack(quants + 16 * c, c, kLow, out) : unpack(quants + 16 * c, c, kHigh, out);
        return;
    }
    const std::uint8_t* p = strip + b * (type == WeightType::q8_0 ? 34 : 18) * kStripRows;
    load_halves(p, out.scale);
    p += 32;
    if (type == WeightType::q8_0) {
        for (int c = 0; c < kBlock; c += 4) unpack(p + 16 * c, c, kWhole, out);
        return;
    }
    for (int c = 0; c < kBlock / 2; c += 4) {
        unpack(p + 16 * c, c, kLow, out);
        unpack(p + 16 * c, c + kBlock / 2, kHigh, out);
    }
}

void add_block(const WeightBlock& w, bool with_min, const ActivationBlock& x, float* sums) noexcept {
    std::int32_t dots[kStripRows];
    for (std::int32_t& dot : dots) dot = x.start - kOffsetBits;
    for (int k = 0; k < kBlock; ++k) {
        const std::int16_t q = x.q[k];
        for (int r = 0; r < kStripRows; ++r) dots[r] += w.q[k][r] * q;
    }
    if (with_min) {
        for (int r = 0; r < kStripRows; ++r) sums[r] -= w.min[r] * x.sum;
    }
    for (int r = 0; r < kStripRows; ++r) sums[r] += static_cast<float>(dots[r]) * w.scale[r] * x.scale;
}

void multiply_tile(const Strips& w, const Activations& x, float* y, std::int64_t y_stride) {
    const auto strip_bytes = static_cast<std::int64_t>(plain_row_bytes(w.type, w.cols)) * kStripRows;
    for (std::int64_t row = 0; row < w.rows; row += kStripRows) {
        float sums[kWidest][kStripRows] = {};
        const std::uint8_t* strip = w.data + row / kStripRows * strip_bytes;
        for (std::int64_t b = 0; b < w.cols / kBlock; ++b) {
            WeightBlock block;
            unpack_block(w.type, strip, b, block);
            for (int c = 0; c < x.width; ++c) add_block(block, w.type == WeightType::q4_k, x.blocks[b * x.width + c], sums[c]);
        }
        const std::int64_t rows = std::min(kStripRows, w.rows - row);
        for (int c = 0; c < x.width; ++c) std::copy_n(sums[c], rows, y + c * y_stride + row);
    }
}

std::int32_t magnitude_bits(float x) noexcept {
    return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x) & 0x7FFFFFFFU);
}

void quantise(const float* x, std::int64_t cols, WeightType type, ActivationBlock* out, int width) {
    // The last bits of this sum are the nearest integer, ties to even.
    constexpr float kRounder = 12582912.0F;
    for (std::int64_t k = 0; k < cols; k += kBlock, out += width) {
        std::int32_t bits = 0;  // magnitudes are in the same order as their bits, with infinity and NaN above all numbers
        for (std::int64_t i = 0; i < kBlock; ++i) bits = std::max(bits, magnitude_bits(x[k + i]));
        const bool usable = bits >= kSmallestBits && bits < kInfinityBits;
        const float largest = std::bit_cast<float>(bits);
        std::int32_t sum = 0;
        for (std::int64_t i = 0; i < kBlock; ++i) {
            const float rounded = usable ? x[k + i] * (127.0F / largest) + kRounder : kRounder;
            const std::int32_t q = std::bit_cast<std::int32_t>(rounded) - std::bit_cast<std::int32_t>(kRounder);
            out->q[i] = static_cast<std::int8_t>(q);
            sum += q;
        }
        out->scale = usable                  ? largest / 127.0F
                     : bits >= kInfinityBits ? std::numeric_limits<float>::quiet_NaN()
                                             : 0.0F;
        out->start = kOffsetBits - zero_point(type) * sum;
        out->sum = out->scale * static_cast<float>(sum);
    }
}

}  // namespace

const Family kPortable{quantise, multiply_tile, kWidest};

}  // namespace heart::kernels::quantised
