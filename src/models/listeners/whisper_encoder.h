#pragma once

#include "graph/graph.h"
#include "graph/weights.h"
#include "nn/conv.h"
#include "nn/layers.h"

#include <cstdint>
#include <string>
#include <vector>

namespace heart::listeners {

/// Sizes of a Whisper encoder (Radford et al., 2022; transformers modeling_whisper.py, WhisperEncoder).
struct WhisperEncoderConfig {
    std::int64_t mel_bands = 80;
    std::int64_t dim = 0;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t hidden = 0;        ///< width of the feed-forward
    std::int64_t positions = 1500;  ///< half as many as there are mel frames

    [[nodiscard]] std::int64_t mel_frames() const noexcept { return 2 * positions; }
};

/// A layer of the encoder; the published names stand beside each weight. k_proj has no bias.
struct WhisperEncoderLayer {
    nn::LayerNorm attention_norm;  ///< self_attn_layer_norm
    nn::Linear qkv;                ///< self_attn.{q,k,v}_proj      [dim, 3 dim]
    nn::Linear attention_out;      ///< self_attn.out_proj          [dim, dim]
    nn::LayerNorm mlp_norm;        ///< final_layer_norm
    nn::Linear up;                 ///< fc1                         [dim, hidden]
    nn::Linear down;               ///< fc2                         [hidden, dim]
};

struct WhisperEncoderWeights {
    nn::Conv1d conv1;         ///< conv1             [3 mel_bands, dim]
    nn::Conv1d conv2;         ///< conv2             [4 dim, dim], see plan_halving_conv1d
    graph::Tensor positions;  ///< embed_positions   [dim, positions]
    std::vector<WhisperEncoderLayer> layers;
    nn::LayerNorm norm;  ///< layer_norm

    /// Declares every weight; `prefix` is what the published names begin with, "model.encoder." in Whisper's own files. The
    /// plan points into this object.
    void plan(graph::WeightPlan& plan, const WhisperEncoderConfig& config, const std::string& prefix);
};

/// Log-mel frames [mel_bands, 2 positions] -> [dim, positions]. `zero` [max(mel_bands, dim)] holds zeros. Names its nodes
/// "encoder.layer0", ... and "encoder.out".
[[nodiscard]] graph::Tensor whisper_encoder(graph::Graph& g, const WhisperEncoderWeights& w,
                                            const WhisperEncoderConfig& config, graph::Tensor zero, graph::Tensor mel);

}  // namespace heart::listeners
