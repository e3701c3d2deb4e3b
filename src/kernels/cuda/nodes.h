#pragma once

#include "kernels/cuda/context.h"

namespace heart::cuda {

/// Whether a node is another look at the same memory: nothing to compute.
[[nodiscard]] bool is_view(const ggml_tensor* node);

/// Whether this module computes a node, by operation, types, shapes and strides.
[[nodiscard]] bool can_run(const ggml_tensor* node);

/// Device memory that `run` wants for a node.
[[nodiscard]] std::size_t scratch_bytes(const ggml_tensor* node);

/// Starts a node's kernels on the context's stream. Precondition: can_run(node). Throws CudaError.
void run(const Context& c, const ggml_tensor* node);

// The families of nodes, each in a file of its own: the three functions above for the operations of that file. `can_run`
// of a family answers false for operations of others.

namespace elementwise {
[[nodiscard]] bool can_run(const ggml_tensor* node);
void run(const Context& c, const ggml_tensor* node);
}  // namespace elementwise

namespace rows {
[[nodiscard]] bool can_run(const ggml_tensor* node);
void run(const Context& c, const ggml_tensor* node);
}  // namespace rows

namespace products {
[[nodiscard]] bool can_run(const ggml_tensor* node);
/// One matrix by columns side by side: what `decode_product` describes.
[[nodiscard]] bool is_plain_product(const ggml_tensor* node);
[[nodiscard]] std::size_t scratch_bytes(const ggml_tensor* node);
void run(const Context& c, const ggml_tensor* node);
}  // namespace products

namespace attention {
[[nodiscard]] bool can_run(const ggml_tensor* node);
[[nodiscard]] std::size_t scratch_bytes(const ggml_tensor* node);
void run(const Context& c, const ggml_tensor* node);
}  // namespace attention

namespace sampling {
[[nodiscard]] bool can_run(const ggml_tensor* node);
void run(const Context& c, const ggml_tensor* node);
}  // namespace sampling

}  // namespace heart::cuda
