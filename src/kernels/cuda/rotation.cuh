#pragma once

#include "kernels/cuda/context.h"

#include <cstdint>

namespace heart::cuda {

/// Rotary position embedding of adjacent pairs (Su et al., 2021): pair `pair` of a head of `n` numbers turns by position *
/// base^(-2 pair / n) / factor.
struct Rotation {
    const std::int32_t* positions = nullptr;
    const float* factors = nullptr;  ///< one for each pair; null: 1
    float base = 10000;
    int n = 0;

    __device__ float2 turn(float2 x, int pair, int column) const {
        // In double, since positions multiply what rounding leaves; as the tables of the reference.
        auto frequency = static_cast<float>(pow(static_cast<double>(base), -2.0 * pair / n));
        if (factors != nullptr) frequency /= factors[pair];
        float sine, cosine;
        sincosf(static_cast<float>(positions[column]) * frequency, &sine, &cosine);
        return {x.x * cosine - x.y * sine, x.x * sine + x.y * cosine};
    }
};

/// Of a ROPE node.
inline Rotation rotation_of(const ggml_tensor* node) {
    Rotation r;
    r.positions = static_cast<const std::int32_t*>(node->src[1]->data);
    if (node->src[2] != nullptr) r.factors = static_cast<const float*>(node->src[2]->data);
    r.base = parameter(node, 5);
    r.n = static_cast<int>(node->ne[0]);
    return r;
}

}  // namespace heart::cuda
