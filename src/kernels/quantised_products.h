#pragma once

#include "kernels/interleaved.h"
#include "kernels/work_queue.h"

#include <cstdint>

namespace heart::kernels {

/// y[n][r] = sum over k of W[r][k] x[n][k], for quantised weights. Activations are quantised on the fly, in blocks of 32
/// along k, to int8 with one f32 scale (largest magnitude / 127, to nearest), so that the sums within a block are exact
/// integers; the blocks of a row are added in f32, in order. A number of y depends on its own row of W and of x only: it is
/// the same, bit for bit, for any number of columns and of threads.
///
/// A block with a NaN or an infinity makes its whole row of y NaN. A block whose largest magnitude is below 2^-119 counts as
/// zeros.
struct QuantisedProduct {
    InterleavedMatrix w;        ///< q8_0, q4_0 or q4_k
    const float* x = nullptr;   ///< [columns][w.cols]
    std::int64_t x_stride = 0;  ///< numbers from one row of x to the next, at least w.cols
    std::int64_t columns = 0;
    float* y = nullptr;         ///< [columns][w.rows]; shares no memory with x
    std::int64_t y_stride = 0;  ///< numbers from one row of y to the next, at least w.rows; what lies between is not written
};

/// Whether weights of this type can be multiplied here.
[[nodiscard]] bool has_quantised_product(WeightType type) noexcept;

/// A thread computes its part of y; all parts together are y, and need no order. Each calling thread keeps scratch of a few
/// MB at most for the quantised activations, which grows to the largest product it has seen.
void multiply(const QuantisedProduct& p, const Worker& me);

}  // namespace heart::kernels
