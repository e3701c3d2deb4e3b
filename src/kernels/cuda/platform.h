#pragma once

// What differs where this folder's sources are built for another kind of GPU (kernels/hip has a file of this name too).

#include <cuda_runtime.h>

namespace heart::cuda {

/// As ggml's registry and its devices are called; graph/device.cpp knows the name.
inline constexpr char kPlatform[] = "CUDA";

/// bf16 on tensor cores: Ampere and later.
inline bool is_usable(const cudaDeviceProp& properties) {
    return properties.major >= 8;
}

/// Whether kernels may start before the ones before have ended (launch.cuh): from Hopper on.
inline bool overlaps(int major) {
    return major >= 9;
}

}  // namespace heart::cuda
