#pragma once

#include "formats/tensor_view.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace heart::formats {

/// Numbers of quantised rows (ggml's block layouts: Q8_0, Q4_0, Q4_K, Q5_K, Q6_K), `out.size()` of them from element `first`
/// on. `blocks` is a whole tensor; what is asked for lies inside it.
void dequantise(DType type, std::span<const std::byte> blocks, std::uint64_t first, std::span<float> out);

}  // namespace heart::formats
