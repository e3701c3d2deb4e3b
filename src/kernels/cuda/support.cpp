#include "kernels/cuda/support.h"

#include "kernels/cuda/rules.h"

namespace heart::cuda {

namespace {

// --- elementwise.cu -----------------------------------------------------------------------------------------------------

bool is_float(const ggml_tensor* t) {
    return t->type == GGML_TYPE_F32 || t->type == GGML_TYPE_F16 || t->type == GGML_TYPE_BF16;
}

bool is_plain(const ggml_tensor* t) {
    return is_float(t) || t->type == GGML_TYPE_I32;
}

bool all_f32(const ggml_tensor* node) {
    bool yes = node->type == GGML_TYPE_F32;
    for (const ggml_tensor* s : node->src) yes = yes && (s == nullptr || s->type == GGML_TYPE_F32);
    return yes;
}

/// Integers convert to f32 and back, and to themselves.
bool can_copy(const ggml_tensor* d, const ggml_tensor* a) {
    if (!is_plain(d) || !is_plain(a) || ggml_nelements(d) != ggml_nelements(a)) return false;
    const bool integers = d->type == GGML_TYPE_I32 || a->type == GGML_TYPE_I32;
    return !integers || d->type == a->type || d->type == GGML_TYPE_F32 || a->type == GGML_TYPE_F32;
}

bool can_run_unary(const ggml_tensor* node) {
    switch (ggml_get_unary_op(node)) {
        case GGML_UNARY_OP_SILU:
        case GGML_UNARY_OP_RELU:
        case GGML_UNARY_OP_GELU_ERF:
        case GGML_UNARY_OP_SIGMOID:
        case GGML_UNARY_OP_STEP: return all_f32(node);
        default: return false;
    }
}

/// ggml_pad's parameters: zeros on the left and right of each dimension, then whether it goes around.
bool pads_on_the_right(const ggml_tensor* node) {
    for (int d = 0; d < 4; ++d) {
        if (node->op_params[2 * d] != 0) return false;
    }
    return node->op_params[8] == 0;
}

bool is_elementwise(const ggml_tensor* node) {
    switch (node->op) {
        case GGML_OP_ADD:
        case GGML_OP_SUB:
        case GGML_OP_MUL:
        case GGML_OP_LEAKY_RELU:
        case GGML_OP_CONCAT: return all_f32(node);
        case GGML_OP_SCALE: return all_f32(node) && parameter(node, 1) == 0.0F;
        case GGML_OP_PAD: return all_f32(node) && pads_on_the_right(node);
        case GGML_OP_UNARY: return can_run_unary(node);
        case GGML_OP_GLU:
            return all_f32(node) && ggml_get_glu_op(node) == GGML_GLU_OP_SWIGLU && node->src[1] == nullptr &&
                   node->op_params[1] == 0;
        case GGML_OP_CPY: return can_copy(node->src[1], node->src[0]);
        case GGML_OP_DUP:
        case GGML_OP_CONT: return can_copy(node, node->src[0]);
        case GGML_OP_REPEAT: return node->type == node->src[0]->type && is_plain(node);
        default: return false;
    }
}

// --- rows.cu ------------------------------------------------------------------------------------------------------------

/// The rotation that this folder knows: adjacent pairs of the whole head, no interpolation.
bool turns_adjacent_pairs(const ggml_tensor* node) {
    return node->ne[0] <= kMostHeadDim && node->op_params[1] == node->ne[0] && node->op_params[2] == GGML_ROPE_TYPE_NORMAL &&
           parameter(node, 6) == 1.0F && parameter(node, 7) == 0.0F && parameter(node, 8) == 1.0F &&
           whole_f32_rows(node->src[0]);
}

bool is_of_rows(const ggml_tensor* node) {
    const ggml_tensor* a = node->src[0];
    switch (node->op) {
        case GGML_OP_RMS_NORM:
        case GGML_OP_NORM: return whole_f32_rows(a);
        case GGML_OP_SOFT_MAX: return whole_f32_rows(a) && parameter(node, 1) == 0.0F && node->src[2] == nullptr;
        case GGML_OP_ARGMAX:
        case GGML_OP_TOP_K: return whole_f32_rows(a);
        case GGML_OP_GET_ROWS:
            return is_float(a) && a->nb[0] == ggml_type_size(a->type) && node->src[1]->type == GGML_TYPE_I32;
        case GGML_OP_SET_ROWS:
            return (is_float(node) || node->type == GGML_TYPE_Q8_0) && whole_f32_rows(a) &&
                   node->src[1]->type == GGML_TYPE_I64;
        case GGML_OP_ROPE: return turns_adjacent_pairs(node);
        default: return false;
    }
}

// --- products.cu --------------------------------------------------------------------------------------------------------

bool can_run_mul_mat(const ggml_tensor* node) {
    const ggml_tensor* w = node->src[0];
    if (is_quantised(w)) return is_one_product(node);
    return is_float(w) && w->nb[0] == ggml_type_size(w->type) && whole_f32_rows(node->src[1]) && ggml_is_contiguous(node);
}

/// Columns side by side.
bool are_f32_columns(const ggml_tensor* t) {
    return whole_f32_rows(t) && t->ne[2] * t->ne[3] == 1;
}

bool can_run_product(const ggml_tensor* node) {
    return is_in_planes(node->src[0]) && are_f32_columns(node->src[1]);
}

bool can_run_convolution(const ggml_tensor* node) {
    const Convolution c = convolution_of(node);
    return is_in_planes(c.w) && !is_quantised(c.w) && whole_f32_rows(c.x) &&
           (c.residual == nullptr || whole_f32_rows(c.residual));
}

bool is_product(const ggml_tensor* node) {
    if (node->op == GGML_OP_MUL_MAT) return can_run_mul_mat(node);
    if (is_kind(node, kernels::NodeKind::product)) return can_run_product(node);
    return is_kind(node, kernels::NodeKind::convolution) && can_run_convolution(node);
}

// --- attention.cu and sampling.cu ---------------------------------------------------------------------------------------

bool is_attention(const ggml_tensor* node) {
    return is_kind(node, kernels::NodeKind::attention) && can_attend(node->src[0], node->src[1], node->src[2], node->src[3]);
}

bool is_draw(const ggml_tensor* node) {
    return is_kind(node, kernels::NodeKind::draw) && node->src[0]->ne[0] <= kMostDrawn && are_f32_columns(node->src[0]) &&
           are_f32_columns(node->src[1]) && are_f32_columns(node->src[2]);
}

bool looks_elsewhere(const ggml_tensor* node) {
    switch (node->op) {
        case GGML_OP_NONE:
        case GGML_OP_RESHAPE:
        case GGML_OP_VIEW:
        case GGML_OP_PERMUTE:
        case GGML_OP_TRANSPOSE: return true;
        default: return false;
    }
}

}  // namespace

Family family_of(const ggml_tensor* node) {
    if (looks_elsewhere(node)) return Family::view;
    if (is_elementwise(node)) return Family::elementwise;
    if (is_of_rows(node)) return Family::rows;
    if (is_product(node)) return Family::products;
    if (is_attention(node)) return Family::attention;
    return is_draw(node) ? Family::draw : Family::none;
}

bool is_quantised(const ggml_tensor* w) {
    switch (w->type) {
        case GGML_TYPE_Q8_0:
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_Q4_K:
        case GGML_TYPE_Q5_K:
        case GGML_TYPE_Q6_K: return true;
        default: return false;
    }
}

bool is_one_product(const ggml_tensor* node) {
    const ggml_tensor *w = node->src[0], *x = node->src[1];
    return ggml_is_contiguous(w) && w->ne[2] * w->ne[3] == 1 && whole_f32_rows(x) && x->ne[2] * x->ne[3] == 1;
}

Convolution convolution_of(const ggml_tensor* node) {
    Convolution c{setting_of<kernels::ConvolutionSetting>(node), node->src[0], node->src[1], nullptr, nullptr, nullptr};
    int next = 2;
    if (c.setting->has_bias) c.bias = node->src[next++];
    if (c.setting->has_past) c.past = node->src[next++];
    if (c.setting->has_residual) c.residual = node->src[next];
    return c;
}

}  // namespace heart::cuda
