#pragma once

#include <cstddef>
#include <cstdint>

namespace heart::kernels {

/// Number types of a weight matrix.
enum class WeightType { f32, f16, bf16, q8_0, q4_0, q4_k };

/// A weight matrix W [rows][cols] of y = W x whose rows stand side by side in strips of 16, so that one vector register
/// holds the same column of 16 rows and no sum runs across a register. It takes as many bytes as the plain matrix with its
/// rows rounded up to 16; rows beyond `rows` are zeros. Within a strip, in order of columns:
///
///   f32        for each column:         16 numbers
///   f16, bf16  for each pair of columns: 16 times both numbers                                    (cols % 2 == 0)
///   q8_0       for each block of 32:    16 f16 scales, then 8 times (16 times 4 bytes), each an int8 plus 128, since
///                                       products of bytes want one factor unsigned                (cols % 32 == 0)
///   q4_0       for each block of 32:    16 f16 scales, then 4 times (16 times 4 bytes); byte i of the j-th four holds
///                                       element 4j+i in its low and 16+4j+i in its high bits
///   q4_k       for each block of 256:   16 f16 d, 16 f16 dmin, then the 12 bytes of packed scales and the 128 of quants as
///                                       35 times (16 times 4 bytes), in ggml's order              (cols % 256 == 0)
struct InterleavedMatrix {
    WeightType type = WeightType::f32;
    const void* data = nullptr;  ///< aligned to 32 bytes
    std::int64_t rows = 0;       ///< outputs
    std::int64_t cols = 0;       ///< inputs
};

inline constexpr std::int64_t kStripRows = 16;

/// Whether a matrix of this type and width can be interleaved.
[[nodiscard]] bool can_interleave(WeightType type, std::int64_t cols) noexcept;

/// Bytes of one plain row (ggml's layout of the type).
[[nodiscard]] std::size_t plain_row_bytes(WeightType type, std::int64_t cols) noexcept;

/// Writes one strip from up to 16 plain rows, one behind the other; missing rows become zeros. `strip` has room for
/// 16 * plain_row_bytes.
void interleave_strip(WeightType type, std::int64_t cols, const void* rows, std::int64_t row_count, void* strip) noexcept;

}  // namespace heart::kernels
