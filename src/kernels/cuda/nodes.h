#pragma once

#include "kernels/cuda/context.h"
#include "kernels/cuda/support.h"

namespace heart::cuda {

/// Device memory that `run` wants for a node.
[[nodiscard]] std::size_t scratch_bytes(const ggml_tensor* node);

/// Starts a node's kernels on the context's stream. Precondition: can_run(node). Throws CudaError.
void run(const Context& c, const ggml_tensor* node);

// The families of nodes, each in a file of its own: the functions above for nodes of that family.

namespace elementwise {
void run(const Context& c, const ggml_tensor* node);
}  // namespace elementwise

namespace rows {
void run(const Context& c, const ggml_tensor* node);
}  // namespace rows

namespace products {
/// One matrix by columns side by side: what `decode_product` describes.
[[nodiscard]] bool is_plain_product(const ggml_tensor* node);
[[nodiscard]] std::size_t scratch_bytes(const ggml_tensor* node);
void run(const Context& c, const ggml_tensor* node);
}  // namespace products

namespace attention {
[[nodiscard]] std::size_t scratch_bytes(const ggml_tensor* node);
void run(const Context& c, const ggml_tensor* node);
}  // namespace attention

namespace sampling {
void run(const Context& c, const ggml_tensor* node);
}  // namespace sampling

}  // namespace heart::cuda
