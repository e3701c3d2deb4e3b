#pragma once

#include "kernels/interleaved.h"

#include <cstddef>
#include <cstdint>

namespace heart::kernels {

/// The layout of product matrices on CUDA devices: rows one behind the other, each in ggml's size. Rows of f32, f16 and
/// bf16 are plain. A row of q8_0 holds its integers side by side and then its scales, so that a thread reads whole words:
///
///   cols int8, then cols / 32 f16 scales
///
/// Rows begin on 16 bytes.
[[nodiscard]] bool can_split(WeightType type, std::int64_t cols) noexcept;

/// Writes rows of ggml's layout into planes: `rows` and `planes` hold row_count * plain_row_bytes and do not overlap.
void split_rows(WeightType type, std::int64_t cols, const void* rows, std::int64_t row_count, void* planes) noexcept;

}  // namespace heart::kernels
