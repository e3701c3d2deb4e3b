#include "models/heartclap/text_encoder.h"

#include <fmt/format.h>

namespace heart::heartclap {

using graph::Graph;
using graph::Tensor;

namespace {

std::uint64_t u(std::int64_t n) {
    return static_cast<std::uint64_t>(n);
}

void plan_layer(graph::WeightPlan& plan, TextEncoderLayer& layer, const TextEncoderConfig& c, const std::string& p) {
    nn::plan_stacked_linear(plan, layer.qkv, p + "attention.self.", {{"query"}, {"key"}, {"value"}}, c.dim, c.dim);
    nn::plan_linear(plan, layer.attention_out, p + "attention.output.dense", c.dim, c.dim);
    nn::plan_layer_norm(plan, layer.attention_norm, p + "attention.output.LayerNorm", c.dim);
    nn::plan_linear(plan, layer.up, p + "intermediate.dense", c.dim, c.hidden);
    nn::plan_linear(plan, layer.down, p + "output.dense", c.hidden, c.dim);
    nn::plan_layer_norm(plan, layer.norm, p + "output.LayerNorm", c.dim);
}

Tensor attend(Graph& g, const TextEncoderLayer& w, const TextEncoderConfig& c, Tensor x) {
    const std::int64_t tokens = x.dim(1);
    const Tensor qkv = w.qkv(g, x);  // [3 dim, tokens]
    const auto part = [&](std::int64_t i) {
        return g.split_heads(g.slice(qkv, 0, i * c.dim, c.dim), c.heads, tokens, 1);  // [head_dim, heads, tokens]
    };
    const Tensor k = g.permute(part(1), 0, 2, 1, 3), v = g.permute(part(2), 0, 2, 1, 3);
    return w.attention_out(g, nn::attention(g, part(0), k, v, {}), x);  // [dim, tokens], x added
}

}  // namespace

void TextEncoderWeights::plan(graph::WeightPlan& plan, const TextEncoderConfig& c) {
    nn::plan_layer_norm(plan, norm, "mulan.text.model.embeddings.LayerNorm", c.dim);
    layers.resize(static_cast<std::size_t>(c.layers));
    for (std::size_t i = 0; i < layers.size(); ++i) {
        plan_layer(plan, layers[i], c, fmt::format("mulan.text.model.encoder.layer.{}.", i));
    }
    plan.in_file({kTokens, {u(c.vocabulary), u(c.dim)}});
    plan.in_file({kPositions, {u(c.positions), u(c.dim)}});
    plan.in_file({kTypes, {u(c.types), u(c.dim)}});
}

Tensor text_encoder(Graph& g, const TextEncoderWeights& w, const TextEncoderConfig& c, Tensor x, std::int64_t states) {
    x = g.named(w.norm(g, x, c.norm_eps), "xlmr.embeddings");  // [dim, tokens]
    for (std::int64_t i = 0; i < states; ++i) {
        const TextEncoderLayer& layer = w.layers[static_cast<std::size_t>(i)];
        x = layer.attention_norm(g, attend(g, layer, c, x), c.norm_eps);
        x = layer.norm(g, layer.down(g, g.gelu(layer.up(g, x)), x), c.norm_eps);
        g.named(x, fmt::format("xlmr.layer{}", i));
    }
    return x;
}

}  // namespace heart::heartclap
