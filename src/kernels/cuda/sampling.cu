// The draw of a token as one node: what models/heartmula/sampler.cpp says, in one block.

#include "kernels/cuda/sampling.h"

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/nodes.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/ordered.cuh"
#include "kernels/cuda/rules.h"
#include "kernels/cuda/settings.h"

#include <algorithm>

namespace heart::cuda::sampling {

namespace {

constexpr int kThreads = 512;
constexpr int kEach = kMostDrawn / kThreads;  // logits that a thread holds

/// The largest key that at least k of the threads' keys reach: bit by bit.
__device__ unsigned kth_largest(const unsigned (&key)[kEach], int each, int k) {
    __shared__ unsigned reached[32];
    if (threadIdx.x < 32) reached[threadIdx.x] = 0;
    __syncthreads();
    unsigned threshold = 0;
    for (int bit = 31; bit >= 0; --bit) {
        const unsigned candidate = threshold | 1U << bit;
        unsigned own = 0;
#pragma unroll
        for (int e = 0; e < kEach; ++e) {
            if (e >= each) break;
            own += key[e] >= candidate ? 1 : 0;
        }
        own = __reduce_add_sync(kAllLanes, own);
        if (threadIdx.x % 32 == 0 && own > 0) atomicAdd(&reached[bit], own);
        __syncthreads();
        if (reached[bit] >= static_cast<unsigned>(k)) threshold = candidate;
    }
    return threshold;
}

/// One block a column: the first of the largest logits * scale + noise among those whose logit is at least the k-th largest.
__global__ void __launch_bounds__(kThreads) draw_kernel(Draw d) {
    __shared__ unsigned long long best_of_warp[kThreads / 32];
    const int thread = static_cast<int>(threadIdx.x), n = d.logits.ne[0], each = (n + kThreads - 1) / kThreads;
    const auto column = [](const View& v) { return reinterpret_cast<const float*>(v.data + blockIdx.x * v.nb[1]); };
    let_next_start();
    wait_for_inputs();
    const bool guided = d.unconditional.data != nullptr;
    const float *logits = column(d.logits), *noise = column(d.noise), scale = *column(d.scale);
    const float* unconditional = guided ? column(d.unconditional) : logits;
    const float guidance = guided ? *column(d.guidance) : 0.0F;
    unsigned key[kEach] = {};  // below all numbers where there is none
#pragma unroll
    for (int e = 0; e < kEach; ++e) {
        const int i = thread + e * kThreads;
        if (i >= n) break;
        // As the nodes that this stands for: each result rounded.
        const float logit =
            guided ? __fadd_rn(unconditional[i], __fmul_rn(logits[i] - unconditional[i], guidance)) : logits[i];
        key[e] = ordered(__fmul_rn(logit, scale));
    }
    const unsigned threshold = kth_largest(key, each, d.k);
    unsigned long long best = 0;
#pragma unroll
    for (int e = 0; e < kEach; ++e) {
        const int i = thread + e * kThreads;
        if (i < n && key[e] >= threshold) best = max(best, first_of_largest(number_of(key[e]) + noise[i], i));
    }
    for (int step = 16; step > 0; step /= 2) best = max(best, __shfl_xor_sync(kAllLanes, best, step));
    if (thread % 32 == 0) best_of_warp[thread / 32] = best;
    __syncthreads();
    if (thread != 0) return;
    for (int w = 1; w < kThreads / 32; ++w) best = max(best, best_of_warp[w]);
    d.tokens[blockIdx.x] = index_of(best);
}

}  // namespace

void run(const Context& c, const ggml_tensor* node) {
    draw(c, draw_of(node));
}

}  // namespace heart::cuda::sampling

namespace heart::cuda {

Draw draw_of(const ggml_tensor* node) {
    Draw d;
    d.logits = view(node->src[0]), d.noise = view(node->src[1]), d.scale = view(node->src[2]);
    d.tokens = static_cast<std::int32_t*>(node->data);
    d.k = std::min(setting_of<kernels::DrawSetting>(node)->k, d.logits.ne[0]);
    return d;
}

void draw(const Context& c, const Draw& d) {
    launch_early(c, sampling::draw_kernel, dim3(static_cast<unsigned>(d.logits.ne[1])), sampling::kThreads, 0, d);
}

}  // namespace heart::cuda
