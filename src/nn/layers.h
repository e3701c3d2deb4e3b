#pragma once

#include "graph/graph.h"
#include "graph/weights.h"

#include <cstdint>
#include <string>
#include <vector>

namespace heart::nn {

using graph::Graph;
using graph::Tensor;

/// y = W x (+ bias). W [in, out], x [in, columns...] -> [out, columns...].
[[nodiscard]] Tensor linear(Graph& g, Tensor w, Tensor x, Tensor bias = {});

/// weight * x / sqrt(mean(x^2) + eps) over dimension 0 (Zhang and Sennrich, 2019).
[[nodiscard]] Tensor rms_norm(Graph& g, Tensor x, Tensor weight, float eps);

/// weight * (x - mean) / sqrt(variance + eps) + bias over dimension 0 (Ba, Kiros and Hinton, 2016).
struct LayerNorm {
    Tensor weight, bias;  ///< [dim]

    [[nodiscard]] Tensor operator()(Graph& g, Tensor x, float eps = 1e-5F) const {
        return g.add(g.mul(g.layer_norm(x, eps), weight), bias);
    }
};

/// y = W x + b.
struct Linear {
    Tensor weight;  ///< a product's matrix [in, out]
    Tensor bias;    ///< [out], or empty

    /// With `residual` [out, columns] added in the same pass. x [in, columns] -> [out, columns].
    [[nodiscard]] Tensor operator()(Graph& g, Tensor x, Tensor residual = {}) const {
        return g.affine(weight, x, bias, residual);
    }
};

/// Plans `name`.weight [dim] and `name`.bias [dim].
void plan_layer_norm(graph::WeightPlan& plan, LayerNorm& norm, const std::string& name, std::int64_t dim);

/// Plans `name`.weight [out, in] and `name`.bias [out].
void plan_linear(graph::WeightPlan& plan, Linear& linear, const std::string& name, std::int64_t in, std::int64_t out);

/// Plans linear layers of one input as one: name + parts[i].weight [out, in], stacked, and name + parts[i].bias [out], zeros
/// for a part that has none.
struct Part {
    std::string name;
    bool has_bias = true;
};
void plan_stacked_linear(graph::WeightPlan& plan, Linear& linear, const std::string& name, const std::vector<Part>& parts,
                         std::int64_t in, std::int64_t out);

/// Gated feed-forward (Shazeer, 2020): down(silu(gate x) * up x), with gate and up stacked in one matrix.
[[nodiscard]] Tensor swiglu_mlp(Graph& g, Tensor gate_up, Tensor down, Tensor x);

/// Rotary position embedding over adjacent pairs (Su et al., 2021).
struct Rotary {
    Tensor positions;  ///< i32 [columns]
    Tensor factors;    ///< f32 [head_dim / 2]: each pair's frequency is divided by it; empty for none
    float base = 10000.0F;

    /// x [head_dim, heads, columns]
    [[nodiscard]] Tensor operator()(Graph& g, Tensor x) const { return g.rotary(x, positions, factors, base); }
};

/// softmax(q k^T / sqrt(head_dim) + mask) v for all heads, query heads sharing key heads in groups where there are fewer
/// of these.
///   q     [head_dim, heads, n, rows]
///   k, v  [head_dim, positions, kv_heads, rows]
///   mask  f16 [positions, n, 1, 1 or rows], 0 or -inf, or empty
/// -> [head_dim * heads, n * rows]
/// The result does not depend on the number of threads.
[[nodiscard]] Tensor attention(Graph& g, Tensor q, Tensor k, Tensor v, Tensor mask);

/// The same by separate products and a softmax: the plain reference, and the way for devices and head sizes without a
/// fused kernel.
[[nodiscard]] Tensor attention_by_products(Graph& g, Tensor q, Tensor k, Tensor v, Tensor mask);

}  // namespace heart::nn
