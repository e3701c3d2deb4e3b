#pragma once

// kernels/cuda/platform.h for the emulated GPU.

#include <cuda_runtime.h>

#include <cstddef>
#include <tuple>

namespace heart::cuda {

inline constexpr char kPlatform[] = "CUDA";

inline bool is_usable(const cudaDeviceProp&) {
    return true;
}

/// Asked for and without effect: each kernel has ended before the next one starts.
inline bool overlaps(int) {
    return true;
}

template <typename... Parameters>
cudaError_t start(cudaStream_t stream, dim3 grid, int threads, std::size_t shared_bytes, bool, void (*kernel)(Parameters...),
                  Parameters... arguments) {
    const dim3 block(static_cast<unsigned>(threads));
    const cudaError_t wrong = emulated::check_launch(grid, block, shared_bytes, reinterpret_cast<const void*>(kernel));
    if (wrong != cudaSuccess) return wrong;
    const std::tuple<Parameters...> kept(arguments...);
    emulated::give(stream, [=] { emulated::run_blocks(grid, block, shared_bytes, [&] { std::apply(kernel, kept); }); });
    return cudaSuccess;
}

}  // namespace heart::cuda
