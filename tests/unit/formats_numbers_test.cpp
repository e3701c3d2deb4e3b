// Do 16-bit floating-point numbers convert as IEEE 754 says?

#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace heart::formats {
namespace {

/// A 16-bit format by its definition.
struct Format {
    int exponent_bits, fraction_bits;

    [[nodiscard]] int bias() const { return (1 << (exponent_bits - 1)) - 1; }
    [[nodiscard]] int infinity() const { return ((1 << exponent_bits) - 1) << fraction_bits; }

    /// The value of non-negative finite bits; of infinity's, what would follow the largest.
    [[nodiscard]] double value(int bits) const {
        const int exponent = bits >> fraction_bits, fraction = bits & ((1 << fraction_bits) - 1);
        if (exponent == 0) return std::ldexp(fraction, 1 - bias() - fraction_bits);
        return std::ldexp(fraction + (1 << fraction_bits), exponent - bias() - fraction_bits);
    }

    /// The bits nearest to a value, found by bisection over all of them; halfway, the even ones.
    [[nodiscard]] std::uint16_t nearest(float x) const {
        const int sign = std::signbit(x) ? 0x8000 : 0;
        const double magnitude = std::abs(static_cast<double>(x));
        int low = 0, high = infinity();
        if (magnitude >= value(high)) return static_cast<std::uint16_t>(sign | high);
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            (value(middle) <= magnitude ? low : high) = middle;
        }
        const double below = magnitude - value(low), above = value(high) - magnitude;
        const bool down = below < above || (below == above && low % 2 == 0);
        return static_cast<std::uint16_t>(sign | (down ? low : high));
    }
};

constexpr Format kHalf{5, 10}, kBrain{8, 7};

struct Conversion {
    const char* name;
    Format format;
    float (*widen)(std::uint16_t) noexcept;
    std::uint16_t (*narrow)(float) noexcept;
};

class SixteenBits : public testing::TestWithParam<Conversion> {};

TEST_P(SixteenBits, EveryPatternHasItsValueAndComesBack) {
    const Conversion& c = GetParam();
    for (int bits = 0; bits < 65536; ++bits) {
        const auto pattern = static_cast<std::uint16_t>(bits);
        const float wide = c.widen(pattern);
        const int magnitude = bits & 0x7fff;
        ASSERT_EQ(std::signbit(wide), bits >= 0x8000) << bits;
        if (magnitude > c.format.infinity()) {
            ASSERT_TRUE(std::isnan(wide)) << bits;
            const std::uint16_t back = c.narrow(wide);
            ASSERT_GT(back & 0x7fff, c.format.infinity()) << bits;  // still no number
            ASSERT_EQ(back & 0x8000, bits & 0x8000) << bits;
            continue;
        }
        if (magnitude == c.format.infinity()) {
            ASSERT_TRUE(std::isinf(wide)) << bits;
        } else {
            ASSERT_EQ(std::abs(static_cast<double>(wide)), c.format.value(magnitude)) << bits;
        }
        ASSERT_EQ(c.narrow(wide), pattern) << bits;
    }
}

TEST_P(SixteenBits, TiesGoToEvenBetweenAllNeighbours) {
    const Conversion& c = GetParam();
    for (int bits = 0; bits < c.format.infinity(); ++bits) {
        const double low = c.format.value(bits), high = c.format.value(bits + 1);
        const auto tie = static_cast<float>(low + (high - low) / 2);  // exact: f32 has more bits
        if (!std::isfinite(tie)) continue;
        const int even = bits % 2 == 0 ? bits : bits + 1;
        ASSERT_EQ(c.narrow(tie), even) << bits;
        ASSERT_EQ(c.narrow(-tie), even | 0x8000) << bits;
        ASSERT_EQ(c.narrow(std::nextafter(tie, 0.0F)), bits) << bits;
        ASSERT_EQ(c.narrow(std::nextafter(tie, std::numeric_limits<float>::infinity())), bits + 1) << bits;
    }
}

TEST_P(SixteenBits, RandomNumbersRoundAsTheSlowReference) {
    const Conversion& c = GetParam();
    std::mt19937 random(1);
    for (int i = 0; i < 300'000; ++i) {
        const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        if (std::isnan(x)) continue;
        ASSERT_EQ(c.narrow(x), c.format.nearest(x)) << x;
    }
}

TEST_P(SixteenBits, NansOfAnyPayloadStayNans) {
    const Conversion& c = GetParam();
    for (std::uint32_t payload = 1; payload < (1U << 23); payload = payload * 3 + 1) {
        for (const std::uint32_t sign : {0U, 0x80000000U}) {
            const auto nan = std::bit_cast<float>(sign | 0x7f800000U | payload);
            ASSERT_GT(c.narrow(nan) & 0x7fff, c.format.infinity()) << payload;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Formats, SixteenBits,
                         testing::Values(Conversion{"Half", kHalf, f16_to_f32, f32_to_f16},
                                         Conversion{"Brain", kBrain, bf16_to_f32, f32_to_bf16}),
                         [](const auto& test) { return test.param.name; });

TEST(SixteenBitsByHand, KnownValues) {
    EXPECT_EQ(f32_to_f16(1.0F), 0x3c00);
    EXPECT_EQ(f32_to_f16(65504.0F), 0x7bff);
    EXPECT_EQ(f32_to_f16(65519.996F), 0x7bff);
    EXPECT_EQ(f32_to_f16(65520.0F), 0x7c00);  // halfway to what would follow: infinity
    EXPECT_EQ(f32_to_f16(0x1p-24F), 0x0001);
    EXPECT_EQ(f32_to_f16(0x1p-25F), 0x0000);
    EXPECT_EQ(f32_to_f16(-0.0F), 0x8000);
    EXPECT_EQ(f32_to_bf16(1.0F), 0x3f80);
    EXPECT_EQ(f32_to_bf16(3.3895314e38F), 0x7f7f);
    EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
}

}  // namespace
}  // namespace heart::formats
