#pragma once

// Our own nodes as ggml's custom operations carry them: the setting says which it is (kernels/nodes.h).

#include "kernels/nodes.h"

#include <ggml-impl.h>

#include <cstring>

namespace heart::cuda {

/// Number `i` of a node's parameters.
inline float parameter(const ggml_tensor* node, int i) {
    float x = 0;
    std::memcpy(&x, node->op_params + i, sizeof x);
    return x;
}

/// A custom node's setting as one of the structs that begin with a NodeSetting.
template <typename Setting = kernels::NodeSetting>
const Setting* setting_of(const ggml_tensor* node) {
    ggml_custom_op_params params;
    std::memcpy(&params, node->op_params, sizeof params);
    return static_cast<const Setting*>(params.userdata);
}

inline bool is_kind(const ggml_tensor* node, kernels::NodeKind kind) {
    return node->op == GGML_OP_CUSTOM && setting_of(node) != nullptr && setting_of(node)->kind == kind;
}

inline bool is_in_planes(const ggml_tensor* t) {
    return kernels::product_layout(t) == kernels::ProductLayout::planes;
}

}  // namespace heart::cuda
