// Products: matrices, convolutions and attention, by our own CPU kernels or by ggml, as device, type and shape ask.

#include "core/error.h"
#include "graph/ggml_types.h"
#include "graph/graph.h"
#include "graph/graph_parts.h"
#include "graph/op_checks.h"
#include "kernels/cuda/rules.h"
#include "kernels/nodes.h"
#include "kernels/winograd.h"

#include <fmt/format.h>

namespace heart::graph {

/// On GPUs that ggml serves, f32 numbers one behind the other: its products copy other operands, and round them to f16.
Tensor Graph::without_gaps(Tensor a) {
    const ggml_tensor* t = a.raw();
    const bool gaps = t->nb[1] != ggml_row_size(t->type, t->ne[0]) ||
                      (t->ne[3] != 1 && t->nb[3] != t->nb[2] * static_cast<std::size_t>(t->ne[2]));
    const bool rounds = device_->kernels() == Kernels::ggml && !device_->is_cpu() && a.type() == Type::f32;
    return rounds && gaps ? Tensor(ggml_cont(ctx(), a.raw())) : a;
}

Tensor Graph::mul_mat(Tensor w, Tensor x) {
    const bool fits = w.dim(0) == x.dim(0) && x.dim(2) % w.dim(2) == 0 && x.dim(3) % w.dim(3) == 0;
    if (!fits) refuse("mul_mat", "the same dimension 0", w, x);
    if (!is_number(w) || x.type() != Type::f32 || !whole_rows(w) || !whole_rows(x)) {
        refuse("mul_mat", "whole rows, the second of f32", w, x);
    }
    if (kernels::product_layout(w.raw()) == kernels::ProductLayout::winograd)
        refuse("mul_mat", "the matrix of a product, not the taps of a convolution", w, x);
    if (is_plain(w)) {
        ggml_tensor* product = ggml_mul_mat(ctx(), without_gaps(w).raw(), without_gaps(x).raw());
        ggml_prec_set_acc(product, GGML_PREC_F32);  // ggml's kernels for GPUs would sum products of f16 in f16
        return Tensor(product);
    }
    if (x.dim(2) * x.dim(3) != 1) {  // the kernel knows columns only
        const Tensor columns = reshape(x, {x.dim(0), x.dim(1) * x.dim(2) * x.dim(3)});
        return reshape(mul_mat(w, columns), {kernels::product_rows(w.raw()), x.dim(1), x.dim(2), x.dim(3)});
    }
    return custom({kernels::product_rows(w.raw()), x.dim(1), 1, 1}, {w, x}, kernels::product_node, &parts_->product);
}

Tensor Graph::affine(Tensor w, Tensor x, Tensor bias, Tensor residual) {
    const bool fuses = device_->kernels() == Kernels::cpu && !is_plain(w) && is_float(w) && x.dim(2) * x.dim(3) == 1;
    if (fuses && (bias || residual)) return convolve(w, x, {1, 1, bias, {}, residual, {}});
    Tensor y = mul_mat(w, x);
    if (bias) y = add(y, bias);
    return residual ? add(y, residual) : y;
}

namespace {

void check_convolution(Tensor w, Tensor x, std::int64_t columns, const Graph::Convolution& c) {
    const auto flat = [](Tensor t) { return t.type() == Type::f32 && t.dim(2) * t.dim(3) == 1; };
    const bool winograd = kernels::product_layout(w.raw()) == kernels::ProductLayout::winograd;
    const std::int64_t width = w.dim(0) * (winograd ? kernels::kWinogradTaps : 1);
    if (c.taps < 1 || (winograd && c.taps != kernels::kWinogradTaps) || c.shift < 1 || width != c.taps * x.dim(0) ||
        columns < 1 || !flat(x)) {
        refuse("convolve", fmt::format("[in, columns] and {} taps of it, {} columns apart", c.taps, c.shift), w, x);
    }
    if (c.past && (!flat(c.past) || !ggml_is_contiguous(c.past.raw()) || c.past.dim(0) != x.dim(0) ||
                   c.past.dim(1) != (c.taps - 1) * c.shift)) {
        refuse("convolve", fmt::format("a past of {} columns", (c.taps - 1) * c.shift), c.past, x);
    }
    if (c.residual && (!flat(c.residual) || c.residual.dim(1) != columns)) {
        refuse("convolve", fmt::format("a residual of {} columns", columns), c.residual, x);
    }
}

}  // namespace

Tensor Graph::convolve(Tensor w, Tensor x, const Convolution& c) {
    const std::int64_t context = (c.taps - 1) * c.shift, columns = x.dim(1) - (c.past ? 0 : context);
    check_convolution(w, x, columns, c);
    if (is_plain(w)) return convolve_by_products(w, c.past ? concat(c.past, x, 1) : x, c);
    std::vector<Tensor> operands{w, x};
    for (const Tensor t : {c.bias, c.past, c.residual}) {
        if (t) operands.push_back(t);
    }
    auto& setting = parts_->convolutions.emplace_back();
    setting.queue = &parts_->queue;
    setting.taps = c.taps, setting.shift = c.shift;
    setting.has_bias = static_cast<bool>(c.bias), setting.has_past = static_cast<bool>(c.past);
    setting.has_residual = static_cast<bool>(c.residual);
    setting.has_slope = c.slope.has_value(), setting.slope = c.slope.value_or(0.0F);
    return custom({kernels::product_rows(w.raw()), columns, 1, 1}, operands, kernels::convolution_node, &setting);
}

/// One product for each tap, over the whole signal x.
Tensor Graph::convolve_by_products(Tensor w, Tensor x, const Convolution& c) {
    const std::int64_t columns = x.dim(1) - (c.taps - 1) * c.shift;
    Tensor sum;
    for (std::int64_t t = 0; t < c.taps; ++t) {
        const Tensor tap = slice(w, 0, t * x.dim(0), x.dim(0));    // [in, out]
        const Tensor shifted = slice(x, 1, t * c.shift, columns);  // [in, columns]
        const Tensor part = mul_mat(tap, shifted);                 // [out, columns]
        sum = sum ? add(sum, part) : part;
    }
    if (c.bias) sum = add(sum, c.bias);
    if (c.slope) sum = prelu(sum, *c.slope);
    return c.residual ? add(sum, c.residual) : sum;
}

bool Graph::can_attend(Tensor q, Tensor k, Tensor v, Tensor mask) const {
    switch (device_->kernels()) {
        case Kernels::cpu: return kernels::can_attend(q.raw(), k.raw(), v.raw(), mask.raw());
        case Kernels::cuda: return cuda::can_attend(q.raw(), k.raw(), v.raw(), mask.raw());
        case Kernels::ggml: return false;
    }
    return false;
}

Tensor Graph::attention(Tensor q, Tensor k, Tensor v, Tensor mask, float factor) {
    const bool fits = q.dim(0) == k.dim(0) && q.dim(0) == v.dim(0) && k.dim(1) == v.dim(1) && k.dim(2) == v.dim(2) &&
                      q.dim(1) % k.dim(2) == 0 && q.dim(3) == k.dim(3) && q.dim(3) == v.dim(3);
    if (!fits || !can_attend(q, k, v, mask)) refuse("attention", "queries and keys of one head size and batch", q, k);
    if (mask && (!ggml_is_contiguous(mask.raw()) || mask.dim(0) != k.dim(1) || mask.dim(1) < q.dim(2) || mask.dim(2) != 1 ||
                 (mask.dim(3) != 1 && mask.dim(3) != q.dim(3)))) {
        refuse("attention", "an f16 mask [positions, queries], one for all rows or one for each", mask, k);
    }
    std::vector<Tensor> operands{q, k, v};
    if (mask) operands.push_back(mask);
    auto& setting = parts_->attentions.emplace_back();
    setting.scale = factor;
    return custom({q.dim(0) * q.dim(1), q.dim(2) * q.dim(3), 1, 1}, operands, kernels::attention_node, &setting);
}

Tensor Graph::flash_attention(Tensor q, Tensor k, Tensor v, Tensor mask, float factor) {
    const bool fits = q.dim(0) == k.dim(0) && k.dim(1) == v.dim(1) && k.dim(2) == v.dim(2) && q.dim(2) % k.dim(2) == 0 &&
                      q.dim(3) == k.dim(3) && q.dim(3) == v.dim(3);
    if (!fits) refuse("flash_attention", "queries and keys of one head size and batch", q, k);
    if (q.type() != Type::f32 || !is_float(k) || !is_float(v) || !whole_rows(q) || !whole_rows(k) || !whole_rows(v)) {
        refuse("flash_attention", "whole rows, queries in f32", q, k);
    }
    if (mask && (!ggml_is_contiguous(mask.raw()) || q.dim(2) % mask.dim(2) != 0 || q.dim(3) % mask.dim(3) != 0 ||
                 mask.type() != Type::f16 || mask.dim(0) != k.dim(1) || mask.dim(1) < q.dim(1))) {
        refuse("flash_attention", "an f16 mask [positions, queries]", mask, k);
    }
    ggml_tensor* mixed = ggml_flash_attn_ext(ctx(), q.raw(), k.raw(), v.raw(), mask.raw(), factor, 0.0F, 0.0F);
    ggml_prec_set_acc(mixed, GGML_PREC_F32);  // as in mul_mat
    return Tensor(mixed);
}

}  // namespace heart::graph
