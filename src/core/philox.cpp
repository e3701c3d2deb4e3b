#include "core/philox.h"

#include <cmath>
#include <numbers>
#include <random>

namespace heart {

namespace {

constexpr std::uint32_t kMul0 = 0xD2511F53, kMul1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;

/// The four words of block `block` of a stream.
std::array<std::uint32_t, 4> draw_block(const DrawPlace& place, std::uint32_t block) noexcept {
    const std::uint32_t lane = (static_cast<std::uint32_t>(place.purpose) << 8) | (place.minor & 0xff);
    return philox4x32({block, place.major, lane, place.take},
                      {static_cast<std::uint32_t>(place.seed), static_cast<std::uint32_t>(place.seed >> 32)});
}

/// Uniform in the open interval (0, 1): 32 bits, centred in their cell, so that log() never meets 0.
double open_unit(std::uint32_t word) noexcept {
    return (static_cast<double>(word) + 0.5) * 0x1p-32;
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) noexcept {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t p0 = std::uint64_t{kMul0} * c[0];
        const std::uint64_t p1 = std::uint64_t{kMul1} * c[2];
        c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
             static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
        k = {k[0] + kWeyl0, k[1] + kWeyl1};
    }
    return c;
}

void fill_gumbel(const DrawPlace& place, std::span<float> out) noexcept {
    for (std::size_t i = 0; i < out.size(); i += 4) {
        const auto words = draw_block(place, static_cast<std::uint32_t>(i / 4));
        for (std::size_t j = 0; j < 4 && i + j < out.size(); ++j) {
            out[i + j] = static_cast<float>(-std::log(-std::log(open_unit(words[j]))));
        }
    }
}

void fill_normal(const DrawPlace& place, std::span<float> out) noexcept {
    for (std::size_t i = 0; i < out.size(); i += 4) {
        const auto words = draw_block(place, static_cast<std::uint32_t>(i / 4));
        for (std::size_t j = 0; j < 4 && i + j < out.size(); j += 2) {  // Box-Muller, two at a time
            const double radius = std::sqrt(-2 * std::log(open_unit(words[j])));
            const double angle = 2 * std::numbers::pi * open_unit(words[j + 1]);
            out[i + j] = static_cast<float>(radius * std::cos(angle));
            if (i + j + 1 < out.size()) out[i + j + 1] = static_cast<float>(radius * std::sin(angle));
        }
    }
}

std::uint64_t random_seed() {
    std::random_device entropy;
    return ((std::uint64_t{entropy()} << 32) | entropy()) & ((std::uint64_t{1} << 53) - 1);
}

}  // namespace heart
