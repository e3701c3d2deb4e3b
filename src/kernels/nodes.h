#pragma once

#include "kernels/interleaved.h"

#include <cstdint>
#include <optional>

struct ggml_tensor;

namespace heart::kernels {

// Our kernels in the form of ggml's custom nodes: `dst->src` holds the operands, thread `ith` of `nth` does its share, and
// `setting` points to what else the node needs, which lives as long as the graph.

// --- weights ------------------------------------------------------------------------------------------------------------

/// The kernels' name of a ggml_type; nothing where they have no product for it.
[[nodiscard]] std::optional<WeightType> weight_type(int type) noexcept;

/// Says of a leaf tensor [in, rows rounded up to 16] that it holds an interleaved matrix of `rows` rows.
void mark_interleaved(ggml_tensor* t, std::int64_t rows) noexcept;
[[nodiscard]] bool is_interleaved(const ggml_tensor* t) noexcept;
/// Precondition: is_interleaved(t).
[[nodiscard]] InterleavedMatrix interleaved_matrix(const ggml_tensor* t) noexcept;

// --- nodes --------------------------------------------------------------------------------------------------------------

/// dst [out, columns] = W x: src = {interleaved W, x f32 [in, columns] of whole rows}; no setting.
void product_node(ggml_tensor* dst, int ith, int nth, void* setting);

/// What follows W, x in the sources, in this order, where set: bias, past, residual (see FloatProduct).
struct ConvolutionSetting {
    std::int64_t taps = 1, shift = 1;
    bool has_bias = false, has_past = false, has_residual = false, has_slope = false;
    float slope = 0.0F;
};

/// dst [out, columns] = prelu(W * x + bias) + residual, all f32 and contiguous but W.
void convolution_node(ggml_tensor* dst, int ith, int nth, void* setting);

struct AttentionSetting {
    float scale = 1.0F;
};

/// dst [d * heads, n * rows] = attention of src = {q f32 [d, heads, n, rows], k, v [d, positions, kv_heads, rows], mask f16
/// [positions, n, 1, 1 or rows] or nothing}.
void attention_node(ggml_tensor* dst, int ith, int nth, void* setting);
/// Whether the kernel computes attention of these operands (mask may be null).
[[nodiscard]] bool can_attend(const ggml_tensor* q, const ggml_tensor* k, const ggml_tensor* v,
                              const ggml_tensor* mask) noexcept;

}  // namespace heart::kernels
