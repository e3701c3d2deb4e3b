#include "kernels/quantised_products_families.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

// Plain loops over the 16 rows of a strip, for the compiler to vectorise.

namespace heart::kernels::quantised {

namespace {

constexpr int kWidest = 8;

/// 16 bits of an f16 number; without branches, so that loops of it become vectors.
float f32_of(std::uint16_t half) noexcept {
    const std::uint32_t sign = (half & 0x8000U) << 16, magnitude = (half & 0x7FFFU) << 13;
    // The exponent lands 112 too low, which a product repairs for subnormal numbers too; infinity and NaN have none to
    // repair.
    const auto repaired = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F);
    return std::bit_cast<float>(sign | repaired | (magnitude >= 0x0F800000U ? 0x7F800000U : 0U));
}

void load_halves(const std::uint8_t* p, float* out) noexcept {
    std::uint16_t halves[kStripRows];
    std::memcpy(halves, p, sizeof halves);
    for (int r = 0; r < kStripRows; ++r) out[r] = f32_of(halves[r]);
}

/// A block of 32 columns: weight = scale * q - min. Integers are floats, since sums of their products are exact in f32 too
/// and every vector unit multiplies those.
struct WeightBlock {
    float scale[kStripRows], min[kStripRows];
    float q[kBlock][kStripRows];
};

enum class Part { whole, low, high };

/// Weights of 4 columns, one byte a column for each row, less the type's zero point.
template <Part part>
void unpack(const std::uint8_t* bytes, std::int32_t zero, float (*out)[kStripRows]) noexcept {
    std::uint32_t words[kStripRows];
    std::memcpy(words, bytes, sizeof words);
    for (int i = 0; i < 4; ++i) {
        const int shift = 8 * i + (part == Part::high ? 4 : 0);
        const std::uint32_t mask = part == Part::whole ? 0xFF : 0x0F;
        for (int r = 0; r < kStripRows; ++r)
            out[i][r] = static_cast<float>(static_cast<std::int32_t>(words[r] >> shift & mask) - zero);
    }
}

/// Scale and min (6 bits each, packed as ggml does) of sub-block `j` of a q4_k block, for one row of its three words.
void unpack_factors(const std::uint8_t* words, int j, std::uint8_t& scale, std::uint8_t& min) noexcept {
    const auto byte = [words](int i) { return words[i / 4 * 64 + i % 4]; };
    if (j < 4) {
        scale = byte(j) & 63U;
        min = byte(j + 4) & 63U;
    } else {
        scale = static_cast<std::uint8_t>((byte(j + 4) & 0x0F) | (byte(j - 4) >> 6 << 4));
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
        for (int c = 0; c < kBlock; c += 4) {
            if (j % 2 == 0) unpack<Part::low>(quants + 16 * c, 0, out.q + c);
            else unpack<Part::high>(quants + 16 * c, 0, out.q + c);
        }
        return;
    }
    const std::uint8_t* p = strip + b * (type == WeightType::q8_0 ? 34 : 18) * kStripRows;
    load_halves(p, out.scale);
    p += 32;
    if (type == WeightType::q8_0) {
        for (int c = 0; c < kBlock; c += 4) unpack<Part::whole>(p + 16 * c, zero_point(type), out.q + c);
        return;
    }
    for (int c = 0; c < kBlock / 2; c += 4) {
        unpack<Part::low>(p + 16 * c, zero_point(type), out.q + c);
        unpack<Part::high>(p + 16 * c, zero_point(type), out.q + c + kBlock / 2);
    }
}

void add_block(const WeightBlock& w, bool with_min, const ActivationBlock& x, float* sums) noexcept {
    float dots[kStripRows] = {};
#pragma GCC unroll 1
    for (int k = 0; k < kBlock; ++k) {
        const auto q = static_cast<float>(x.q[k]);
        for (int r = 0; r < kStripRows; ++r) dots[r] += w.q[k][r] * q;
    }
    if (with_min) {
        for (int r = 0; r < kStripRows; ++r) sums[r] -= w.min[r] * x.sum;
    }
    for (int r = 0; r < kStripRows; ++r) sums[r] += dots[r] * w.scale[r] * x.scale;
}

void multiply_tile(const Strips& w, const Activations& x, float* y, std::int64_t y_stride) {
    const auto strip_bytes = static_cast<std::int64_t>(plain_row_bytes(w.type, w.cols)) * kStripRows;
    for (std::int64_t row = 0; row < w.rows; row += kStripRows) {
        float sums[kWidest][kStripRows] = {};
        const std::uint8_t* strip = w.data + row / kStripRows * strip_bytes;
        for (std::int64_t b = 0; b < w.cols / kBlock; ++b) {
            WeightBlock block;
            unpack_block(w.type, strip, b, block);
            for (int c = 0; c < x.width; ++c)
                add_block(block, w.type == WeightType::q4_k, x.blocks[b * x.width + c], sums[c]);
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
        out->scale = usable ? largest / 127.0F : bits >= kInfinityBits ? std::numeric_limits<float>::quiet_NaN() : 0.0F;
        out->start = kOffsetBits - zero_point(type) * sum;
        out->sum = out->scale * static_cast<float>(sum);
    }
}

}  // namespace

const Family kPortable{quantise, multiply_tile, kWidest};

}  // namespace heart::kernels::quantised
