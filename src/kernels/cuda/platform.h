#pragma once

// What differs where this folder's sources are built for another kind of GPU (kernels/hip has a file of this name too, and
// so have the tests' emulated GPU).

#include <cuda_runtime.h>

#include <cstddef>

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

/// Starts a kernel on `stream`: `grid` blocks of `threads` threads with `shared_bytes` of dynamic shared memory each;
/// `early`, before the kernels ahead of it have ended.
template <typename... Parameters>
cudaError_t start(cudaStream_t stream, dim3 grid, int threads, std::size_t shared_bytes, bool early,
                  void (*kernel)(Parameters...), Parameters... arguments) {
    cudaLaunchAttribute programmatic{};
    programmatic.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    programmatic.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = dim3(static_cast<unsigned>(threads));
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    config.attrs = &programmatic;
    config.numAttrs = early ? 1 : 0;
    return cudaLaunchKernelEx(&config, kernel, arguments...);
}

}  // namespace heart::cuda
