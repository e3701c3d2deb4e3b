#pragma once

#include "graph/weights.h"
#include "models/heartcodec/config.h"
#include "nn/conv.h"

#include <string>
#include <vector>

namespace heart::heartcodec {

/// A matrix with its bias, as nn.Linear publishes them.
struct Linear {
    graph::Tensor w, b;
};

/// Residual vector quantiser and conditioning: `flow_matching.vq_embed.*`, `flow_matching.cond_feature_emb`.
struct QuantizerWeights {
    std::vector<graph::Tensor> codebooks;  ///< [codebook_dim, codebook_size] layers.N._codebook.embed
    Linear project_out;                    ///< codebook_dim -> dim
    Linear condition;                      ///< dim -> dim
};

/// A convolution over three frames and a linear layer (heartlib transformer.py, ProjectLayer).
struct ProjectWeights {
    graph::Tensor conv;    ///< [3 * in, out]  ffn_1, the factor 3^-0.5 folded in
    graph::Tensor conv_b;  ///< [out], likewise
    Linear linear;         ///< ffn_2
};

/// One block of the flow transformer.
struct BlockWeights {
    graph::Tensor attention_norm;  ///< [dim]             attn_norm.weight
    graph::Tensor qkv;             ///< [dim, 3 dim]      attn.{q,k,v}_proj.weight
    graph::Tensor attention_out;   ///< [dim, dim]        attn.o_proj.weight
    graph::Tensor mlp_norm;        ///< [dim]             mlp_norm.weight
    graph::Tensor gate_up;         ///< [dim, 2 width]    mlp.gate.weight, mlp.up.weight
    graph::Tensor down;            ///< [width, dim]      mlp.down.weight
    graph::Tensor modulation;      ///< [dim, 6]          scale_shift_table
};

/// Sines and cosines that stand for a time (heartlib transformer.py, flow_t_size).
constexpr std::int64_t kTimeChannels = 512;

/// What turns a time into shifts, scales and gates: `adaln_single*`.
struct TimeWeights {
    Linear linear_1, linear_2;  ///< emb.timestep_embedder.*: 512 -> dim -> dim
    Linear modulation;          ///< linear: dim -> 6 dim
};

/// One of the two stages of the estimator.
struct StageWeights {
    std::vector<BlockWeights> blocks;
    TimeWeights time;
    graph::Tensor out_modulation;  ///< [dim, 2]  scale_shift_table / scale_shift_table_2
};

struct EstimatorWeights {
    ProjectWeights proj_in, connection, proj_out;
    StageWeights stage_1, stage_2;
};

/// conv k -> PReLU -> 1x1 conv -> PReLU -> + input (heartlib sq_codec.py, ResidualUnit).
struct ResidualWeights {
    nn::Conv1d conv1, conv2;
    float slope1 = 0, slope2 = 0;
};

struct DecoderBlockWeights {
    nn::Upsample up;
    std::vector<ResidualWeights> residuals;  ///< dilations 1, 3, 5, 7, 9
};

/// `scalar_model.decoder.*`
struct ScalarDecoderWeights {
    nn::Conv1d first;  ///< looks ahead: delay kernel
    std::vector<DecoderBlockWeights> blocks;
    nn::Conv1d post;  ///< after the repetition; absent when nothing is repeated
    float post_slope = 0;
    nn::Conv1d last;
};

/// All weights that decoding needs.
struct Weights {
    QuantizerWeights quantizer;
    EstimatorWeights estimator;
    ScalarDecoderWeights decoder;

    /// Declares every weight of a codec of these sizes. The plan points into this object.
    void plan(graph::WeightPlan& plan, const Config& config);
};

/// Every tensor of the published decoder checkpoint in its order, those that decoding never reads included (quantiser
/// statistics, `project_in`, the scalar encoder): what `make-checkpoint` writes.
[[nodiscard]] std::vector<graph::Published> published_tensors(const Config& config);

}  // namespace heart::heartcodec
