// Nodes that work along dimension 0: norms, softmax, argmax, the largest k, rows of tables, rotation of pairs.

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/nodes.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/ordered.cuh"
#include "kernels/cuda/rotation.cuh"

#include <algorithm>

namespace heart::cuda::rows {

namespace {

/// Threads for a row of n numbers: whole warps, up to 1024.
int threads_for(std::int64_t n) {
    return static_cast<int>(std::clamp<std::int64_t>((n + 31) / 32 * 32, 32, 1024));
}

unsigned rows_of(const ggml_tensor* t) {
    return static_cast<unsigned>(ggml_nrows(t));
}

__device__ const float* f32_row(const View& v, std::int64_t i) {
    return reinterpret_cast<const float*>(v.row(i));
}

// --- norms --------------------------------------------------------------------------------------------------------------

__global__ void rms_norm(View d, View a, float eps) {
    __shared__ float shared[33];
    const float* x = f32_row(a, blockIdx.x);
    auto* y = reinterpret_cast<float*>(d.row(blockIdx.x));
    float squares = 0;
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) squares += x[i] * x[i];
    const float factor = rsqrtf(block_sum(squares, shared) / static_cast<float>(a.ne[0]) + eps);
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) y[i] = x[i] * factor;
}

__global__ void layer_norm(View d, View a, float eps) {
    __shared__ float shared[33];
    const float* x = f32_row(a, blockIdx.x);
    auto* y = reinterpret_cast<float*>(d.row(blockIdx.x));
    const auto n = static_cast<float>(a.ne[0]);
    float sum = 0;
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) sum += x[i];
    const float mean = block_sum(sum, shared) / n;
    float squares = 0;
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) squares += (x[i] - mean) * (x[i] - mean);
    const float factor = rsqrtf(block_sum(squares, shared) / n + eps);
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) y[i] = (x[i] - mean) * factor;
}

/// softmax(x * scale + mask). The mask repeats over dimensions 2 and 3.
template <typename M>
__global__ void soft_max(View d, View a, View mask, float scale) {
    __shared__ float shared[33];
    const std::int64_t row = blockIdx.x;
    const float* x = f32_row(a, row);
    auto* y = reinterpret_cast<float*>(d.row(row));
    const M* m = nullptr;
    if (mask.data != nullptr) {
        const int i1 = static_cast<int>(row % a.ne[1]), i2 = static_cast<int>(row / a.ne[1] % a.ne[2]);
        const int i3 = static_cast<int>(row / a.ne[1] / a.ne[2]);
        m = reinterpret_cast<const M*>(mask.data + i1 * mask.nb[1] + i2 % mask.ne[2] * mask.nb[2] +
                                       i3 % mask.ne[3] * mask.nb[3]);
    }
    const auto score = [&](int i) { return x[i] * scale + (m != nullptr ? to_float(m[i]) : 0.0F); };
    float largest = -INFINITY;
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) largest = fmaxf(largest, score(i));
    largest = block_max(largest, shared);
    float sum = 0;
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) {
        const float e = expf(score(i) - largest);
        sum += e;
        y[i] = e;  // may stand where x stood: each thread reads its own elements only
    }
    const float factor = 1.0F / block_sum(sum, shared);
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) y[i] *= factor;
}

// --- the largest --------------------------------------------------------------------------------------------------------

/// The first of the largest, as torch has it.
__global__ void argmax(View d, View a) {
    __shared__ unsigned long long best_of_warp[32];
    const float* x = f32_row(a, blockIdx.x);
    unsigned long long best = 0;
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) {
        best = max(best, first_of_largest(x[i], i));
    }
    for (int step = 16; step > 0; step /= 2) best = max(best, __shfl_xor_sync(kAllLanes, best, step));
    if (threadIdx.x % 32 == 0) best_of_warp[threadIdx.x / 32] = best;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (unsigned w = 1; w < blockDim.x / 32; ++w) best = max(best, best_of_warp[w]);
    reinterpret_cast<std::int32_t*>(d.data)[blockIdx.x] = index_of(best);
}

/// The indices of the k largest of a row, in any order; of those that equal the k-th, the first. Finds the k-th largest
/// eight bits at a time, from histograms.
__global__ void top_k(View d, View a, int k) {
    __shared__ unsigned histogram[256];
    __shared__ unsigned prefix, wanted, taken;
    const float* x = f32_row(a, blockIdx.x);
    auto* out = reinterpret_cast<std::int32_t*>(d.row(blockIdx.x));
    if (threadIdx.x == 0) prefix = 0, wanted = static_cast<unsigned>(k), taken = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        for (int i = threadIdx.x; i < 256; i += blockDim.x) histogram[i] = 0;
        __syncthreads();
        for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) {
            const unsigned bits = ordered(x[i]);
            if (shift == 24 || bits >> (shift + 8) == prefix >> (shift + 8)) atomicAdd(&histogram[bits >> shift & 255], 1);
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            int digit = 255;
            while (histogram[digit] < wanted) wanted -= histogram[digit--];
            prefix |= static_cast<unsigned>(digit) << shift;
        }
        __syncthreads();
    }
    const unsigned kth = prefix;
    for (int i = threadIdx.x; i < a.ne[0]; i += blockDim.x) {
        if (ordered(x[i]) > kth) out[atomicAdd(&taken, 1)] = i;
    }
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int i = 0; taken < static_cast<unsigned>(k); ++i) {
        if (ordered(x[i]) == kth) out[taken++] = i;
    }
}

// --- tables -------------------------------------------------------------------------------------------------------------

template <typename T>
__global__ void get_rows(View d, View table, View ids) {
    const std::int64_t row = blockIdx.x;
    const int i1 = static_cast<int>(row % d.ne[1]), i2 = static_cast<int>(row / d.ne[1] % d.ne[2]);
    const int i3 = static_cast<int>(row / d.ne[1] / d.ne[2]);
    const std::int64_t id =
        *reinterpret_cast<const std::int32_t*>(ids.data + i1 * ids.nb[0] + i2 * ids.nb[1] + i3 * ids.nb[2]);
    auto* y = reinterpret_cast<float*>(d.row(row));
    const int i = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x);
    if (i >= d.ne[0]) return;
    const T* x = reinterpret_cast<const T*>(table.data + id * table.nb[1] + i2 * table.nb[2] + i3 * table.nb[3]);
    y[i] = id >= 0 && id < table.ne[1] ? to_float(x[i]) : NAN;  // a defect upstream must show, and not read elsewhere
}

/// Where row `row` of the values goes; null outside the table.
__device__ char* target_row(const View& table, const View& values, const View& ids, std::int64_t row) {
    const int i1 = static_cast<int>(row % values.ne[1]), i2 = static_cast<int>(row / values.ne[1] % values.ne[2]);
    const int i3 = static_cast<int>(row / values.ne[1] / values.ne[2]);
    const std::int64_t id = *reinterpret_cast<const std::int64_t*>(ids.data + i1 * ids.nb[0] + i2 % ids.ne[1] * ids.nb[1] +
                                                                   i3 % ids.ne[2] * ids.nb[2]);
    if (id < 0 || id >= table.ne[1]) return nullptr;
    return table.data + id * table.nb[1] + i2 * table.nb[2] + i3 * table.nb[3];
}

template <typename T>
__global__ void set_rows(View table, View values, View ids) {
    char* to = target_row(table, values, ids, blockIdx.x);
    if (to == nullptr) return;
    const float* x = f32_row(values, blockIdx.x);
    for (int i = threadIdx.x; i < values.ne[0]; i += blockDim.x) reinterpret_cast<T*>(to)[i] = from_float<T>(x[i]);
}

/// One warp a block of 32 numbers.
__global__ void set_rows_q8_0(View table, View values, View ids) {
    char* to = target_row(table, values, ids, blockIdx.x);
    if (to == nullptr) return;
    const float* x = f32_row(values, blockIdx.x);
    for (unsigned block = threadIdx.x / 32; block < static_cast<unsigned>(values.ne[0]) / 32; block += blockDim.x / 32) {
        const float value = x[block * 32 + threadIdx.x % 32];
        const float largest = warp_max(fabsf(value));
        const float scale = largest / 127.0F, inverse = scale > 0 ? 1.0F / scale : 0.0F;
        BlockQ8& q = reinterpret_cast<BlockQ8*>(to)[block];
        q.quants[threadIdx.x % 32] = static_cast<std::int8_t>(roundf(value * inverse));
        if (threadIdx.x % 32 == 0) q.scale = __float2half_rn(scale);
    }
}

// --- rotary -------------------------------------------------------------------------------------------------------------

/// One block a head and column. a [n, heads, columns].
__global__ void rotary(View d, View a, Rotation rotation) {
    const std::int64_t row = blockIdx.x;
    const int column = static_cast<int>(row / a.ne[1] % a.ne[2]);
    const float* x = f32_row(a, row);
    auto* y = reinterpret_cast<float*>(d.row(row));
    for (int pair = threadIdx.x; pair < a.ne[0] / 2; pair += blockDim.x) {
        const float2 turned = rotation.turn({x[2 * pair], x[2 * pair + 1]}, pair, column);
        y[2 * pair] = turned.x, y[2 * pair + 1] = turned.y;
    }
}

// --- launches -----------------------------------------------------------------------------------------------------------

void run_get_rows(const Context& c, const ggml_tensor* node) {
    const View d = view(node), table = view(node->src[0]), ids = view(node->src[1]);
    const int threads = std::min(threads_for(node->ne[0]), 256);
    const dim3 blocks(rows_of(node), blocks_for(node->ne[0], threads));
    switch (node->src[0]->type) {
        case GGML_TYPE_F16: launch(c, get_rows<__half>, blocks, threads, d, table, ids); return;
        case GGML_TYPE_BF16: launch(c, get_rows<__nv_bfloat16>, blocks, threads, d, table, ids); return;
        default: launch(c, get_rows<float>, blocks, threads, d, table, ids);
    }
}

void run_set_rows(const Context& c, const ggml_tensor* node) {
    const View table = view(node), values = view(node->src[0]), ids = view(node->src[1]);
    const int threads = std::min(threads_for(node->ne[0]), 256);
    const unsigned blocks = rows_of(node->src[0]);
    switch (node->type) {
        case GGML_TYPE_F16: launch(c, set_rows<__half>, blocks, threads, table, values, ids); return;
        case GGML_TYPE_BF16: launch(c, set_rows<__nv_bfloat16>, blocks, threads, table, values, ids); return;
        case GGML_TYPE_Q8_0: launch(c, set_rows_q8_0, blocks, threads, table, values, ids); return;
        default: launch(c, set_rows<float>, blocks, threads, table, values, ids);
    }
}

void run_soft_max(const Context& c, const ggml_tensor* node) {
    const ggml_tensor* mask = node->src[1];
    const float scale = parameter(node, 0);
    const int threads = threads_for(node->ne[0]);
    if (mask != nullptr && mask->type == GGML_TYPE_F32) {
        launch(c, soft_max<float>, rows_of(node), threads, view(node), view(node->src[0]), view(mask), scale);
    } else {
        launch(c, soft_max<__half>, rows_of(node), threads, view(node), view(node->src[0]),
               mask != nullptr ? view(mask) : View{}, scale);
    }
}

}  // namespace

void run(const Context& c, const ggml_tensor* node) {
    const ggml_tensor* a = node->src[0];
    const float eps = parameter(node, 0);
    switch (node->op) {
        case GGML_OP_RMS_NORM:
            launch(c, rms_norm, rows_of(node), threads_for(node->ne[0]), view(node), view(a), eps);
            return;
        case GGML_OP_NORM: launch(c, layer_norm, rows_of(node), threads_for(node->ne[0]), view(node), view(a), eps); return;
        case GGML_OP_SOFT_MAX: return run_soft_max(c, node);
        case GGML_OP_ARGMAX: launch(c, argmax, rows_of(a), threads_for(a->ne[0]), view(node), view(a)); return;
        case GGML_OP_TOP_K:
            launch(c, top_k, rows_of(a), threads_for(a->ne[0]), view(node), view(a), static_cast<int>(node->ne[0]));
            return;
        case GGML_OP_GET_ROWS: return run_get_rows(c, node);
        case GGML_OP_SET_ROWS: return run_set_rows(c, node);
        default:  // ROPE
            launch(c, rotary, rows_of(node), std::min(threads_for(a->ne[0] / 2), 256), view(node), view(a),
                   rotation_of(node));
    }
}

}  // namespace heart::cuda::rows
