#pragma once

// Inside src/graph only: what operations ask of their operands, so that ggml never aborts on them.

#include "core/error.h"
#include "graph/ggml_types.h"
#include "graph/tensor.h"
#include "kernels/product_layout.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace heart::graph {

[[noreturn]] inline void refuse(std::string_view op, std::string_view rule, Tensor a, Tensor b = {}) {
    std::string found = fmt::format("{} '{}' {}", type_name(a.type()), a.name(), shape_text(a.shape()));
    if (b) found += fmt::format(" and {} '{}' {}", type_name(b.type()), b.name(), shape_text(b.shape()));
    throw Error(ErrorCode::internal, fmt::format("graph operation {}", op)).expected(std::string(rule)).found(found);
}

/// Elements of dimension 0 stand side by side: what most CPU operators ask for.
inline bool whole_rows(Tensor t) {
    return t.raw()->nb[0] == ggml_type_size(t.raw()->type);
}

inline bool is_float(Tensor t) {
    return t.type() == Type::f32 || t.type() == Type::f16 || t.type() == Type::bf16;
}

/// Numbers that a product can multiply.
inline bool is_number(Tensor t) {
    return is_float(t) || is_quantised(t.type());
}

/// Not a product's matrix in a layout of our kernels.
inline bool is_plain(Tensor t) {
    return kernels::product_layout(t.raw()) == kernels::ProductLayout::plain;
}

inline void check_f32(std::string_view op, Tensor a) {
    if (a.type() != Type::f32 || !whole_rows(a)) refuse(op, "an f32 tensor of whole rows", a);
}

}  // namespace heart::graph
