#pragma once

#include <cstdint>

namespace heart::kernels {

/// Number types of cached keys and values. q8_0 is ggml's: blocks {f16 scale; int8 quants[32]} along the head dimension.
enum class CacheType { f32, f16, bf16, q8_0 };

/// softmax(scale * q k^T + mask) v for all heads, in f32. Query head h looks at key head h / (heads / kv_heads). A query
/// that sees no position gives zeros. What is behind the mask is never read into a result, whatever its bits. Not-a-number
/// in a key that a query sees gives not-a-number for that query. Weights below 2^-126 of the largest are 0.
struct Attention {
    // Queries f32: element (d, head, column, row) stands at q[d + head * q_head + column * q_column + row * q_row].
    const float* q = nullptr;
    std::int64_t q_head = 0, q_column = 0, q_row = 0;  ///< strides in floats

    // Keys and values: (d, position, kv_head, row) with d contiguous.
    const void* k = nullptr;
    const void* v = nullptr;
    CacheType type = CacheType::f32;
    std::int64_t k_position = 0, k_head = 0, k_row = 0;  ///< strides in bytes
    std::int64_t v_position = 0, v_head = 0, v_row = 0;  ///< strides in bytes

    /// f16 [positions] for each query column of each row, 0 where it looks and -inf where not; shared by heads. Null: looks
    /// everywhere. Blocks of positions that no column of a row looks at are not read.
    const std::uint16_t* mask = nullptr;
    std::int64_t mask_column = 0, mask_row = 0;  ///< strides in elements; a row's is 0 where all rows share one mask

    float scale = 1.0F;
    std::int64_t head_dim = 0;  ///< a multiple of 8, of 32 for q8_0
    std::int64_t heads = 0;     ///< a multiple of kv_heads
    std::int64_t kv_heads = 0;
    std::int64_t positions = 0;
    std::int64_t n = 0;     ///< query columns of a row
    std::int64_t rows = 0;  ///< independent sequences

    float* y = nullptr;  ///< contiguous [head_dim, heads, n, rows]
};

/// Whether `attend` can compute this: the conditions on the sizes above.
[[nodiscard]] bool can_attend(const Attention& a) noexcept;

/// Thread `ith` of `nth` does its share; each element of y is written by one thread and does not depend on `nth`.
///
/// Up to two columns (decoding): keys and values are read once, in the order of the cache, for all query heads that share
/// them; at most rows * kv_heads threads have work. More columns: blocks of queries against blocks of keys, as matrix
/// products; at most rows * kv_heads * ceil(n * group / 192) threads have work.
///
/// Each thread keeps scratch from call to call: up to two columns at most 8 * heads * n * (head_dim + 48) bytes, more
/// columns at most 2048 * head_dim bytes and 16 KB. Only a call that needs more than any before it allocates
/// (std::bad_alloc).
void attend(const Attention& a, int ith, int nth);

}  // namespace heart::kernels
