#include "models/listeners/whisper_encoder.h"

#include <fmt/format.h>

namespace heart::listeners {

using graph::Graph;
using graph::Tensor;

void WhisperEncoderWeights::plan(graph::WeightPlan& plan, const WhisperEncoderConfig& c, const std::string& prefix) {
    nn::plan_conv1d(plan, conv1, prefix + "conv1", nn::Norm::none, c.mel_bands, c.dim, 3, 1);
    nn::plan_halving_conv1d(plan, conv2, prefix + "conv2", c.dim, c.dim);
    plan.vector(positions, {prefix + "embed_positions.weight",
                            {static_cast<std::uint64_t>(c.positions), static_cast<std::uint64_t>(c.dim)}});
    layers.resize(static_cast<std::size_t>(c.layers));
    for (std::size_t i = 0; i < layers.size(); ++i) {
        WhisperEncoderLayer& layer = layers[i];
        const std::string p = fmt::format("{}layers.{}.", prefix, i);
        nn::plan_layer_norm(plan, layer.attention_norm, p + "self_attn_layer_norm", c.dim);
        nn::plan_stacked_linear(plan, layer.qkv, p + "self_attn.", {{"q_proj"}, {"k_proj", false}, {"v_proj"}}, c.dim,
                                c.dim);
        nn::plan_linear(plan, layer.attention_out, p + "self_attn.out_proj", c.dim, c.dim);
        nn::plan_layer_norm(plan, layer.mlp_norm, p + "final_layer_norm", c.dim);
        nn::plan_linear(plan, layer.up, p + "fc1", c.dim, c.hidden);
        nn::plan_linear(plan, layer.down, p + "fc2", c.hidden, c.dim);
    }
    nn::plan_layer_norm(plan, norm, prefix + "layer_norm", c.dim);
}

namespace {

/// Both convolutions: three taps each, the second with stride 2.
Tensor stem(Graph& g, const WhisperEncoderWeights& w, const WhisperEncoderConfig& c, Tensor zero, Tensor mel) {
    const auto between_zeros = [&](Tensor x) {
        const Tensor column = g.slice(zero, 0, 0, x.dim(0));  // [channels]
        return g.concat(g.concat(column, x, 1), column, 1);   // [channels, frames + 2]
    };
    const Tensor a = g.gelu(nn::conv1d_valid(g, w.conv1, between_zeros(mel), 1));    // [dim, 2 positions]
    const Tensor pairs = g.reshape(between_zeros(a), {2 * c.dim, c.positions + 1});  // [2 dim, positions + 1]
    const Tensor b = g.gelu(nn::conv1d_valid(g, w.conv2, pairs, 1));                 // [dim, positions]
    return g.add(b, w.positions);
}

/// Attention over all positions in both directions.
Tensor attend(Graph& g, const WhisperEncoderLayer& w, const WhisperEncoderConfig& c, Tensor x, Tensor residual) {
    const Tensor qkv = w.qkv(g, x);  // [3 dim, positions]
    const auto heads_of = [&](std::int64_t part) {
        return g.split_heads(g.slice(qkv, 0, part * c.dim, c.dim), c.heads, c.positions, 1);  // [head_dim, heads, positions]
    };
    const Tensor k = g.permute(heads_of(1), 0, 2, 1, 3), v = g.permute(heads_of(2), 0, 2, 1, 3);
    return w.attention_out(g, nn::attention(g, heads_of(0), k, v, {}), residual);  // [dim, positions]
}

}  // namespace

Tensor whisper_encoder(Graph& g, const WhisperEncoderWeights& w, const WhisperEncoderConfig& c, Tensor zero, Tensor mel) {
    Tensor x = stem(g, w, c, zero, mel);  // [dim, positions]
    for (std::size_t i = 0; i < w.layers.size(); ++i) {
        const WhisperEncoderLayer& layer = w.layers[i];
        x = attend(g, layer, c, layer.attention_norm(g, x), x);
        x = layer.down(g, g.gelu(layer.up(g, layer.mlp_norm(g, x))), x);
        g.named(x, fmt::format("encoder.layer{}", i));
    }
    return g.named(w.norm(g, x), "encoder.out");  // [dim, positions]
}

}  // namespace heart::listeners
