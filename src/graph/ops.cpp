// The operations of Graph: each checks what ggml would abort on, then adds one node.

#include "core/error.h"
#include "graph/ggml_types.h"
#include "graph/graph.h"
#include "graph/graph_parts.h"
#include "graph/op_checks.h"
#include "kernels/cuda/rules.h"
#include "kernels/elementwise.h"
#include "kernels/nodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace heart::graph {

namespace {

void check_repeats(std::string_view op, Tensor a, Tensor b) {
    check_f32(op, a);
    if (b.type() != Type::f32) refuse(op, "a second operand in f32", a, b);
    if (!ggml_can_repeat(b.raw(), a.raw())) refuse(op, "a second operand that repeats to the first", a, b);
}

/// Conversions that every device can do.
void check_converts(std::string_view op, Tensor a, Type to) {
    const bool float_to_float = is_float(a) && (to == Type::f32 || to == Type::f16 || to == Type::bf16);
    const bool between_words = (a.type() == Type::i32 && to == Type::f32) || (a.type() == Type::f32 && to == Type::i32);
    if (a.type() != to && !float_to_float && !between_words) {
        refuse(op, fmt::format("a type that converts to {}", type_name(to)), a);
    }
}

void check_dimension(std::string_view op, Tensor a, int dim) {
    if (dim < 0 || dim >= GGML_MAX_DIMS) refuse(op, fmt::format("dimension 0 to 3, not {}", dim), a);
}

/// All four sizes of a shape that has 1 to 4.
Shape four_sizes(std::string_view op, Tensor a, const Shape& shape) {
    const bool positive = std::all_of(shape.begin(), shape.end(), [](std::int64_t n) { return n > 0; });
    if (shape.empty() || shape.size() > GGML_MAX_DIMS || !positive) {
        refuse(op, fmt::format("1 to 4 sizes, not {}", shape_text(shape)), a);
    }
    Shape out = shape;
    out.resize(GGML_MAX_DIMS, 1);
    return out;
}

}  // namespace

Tensor Graph::custom(const Shape& shape, const std::vector<Tensor>& operands, CustomOperator op, void* setting, Type type) {
    std::vector<ggml_tensor*> args;
    args.reserve(operands.size());
    for (const Tensor t : operands) args.push_back(t.raw());
    return Tensor(ggml_custom_4d(ctx(), to_ggml(type), shape[0], shape[1], shape[2], shape[3], args.data(),
                                 static_cast<int>(args.size()), op, GGML_N_TASKS_MAX, setting));
}

// --- shape ------------------------------------------------------------------------------------------------------------

Tensor Graph::reshape(Tensor a, const Shape& shape) {
    const Shape ne = four_sizes("reshape", a, shape);
    const std::int64_t n = ne[0] * ne[1] * ne[2] * ne[3];
    if (n != a.elements() || !ggml_is_contiguous(a.raw())) {
        refuse("reshape", fmt::format("a contiguous tensor of {} elements", n), a);
    }
    return Tensor(ggml_reshape_4d(ctx(), a.raw(), ne[0], ne[1], ne[2], ne[3]));
}

Tensor Graph::slice(Tensor a, int dim, std::int64_t start, std::int64_t length) {
    check_dimension("slice", a, dim);
    if (!is_plain(a)) refuse("slice", "a plain tensor, no product's matrix", a);
    if (start < 0 || length < 1 || start + length > a.dim(dim)) {
        refuse("slice", fmt::format("[{}, {}) inside dimension {}", start, start + length, dim), a);
    }
    const ggml_tensor* t = a.raw();
    std::int64_t ne[4] = {t->ne[0], t->ne[1], t->ne[2], t->ne[3]};
    ne[dim] = length;
    return Tensor(ggml_view_4d(ctx(), a.raw(), ne[0], ne[1], ne[2], ne[3], t->nb[1], t->nb[2], t->nb[3],
                               static_cast<std::size_t>(start) * t->nb[dim]));
}

Tensor Graph::split_heads(Tensor a, std::int64_t heads, std::int64_t columns, std::int64_t rows) {
    const ggml_tensor* t = a.raw();
    if (heads < 1 || columns < 1 || t->ne[0] % heads != 0 || t->ne[1] != columns * rows || t->ne[2] != 1 || t->ne[3] != 1 ||
        t->nb[0] != ggml_type_size(t->type)) {
        refuse("split_heads", fmt::format("[{} heads, {} columns]", heads, columns * rows), a);
    }
    const std::int64_t d = t->ne[0] / heads;
    const std::size_t head = static_cast<std::size_t>(d) * t->nb[0];
    return Tensor(ggml_view_4d(ctx(), a.raw(), d, heads, columns, rows, head, t->nb[1],
                               static_cast<std::size_t>(columns) * t->nb[1], 0));
}

Tensor Graph::permute(Tensor a, int axis0, int axis1, int axis2, int axis3) {
    std::array<int, GGML_MAX_DIMS> axes{axis0, axis1, axis2, axis3};
    std::sort(axes.begin(), axes.end());
    if (axes != std::array<int, GGML_MAX_DIMS>{0, 1, 2, 3}) refuse("permute", "each of the axes 0 to 3 once", a);
    return Tensor(ggml_permute(ctx(), a.raw(), axis0, axis1, axis2, axis3));
}

Tensor Graph::contiguous(Tensor a) {
    // For ggml a dimension of size 1 is contiguous whatever its stride; products ask for whole rows there too.
    if (ggml_is_contiguous(a.raw()) && whole_rows(a)) return a;
    return Tensor(ggml_cont(ctx(), a.raw()));
}

Tensor Graph::pad(Tensor a, std::int64_t step) {
    check_f32("pad", a);
    const std::int64_t missing = (step - a.dim(0) % step) % step;
    return missing == 0 ? a : Tensor(ggml_pad(ctx(), a.raw(), static_cast<int>(missing), 0, 0, 0));
}

Tensor Graph::concat(Tensor a, Tensor b, int dim) {
    check_dimension("concat", a, dim);
    for (int d = 0; d < GGML_MAX_DIMS; ++d) {
        if (a.type() != b.type() || (d != dim && a.dim(d) != b.dim(d))) refuse("concat", "equal sizes but one", a, b);
    }
    if (device_->is_cpu() && a.type() == Type::f32 && whole_rows(a) && whole_rows(b)) {
        Shape shape = a.shape();
        shape[static_cast<std::size_t>(dim)] += b.dim(dim);
        return custom(shape, {a, b}, kernels::concat, kernels::pack_dimension(dim));
    }
    return Tensor(ggml_concat(ctx(), a.raw(), b.raw(), dim));
}

Tensor Graph::as_type(Tensor a, Type type) {
    check_converts("as_type", a, type);
    return a.type() == type ? a : Tensor(ggml_cast(ctx(), a.raw(), to_ggml(type)));
}

// --- element-wise -----------------------------------------------------------------------------------------------------

Tensor Graph::add(Tensor a, Tensor b) {
    check_repeats("add", a, b);
    return Tensor(ggml_add(ctx(), a.raw(), b.raw()));
}

Tensor Graph::sub(Tensor a, Tensor b) {
    check_repeats("sub", a, b);
    return Tensor(ggml_sub(ctx(), a.raw(), b.raw()));
}

Tensor Graph::mul(Tensor a, Tensor b) {
    check_repeats("mul", a, b);
    return Tensor(ggml_mul(ctx(), a.raw(), b.raw()));
}

Tensor Graph::scale(Tensor a, float factor) {
    check_f32("scale", a);
    if (!ggml_is_contiguous(a.raw())) refuse("scale", "a contiguous tensor", a);
    return Tensor(ggml_scale(ctx(), a.raw(), factor));
}

Tensor Graph::silu(Tensor a) {
    check_f32("silu", a);
    return Tensor(ggml_silu(ctx(), a.raw()));
}

Tensor Graph::sigmoid(Tensor a) {
    check_f32("sigmoid", a);
    return Tensor(ggml_sigmoid(ctx(), a.raw()));
}

Tensor Graph::relu(Tensor a) {
    check_f32("relu", a);
    return Tensor(ggml_relu(ctx(), a.raw()));
}

Tensor Graph::gelu(Tensor a) {
    check_f32("gelu", a);
    if (device_->kernels() == Kernels::cpu) return custom(a.shape(), {a}, kernels::gelu, nullptr);
    return Tensor(ggml_gelu_erf(ctx(), a.raw()));
}

Tensor Graph::prelu(Tensor a, float slope) {
    check_f32("prelu", a);
    if (device_->is_cpu()) return custom(a.shape(), {a}, kernels::prelu, kernels::pack_slope(slope));
    return Tensor(ggml_leaky_relu(ctx(), a.raw(), slope, false));
}

Tensor Graph::step(Tensor a) {
    check_f32("step", a);
    return Tensor(ggml_step(ctx(), a.raw()));
}

Tensor Graph::repeat_to(Tensor a, const Shape& shape) {
    const Shape ne = four_sizes("repeat_to", a, shape);
    if (a.type() == Type::i64 || !whole_rows(a)) refuse("repeat_to", "whole rows of 32- or 16-bit numbers", a);
    for (int d = 0; d < GGML_MAX_DIMS; ++d) {
        if (ne[static_cast<std::size_t>(d)] % a.dim(d) != 0)
            refuse("repeat_to", "a multiple of " + shape_text(a.shape()), a);
    }
    return Tensor(ggml_repeat_4d(ctx(), a.raw(), ne[0], ne[1], ne[2], ne[3]));
}

// --- rows -------------------------------------------------------------------------------------------------------------

Tensor Graph::rms_norm(Tensor a, float eps) {
    check_f32("rms_norm", a);
    return Tensor(ggml_rms_norm(ctx(), a.raw(), eps));
}

Tensor Graph::layer_norm(Tensor a, float eps) {
    check_f32("layer_norm", a);
    return Tensor(ggml_norm(ctx(), a.raw(), eps));
}

Tensor Graph::soft_max(Tensor a, Tensor mask, float factor) {
    check_f32("soft_max", a);
    if (!ggml_is_contiguous(a.raw())) refuse("soft_max", "a contiguous tensor", a);
    if (mask && ((mask.type() != Type::f32 && mask.type() != Type::f16) || !ggml_is_contiguous(mask.raw()))) {
        refuse("soft_max", "a contiguous mask in f32 or f16", a, mask);
    }
    if (mask &&
        (mask.dim(0) != a.dim(0) || mask.dim(1) < a.dim(1) || a.dim(2) % mask.dim(2) != 0 || a.dim(3) % mask.dim(3) != 0)) {
        refuse("soft_max", "a mask of the rows' shape", a, mask);
    }
    return Tensor(ggml_soft_max_ext(ctx(), a.raw(), mask.raw(), factor, 0.0F));
}

Tensor Graph::argmax(Tensor a) {
    check_f32("argmax", a);
    if (a.dim(2) != 1 || a.dim(3) != 1) refuse("argmax", "an f32 matrix", a);
    return Tensor(ggml_argmax(ctx(), a.raw()));
}

Tensor Graph::top_k(Tensor a, int k) {
    check_f32("top_k", a);
    if (k < 1 || k > a.dim(0)) refuse("top_k", fmt::format("at least {} elements", k), a);
    return Tensor(ggml_top_k(ctx(), a.raw(), k));
}

Tensor Graph::get_rows(Tensor table, Tensor ids) {
    if (table.type() == Type::i64 || !whole_rows(table) || !is_plain(table)) {
        refuse("get_rows", "a table of whole rows", table);
    }
    if (ids.type() != Type::i32 || table.dim(2) != ids.dim(1) || table.dim(3) != ids.dim(2) || ids.dim(3) != 1) {
        refuse("get_rows", "a table and i32 row numbers", table, ids);
    }
    return Tensor(ggml_get_rows(ctx(), table.raw(), ids.raw()));
}

Tensor Graph::set_rows(Tensor table, Tensor values, Tensor ids) {
    if (ids.type() != Type::i64 || values.type() != Type::f32 || table.dim(0) != values.dim(0) ||
        table.dim(2) != values.dim(2) || table.dim(3) != values.dim(3) || values.dim(1) != ids.dim(0) ||
        values.dim(2) % ids.dim(1) != 0 || values.dim(3) % ids.dim(2) != 0 || ids.dim(3) != 1 || !is_number(table) ||
        !whole_rows(table) || !whole_rows(values)) {
        refuse("set_rows", "f32 rows of the table's width and an i64 number for each", table, values);
    }
    return Tensor(ggml_set_rows(ctx(), table.raw(), values.raw(), ids.raw()));
}

// --- layers -----------------------------------------------------------------------------------------------------------

Tensor Graph::rotary(Tensor a, Tensor positions, Tensor factors, float base) {
    check_f32("rotary", a);
    if (positions.type() != Type::i32 || positions.elements() != positions.dim(0) || positions.dim(0) != a.dim(2) ||
        a.dim(0) % 2 != 0) {
        refuse("rotary", "[even, heads, columns] and an i32 position for each column", a, positions);
    }
    if (factors && (factors.type() != Type::f32 || factors.dim(0) < a.dim(0) / 2))
        refuse("rotary", "a frequency factor for each pair", a, factors);
    return Tensor(ggml_rope_ext(ctx(), a.raw(), positions.raw(), factors.raw(), static_cast<int>(a.dim(0)),
                                GGML_ROPE_TYPE_NORMAL, 0, base, 1.0F, 0.0F, 1.0F, 0.0F, 0.0F));
}

bool Graph::can_draw(Tensor logits) const {
    return device_->kernels() == Kernels::cuda && logits.dim(0) <= cuda::kMostDrawn;
}

Tensor Graph::draw(Tensor logits, Tensor noise, Tensor scale, int k) {
    const std::int64_t columns = logits.dim(1);
    const auto columns_of = [&](Tensor t, std::int64_t n) {
        check_f32("draw", t);
        return t.dim(0) == n && t.dim(1) == columns && t.dim(2) * t.dim(3) == 1;
    };
    if (!can_draw(logits) || k < 1 || !columns_of(logits, logits.dim(0)) || !columns_of(noise, logits.dim(0))) {
        refuse("draw", "columns of logits and of noise", logits, noise);
    }
    if (!columns_of(scale, 1)) refuse("draw", "a scale for each column", logits, scale);
    auto& setting = parts_->draws.emplace_back();
    setting.k = k;
    // No CPU function: the device reads in the setting what the node is.
    return custom({columns, 1, 1, 1}, {logits, noise, scale}, nullptr, &setting, Type::i32);
}

Tensor Graph::swiglu(Tensor a) {
    check_f32("swiglu", a);
    if (a.dim(0) % 2 != 0 || !ggml_is_contiguous(a.raw())) refuse("swiglu", "two halves", a);
    return Tensor(ggml_swiglu(ctx(), a.raw()));
}

Tensor Graph::copy_into(Tensor value, Tensor destination) {
    if (value.elements() != destination.elements()) refuse("copy_into", "as many elements", value, destination);
    check_converts("copy_into", value, destination.type());
    return Tensor(ggml_cpy(ctx(), value.raw(), destination.raw()));
}

}  // namespace heart::graph
