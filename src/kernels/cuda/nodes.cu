#include "kernels/cuda/nodes.h"

namespace heart::cuda {

std::size_t scratch_bytes(const ggml_tensor* node) {
    switch (family_of(node)) {
        case Family::products: return products::scratch_bytes(node);
        case Family::attention: return attention::scratch_bytes(node);
        default: return 0;
    }
}

void run(const Context& c, const ggml_tensor* node) {
    switch (family_of(node)) {
        case Family::elementwise: return elementwise::run(c, node);
        case Family::rows: return rows::run(c, node);
        case Family::products: return products::run(c, node);
        case Family::attention: return attention::run(c, node);
        case Family::draw: return sampling::run(c, node);
        default: return;
    }
}

}  // namespace heart::cuda
