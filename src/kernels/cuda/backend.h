#pragma once

#include <ggml-backend-impl.h>

namespace heart::cuda {

/// The module as ggml's registry takes it: one device for each NVIDIA GPU of compute capability 8.0 or later, none where
/// there is no driver.
[[nodiscard]] ggml_backend_reg_t registry();

}  // namespace heart::cuda
