#pragma once

#include "kernels/cuda/context.h"
#include "kernels/cuda/module.h"

namespace heart::cuda {

/// The best of several runs of each: reading 2 GiB, products of large square matrices. Takes 2 GiB of memory meanwhile.
/// Throws CudaError.
[[nodiscard]] DeviceSpeed measure(const Context& c);

}  // namespace heart::cuda
