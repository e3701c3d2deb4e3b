// Are the random numbers those of Philox, of the promised distributions, and a function of their place alone?

#include "core/philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace heart {
namespace {

using Words4 = std::array<std::uint32_t, 4>;

// The known answers that the authors publish with Random123 for philox4x32, 10 rounds.
TEST(Philox, KnownAnswers) {
    EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    constexpr std::uint32_t ones = 0xffffffff;
    EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}), (Words4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (Words4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

using Fill = void (*)(const DrawPlace&, std::span<float>) noexcept;

std::vector<float> drawn(Fill fill, const DrawPlace& place, std::size_t n) {
    std::vector<float> out(n);
    fill(place, out);
    return out;
}

struct Moments {
    double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
};

Moments moments_of(const std::vector<float>& x) {
    const auto n = static_cast<double>(x.size());
    Moments m;
    for (const float v : x) m.mean += v / n;
    double third = 0, fourth = 0;
    for (const float v : x) {
        const double d = v - m.mean;
        m.variance += d * d / n;
        third += d * d * d / n;
        fourth += d * d * d * d / n;
    }
    m.skewness = third / std::pow(m.variance, 1.5);
    m.kurtosis = fourth / (m.variance * m.variance);
    return m;
}

constexpr std::size_t kMany = 400'000;  // mean of N(0, 1) is within 5 sigma = 0.008

TEST(Draws, NormalHasTheMomentsOfANormal) {
    const Moments m = moments_of(drawn(fill_normal, {.seed = 7, .purpose = Draw::latent}, kMany));
    EXPECT_NEAR(m.mean, 0, 0.008);
    EXPECT_NEAR(m.variance, 1, 0.012);
    EXPECT_NEAR(m.skewness, 0, 0.02);
    EXPECT_NEAR(m.kurtosis, 3, 0.05);
}

TEST(Draws, NeighbouringNormalsAreUncorrelated) {
    const auto x = drawn(fill_normal, {.seed = 11, .purpose = Draw::latent}, kMany);
    for (const std::size_t lag : {1, 2, 3, 4}) {
        double sum = 0;
        for (std::size_t i = lag; i < x.size(); ++i) sum += static_cast<double>(x[i]) * x[i - lag];
        EXPECT_NEAR(sum / static_cast<double>(x.size()), 0, 0.008) << "lag " << lag;
    }
}

TEST(Draws, GumbelHasTheMomentsOfAGumbel) {
    constexpr double euler = 0.57721566490153286, pi_squared_by_6 = 1.6449340668482264;
    const Moments m = moments_of(drawn(fill_gumbel, {.seed = 7}, kMany));
    EXPECT_NEAR(m.mean, euler, 0.011);
    EXPECT_NEAR(m.variance, pi_squared_by_6, 0.03);
    EXPECT_NEAR(m.skewness, 1.1395, 0.06);
}

TEST(Draws, GumbelFollowsItsDistributionFunction) {
    auto x = drawn(fill_gumbel, {.seed = 3}, kMany);
    std::sort(x.begin(), x.end());
    double worst = 0;  // Kolmogorov-Smirnov distance from exp(-exp(-x))
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(x.size());
        worst = std::max(worst, std::abs(share - std::exp(-std::exp(-static_cast<double>(x[i])))));
    }
    EXPECT_LT(worst, 1.95 / std::sqrt(static_cast<double>(x.size())));  // p = 0.001
}

// What the sampler relies on: argmax(log p + Gumbel) draws index i with probability p_i.
TEST(Draws, GumbelArgmaxDrawsFromTheSoftmax) {
    const std::array<double, 4> p{0.1, 0.2, 0.3, 0.4};
    std::array<int, 4> counts{};
    constexpr int draws = 20000;
    for (std::uint32_t i = 0; i < draws; ++i) {
        std::array<float, 4> g{};
        fill_gumbel({.seed = 5, .major = i}, g);
        std::size_t best = 0;
        for (std::size_t j = 1; j < 4; ++j) {
            if (std::log(p[j]) + g[j] > std::log(p[best]) + g[best]) best = j;
        }
        ++counts[best];
    }
    for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(static_cast<double>(counts[j]) / draws, p[j], 0.015) << j;
}

TEST(Draws, AllAreFinite) {
    for (const Fill fill : {&fill_gumbel, &fill_normal}) {
        for (const float v : drawn(fill, {.seed = 1}, kMany)) ASSERT_TRUE(std::isfinite(v));
    }
}

/// Places that differ from the first in one part each.
std::vector<DrawPlace> different_places() {
    const DrawPlace base{.seed = 42, .take = 1, .purpose = Draw::token, .major = 9, .minor = 3};
    std::vector<DrawPlace> out(9, base);
    out[1].seed = 43;
    out[2].seed = 42 + (std::uint64_t{1} << 32);  // the seed's upper half counts too
    out[3].take = 2;
    out[4].purpose = Draw::latent;
    out[5].purpose = Draw::weight;
    out[6].major = 10;
    out[7].minor = 4;
    out[8].minor = 255;
    return out;
}

TEST(Draws, DifferByEveryPartOfTheirPlace) {
    for (const Fill fill : {&fill_gumbel, &fill_normal}) {
        std::set<std::vector<float>> seen;
        for (const DrawPlace& place : different_places()) seen.insert(drawn(fill, place, 8));
        EXPECT_EQ(seen.size(), different_places().size());
    }
}

TEST(Draws, StreamsOfDifferentPlacesShareNoNumbers) {
    std::multiset<float> all;
    for (const DrawPlace& place : different_places()) {
        for (const float v : drawn(fill_normal, place, 64)) all.insert(v);
    }
    EXPECT_EQ(std::set<float>(all.begin(), all.end()).size(), all.size());
}

TEST(Draws, SamePlaceSameNumbers) {
    for (const Fill fill : {&fill_gumbel, &fill_normal}) {
        for (const DrawPlace& place : different_places()) EXPECT_EQ(drawn(fill, place, 33), drawn(fill, place, 33));
    }
}

// A vocabulary may be padded for a device without changing the draw for the ids that exist.
TEST(Draws, AShorterFillIsAPrefixOfALonger) {
    for (const Fill fill : {&fill_gumbel, &fill_normal}) {
        const auto longest = drawn(fill, {.seed = 8}, 21);
        for (std::size_t n = 0; n <= longest.size(); ++n) {
            const auto shorter = drawn(fill, {.seed = 8}, n);
            EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longest.begin())) << n;
        }
    }
}

// Songs are made again from their seed: these numbers may never change.
TEST(Draws, AreTheSameInEveryRelease) {
    const DrawPlace place{.seed = 0x0123456789abcdef, .take = 2, .purpose = Draw::token, .major = 5, .minor = 7};
    const auto words = philox4x32({0, 5, (1U << 8) | 7, 2}, {0x89abcdef, 0x01234567});
    const auto gumbel = drawn(fill_gumbel, place, 4);
    const auto normal = drawn(fill_normal, place, 4);
    for (std::size_t i = 0; i < 4; ++i) {
        const double u = (words[i] + 0.5) / 4294967296.0;
        EXPECT_FLOAT_EQ(gumbel[i], static_cast<float>(-std::log(-std::log(u)))) << i;
        if (i % 2 == 0) continue;
        const double radius = std::sqrt(-2 * std::log((words[i - 1] + 0.5) / 4294967296.0));
        EXPECT_NEAR(normal[i - 1], radius * std::cos(2 * std::acos(-1.0) * u), 1e-6) << i;
        EXPECT_NEAR(normal[i], radius * std::sin(2 * std::acos(-1.0) * u), 1e-6) << i;
    }
}

TEST(RandomSeed, FitsIntoADoubleAndVaries) {
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 32; ++i) {
        const std::uint64_t seed = random_seed();
        EXPECT_LE(seed, (std::uint64_t{1} << 53) - 1);
        seen.insert(seed);
    }
    EXPECT_EQ(seen.size(), 32U);
}

}  // namespace
}  // namespace heart
