#include "nn/layers.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace heart::nn {

Tensor linear(Graph& g, Tensor w, Tensor x, Tensor bias) {
    const Tensor y = g.mul_mat(w, x);
    return bias ? g.add(y, bias) : y;
}

namespace {

std::uint64_t u(std::int64_t n) {
    return static_cast<std::uint64_t>(n);
}

}  // namespace

void plan_layer_norm(graph::WeightPlan& plan, LayerNorm& norm, const std::string& name, std::int64_t dim) {
    plan.vector(norm.weight, {name + ".weight", {u(dim)}});
    plan.vector(norm.bias, {name + ".bias", {u(dim)}});
}

void plan_linear(graph::WeightPlan& plan, Linear& linear, const std::string& name, std::int64_t in, std::int64_t out) {
    plan.matrix(linear.weight, name, {{name + ".weight", {u(out), u(in)}}});
    plan.vector(linear.bias, {name + ".bias", {u(out)}});
}

void plan_stacked_linear(graph::WeightPlan& plan, Linear& linear, const std::string& name, const std::vector<Part>& parts,
                         std::int64_t in, std::int64_t out) {
    std::vector<graph::Published> weights, biases;
    std::vector<bool> has_bias;
    std::string stacked = name;
    for (const Part& part : parts) {
        weights.push_back({name + part.name + ".weight", {u(out), u(in)}});
        if (part.has_bias) biases.push_back({name + part.name + ".bias", {u(out)}});
        has_bias.push_back(part.has_bias);
        stacked += part.name;
    }
    plan.matrix(linear.weight, stacked, std::move(weights));
    plan.derived(linear.bias, stacked + ".bias", graph::WeightPlan::Use::vector,
                 {out * static_cast<std::int64_t>(parts.size())}, std::move(biases),
                 [has_bias, out](std::span<const formats::TensorView* const> sources, std::span<float> bias) {
                     std::size_t source = 0;
                     for (std::size_t i = 0; i < has_bias.size(); ++i) {
                         const auto part = bias.subspan(i * u(out), u(out));
                         if (has_bias[i]) formats::read_as_f32(*sources[source++], 0, part);
                         else std::fill(part.begin(), part.end(), 0.0F);
                     }
                 });
}

Tensor rms_norm(Graph& g, Tensor x, Tensor weight, float eps) {
    return g.mul(g.rms_norm(x, eps), weight);
}

Tensor swiglu_mlp(Graph& g, Tensor gate_up, Tensor down, Tensor x) {
    return g.mul_mat(down, g.swiglu(g.mul_mat(gate_up, x)));
}

namespace {

constexpr std::int64_t kFusedHeadStep = 32;
constexpr std::int64_t kVectorWidth = 16;  // f32 numbers in the widest register

float score_scale(Tensor q) {
    return 1.0F / std::sqrt(static_cast<float>(q.dim(0)));
}

}  // namespace

Tensor attention(Graph& g, Tensor q, Tensor k, Tensor v, Tensor mask) {
    if (g.can_attend(q, k, v, mask)) return g.attention(q, k, v, mask, score_scale(q));
    if (!g.can_flash_attend()) return attention_by_products(g, q, k, v, mask);
    const std::int64_t d = q.dim(0), heads = q.dim(1), n = q.dim(2), rows = q.dim(3);
    // For a single query column ggml's fused CPU kernel cuts the positions into one part for each thread, and its rounding
    // with them; the same seed must give the same song on any number of threads.
    if (n == 1 && rows == 1) return attention_by_products(g, q, k, v, mask);
    // Its tiles want whole vector registers; without them it goes pair by pair, several times slower than products.
    if (n > 1 && d % kFusedHeadStep != 0) return attention_by_products(g, q, k, v, mask);
    const Tensor queries = g.permute(q, 0, 2, 1, 3);                              // [d, n, heads, rows]
    const Tensor mixed = g.flash_attention(queries, k, v, mask, score_scale(q));  // [d, heads, n, rows]
    return g.reshape(mixed, {d * heads, n * rows});                               // [d * heads, n * rows]
}

Tensor attention_by_products(Graph& g, Tensor q, Tensor k, Tensor v, Tensor mask) {
    const std::int64_t d = q.dim(0), heads = q.dim(1), n = q.dim(2), rows = q.dim(3);
    Tensor queries = g.contiguous(g.permute(q, 0, 2, 1, 3));  // [d, n, heads, rows]
    Tensor keys = k;
    if (n > 1 && k.type() == graph::Type::f32) {
        // CPU products over less than a whole vector register go one by one; zeros fill it and change nothing.
        queries = g.pad(queries, kVectorWidth);
        keys = g.pad(keys, kVectorWidth);
    }
    const Tensor scores = g.mul_mat(keys, queries);                  // [positions, n, heads, rows]
    const Tensor shares = g.soft_max(scores, mask, score_scale(q));  // [positions, n, heads, rows]
    const Tensor values = g.contiguous(g.permute(v, 1, 0, 2, 3));    // [positions, d, kv_heads, rows]
    const Tensor mixed = g.mul_mat(values, shares);                  // [d, n, heads, rows]
    return g.reshape(g.contiguous(g.permute(mixed, 0, 2, 1, 3)), {d * heads, n * rows});
}

}  // namespace heart::nn
