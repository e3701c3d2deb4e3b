#pragma once

#include <cstdint>

struct ggml_tensor;

namespace heart::kernels {

// CPU operators in the form of ggml's custom nodes: `dst->src` holds the operands, thread `ith` of `nth` does its share,
// and `setting` carries the operator's one number. All tensors are f32 with contiguous rows. Graph operations choose them
// where ggml's own CPU operator works element by element or on one thread only.

/// dst = src[0] followed by src[1] along dimension `setting`.
void concat(ggml_tensor* dst, int ith, int nth, void* setting);

/// dst = x where x > 0, else slope * x; `setting` is `pack_slope(slope)`.
void prelu(ggml_tensor* dst, int ith, int nth, void* setting);

/// dst = x Phi(x) with the normal distribution's Phi, the exact GELU (Hendrycks and Gimpel, 2016), within 3e-7 |x|.
void gelu(ggml_tensor* dst, int ith, int nth, void* setting);

[[nodiscard]] void* pack_dimension(int dimension) noexcept;
[[nodiscard]] void* pack_slope(float slope) noexcept;

}  // namespace heart::kernels
