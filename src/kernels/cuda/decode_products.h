#pragma once

#include "kernels/cuda/context.h"

namespace heart::cuda {

/// A product of few columns, as decoding has them: y = W x, with what may stand before and behind it in the same kernel.
/// Every result is summed in an order that depends on the width of W alone: the same for any number of columns.
struct DecodeProduct {
    ggml_type type = GGML_TYPE_F32;  ///< of W: f32, f16, bf16, or a quantised one
    bool in_planes = false;          ///< rows of q8_0 are in planes (kernels/planes.h)
    const void* w = nullptr;
    std::int64_t row_bytes = 0;
    int in = 0, out = 0;

    const float* x = nullptr;
    std::int64_t x_stride = 0;  ///< in floats
    int columns = 0;

    /// RMS norm of x before the product: x / sqrt(mean(x^2) + eps) * norm_weight. Not for f16, which unscaled x may leave.
    const float* norm_weight = nullptr;
    float norm_eps = 0;

    float* y = nullptr;
    std::int64_t y_stride = 0;
    const float* residual = nullptr;  ///< added to y; may be y itself
    std::int64_t residual_stride = 0;
    /// y [out / 2] = silu(first half) * second half of the rows; no residual then.
    bool swiglu = false;
};

/// Columns of one kernel; `decode` starts several where there are more.
inline constexpr int kDecodeColumns = 16;
/// Up to here products count as decoding.
inline constexpr int kMostDecodeColumns = 64;

/// One of our product nodes (kernels/nodes.h), or ggml's MUL_MAT of one matrix, whether or not its columns are few.
[[nodiscard]] DecodeProduct decode_product(const ggml_tensor* node);

void decode(const Context& c, const DecodeProduct& p);

// The two above are in products.cu, for every kind of GPU; these are in a file of each kind's own: decode_products.cu,
// kernels/hip/few_columns.cu.

[[nodiscard]] bool can_decode(const DecodeProduct& p);
/// Precondition: can_decode, and at most kDecodeColumns columns.
void decode_at_once(const Context& c, const DecodeProduct& p);

}  // namespace heart::cuda
