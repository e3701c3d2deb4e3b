#pragma once

#include "kernels/cuda/context.h"

namespace heart::cuda {

/// The draw of tokens in one kernel, a block a column (Graph::draw). All views [n, columns] or [1, columns].
struct Draw {
    View logits, noise, scale;
    View unconditional, guidance;  ///< where there is guidance: unconditional + guidance * (logits - unconditional)
    std::int32_t* tokens = nullptr;
    int k = 1;
};

[[nodiscard]] Draw draw_of(const ggml_tensor* node);
void draw(const Context& c, const Draw& d);

}  // namespace heart::cuda
