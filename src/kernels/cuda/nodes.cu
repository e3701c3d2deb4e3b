#include "kernels/cuda/nodes.h"

namespace heart::cuda {

bool is_view(const ggml_tensor* node) {
    switch (node->op) {
        case GGML_OP_NONE:
        case GGML_OP_RESHAPE:
        case GGML_OP_VIEW:
        case GGML_OP_PERMUTE:
        case GGML_OP_TRANSPOSE: return true;
        default: return false;
    }
}

bool can_run(const ggml_tensor* node) {
    return is_view(node) || elementwise::can_run(node) || rows::can_run(node) || products::can_run(node) ||
           attention::can_run(node) || sampling::can_run(node);
}

std::size_t scratch_bytes(const ggml_tensor* node) {
    if (products::can_run(node)) return products::scratch_bytes(node);
    return attention::can_run(node) ? attention::scratch_bytes(node) : 0;
}

void run(const Context& c, const ggml_tensor* node) {
    if (elementwise::can_run(node)) {
        elementwise::run(c, node);
    } else if (rows::can_run(node)) {
        rows::run(c, node);
    } else if (products::can_run(node)) {
        products::run(c, node);
    } else if (attention::can_run(node)) {
        attention::run(c, node);
    } else if (sampling::can_run(node)) {
        sampling::run(c, node);
    }
}

}  // namespace heart::cuda
