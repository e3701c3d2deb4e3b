#pragma once

#include <ggml-backend-impl.h>

namespace heart::cuda {

/// The module as ggml's registry takes it: one device for each GPU that it can use (platform.h), none where there is no
/// driver.
[[nodiscard]] ggml_backend_reg_t registry();

}  // namespace heart::cuda
