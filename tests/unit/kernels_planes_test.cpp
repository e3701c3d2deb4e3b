// Do rows for CUDA devices keep every bit, where its kernels look for it?

#include "kernels/planes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace heart::test {
namespace {

using namespace kernels;

std::vector<unsigned char> random_bytes(std::size_t n) {
    std::mt19937 random(3);
    std::vector<unsigned char> out(n);
    for (auto& b : out) b = static_cast<unsigned char>(random());
    return out;
}

TEST(Planes, IntegersStandBeforeTheirScales) {
    constexpr std::int64_t cols = 256, count = 3;
    const std::size_t row_bytes = plain_row_bytes(WeightType::q8_0, cols);
    ASSERT_EQ(row_bytes, 272U);
    const auto rows = random_bytes(row_bytes * count);
    std::vector<unsigned char> planes(rows.size());
    split_rows(WeightType::q8_0, cols, rows.data(), count, planes.data());
    for (std::int64_t r = 0; r < count; ++r) {
        const auto* from = rows.data() + static_cast<std::size_t>(r) * row_bytes;
        const auto* to = planes.data() + static_cast<std::size_t>(r) * row_bytes;
        for (std::int64_t c = 0; c < cols; ++c) EXPECT_EQ(to[c], from[c / 32 * 34 + 2 + c % 32]) << r << ", " << c;
        for (std::int64_t b = 0; b < cols / 32; ++b) EXPECT_EQ(std::memcmp(to + cols + 2 * b, from + 34 * b, 2), 0);
    }
}

TEST(Planes, SixteenBitRowsStayAsTheyAre) {
    const auto rows = random_bytes(2 * 64 * 2);
    std::vector<unsigned char> planes(rows.size());
    split_rows(WeightType::bf16, 64, rows.data(), 2, planes.data());
    EXPECT_EQ(planes, rows);
}

TEST(Planes, RowsThatBeginBetweenWordsAreLeftToOthers) {
    EXPECT_TRUE(can_split(WeightType::f16, 8));
    EXPECT_FALSE(can_split(WeightType::f16, 12));
    EXPECT_TRUE(can_split(WeightType::q8_0, 3072));
    EXPECT_FALSE(can_split(WeightType::q8_0, 64));
    EXPECT_FALSE(can_split(WeightType::q4_k, 256));
}

}  // namespace
}  // namespace heart::test
