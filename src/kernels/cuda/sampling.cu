// The draw of a token as one node: what models/heartmula/sampler.cpp says, in one block.

#include "kernels/cuda/nodes.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/ordered.cuh"
#include "kernels/cuda/rules.h"
#include "kernels/cuda/settings.h"

#include <algorithm>

namespace heart::cuda::sampling {

namespace {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / 32;
constexpr int kEach = kMostDrawn / kThreads;  // logits that a thread holds
constexpr int kDigits = 256;

/// One block a column: the first of the largest logits * scale + noise among those whose logit is at least the k-th largest.
/// Finds that one eight bits at a time from histograms, one for each warp, since most logits share their leading bits.
__global__ void __launch_bounds__(kThreads) draw(std::int32_t* tokens, View logits_of, View noise_of, View scale_of, int k) {
    __shared__ unsigned histogram[kWarps][kDigits];
    __shared__ unsigned total[kDigits];
    __shared__ unsigned prefix, wanted;
    __shared__ unsigned long long best_of_warp[kWarps];
    const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, n = logits_of.ne[0];
    const auto column = [](const View& v) { return reinterpret_cast<const float*>(v.data + blockIdx.x * v.nb[1]); };
    const float *logits = column(logits_of), *noise = column(noise_of), scale = *column(scale_of);
    float x[kEach];
    unsigned key[kEach];
    for (int e = 0; e < kEach; ++e) {
        const int i = thread + e * kThreads;
        x[e] = i < n ? logits[i] * scale : 0.0F;
        key[e] = i < n ? ordered(x[e]) : 0;
    }
    if (thread == 0) prefix = 0, wanted = static_cast<unsigned>(k);
    for (int shift = 24; shift >= 0; shift -= 8) {
        for (int i = thread; i < kWarps * kDigits; i += kThreads) (&histogram[0][0])[i] = 0;
        __syncthreads();
        for (int e = 0; e < kEach; ++e) {
            const bool counts = thread + e * kThreads < n && (shift == 24 || key[e] >> (shift + 8) == prefix >> (shift + 8));
            if (counts) atomicAdd(&histogram[warp][key[e] >> shift & 255], 1);
        }
        __syncthreads();
        if (thread < kDigits) {
            unsigned sum = 0;
            for (int w = 0; w < kWarps; ++w) sum += histogram[w][thread];
            total[thread] = sum;
        }
        __syncthreads();
        if (thread == 0) {
            int digit = kDigits - 1;
            while (total[digit] < wanted) wanted -= total[digit--];
            prefix |= static_cast<unsigned>(digit) << shift;
        }
        __syncthreads();
    }
    unsigned long long best = 0;
    for (int e = 0; e < kEach; ++e) {
        const int i = thread + e * kThreads;
        if (i < n && key[e] >= prefix) best = max(best, first_of_largest(x[e] + noise[i], i));
    }
    for (int step = 16; step > 0; step /= 2) best = max(best, __shfl_xor_sync(kAllLanes, best, step));
    if (thread % 32 == 0) best_of_warp[warp] = best;
    __syncthreads();
    if (thread != 0) return;
    for (int w = 1; w < kWarps; ++w) best = max(best, best_of_warp[w]);
    tokens[blockIdx.x] = index_of(best);
}

}  // namespace

bool can_run(const ggml_tensor* node) {
    return is_kind(node, kernels::NodeKind::draw);
}

void run(const Context& c, const ggml_tensor* node) {
    const View logits = view(node->src[0]);
    const int k = std::min(setting_of<kernels::DrawSetting>(node)->k, logits.ne[0]);
    draw<<<static_cast<unsigned>(logits.ne[1]), kThreads, 0, c.stream>>>(static_cast<std::int32_t*>(node->data), logits,
                                                                        view(node->src[1]), view(node->src[2]), k);
}

}  // namespace heart::cuda::sampling
