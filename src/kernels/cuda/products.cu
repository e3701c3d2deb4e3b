// Nodes that multiply matrices: ggml's MUL_MAT, and our own products and convolutions over weights in planes.

#include "kernels/cuda/decode_products.h"
#include "kernels/cuda/gemm.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/nodes.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/settings.h"

#include <algorithm>

namespace heart::cuda::products {

namespace {

constexpr std::int64_t kAlignment = 256;
constexpr std::int64_t kRowsAtATime = 4096;  // of a quantised matrix, made wide for one product after the other

std::size_t aligned(std::int64_t bytes) {
    return static_cast<std::size_t>((bytes + kAlignment - 1) / kAlignment * kAlignment);
}

std::int64_t numbers(std::size_t bytes) {
    return static_cast<std::int64_t>(bytes / sizeof(float));
}

float* f32(const ggml_tensor* t) {
    return static_cast<float*>(t->data);
}

// --- MUL_MAT: any W, batches ----------------------------------------------------------------------------------------------

/// f32 matrices are multiplied where they are; others are widened first, so that no activation is rounded.
std::size_t mul_mat_scratch(const ggml_tensor* node) {
    const ggml_tensor* w = node->src[0];
    return w->type == GGML_TYPE_F32 ? 0 : aligned(ggml_nelements(w) * static_cast<std::int64_t>(sizeof(float)));
}

void run_mul_mat(const Context& c, const ggml_tensor* node) {
    const ggml_tensor* w = node->src[0];
    const ggml_tensor* x = node->src[1];
    std::int64_t w_row = numbers(w->nb[1]), w2 = numbers(w->nb[2]), w3 = numbers(w->nb[3]);
    const float* data = f32(w);
    if (w->type != GGML_TYPE_F32) {
        widen(c, w, static_cast<float*>(c.scratch));
        data = static_cast<const float*>(c.scratch);
        w_row = w->ne[0], w2 = w_row * w->ne[1], w3 = w2 * w->ne[2];
    }
    const std::int64_t repeat2 = x->ne[2] / w->ne[2], repeat3 = x->ne[3] / w->ne[3];
    Gemm g;
    g.m = w->ne[1], g.n = x->ne[1], g.k = w->ne[0];
    g.lda = w_row, g.ldb = numbers(x->nb[1]), g.ldc = node->ne[0];
    g.stride_b = numbers(x->nb[2]), g.stride_c = numbers(node->nb[2]);
    // Matrices of dimension 2 are one batch where each has its own W, else one batch a W.
    g.stride_a = repeat2 == 1 ? w2 : 0;
    g.batch = repeat2 == 1 ? x->ne[2] : repeat2;
    for (std::int64_t i3 = 0; i3 < x->ne[3]; ++i3) {
        for (std::int64_t i2 = 0; i2 < x->ne[2]; i2 += g.batch) {
            g.a = data + i3 / repeat3 * w3 + i2 / repeat2 * w2;
            g.b = f32(x) + i3 * numbers(x->nb[3]) + i2 * g.stride_b;
            g.c = f32(node) + i3 * numbers(node->nb[3]) + i2 * g.stride_c;
            multiply(c, g);
        }
    }
}

// --- our own product ------------------------------------------------------------------------------------------------------

/// The type in which a matrix of weights is multiplied when there are many columns.
ggml_type wide_type(const ggml_tensor* w) {
    return is_quantised(w) ? GGML_TYPE_F16 : w->type;
}

std::int64_t bytes_of(ggml_type type) {
    return static_cast<std::int64_t>(ggml_type_size(type));
}

/// Bytes of x and, behind them, of the rows of W that are made wide.
std::size_t x_bytes(const ggml_tensor* w, std::int64_t rows, std::int64_t columns) {
    return w->type == GGML_TYPE_F32 ? 0 : aligned(rows * columns * bytes_of(wide_type(w)));
}
std::size_t w_bytes(const ggml_tensor* w) {
    if (!is_quantised(w)) return 0;
    return aligned(w->ne[0] * std::min(w->ne[1], kRowsAtATime) * bytes_of(wide_type(w)));
}

void run_product(const Context& c, const ggml_tensor* node) {
    const DecodeProduct few = decode_product(node);
    if (can_decode(few)) return decode(c, few);
    const ggml_tensor* w = node->src[0];
    const ggml_tensor* x = node->src[1];
    Gemm g;
    g.type = wide_type(w);
    g.n = x->ne[1], g.k = w->ne[0];
    g.b = x->data, g.ldb = few.x_stride;
    if (g.type != GGML_TYPE_F32) {
        convert_columns(c, g.type, few.x, few.x_stride, g.k, g.n, c.scratch);
        g.b = c.scratch, g.ldb = g.k;
    }
    g.lda = g.k, g.ldc = node->ne[0];
    const std::int64_t step = is_quantised(w) ? kRowsAtATime : w->ne[1];
    for (std::int64_t first = 0; first < w->ne[1]; first += step) {
        const char* rows = static_cast<const char*>(w->data) + first * static_cast<std::int64_t>(w->nb[1]);
        g.m = std::min(step, w->ne[1] - first);
        g.a = rows, g.c = f32(node) + first;
        if (is_quantised(w)) {
            void* wide = static_cast<char*>(c.scratch) + x_bytes(w, g.k, g.n);
            dequantise_rows(c, w->type, few.in_planes, rows, few.row_bytes, g.k, g.m, wide);
            g.a = wide;
        }
        multiply(c, g);
    }
}

// --- convolution ----------------------------------------------------------------------------------------------------------

/// Whether the signal is multiplied where it is.
bool as_it_is(const Convolution& c) {
    return c.past == nullptr && c.w->type == GGML_TYPE_F32;
}

std::int64_t signal_columns(const Convolution& c) {
    return c.x->ne[1] + (c.past != nullptr ? c.past->ne[1] : 0);
}

__global__ void finish(float* y, const float* bias, const float* residual, std::int64_t residual_stride, int rows,
                       std::int64_t n, bool has_slope, float slope) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const auto row = static_cast<int>(i % rows);
    float v = y[i] + (bias != nullptr ? bias[row] : 0.0F);
    if (has_slope && v <= 0) v *= slope;
    y[i] = v + (residual != nullptr ? residual[i / rows * residual_stride + row] : 0.0F);
}

void run_convolution(const Context& context, const ggml_tensor* node) {
    constexpr int kThreads = 256;
    const Convolution c = convolution_of(node);
    const std::int64_t in = c.x->ne[0], size = bytes_of(c.w->type);
    const char* signal = static_cast<const char*>(c.x->data);
    std::int64_t stride = numbers(c.x->nb[1]);
    if (!as_it_is(c)) {  // the past, then x, side by side in the type of the weights
        auto* to = static_cast<char*>(context.scratch);
        signal = to, stride = in;
        if (c.past != nullptr) {
            convert_columns(context, c.w->type, f32(c.past), numbers(c.past->nb[1]), in, c.past->ne[1], to);
            to += in * c.past->ne[1] * size;
        }
        convert_columns(context, c.w->type, f32(c.x), numbers(c.x->nb[1]), in, c.x->ne[1], to);
    }
    Gemm g;
    g.type = c.w->type;
    g.m = node->ne[0], g.n = node->ne[1], g.k = in;
    g.lda = c.w->ne[0], g.ldb = stride, g.ldc = node->ne[0];
    g.c = f32(node);
    for (std::int64_t tap = 0; tap < c.setting->taps; ++tap) {
        g.a = static_cast<const char*>(c.w->data) + tap * in * size;
        g.b = signal + tap * c.setting->shift * stride * size;
        g.accumulate = tap > 0;
        multiply(context, g);
    }
    if (c.bias == nullptr && c.residual == nullptr && !c.setting->has_slope) return;
    const std::int64_t n = ggml_nelements(node);
    launch(context, finish, blocks_for(n, kThreads), kThreads, f32(node), c.bias != nullptr ? f32(c.bias) : nullptr,
           c.residual != nullptr ? f32(c.residual) : nullptr, c.residual != nullptr ? numbers(c.residual->nb[1]) : 0,
           static_cast<int>(node->ne[0]), n, c.setting->has_slope, c.setting->slope);
}

}  // namespace

bool is_plain_product(const ggml_tensor* node) {
    if (node->op == GGML_OP_MUL_MAT) return is_quantised(node->src[0]) && is_one_product(node);
    return is_kind(node, kernels::NodeKind::product);
}

std::size_t scratch_bytes(const ggml_tensor* node) {
    const ggml_tensor* w = node->src[0];
    if (node->op == GGML_OP_MUL_MAT && !is_quantised(w)) return mul_mat_scratch(node);
    if (node->op == GGML_OP_MUL_MAT || is_kind(node, kernels::NodeKind::product)) {
        return x_bytes(w, node->src[1]->ne[0], node->src[1]->ne[1]) + w_bytes(w);
    }
    const Convolution c = convolution_of(node);
    return as_it_is(c) ? 0 : aligned(c.x->ne[0] * signal_columns(c) * bytes_of(w->type));
}

void run(const Context& c, const ggml_tensor* node) {
    if (node->op == GGML_OP_MUL_MAT && !is_quantised(node->src[0])) return run_mul_mat(c, node);
    if (node->op == GGML_OP_MUL_MAT || is_kind(node, kernels::NodeKind::product)) return run_product(c, node);
    run_convolution(c, node);
}

}  // namespace heart::cuda::products

namespace heart::cuda {

DecodeProduct decode_product(const ggml_tensor* node) {
    const ggml_tensor *w = node->src[0], *x = node->src[1];
    DecodeProduct p;
    p.type = w->type, p.in_planes = is_in_planes(w), p.w = w->data, p.row_bytes = static_cast<std::int64_t>(w->nb[1]);
    p.in = static_cast<int>(w->ne[0]), p.out = static_cast<int>(w->ne[1]);
    p.x = static_cast<const float*>(x->data), p.x_stride = products::numbers(x->nb[1]);
    p.columns = static_cast<int>(x->ne[1]);
    p.y = static_cast<float*>(node->data), p.y_stride = node->ne[0];
    return p;
}

void decode(const Context& c, const DecodeProduct& p) {
    for (int first = 0; first < p.columns; first += kDecodeColumns) {
        DecodeProduct part = p;
        part.columns = std::min(kDecodeColumns, p.columns - first);
        part.x += first * p.x_stride;
        part.y += first * p.y_stride;
        if (p.residual != nullptr) part.residual += first * p.residual_stride;
        decode_at_once(c, part);
    }
}

}  // namespace heart::cuda
