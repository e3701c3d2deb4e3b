#pragma once

// Which nodes of a graph this folder computes, and which of its files does: plain C++, so that a machine without a GPU or
// nvcc can ask as well.

#include "kernels/cuda/settings.h"

#include <ggml.h>

namespace heart::cuda {

/// The files of this folder that compute nodes; a view is another look at the same memory, with nothing to compute.
enum class Family { none, view, elementwise, rows, products, attention, draw };

/// By operation, types, shapes and strides; none: nobody here computes it.
[[nodiscard]] Family family_of(const ggml_tensor* node);

[[nodiscard]] inline bool can_run(const ggml_tensor* node) {
    return family_of(node) != Family::none;
}
[[nodiscard]] inline bool is_view(const ggml_tensor* node) {
    return family_of(node) == Family::view;
}

/// f32, with the numbers of dimension 0 side by side.
[[nodiscard]] inline bool whole_f32_rows(const ggml_tensor* t) {
    return t->type == GGML_TYPE_F32 && t->nb[0] == sizeof(float);
}

/// A matrix of weights in one of the quantised types that have kernels.
[[nodiscard]] bool is_quantised(const ggml_tensor* w);

/// A MUL_MAT of one matrix and columns side by side, which our own product does too.
[[nodiscard]] bool is_one_product(const ggml_tensor* node);

/// The operands of a convolution node; null where there is none.
struct Convolution {
    const kernels::ConvolutionSetting* setting;
    const ggml_tensor *w, *x, *bias, *past, *residual;
};
[[nodiscard]] Convolution convolution_of(const ggml_tensor* node);

}  // namespace heart::cuda
