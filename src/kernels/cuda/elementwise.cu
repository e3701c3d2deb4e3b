// Nodes whose every result comes from one element of each operand: arithmetic, copies, and shapes that move elements.

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/nodes.h"
#include "kernels/cuda/numbers.cuh"

#include <type_traits>

namespace heart::cuda::elementwise {

namespace {

constexpr int kThreads = 256;
constexpr std::size_t kLargestKernelCopy = std::size_t{1} << 20;

/// Indices of element `i` of a tensor with the sizes `ne`.
struct Place {
    int i[4];
};
__device__ Place place_of(std::int64_t i, const int (&ne)[4]) {
    Place p;
    // 32-bit division is several times faster, and enough for all but the largest tensors.
    if (i < 0x7fffffff) {
        auto rest = static_cast<unsigned>(i);
        for (int d = 0; d < 3; ++d) {
            p.i[d] = static_cast<int>(rest % static_cast<unsigned>(ne[d]));
            rest /= static_cast<unsigned>(ne[d]);
        }
        p.i[3] = static_cast<int>(rest);
    } else {
        for (int d = 0; d < 3; ++d) {
            p.i[d] = static_cast<int>(i % ne[d]);
            i /= ne[d];
        }
        p.i[3] = static_cast<int>(i);
    }
    return p;
}

__device__ char* at(const View& v, const Place& p) {
    return v.data + p.i[0] * v.nb[0] + p.i[1] * v.nb[1] + p.i[2] * v.nb[2] + p.i[3] * v.nb[3];
}

/// The same, with each index taken modulo the tensor's size.
__device__ char* at_repeated(const View& v, const Place& p) {
    return v.data + p.i[0] % v.ne[0] * v.nb[0] + p.i[1] % v.ne[1] * v.nb[1] + p.i[2] % v.ne[2] * v.nb[2] +
           p.i[3] % v.ne[3] * v.nb[3];
}

__device__ std::int64_t index() {
    return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

// --- arithmetic ---------------------------------------------------------------------------------------------------------

enum class Binary { add, sub, mul };

template <Binary kOp>
__device__ float combine(float a, float b) {
    if constexpr (kOp == Binary::add) return a + b;
    if constexpr (kOp == Binary::sub) return a - b;
    return a * b;
}

template <Binary kOp>
__global__ void binary(View d, View a, View b) {
    const std::int64_t i = index();
    if (i >= d.elements()) return;
    const Place p = place_of(i, d.ne);
    *reinterpret_cast<float*>(at(d, p)) =
        combine<kOp>(*reinterpret_cast<const float*>(at(a, p)), *reinterpret_cast<const float*>(at_repeated(b, p)));
}

/// d and a in one piece; b too, and either of the same size or a vector of `width` that repeats.
template <Binary kOp>
__global__ void binary_flat(float* d, const float* a, const float* b, std::int64_t n, int width) {
    const std::int64_t i = index();
    if (i < n) d[i] = combine<kOp>(a[i], width == 0 ? b[i] : b[static_cast<unsigned>(i % width)]);
}

bool in_one_piece(const ggml_tensor* t) {
    return ggml_is_contiguous(t);
}

template <Binary kOp>
void run_binary(const Context& c, const ggml_tensor* node) {
    const ggml_tensor* a = node->src[0];
    const ggml_tensor* b = node->src[1];
    const std::int64_t n = ggml_nelements(node);
    const bool same = ggml_are_same_shape(a, b), vector = ggml_nelements(b) == b->ne[0] && b->ne[0] == a->ne[0];
    if (in_one_piece(node) && in_one_piece(a) && in_one_piece(b) && (same || vector)) {
        launch(c, binary_flat<kOp>, blocks_for(n, kThreads), kThreads, static_cast<float*>(node->data),
               static_cast<const float*>(a->data), static_cast<const float*>(b->data), n,
               same ? 0 : static_cast<int>(b->ne[0]));
    } else {
        launch(c, binary<kOp>, blocks_for(n, kThreads), kThreads, view(node), view(a), view(b));
    }
}

enum class Unary { scale, silu, relu, leaky, step, gelu, sigmoid };

template <Unary kOp>
__global__ void unary(View d, View a, float factor) {
    const std::int64_t i = index();
    if (i >= d.elements()) return;
    const Place p = place_of(i, d.ne);
    const float x = *reinterpret_cast<const float*>(at(a, p));
    float y = 0;
    if constexpr (kOp == Unary::scale) y = x * factor;
    if constexpr (kOp == Unary::silu) y = silu(x);
    if constexpr (kOp == Unary::relu) y = fmaxf(x, 0.0F);
    if constexpr (kOp == Unary::leaky) y = x > 0 ? x : factor * x;
    if constexpr (kOp == Unary::step) y = x > 0 ? 1.0F : 0.0F;
    if constexpr (kOp == Unary::gelu) y = x * normcdff(x);
    if constexpr (kOp == Unary::sigmoid) y = 1.0F / (1.0F + expf(-x));
    *reinterpret_cast<float*>(at(d, p)) = y;
}

template <Unary kOp>
void run_unary(const Context& c, const ggml_tensor* node, float factor = 0) {
    launch(c, unary<kOp>, blocks_for(ggml_nelements(node), kThreads), kThreads, view(node), view(node->src[0]), factor);
}

__global__ void swiglu(View d, View a) {
    const std::int64_t i = index();
    if (i >= d.elements()) return;
    const int column = static_cast<int>(i % d.ne[0]);
    const float* row = reinterpret_cast<const float*>(a.row(i / d.ne[0]));
    reinterpret_cast<float*>(d.row(i / d.ne[0]))[column] = silu(row[column]) * row[d.ne[0] + column];
}

// --- copies -------------------------------------------------------------------------------------------------------------

template <typename To, typename From>
__device__ To convert(From x) {
    if constexpr (std::is_same_v<To, From>) {
        return x;
    } else if constexpr (std::is_same_v<To, std::int32_t>) {
        return static_cast<std::int32_t>(to_float(x));
    } else if constexpr (std::is_same_v<From, std::int32_t>) {
        return from_float<To>(static_cast<float>(x));
    } else {
        return from_float<To>(to_float(x));
    }
}

/// Element i of the source in its order becomes element i of the destination in its own.
template <typename To, typename From>
__global__ void copy(View d, View a) {
    const std::int64_t i = index();
    if (i >= d.elements()) return;
    *reinterpret_cast<To*>(at(d, place_of(i, d.ne))) = convert<To>(*reinterpret_cast<const From*>(at(a, place_of(i, a.ne))));
}

template <typename To, typename From>
void run_copy_as(const Context& c, const ggml_tensor* d, const ggml_tensor* a) {
    launch(c, copy<To, From>, blocks_for(ggml_nelements(d), kThreads), kThreads, view(d), view(a));
}

template <typename From>
void run_copy_from(const Context& c, const ggml_tensor* d, const ggml_tensor* a) {
    switch (d->type) {
        case GGML_TYPE_F16: return run_copy_as<__half, From>(c, d, a);
        case GGML_TYPE_BF16: return run_copy_as<__nv_bfloat16, From>(c, d, a);
        case GGML_TYPE_I32: return run_copy_as<std::int32_t, From>(c, d, a);
        default: return run_copy_as<float, From>(c, d, a);
    }
}

void run_copy(const Context& c, const ggml_tensor* d, const ggml_tensor* a) {
    // Small copies are kernels, which a recorded graph starts sooner than copies.
    if (d->type == a->type && in_one_piece(d) && in_one_piece(a) && ggml_nbytes(d) > kLargestKernelCopy) {
        check(cudaMemcpyAsync(d->data, a->data, ggml_nbytes(d), cudaMemcpyDeviceToDevice, c.stream), "copy");
        return;
    }
    switch (a->type) {
        case GGML_TYPE_F16: return run_copy_from<__half>(c, d, a);
        case GGML_TYPE_BF16: return run_copy_from<__nv_bfloat16>(c, d, a);
        case GGML_TYPE_I32: return run_copy_from<std::int32_t>(c, d, a);
        default: return run_copy_from<float>(c, d, a);
    }
}

__global__ void concat(View d, View a, View b, int dimension) {
    const std::int64_t i = index();
    if (i >= d.elements()) return;
    Place p = place_of(i, d.ne);
    const Place out = p;
    const bool first = p.i[dimension] < a.ne[dimension];
    if (!first) p.i[dimension] -= a.ne[dimension];
    *reinterpret_cast<float*>(at(d, out)) = *reinterpret_cast<const float*>(at(first ? a : b, p));
}

__global__ void pad(View d, View a) {
    const std::int64_t i = index();
    if (i >= d.elements()) return;
    const Place p = place_of(i, d.ne);
    bool inside = true;
    for (int k = 0; k < 4; ++k) inside = inside && p.i[k] < a.ne[k];
    *reinterpret_cast<float*>(at(d, p)) = inside ? *reinterpret_cast<const float*>(at(a, p)) : 0.0F;
}

template <typename T>
__global__ void repeat(View d, View a) {
    const std::int64_t i = index();
    if (i >= d.elements()) return;
    const Place p = place_of(i, d.ne);
    *reinterpret_cast<T*>(at(d, p)) = *reinterpret_cast<const T*>(at_repeated(a, p));
}

}  // namespace

void run(const Context& c, const ggml_tensor* node) {
    const unsigned blocks = blocks_for(ggml_nelements(node), kThreads);
    switch (node->op) {
        case GGML_OP_ADD: return run_binary<Binary::add>(c, node);
        case GGML_OP_SUB: return run_binary<Binary::sub>(c, node);
        case GGML_OP_MUL: return run_binary<Binary::mul>(c, node);
        case GGML_OP_SCALE: return run_unary<Unary::scale>(c, node, parameter(node, 0));
        case GGML_OP_LEAKY_RELU: return run_unary<Unary::leaky>(c, node, parameter(node, 0));
        case GGML_OP_UNARY:
            if (ggml_get_unary_op(node) == GGML_UNARY_OP_SILU) return run_unary<Unary::silu>(c, node);
            if (ggml_get_unary_op(node) == GGML_UNARY_OP_RELU) return run_unary<Unary::relu>(c, node);
            if (ggml_get_unary_op(node) == GGML_UNARY_OP_GELU_ERF) return run_unary<Unary::gelu>(c, node);
            if (ggml_get_unary_op(node) == GGML_UNARY_OP_SIGMOID) return run_unary<Unary::sigmoid>(c, node);
            return run_unary<Unary::step>(c, node);
        case GGML_OP_GLU: launch(c, swiglu, blocks, kThreads, view(node), view(node->src[0])); return;
        case GGML_OP_CONCAT:
            launch(c, concat, blocks, kThreads, view(node), view(node->src[0]), view(node->src[1]), node->op_params[0]);
            return;
        case GGML_OP_PAD: launch(c, pad, blocks, kThreads, view(node), view(node->src[0])); return;
        case GGML_OP_CPY: return run_copy(c, node, node->src[0]);  // a view of the destination
        case GGML_OP_REPEAT:
            if (ggml_type_size(node->type) == 2) {
                launch(c, repeat<std::uint16_t>, blocks, kThreads, view(node), view(node->src[0]));
            } else {
                launch(c, repeat<std::uint32_t>, blocks, kThreads, view(node), view(node->src[0]));
            }
            return;
        default: return run_copy(c, node, node->src[0]);  // DUP, CONT
    }
}

}  // namespace heart::cuda::elementwise
