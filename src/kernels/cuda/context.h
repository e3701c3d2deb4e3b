#pragma once

// What the kernels of this folder share: the stream they run on, memory that lasts for one node, and a tensor as a kernel
// sees it. Everything here is part of the CUDA module (libheart-cuda.so) and of nothing else.

#include "kernels/cuda/settings.h"

#include <ggml.h>

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace heart::cuda {

/// A failed call of the CUDA runtime or of cuBLAS; never leaves the module, which answers with a ggml_status.
class CudaError : public std::runtime_error {
public:
    CudaError(const std::string& what, bool out_of_memory) : std::runtime_error(what), out_of_memory_(out_of_memory) {}
    [[nodiscard]] bool out_of_memory() const noexcept { return out_of_memory_; }

private:
    bool out_of_memory_;
};

inline void check(cudaError_t status, const char* what) {
    if (status == cudaSuccess) return;
    throw CudaError(std::string(what) + ": " + cudaGetErrorString(status), status == cudaErrorMemoryAllocation);
}

inline void check(cublasStatus_t status, const char* what) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    throw CudaError(std::string(what) + ": " + cublasGetStatusString(status), status == CUBLAS_STATUS_ALLOC_FAILED);
}

/// Device memory that a node may use while it runs. It grows only between graphs, never while one is recorded: nodes say
/// beforehand how much they will want (`scratch_bytes`).
class Scratch {
public:
    Scratch() = default;
    ~Scratch() { cudaFree(data_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    void reserve(std::size_t bytes) {
        if (bytes <= bytes_) return;
        check(cudaFree(data_), "giving scratch back");
        data_ = nullptr, bytes_ = 0;
        check(cudaMalloc(&data_, bytes), "taking scratch");
        bytes_ = bytes;
    }
    [[nodiscard]] void* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

/// Where a graph's nodes run.
struct Context {
    cudaStream_t stream = nullptr;
    cublasHandle_t blas = nullptr;
    void* scratch = nullptr;       ///< at least `scratch_bytes` of the node
    bool overlaps = false;         ///< kernels may start before the ones before have ended (launch.cuh)
    int processors = 1;            ///< streaming multiprocessors
    std::size_t shared_bytes = 0;  ///< that a block may ask for
    unsigned* counters = nullptr;  ///< kCounters zeros, which a kernel leaves as zeros
};

/// A tensor as a kernel sees it: sizes innermost first, strides in bytes.
struct View {
    char* data = nullptr;
    int ne[4] = {1, 1, 1, 1};
    std::int64_t nb[4] = {0, 0, 0, 0};

    [[nodiscard]] __host__ __device__ std::int64_t elements() const {
        return static_cast<std::int64_t>(ne[0]) * ne[1] * ne[2] * ne[3];
    }
    [[nodiscard]] __host__ __device__ std::int64_t rows() const { return static_cast<std::int64_t>(ne[1]) * ne[2] * ne[3]; }
    /// The start of row `i` of all rows.
    [[nodiscard]] __device__ char* row(std::int64_t i) const {
        const int i1 = static_cast<int>(i % ne[1]);
        i /= ne[1];
        return data + i1 * nb[1] + i % ne[2] * nb[2] + i / ne[2] * nb[3];
    }
};

inline View view(const ggml_tensor* t) {
    View v;
    v.data = static_cast<char*>(t->data);
    for (int i = 0; i < 4; ++i) {
        v.ne[i] = static_cast<int>(t->ne[i]);
        v.nb[i] = static_cast<std::int64_t>(t->nb[i]);
    }
    return v;
}

/// Whether words of 16 bytes can be read from here.
inline bool on_16_bytes(const void* p) {
    return reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
}

inline unsigned blocks_for(std::int64_t items, int per_block) {
    return static_cast<unsigned>((items + per_block - 1) / per_block);
}

}  // namespace heart::cuda
