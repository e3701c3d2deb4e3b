#pragma once

#include "kernels/float_products.h"

#include <cstdint>

namespace heart::kernels {

// Convolutions of seven taps by minimal filtering (Winograd, 1980; for neural networks Lavin and Gray, arXiv 1509.09308).
//
// Three outputs, `tap_shift` columns from one to the next, take six products by four taps in place of twelve, F(3, 4): the
// signal and the taps are combined to what they are at the points 0, 1, -1, 2, -1/2 and infinity, and the outputs to the
// points' products. Seven taps are three and four. Of the three, the fourth is zero, and so is what they are at infinity: 11
// products for three outputs, where one tap at a time takes 21.
//
// Six short sums take the place of a long one, which makes up for what combining loses: rounding errors are 1.1 to 1.3 times
// those of FloatProduct for noise (tests/unit/kernels_winograd_test.cpp).

inline constexpr std::int64_t kWinogradTaps = 7, kWinogradMatrices = 11;

[[nodiscard]] constexpr bool has_winograd(std::int64_t taps, std::int64_t inputs, std::int64_t outputs) noexcept {
    return taps == kWinogradTaps && inputs % kStripRows == 0 && outputs % kStripRows == 0;
}

/// Taps [outputs][7][inputs] -> [11 * outputs][inputs], rows in an order of their own, to be interleaved as f32.
void winograd_taps(const float* taps, std::int64_t inputs, std::int64_t outputs, float* out);

/// What `multiply` computes of the same convolution but for rounding, from taps that went through `winograd_taps`: p.w has
/// 7 * inputs columns and `outputs` rows, and its data are the strips of those. Sums do not depend on the threads. Columns
/// up to two shifts behind an output's last tap are combined with what it sees and taken out again: they may change its last
/// bits, and it is not finite if they are not. Keeps about 3 kB of scratch per thread for each of the inputs.
/// Precondition: has_winograd, and p.w.type is f32.
void multiply_winograd(const FloatProduct& p, const Worker& me);

}  // namespace heart::kernels
