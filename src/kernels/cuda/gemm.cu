#include "kernels/cuda/gemm.h"
#include "kernels/cuda/launch.cuh"

#include "kernels/cuda/quantised.cuh"

namespace heart::cuda {

namespace {

constexpr int kThreads = 256;

cudaDataType_t data_type(ggml_type type) {
    switch (type) {
        case GGML_TYPE_F16: return CUDA_R_16F;
        case GGML_TYPE_BF16: return CUDA_R_16BF;
        default: return CUDA_R_32F;
    }
}

template <typename T>
__device__ T narrowed(float x) {
    return from_float<T>(x);
}
template <>
__device__ __half narrowed<__half>(float x) {
    return from_float<__half>(clamped(x));
}

template <typename T>
__global__ void convert_kernel(T* to, const float* from, std::int64_t stride, std::int64_t rows, std::int64_t n) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < n) to[i] = narrowed<T>(from[i / rows * stride + i % rows]);
}

__global__ void planes_kernel(__half* to, const char* from, std::int64_t in, std::int64_t row_bytes, std::int64_t n) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const char* row = from + i / in * row_bytes;
    const std::int64_t column = i % in;
    const float scale = __half2float(reinterpret_cast<const __half*>(row + in)[column / 32]);
    to[i] = __float2half_rn(scale * static_cast<float>(reinterpret_cast<const std::int8_t*>(row)[column]));
}

/// Eight numbers a thread.
template <ggml_type kType>
__global__ void blocks_kernel(__half* to, const char* from, std::int64_t in, std::int64_t row_bytes, std::int64_t n) {
    const std::int64_t i = 8 * (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x);
    if (i >= n) return;
    float x[8];
    Quantised<kType>::eight(from + i / in * row_bytes, static_cast<int>(i % in), x);
    for (int k = 0; k < 8; ++k) to[i + k] = __float2half_rn(x[k]);
}

template <typename T>
__global__ void widen_kernel(float* to, View from) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= from.elements()) return;
    to[i] = to_float(*reinterpret_cast<const T*>(from.row(i / from.ne[0]) + i % from.ne[0] * from.nb[0]));
}

}  // namespace

void multiply(const Context& context, const Gemm& g) {
    const float one = 1, other = g.accumulate ? 1 : 0;
    const auto i = [](std::int64_t n) { return static_cast<int>(n); };
    check(cublasGemmStridedBatchedEx(context.blas, CUBLAS_OP_T, CUBLAS_OP_N, i(g.m), i(g.n), i(g.k), &one, g.a,
                                     data_type(g.type), i(g.lda), g.stride_a, g.b, data_type(g.type), i(g.ldb), g.stride_b,
                                     &other, g.c, CUDA_R_32F, i(g.ldc), g.stride_c, i(g.batch), CUBLAS_COMPUTE_32F,
                                     CUBLAS_GEMM_DEFAULT),
          "matrix product");
}

void convert_columns(const Context& c, ggml_type type, const float* from, std::int64_t stride, std::int64_t rows,
                     std::int64_t columns, void* to) {
    const std::int64_t n = rows * columns;
    const unsigned blocks = blocks_for(n, kThreads);
    switch (type) {
        case GGML_TYPE_F16:
            launch(c, convert_kernel<__half>, blocks, kThreads, static_cast<__half*>(to), from, stride, rows, n);
            return;
        case GGML_TYPE_BF16:
            launch(c, convert_kernel<__nv_bfloat16>, blocks, kThreads, static_cast<__nv_bfloat16*>(to), from, stride, rows,
                   n);
            return;
        default: launch(c, convert_kernel<float>, blocks, kThreads, static_cast<float*>(to), from, stride, rows, n);
    }
}

void dequantise_rows(const Context& c, ggml_type type, bool in_planes, const void* from, std::int64_t row_bytes,
                     std::int64_t in, std::int64_t rows, void* to) {
    const std::int64_t n = in * rows;
    const unsigned blocks = blocks_for(n, in_planes ? kThreads : 8 * kThreads);
    auto* halves = static_cast<__half*>(to);
    const auto* bytes = static_cast<const char*>(from);
    const auto as = [&](auto kernel) { launch(c, kernel, blocks, kThreads, halves, bytes, in, row_bytes, n); };
    if (in_planes) return as(planes_kernel);
    switch (type) {
        case GGML_TYPE_Q4_0: return as(blocks_kernel<GGML_TYPE_Q4_0>);
        case GGML_TYPE_Q4_K: return as(blocks_kernel<GGML_TYPE_Q4_K>);
        case GGML_TYPE_Q5_K: return as(blocks_kernel<GGML_TYPE_Q5_K>);
        case GGML_TYPE_Q6_K: return as(blocks_kernel<GGML_TYPE_Q6_K>);
        default: as(blocks_kernel<GGML_TYPE_Q8_0>);
    }
}

void widen(const Context& c, const ggml_tensor* from, float* to) {
    const unsigned blocks = blocks_for(ggml_nelements(from), kThreads);
    switch (from->type) {
        case GGML_TYPE_F16: launch(c, widen_kernel<__half>, blocks, kThreads, to, view(from)); return;
        case GGML_TYPE_BF16: launch(c, widen_kernel<__nv_bfloat16>, blocks, kThreads, to, view(from)); return;
        default: launch(c, widen_kernel<float>, blocks, kThreads, to, view(from));
    }
}

}  // namespace heart::cuda
