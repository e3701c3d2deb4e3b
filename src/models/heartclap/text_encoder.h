#pragma once

#include "graph/graph.h"
#include "graph/weights.h"
#include "models/heartclap/config.h"
#include "nn/layers.h"

#include <string>
#include <vector>

namespace heart::heartclap {

/// A layer of XLM-RoBERTa, which norms behind each residual sum; the published names stand beside each weight.
struct TextEncoderLayer {
    nn::Linear qkv;                ///< attention.self.{query,key,value}  [dim, 3 dim]
    nn::Linear attention_out;      ///< attention.output.dense            [dim, dim]
    nn::LayerNorm attention_norm;  ///< attention.output.LayerNorm
    nn::Linear up;                 ///< intermediate.dense                [dim, hidden]
    nn::Linear down;               ///< output.dense                      [hidden, dim]
    nn::LayerNorm norm;            ///< output.LayerNorm
};

/// The embeddings stay in the file: a text looks up a few rows of 250,002.
struct TextEncoderWeights {
    nn::LayerNorm norm;  ///< embeddings.LayerNorm
    std::vector<TextEncoderLayer> layers;

    static constexpr const char* kTokens = "mulan.text.model.embeddings.word_embeddings.weight";
    static constexpr const char* kPositions = "mulan.text.model.embeddings.position_embeddings.weight";
    static constexpr const char* kTypes = "mulan.text.model.embeddings.token_type_embeddings.weight";

    /// The plan points into this object.
    void plan(graph::WeightPlan& plan, const TextEncoderConfig& config);
};

/// Sums of embeddings [dim, tokens] -> the first `states` states behind them, of which there are `layers`. Every token sees
/// every other. Names "xlmr.embeddings", "xlmr.layer0", ...
[[nodiscard]] graph::Tensor text_encoder(graph::Graph& g, const TextEncoderWeights& w, const TextEncoderConfig& config,
                                         graph::Tensor x, std::int64_t states);

}  // namespace heart::heartclap
