#pragma once

#include "kernels/cuda/context.h"
#include "kernels/cuda/rules.h"

#include <cmath>
#include <cstdint>

namespace heart::cuda {

/// Rotary position embedding of adjacent pairs (Su et al., 2021): pair `pair` of a head of `n` numbers turns by position *
/// base^(-2 pair / n) / factor.
struct Rotation {
    const std::int32_t* positions = nullptr;
    const float* factors = nullptr;  ///< one for each pair; null: 1
    int n = 0;
    float frequencies[kMostHeadDim / 2] = {};

    __device__ float2 turn(float2 x, int pair, int column) const {
        const float frequency = factors != nullptr ? frequencies[pair] / factors[pair] : frequencies[pair];
        float sine, cosine;
        sincosf(static_cast<float>(positions[column]) * frequency, &sine, &cosine);
        return {fmaf(x.x, cosine, -(x.y * sine)), fmaf(x.x, sine, x.y * cosine)};
    }
};

/// Of a ROPE node with heads of at most kMostHeadDim numbers.
inline Rotation rotation_of(const ggml_tensor* node) {
    Rotation r;
    r.positions = static_cast<const std::int32_t*>(node->src[1]->data);
    if (node->src[2] != nullptr) r.factors = static_cast<const float*>(node->src[2]->data);
    r.n = static_cast<int>(node->ne[0]);
    const auto base = static_cast<double>(parameter(node, 5));
    // In double, since positions multiply what rounding leaves; as the tables of the reference.
    for (int i = 0; i < r.n / 2; ++i) r.frequencies[i] = static_cast<float>(std::pow(base, -2.0 * i / r.n));
    return r;
}

}  // namespace heart::cuda
