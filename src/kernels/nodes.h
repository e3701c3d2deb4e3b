#pragma once

#include "kernels/interleaved.h"
#include "kernels/product_layout.h"
#include "kernels/work_queue.h"

#include <cstdint>
#include <optional>

struct ggml_tensor;

namespace heart::kernels {

// Our kernels in the form of ggml's custom nodes: `dst->src` holds the operands, thread `ith` of `nth` does its share, and
// `setting` points to what else the node needs, which lives as long as the graph. The CUDA module (kernels/cuda) computes
// the same nodes: it does not call the functions, but reads in the setting which one it is.

enum class NodeKind : std::uint32_t { product, convolution, attention, draw };

/// What every setting begins with.
struct NodeSetting {
    NodeKind kind;
};

// --- weights ------------------------------------------------------------------------------------------------------------

/// The kernels' name of a ggml_type; nothing where they have no product for it.
[[nodiscard]] std::optional<WeightType> weight_type(int type) noexcept;

/// Precondition: the layout is `strips`, or `winograd`, of which it has the strips' width.
[[nodiscard]] InterleavedMatrix interleaved_matrix(const ggml_tensor* t) noexcept;

// --- nodes --------------------------------------------------------------------------------------------------------------

/// The threads that compute a graph share the work of its nodes out by its queue; one serves all of them.
struct ProductSetting {
    NodeSetting node{NodeKind::product};
    WorkQueue* queue = nullptr;
};

/// dst [out, columns] = W x: src = {W in strips or planes, x f32 [in, columns] of whole rows}.
void product_node(ggml_tensor* dst, int ith, int nth, void* setting);

/// What follows W, x in the sources, in this order, where set: bias, past, residual (see FloatProduct).
struct ConvolutionSetting {
    NodeSetting node{NodeKind::convolution};
    WorkQueue* queue = nullptr;
    std::int64_t taps = 1, shift = 1;
    bool has_bias = false, has_past = false, has_residual = false, has_slope = false;
    float slope = 0.0F;
};

/// dst [out, columns] = prelu(W * x + bias) + residual, all f32 and contiguous but W, which may be in the layout `winograd`.
void convolution_node(ggml_tensor* dst, int ith, int nth, void* setting);

struct AttentionSetting {
    NodeSetting node{NodeKind::attention};
    float scale = 1.0F;
};

/// dst [d * heads, n * rows] = attention of src = {q f32 [d, heads, n, rows], k, v [d, positions, kv_heads, rows], mask f16
/// [positions, n, 1, 1 or rows] or nothing}.
void attention_node(ggml_tensor* dst, int ith, int nth, void* setting);
/// dst i32 [columns] = tokens drawn from src = {logits f32 [n, columns], noise f32 [n, columns], scale f32 [1, columns]}
/// (see Graph::draw); on CUDA devices only.
struct DrawSetting {
    NodeSetting node{NodeKind::draw};
    int k = 1;
};

/// Whether the kernel computes attention of these operands (mask may be null).
[[nodiscard]] bool can_attend(const ggml_tensor* q, const ggml_tensor* k, const ggml_tensor* v,
                              const ggml_tensor* mask) noexcept;

}  // namespace heart::kernels
