#pragma once

// kernels/cuda/instructions.cuh for AMD's GPUs: kernels start in order, and nothing is asked of matrix units.

#include <cuda_runtime.h>

namespace heart::cuda {

__device__ inline void wait_for_inputs() {}
__device__ inline void let_next_start() {}

template <typename T>
__device__ inline T* launched_shared() {
    extern __shared__ uint4 bytes[];
    return reinterpret_cast<T*>(bytes);
}

}  // namespace heart::cuda
