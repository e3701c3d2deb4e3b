#include "kernels/nodes.h"

#include "kernels/attention.h"
#include "kernels/float_products.h"
#include "kernels/quantised_products.h"
#include "kernels/winograd.h"

#include <ggml.h>

namespace heart::kernels {

namespace {

std::int64_t floats(std::size_t bytes) noexcept {
    return static_cast<std::int64_t>(bytes / sizeof(float));
}

const float* f32(const ggml_tensor* t) noexcept {
    return static_cast<const float*>(t->data);
}

std::optional<CacheType> cache_type(ggml_type type) noexcept {
    switch (type) {
        case GGML_TYPE_F32: return CacheType::f32;
        case GGML_TYPE_F16: return CacheType::f16;
        case GGML_TYPE_BF16: return CacheType::bf16;
        case GGML_TYPE_Q8_0: return CacheType::q8_0;
        default: return std::nullopt;
    }
}

Attention attention_of(const ggml_tensor* q, const ggml_tensor* k, const ggml_tensor* v, const ggml_tensor* mask) noexcept {
    const auto bytes = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    Attention a;
    a.q = f32(q);
    a.q_head = floats(q->nb[1]), a.q_column = floats(q->nb[2]), a.q_row = floats(q->nb[3]);
    a.k = k->data, a.v = v->data;
    a.type = cache_type(k->type).value_or(CacheType::f32);
    a.k_position = bytes(k->nb[1]), a.k_head = bytes(k->nb[2]), a.k_row = bytes(k->nb[3]);
    a.v_position = bytes(v->nb[1]), a.v_head = bytes(v->nb[2]), a.v_row = bytes(v->nb[3]);
    if (mask != nullptr) {
        a.mask = static_cast<const std::uint16_t*>(mask->data);
        a.mask_column = bytes(mask->nb[1] / sizeof(std::uint16_t));
        a.mask_row = mask->ne[3] == 1 ? 0 : bytes(mask->nb[3] / sizeof(std::uint16_t));
    }
    a.head_dim = q->ne[0], a.heads = q->ne[1], a.kv_heads = k->ne[2];
    a.positions = k->ne[1], a.n = q->ne[2], a.rows = q->ne[3];
    return a;
}

}  // namespace

std::optional<WeightType> weight_type(int type) noexcept {
    switch (type) {
        case GGML_TYPE_F32: return WeightType::f32;
        case GGML_TYPE_F16: return WeightType::f16;
        case GGML_TYPE_BF16: return WeightType::bf16;
        case GGML_TYPE_Q8_0: return WeightType::q8_0;
        case GGML_TYPE_Q4_0: return WeightType::q4_0;
        case GGML_TYPE_Q4_K: return WeightType::q4_k;
        default: return std::nullopt;
    }
}

InterleavedMatrix interleaved_matrix(const ggml_tensor* t) noexcept {
    return {weight_type(t->type).value_or(WeightType::f32), t->data, product_rows(t), t->ne[0]};
}

void product_node(ggml_tensor* dst, int ith, int nth, void* setting) {
    const Worker me{ith, nth, static_cast<const ProductSetting*>(setting)->queue};
    const InterleavedMatrix w = interleaved_matrix(dst->src[0]);
    const ggml_tensor* x = dst->src[1];
    auto* y = static_cast<float*>(dst->data);
    if (has_quantised_product(w.type)) {
        multiply(QuantisedProduct{w, f32(x), floats(x->nb[1]), x->ne[1], y, dst->ne[0]}, me);
        return;
    }
    FloatProduct p;
    p.w = w;
    p.x = f32(x), p.x_stride = floats(x->nb[1]), p.columns = x->ne[1];
    p.y = y, p.y_stride = dst->ne[0];
    multiply(p, me);
}

void convolution_node(ggml_tensor* dst, int ith, int nth, void* setting) {
    const auto& s = *static_cast<const ConvolutionSetting*>(setting);
    FloatProduct p;
    const bool winograd = product_layout(dst->src[0]) == ProductLayout::winograd;
    p.w = interleaved_matrix(dst->src[0]);
    if (winograd) p.w.cols *= s.taps;
    p.taps = s.taps, p.tap_shift = s.shift;
    p.x = f32(dst->src[1]), p.x_stride = floats(dst->src[1]->nb[1]);
    p.columns = dst->ne[1];
    p.y = static_cast<float*>(dst->data), p.y_stride = dst->ne[0];
    int next = 2;
    if (s.has_bias) p.epilogue.bias = f32(dst->src[next++]);
    if (s.has_past) p.past = f32(dst->src[next++]);
    if (s.has_residual) {
        p.epilogue.residual = f32(dst->src[next]);
        p.epilogue.residual_stride = floats(dst->src[next]->nb[1]);
    }
    p.epilogue.prelu = s.has_slope, p.epilogue.slope = s.slope;
    if (winograd) multiply_winograd(p, {ith, nth, s.queue});
    else multiply(p, {ith, nth, s.queue});
}

void attention_node(ggml_tensor* dst, int ith, int nth, void* setting) {
    Attention a = attention_of(dst->src[0], dst->src[1], dst->src[2], dst->src[3]);
    a.scale = static_cast<const AttentionSetting*>(setting)->scale;
    a.y = static_cast<float*>(dst->data);
    attend(a, ith, nth);
}

bool can_attend(const ggml_tensor* q, const ggml_tensor* k, const ggml_tensor* v, const ggml_tensor* mask) noexcept {
    const auto one_piece = [](const ggml_tensor* t) { return t->nb[0] == ggml_type_size(t->type); };
    return q->type == GGML_TYPE_F32 && k->type == v->type && cache_type(k->type) && one_piece(q) && one_piece(k) &&
           one_piece(v) && (mask == nullptr || mask->type == GGML_TYPE_F16) && can_attend(attention_of(q, k, v, mask));
}

}  // namespace heart::kernels
