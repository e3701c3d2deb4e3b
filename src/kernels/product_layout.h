#pragma once

#include <ggml.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace heart::kernels {

/// How a leaf tensor holds the matrix W of products y = W x.
enum class ProductLayout : std::int32_t {
    plain = 0,            ///< as ggml has it, for ggml's own products
    strips = 0x48524931,  ///< interleaved, for our CPU kernels (kernels/interleaved.h); rows rounded up to 16
    planes = 0x48524932,  ///< for our CUDA kernels (kernels/planes.h)
    /// W [7 * in, out] of a convolution as [in, 11 * out] in strips, for our CPU kernels (kernels/winograd.h)
    winograd = 0x48524933,
};

// Kept in the parameters that ggml leaves unused in leaf tensors.

inline void mark_product(ggml_tensor* t, ProductLayout layout, std::int64_t rows) noexcept {
    t->op_params[0] = static_cast<std::int32_t>(layout);
    std::memcpy(&t->op_params[1], &rows, sizeof rows);
}

[[nodiscard]] inline ProductLayout product_layout(const ggml_tensor* t) noexcept {
    if (t->op != GGML_OP_NONE) return ProductLayout::plain;
    for (const ProductLayout layout : {ProductLayout::strips, ProductLayout::planes, ProductLayout::winograd}) {
        if (t->op_params[0] == static_cast<std::int32_t>(layout)) return layout;
    }
    return ProductLayout::plain;
}

/// Rows of W. Precondition: not plain.
[[nodiscard]] inline std::int64_t product_rows(const ggml_tensor* t) noexcept {
    std::int64_t rows = 0;
    std::memcpy(&rows, &t->op_params[1], sizeof rows);
    return rows;
}

}  // namespace heart::kernels
