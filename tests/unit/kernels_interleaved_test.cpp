#include "kernels/interleaved.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace heart::kernels {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr WeightType kTypes[] = {WeightType::f32,  WeightType::f16,  WeightType::bf16,
                                 WeightType::q8_0, WeightType::q4_0, WeightType::q4_k};

Bytes random_rows(WeightType type, std::int64_t cols, std::int64_t rows) {
    std::mt19937 random(7);
    Bytes bytes(plain_row_bytes(type, cols) * static_cast<std::size_t>(rows));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() & 0xFF);
    return bytes;
}

Bytes interleaved(WeightType type, std::int64_t cols, const Bytes& rows, std::int64_t row_count) {
    Bytes strip(plain_row_bytes(type, cols) * kStripRows, 0xA5);
    interleave_strip(type, cols, rows.data(), row_count, strip.data());
    return strip;
}

/// The byte sizes of the units that stay together, in the order in which a plain row of `cols` numbers holds them.
std::vector<std::size_t> units_of_row(WeightType type, std::int64_t cols) {
    std::vector<std::size_t> units;
    const auto add = [&](std::int64_t count, std::size_t bytes) {
        units.insert(units.end(), static_cast<std::size_t>(count), bytes);
    };
    switch (type) {
        case WeightType::f32: add(cols, 4); break;
        case WeightType::f16:
        case WeightType::bf16: add(cols / 2, 4); break;
        case WeightType::q8_0:
            for (std::int64_t b = 0; b < cols / 32; ++b) add(1, 2), add(8, 4);
            break;
        case WeightType::q4_0:
            for (std::int64_t b = 0; b < cols / 32; ++b) add(1, 2), add(4, 4);
            break;
        case WeightType::q4_k:
            for (std::int64_t b = 0; b < cols / 256; ++b) add(2, 2), add(35, 4);
            break;
    }
    return units;
}

/// The plain rows that a strip was made of.
Bytes plain(WeightType type, std::int64_t cols, const Bytes& strip) {
    Bytes rows(strip.size());
    const std::size_t row_bytes = plain_row_bytes(type, cols);
    std::size_t at = 0, place = 0;
    for (const std::size_t unit : units_of_row(type, cols)) {
        for (std::size_t r = 0; r < kStripRows; ++r) {
            // The int8 of q8_0 stand there plus 128; its scales, units of two bytes, as they are.
            const std::uint8_t flipped = type == WeightType::q8_0 && unit == 4 ? 0x80 : 0;
            for (std::size_t i = 0; i < unit; ++i) rows[r * row_bytes + place + i] = strip[at++] ^ flipped;
        }
        place += unit;
    }
    EXPECT_EQ(at, strip.size());
    EXPECT_EQ(place, row_bytes);
    return rows;
}

TEST(InterleavedTest, RowBytesAreGgmls) {
    EXPECT_EQ(plain_row_bytes(WeightType::f32, 256), 1024U);
    EXPECT_EQ(plain_row_bytes(WeightType::f16, 256), 512U);
    EXPECT_EQ(plain_row_bytes(WeightType::bf16, 256), 512U);
    EXPECT_EQ(plain_row_bytes(WeightType::q8_0, 256), 272U);
    EXPECT_EQ(plain_row_bytes(WeightType::q4_0, 256), 144U);
    EXPECT_EQ(plain_row_bytes(WeightType::q4_k, 256), 144U);
}

TEST(InterleavedTest, WidthMustBeWholeBlocks) {
    EXPECT_TRUE(can_interleave(WeightType::f32, 7));
    EXPECT_FALSE(can_interleave(WeightType::f16, 7));
    EXPECT_TRUE(can_interleave(WeightType::bf16, 8));
    EXPECT_FALSE(can_interleave(WeightType::q8_0, 48));
    EXPECT_TRUE(can_interleave(WeightType::q4_0, 64));
    EXPECT_FALSE(can_interleave(WeightType::q4_k, 128));
    EXPECT_TRUE(can_interleave(WeightType::q4_k, 512));
    EXPECT_FALSE(can_interleave(WeightType::f32, 0));
}

TEST(InterleavedTest, StripHoldsEveryRow) {
    for (const WeightType type : kTypes) {
        for (const std::int64_t cols : {256, 1280}) {
            const Bytes rows = random_rows(type, cols, kStripRows);
            EXPECT_EQ(plain(type, cols, interleaved(type, cols, rows, kStripRows)), rows)
                << static_cast<int>(type) << ' ' << cols;
        }
    }
}

TEST(InterleavedTest, OddWidthsOfFloatsAreKept) {
    for (const std::int64_t cols : {1, 2, 17, 30, 33}) {
        const Bytes rows = random_rows(WeightType::f32, cols, kStripRows);
        EXPECT_EQ(plain(WeightType::f32, cols, interleaved(WeightType::f32, cols, rows, kStripRows)), rows) << cols;
    }
}

TEST(InterleavedTest, MissingRowsAreZeros) {
    for (const WeightType type : kTypes) {
        Bytes rows = random_rows(type, 512, 5);
        const Bytes back = plain(type, 512, interleaved(type, 512, rows, 5));
        rows.resize(back.size(), 0);
        EXPECT_EQ(back, rows) << static_cast<int>(type);
    }
}

TEST(InterleavedTest, OneColumnOfAStripIsOneVector) {
    std::vector<float> rows(3 * 16);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
    std::vector<float> strip(3 * 16);
    interleave_strip(WeightType::f32, 3, rows.data(), kStripRows, strip.data());
    for (std::size_t r = 0; r < 16; ++r) EXPECT_EQ(strip[16 + r], rows[r * 3 + 1]);
}

TEST(InterleavedTest, HalfWidthNumbersStandInPairsOfColumns) {
    std::vector<std::uint16_t> rows(4 * 16);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::uint16_t>(i);
    std::vector<std::uint16_t> strip(4 * 16);
    interleave_strip(WeightType::bf16, 4, rows.data(), kStripRows, strip.data());
    for (std::size_t r = 0; r < 16; ++r) {
        EXPECT_EQ(strip[32 + 2 * r], rows[r * 4 + 2]);
        EXPECT_EQ(strip[32 + 2 * r + 1], rows[r * 4 + 3]);
    }
}

}  // namespace
}  // namespace heart::kernels
