#pragma once

#include "graph/tensor.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace heart::graph {

/// Rounds rows of `row_length` numbers to `type` (f32, f16, bf16 or a quantised type), in ggml's layout. `out` has exactly
/// `type_bytes(type, values.size())` bytes; a row is a multiple of the type's block size. Rows do not depend on each other:
/// parts of a matrix may be rounded on several threads.
///
/// ErrorCode::unsupported for a number that the type cannot hold: NaN and infinity, which quantising is undefined for, and
/// those beyond the largest f16, which scales of blocks are, or bf16.
void quantise_rows(Type type, std::int64_t row_length, std::span<const float> values, std::span<std::byte> out);

/// Writes rows in a type's plain layout as loading does: the plain types take every number as it is, rounded to nearest; the
/// quantised ones as above.
void convert_rows(Type type, std::int64_t row_length, std::span<const float> values, std::span<std::byte> out);

/// The wanted type, or where a row is no multiple of its block the next that fits: q4_k gives way to q4_0, q5_k and q6_k to
/// q8_0, those to `wide`.
[[nodiscard]] Type fitting_type(Type wanted, std::int64_t row_length, Type wide) noexcept;

}  // namespace heart::graph
