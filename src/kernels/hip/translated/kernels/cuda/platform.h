#pragma once

// kernels/cuda/platform.h for AMD's GPUs.

#include <cuda_runtime.h>

namespace heart::cuda {

inline constexpr char kPlatform[] = "HIP";

/// The kernels are written for warps of 32 lanes: RDNA. CDNA has 64.
inline bool is_usable(const cudaDeviceProp& properties) {
    return properties.warpSize == 32;
}

inline bool overlaps(int) {
    return false;
}

}  // namespace heart::cuda
