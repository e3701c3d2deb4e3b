#pragma once

#include "graph/weights.h"
#include "models/hearttranscriptor/config.h"
#include "models/listeners/whisper_encoder.h"
#include "nn/layers.h"

#include <vector>

namespace heart::hearttranscriptor {

/// A layer of the decoder; the published names stand beside each weight. k_proj has no bias.
struct DecoderLayer {
    nn::LayerNorm self_norm;   ///< self_attn_layer_norm
    nn::Linear self_qkv;       ///< self_attn.{q,k,v}_proj            [dim, 3 dim]
    nn::Linear self_out;       ///< self_attn.out_proj                [dim, dim]
    nn::LayerNorm cross_norm;  ///< encoder_attn_layer_norm
    nn::Linear cross_q;        ///< encoder_attn.q_proj               [dim, dim]
    nn::Linear cross_kv;       ///< encoder_attn.{k,v}_proj           [dim, 2 dim], of the encoder's output
    nn::Linear cross_out;      ///< encoder_attn.out_proj             [dim, dim]
    nn::LayerNorm mlp_norm;    ///< final_layer_norm
    nn::Linear up;             ///< fc1                               [dim, hidden]
    nn::Linear down;           ///< fc2                               [hidden, dim]
};

/// All weights that live on the device. Token and position embeddings are looked up in the file, a few rows at a time.
struct Weights {
    listeners::WhisperEncoderWeights encoder;  ///< model.encoder.*
    std::vector<DecoderLayer> layers;          ///< model.decoder.layers.*
    nn::LayerNorm norm;                        ///< model.decoder.layer_norm
    graph::Tensor head;                        ///< model.decoder.embed_tokens.weight, or proj_out.weight  [dim, vocabulary]

    static constexpr const char* kTokenEmbeddings = "model.decoder.embed_tokens.weight";
    static constexpr const char* kPositionEmbeddings = "model.decoder.embed_positions.weight";

    /// Declares every weight of a model of these sizes. The plan points into this object.
    void plan(graph::WeightPlan& plan, const Config& config);
};

}  // namespace heart::hearttranscriptor
