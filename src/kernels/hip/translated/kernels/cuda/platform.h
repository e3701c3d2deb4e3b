#pragma once

// kernels/cuda/platform.h for AMD's GPUs.

#include <cuda_runtime.h>

#include <cstddef>

namespace heart::cuda {

inline constexpr char kPlatform[] = "HIP";

/// The kernels are written for warps of 32 lanes: RDNA. CDNA has 64.
inline bool is_usable(const cudaDeviceProp& properties) {
    return properties.warpSize == 32;
}

inline bool overlaps(int) {
    return false;
}

/// HIP knows no early start: `overlaps` asks for none.
template <typename... Parameters>
hipError_t start(hipStream_t stream, dim3 grid, int threads, std::size_t shared_bytes, bool, void (*kernel)(Parameters...),
                 Parameters... arguments) {
    void* places[] = {&arguments...};
    return hipLaunchKernel(reinterpret_cast<const void*>(kernel), grid, dim3(static_cast<unsigned>(threads)), places,
                           shared_bytes, stream);
}

}  // namespace heart::cuda
