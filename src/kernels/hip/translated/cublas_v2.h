#pragma once

// hipBLAS under the names of cuBLAS, as far as kernels/cuda uses it.

#include <hipblas/hipblas.h>

#include <cstddef>

using cublasHandle_t = hipblasHandle_t;
using cublasStatus_t = hipblasStatus_t;
using cudaDataType_t = hipblasDatatype_t;

inline constexpr hipblasStatus_t CUBLAS_STATUS_SUCCESS = HIPBLAS_STATUS_SUCCESS,
                                 CUBLAS_STATUS_ALLOC_FAILED = HIPBLAS_STATUS_ALLOC_FAILED;
inline constexpr hipblasOperation_t CUBLAS_OP_N = HIPBLAS_OP_N, CUBLAS_OP_T = HIPBLAS_OP_T;
inline constexpr hipblasDatatype_t CUDA_R_32F = HIPBLAS_R_32F, CUDA_R_16F = HIPBLAS_R_16F, CUDA_R_16BF = HIPBLAS_R_16B,
                                   CUBLAS_COMPUTE_32F = HIPBLAS_R_32F;
inline constexpr hipblasGemmAlgo_t CUBLAS_GEMM_DEFAULT = HIPBLAS_GEMM_DEFAULT;

inline const char* cublasGetStatusString(cublasStatus_t status) {
    return hipblasStatusToString(status);
}
inline cublasStatus_t cublasCreate(cublasHandle_t* handle) {
    return hipblasCreate(handle);
}
inline cublasStatus_t cublasDestroy(cublasHandle_t handle) {
    return hipblasDestroy(handle);
}
inline cublasStatus_t cublasSetStream(cublasHandle_t handle, hipStream_t stream) {
    return hipblasSetStream(handle, stream);
}
/// rocBLAS takes its own memory when it starts.
inline cublasStatus_t cublasSetWorkspace(cublasHandle_t, void*, std::size_t) {
    return HIPBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, hipblasOperation_t transa, hipblasOperation_t transb,
                                                 int m, int n, int k, const void* alpha, const void* a,
                                                 hipblasDatatype_t a_type, int lda, long long stride_a, const void* b,
                                                 hipblasDatatype_t b_type, int ldb, long long stride_b, const void* beta,
                                                 void* c, hipblasDatatype_t c_type, int ldc, long long stride_c, int batch,
                                                 hipblasDatatype_t compute, hipblasGemmAlgo_t algo) {
    return hipblasGemmStridedBatchedEx(handle, transa, transb, m, n, k, alpha, a, a_type, lda, stride_a, b, b_type, ldb,
                                       stride_b, beta, c, c_type, ldc, stride_c, batch, compute, algo);
}
