#include "models/heartclap/tower.h"

#include <fmt/format.h>

#include <cmath>
#include <span>

namespace heart::heartclap {

using graph::Graph;
using graph::Tensor;
using graph::WeightPlan;

namespace {

constexpr float kScoreScale = 8.0F;  // of the cosines of queries and keys (muq_mulan/modules/transformer.py, Attention)
constexpr float kNormEps = 1e-5F;
constexpr float kSmallestLength = 1e-12F;  // torch.nn.functional.normalize

std::uint64_t u(std::int64_t n) {
    return static_cast<std::uint64_t>(n);
}

void plan_scale(WeightPlan& plan, Tensor& slot, const std::string& name, std::int64_t n, float factor) {
    plan.derived(slot, name + ".scaled", WeightPlan::Use::vector, {n}, {{name, {u(n)}}},
                 [factor](std::span<const formats::TensorView* const> sources, std::span<float> to) {
                     formats::read_as_f32(*sources[0], 0, to);
                     for (float& x : to) x *= factor;
                 });
}

void plan_layer(WeightPlan& plan, TowerLayer& layer, const TowerConfig& t, const std::string& p) {
    plan.vector(layer.norm, {p + "0.norm.learned_gamma", {u(t.dim)}});
    plan.matrix(layer.qkv, p + "qkv",
                {{p + "0.to_q.weight", {u(t.inner()), u(t.dim)}}, {p + "0.to_kv.weight", {u(2 * t.inner()), u(t.dim)}}});
    // What rms_norm leaves is as long as the root of the width, and attention divides by that root: both cancel for the
    // queries, and the keys are brought to unit length here.
    plan_scale(plan, layer.q_scale, p + "0.q_scale", t.head_dim, kScoreScale);
    plan_scale(plan, layer.k_scale, p + "0.k_scale", t.head_dim, 1 / std::sqrt(static_cast<float>(t.head_dim)));
    plan.matrix(layer.out, p + "out", {{p + "0.to_out.0.weight", {u(t.dim), u(t.inner())}}});
    plan.vector(layer.mlp_norm, {p + "1.0.learned_gamma", {u(t.dim)}});
    plan.matrix(layer.up, p + "up", {{p + "1.1.weight", {u(2 * t.hidden), u(t.dim)}}});
    plan.matrix(layer.down, p + "down", {{p + "1.4.weight", {u(t.dim), u(t.hidden)}}});
}

/// sqrt(n) x / max(|x|, 1e-12) over dimension 0 of n numbers.
Tensor direction(Graph& g, Tensor x) {
    const auto n = static_cast<float>(x.dim(0));
    return g.rms_norm(x, kSmallestLength * kSmallestLength / n);
}

Tensor attend(Graph& g, const TowerLayer& w, const TowerConfig& t, Tensor x, std::int64_t n) {
    const std::int64_t inner = t.inner(), rows = x.dim(1) / n;
    const Tensor qkv = g.mul_mat(w.qkv, g.mul(g.layer_norm(x, kNormEps), w.norm));  // [3 inner, n * rows]
    const auto part = [&](std::int64_t i) {
        return g.split_heads(g.slice(qkv, 0, i * inner, inner), t.heads, n, rows);  // [head_dim, heads, n, rows]
    };
    const Tensor q = g.mul(direction(g, part(0)), w.q_scale);
    const Tensor k = g.mul(direction(g, part(1)), w.k_scale);
    const Tensor mixed = nn::attention(g, q, g.permute(k, 0, 2, 1, 3), g.permute(part(2), 0, 2, 1, 3), {});
    return g.mul_mat(w.out, mixed);  // [dim, n * rows]
}

Tensor feed_forward(Graph& g, const TowerLayer& w, const TowerConfig& t, Tensor x) {
    const Tensor up = g.mul_mat(w.up, g.mul(g.layer_norm(x, kNormEps), w.mlp_norm));  // [2 hidden, n * rows]
    const Tensor gate = g.gelu(g.contiguous(g.slice(up, 0, t.hidden, t.hidden)));     // [hidden, n * rows]
    return g.mul_mat(w.down, g.mul(gate, g.slice(up, 0, 0, t.hidden)));               // [dim, n * rows]
}

}  // namespace

void TowerWeights::plan(WeightPlan& plan, const SourceConfig& s, const TowerConfig& t, std::int64_t latent_dim,
                        const std::string& name) {
    const std::string prefix = "mulan." + name;
    if (s.projected) nn::plan_linear(plan, proj, prefix + ".proj", s.dim, t.dim);
    layers.resize(static_cast<std::size_t>(t.layers));
    for (std::size_t i = 0; i < layers.size(); ++i) {
        plan_layer(plan, layers[i], t, fmt::format("{}.transformer.layers.{}.", prefix, i));
    }
    nn::plan_linear(plan, latent, prefix + "_to_latents", t.dim, latent_dim);
}

Tensor tower(Graph& g, const TowerWeights& w, const TowerConfig& t, Tensor shares, Tensor states) {
    const std::int64_t n = shares.dim(0);
    Tensor x = w.proj.weight ? g.named(w.proj(g, states), "proj") : states;  // [dim, n * rows]
    for (std::size_t i = 0; i < w.layers.size(); ++i) {
        const std::string name = fmt::format("tf.layer{}.", i);
        x = g.add(x, g.named(attend(g, w.layers[i], t, x, n), name + "attn"));
        x = g.add(x, g.named(feed_forward(g, w.layers[i], t, x), name + "ff"));
        g.named(x, name + "out");
    }
    const std::int64_t dim = x.dim(0), rows = x.dim(1) / n;
    const Tensor by_place = g.contiguous(g.permute(g.reshape(x, {dim, n, rows}), 1, 0, 2, 3));  // [n, dim, rows]
    const Tensor mean = g.reshape(g.mul_mat(by_place, g.repeat_to(shares, {n, 1, rows})), {dim, rows});
    const Tensor raw = g.named(w.latent(g, g.named(mean, "pooled")), "latent_raw");  // [latent, rows]
    const float root = std::sqrt(static_cast<float>(raw.dim(0)));
    return g.named(g.scale(direction(g, raw), 1 / root), "latent");  // [latent, rows]
}

}  // namespace heart::heartclap
