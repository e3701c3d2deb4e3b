#pragma once

#include "graph/graph.h"
#include "graph/weights.h"
#include "nn/layers.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace heart::listeners {

/// Sizes of a conformer with rotary positions (Gulati et al., 2020; transformers modeling_wav2vec2_conformer.py,
/// Wav2Vec2ConformerEncoder, position_embeddings_type "rotary"), as MuQ and MuEncoder use it.
struct ConformerConfig {
    std::int64_t dim = 0;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t hidden = 0;   ///< width of the feed-forwards
    std::int64_t kernel = 31;  ///< of the depthwise convolution, odd
    float rotary_base = 10000.0F;
    float norm_eps = 1e-5F;

    [[nodiscard]] std::int64_t head_dim() const noexcept { return dim / heads; }
};

/// W2 silu(W1 x + b1) + b2.
struct ConformerFeedForward {
    nn::Linear up;    ///< intermediate_dense  [dim, hidden]
    nn::Linear down;  ///< output_dense        [hidden, dim]
};

/// A layer; the published names stand beside each weight.
struct ConformerLayer {
    nn::LayerNorm before_norm;             ///< ffn1_layer_norm
    ConformerFeedForward before;           ///< ffn1
    nn::LayerNorm attention_norm;          ///< self_attn_layer_norm
    nn::Linear qk;                         ///< self_attn.linear_{q,k}  [dim, 2 dim], of the rotated states
    nn::Linear v;                          ///< self_attn.linear_v      [dim, dim], of the plain ones
    nn::Linear attention_out;              ///< self_attn.linear_out    [dim, dim]
    nn::LayerNorm conv_norm;               ///< conv_module.layer_norm
    nn::Linear gate;                       ///< conv_module.pointwise_conv1  [dim, 2 dim], no bias
    std::vector<graph::Tensor> depthwise;  ///< conv_module.depthwise_conv and batch_norm: for each place in time [dim]
    graph::Tensor depthwise_bias;          ///< what the batch norm leaves  [dim]
    nn::Linear conv_out;                   ///< conv_module.pointwise_conv2  [dim, dim], no bias
    nn::LayerNorm after_norm;              ///< ffn2_layer_norm
    ConformerFeedForward after;            ///< ffn2
    nn::LayerNorm norm;                    ///< final_layer_norm
};

struct ConformerWeights {
    std::vector<ConformerLayer> layers;
    nn::LayerNorm norm;  ///< layer_norm, behind the last layer

    /// Declares every weight; `prefix` is what the published names begin with. The plan points into this object.
    void plan(graph::WeightPlan& plan, const ConformerConfig& config, const std::string& prefix);
};

/// cos and sin of each position's turns, each [head_dim / 2, 1, frames] in a store: what `Rotation` of a conformer reads.
/// Every clip of a batch begins at the first.
struct Rotation {
    graph::Tensor cos, sin;
};
/// Values for both, one position behind the other.
[[nodiscard]] std::pair<std::vector<float>, std::vector<float>> rotation_tables(const ConformerConfig& config,
                                                                                std::int64_t frames);

/// [dim, frames * clips], one clip behind the other, -> the first `states` hidden states behind `x` itself, of which there
/// are `layers`; the last one comes behind the closing norm, in place of the last layer's own output. No clip sees another.
/// `zero` [dim or more] holds zeros. Names "hidden_states.0" ..., and in each layer "layer0.ffn1", ".rotated", ".self_attn",
/// ".conv_module", ".ffn2".
[[nodiscard]] graph::Tensor conformer(graph::Graph& g, const ConformerWeights& w, const ConformerConfig& config,
                                      const Rotation& rotation, graph::Tensor zero, graph::Tensor x, std::int64_t clips,
                                      std::int64_t states);

}  // namespace heart::listeners
