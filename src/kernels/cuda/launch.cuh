#pragma once

#include "kernels/cuda/context.h"
#include "kernels/cuda/instructions.cuh"

namespace heart::cuda {

/// Starts a kernel on the context's stream.
template <typename... Parameters, typename... Arguments>
void launch(const Context& c, void (*kernel)(Parameters...), dim3 grid, int threads, const Arguments&... arguments) {
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = dim3(static_cast<unsigned>(threads));
    config.stream = c.stream;
    check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), "launching a kernel");
}

// Programmatic dependent launch (CUDA Programming Guide): a kernel's blocks may start while the kernel before still runs,
// and do what does not depend on it, as reading weights. Every kernel that is launched so waits before it reads or writes
// anything else; since each waits, what is done stays done for all that follow.

/// Starts a kernel that calls `wait_for_inputs` first, early where the device and the context allow it.
template <typename... Parameters, typename... Arguments>
void launch_early(const Context& c, void (*kernel)(Parameters...), dim3 grid, int threads, std::size_t shared_bytes,
                  const Arguments&... arguments) {
    cudaLaunchAttribute early{};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = dim3(static_cast<unsigned>(threads));
    config.dynamicSmemBytes = shared_bytes;
    config.stream = c.stream;
    config.attrs = &early;
    config.numAttrs = c.overlaps ? 1 : 0;
    check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), "launching a kernel");
}

}  // namespace heart::cuda
