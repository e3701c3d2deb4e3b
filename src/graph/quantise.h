#pragma once

#include "graph/tensor.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace heart::graph {

/// Writes whole rows of `row_length` numbers in a type's plain layout (f32, f16, bf16 or a quantised type), rounding to
/// nearest. `out` takes type_bytes(type, values.size()). ErrorCode::malformed where a quantised block holds a number that is
/// not finite: its scale would spoil the others. Safe to call from several threads.
void convert_rows(Type type, std::int64_t row_length, std::span<const float> values, std::span<std::byte> out);

/// The wanted type, or where a row is no multiple of its block the next that fits: q4_k, q5_k and q6_k give way to their
/// 32-number neighbours q4_0 and q8_0, those to `wide`.
[[nodiscard]] Type fitting_type(Type wanted, std::int64_t row_length, Type wide) noexcept;

}  // namespace heart::graph
