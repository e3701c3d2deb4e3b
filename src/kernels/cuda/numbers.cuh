#pragma once

// Numbers of 16 bits, what kernels compute of single numbers, and sums across threads.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace heart::cuda {

__device__ inline float to_float(float x) {
    return x;
}
__device__ inline float to_float(__half x) {
    return __half2float(x);
}
__device__ inline float to_float(__nv_bfloat16 x) {
    return __bfloat162float(x);
}

template <typename T>
__device__ T from_float(float x);
template <>
__device__ inline float from_float<float>(float x) {
    return x;
}
template <>
__device__ inline __half from_float<__half>(float x) {
    return __float2half_rn(x);
}
template <>
__device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float x) {
    return __float2bfloat16_rn(x);
}

/// Within what f16 holds; not-a-number becomes the least of it.
__device__ inline float clamped(float x) {
    constexpr float kLargest = 65504;
    return fminf(fmaxf(x, -kLargest), kLargest);
}

__device__ inline float silu(float x) {
    return x / (1.0F + expf(-x));
}

/// 32 8-bit integers that share a scale: ggml's block_q8_0.
struct BlockQ8 {
    __half scale;
    std::int8_t quants[32];
};
static_assert(sizeof(BlockQ8) == 34);

constexpr unsigned kAllLanes = 0xffffffffU;

__device__ inline float warp_sum(float x) {
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
    return x;
}
__device__ inline float warp_max(float x) {
    for (int step = 16; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, step));
    return x;
}

/// The sum over a block of at most 1024 threads, a multiple of 32, in every thread; `shared` holds 33 numbers.
__device__ inline float block_sum(float x, float* shared) {
    x = warp_sum(x);
    __syncthreads();  // an earlier result may still be read
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = x;
    __syncthreads();
    if (threadIdx.x < 32) {
        const float all = warp_sum(threadIdx.x < blockDim.x / 32 ? shared[threadIdx.x] : 0.0F);
        if (threadIdx.x == 0) shared[32] = all;
    }
    __syncthreads();
    return shared[32];
}

__device__ inline float block_max(float x, float* shared) {
    x = warp_max(x);
    __syncthreads();
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = x;
    __syncthreads();
    if (threadIdx.x < 32) {
        const float all = warp_max(threadIdx.x < blockDim.x / 32 ? shared[threadIdx.x] : -INFINITY);
        if (threadIdx.x == 0) shared[32] = all;
    }
    __syncthreads();
    return shared[32];
}

}  // namespace heart::cuda
