#pragma once

#include "graph/weights.h"
#include "models/heartmula/config.h"

#include <string>
#include <vector>

namespace heart::heartmula {

/// One layer of a stack; the published names stand beside each weight.
struct LlamaLayer {
    graph::Tensor attention_norm;  ///< [dim]                      sa_norm.scale
    graph::Tensor qkv;             ///< [dim, dim + 2 kv_dim]      attn.{q,k,v}_proj.weight
    graph::Tensor attention_out;   ///< [dim, dim]                 attn.output_proj.weight
    graph::Tensor mlp_norm;        ///< [dim]                      mlp_norm.scale
    graph::Tensor gate_up;         ///< [dim, 2 hidden]            mlp.w1.weight, mlp.w3.weight
    graph::Tensor down;            ///< [hidden, dim]              mlp.w2.weight
};

/// A stack of layers and its final norm.
struct LlamaWeights {
    std::vector<LlamaLayer> layers;
    graph::Tensor norm;          ///< [dim]                     norm.scale
    graph::Tensor rope_factors;  ///< [head_dim / 2], computed   (Llama-3 frequency scaling)
};

/// All weights that live on the device. The text embedding and the reference projection stay in the file: they are read
/// for the prompt only.
struct Weights {
    LlamaWeights backbone;                   ///< backbone.*
    LlamaWeights depth;                      ///< decoder.*
    graph::Tensor audio_embeddings;          ///< [dim, codebooks * vocabulary]   audio_embeddings.weight
    graph::Tensor projection;                ///< [dim, depth dim]                projection.weight
    graph::Tensor codebook0_head;            ///< [dim, vocabulary]               codebook0_head.weight
    std::vector<graph::Tensor> audio_heads;  ///< each [depth dim, vocabulary]   audio_head[i] transposed

    /// Declares every weight of a model of these sizes. The plan points into this object.
    void plan(graph::WeightPlan& plan, const Config& config);
};

/// How much slower than plain RoPE each pair of a head turns: Llama-3.1's frequency scaling (torchtune
/// `Llama3ScaledRoPE`: low factor 1, high factor 4, old context 8192). Angle of pair i = position * base^(-2i/d) / f[i].
[[nodiscard]] std::vector<float> rope_factors(std::int64_t head_dim, float base, float scale);

}  // namespace heart::heartmula
