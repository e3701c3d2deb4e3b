#pragma once

#include "kernels/cuda/context.h"
#include "kernels/cuda/instructions.cuh"
#include "kernels/cuda/platform.h"

namespace heart::cuda {

/// Starts a kernel on the context's stream.
template <typename... Parameters, typename... Arguments>
void launch(const Context& c, void (*kernel)(Parameters...), dim3 grid, int threads, const Arguments&... arguments) {
    check(start(c.stream, grid, threads, 0, false, kernel, static_cast<Parameters>(arguments)...), "launching a kernel");
}

// Programmatic dependent launch (CUDA Programming Guide): a kernel's blocks may start while the kernel before still runs,
// and do what does not depend on it, as reading weights. Every kernel that is launched so waits before it reads or writes
// anything else; since each waits, what is done stays done for all that follow.

/// Starts a kernel that calls `wait_for_inputs` first, early where the device and the context allow it.
template <typename... Parameters, typename... Arguments>
void launch_early(const Context& c, void (*kernel)(Parameters...), dim3 grid, int threads, std::size_t shared_bytes,
                  const Arguments&... arguments) {
    check(start(c.stream, grid, threads, shared_bytes, c.overlaps, kernel, static_cast<Parameters>(arguments)...),
          "launching a kernel");
}

}  // namespace heart::cuda
