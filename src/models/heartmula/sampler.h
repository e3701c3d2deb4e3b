#pragma once

#include "graph/graph.h"

namespace heart::heartmula {

/// How a token is drawn from logits.
struct Sampling {
    int topk = 50;             ///< keeps the k largest logits, and all that equal the k-th
    float temperature = 1.0F;  ///< > 0; logits are divided by it
    float cfg_scale = 1.5F;    ///< guidance where > 1; see `guide`
};

/// True when a scale asks for the unconditional row. At 1 there is nothing to guide; below 1 the reference computes a
/// second conditional row and throws it away (heartlib modeling_heartmula.py, generate_frame), which changes nothing.
[[nodiscard]] constexpr bool is_guided(float cfg_scale) noexcept {
    return cfg_scale > 1.0F;
}

/// Classifier-free guidance: unconditional + scale * (conditional - unconditional). logits [vocabulary, 2] with the
/// conditional row first -> [vocabulary, 1]; a single row is passed through.
[[nodiscard]] graph::Tensor guide(graph::Graph& g, graph::Tensor logits, float cfg_scale);

/// Draws one token on the device without sorting: keeps entries at or above the k-th largest, adds Gumbel noise (one
/// number per vocabulary id) and takes the argmax. Equal to the reference's argmax(softmax(filtered / T) / q) with
/// noise = -log(q), q ~ Exp(1) (heartlib modeling_heartmula.py, sample_topk).
///   logits [vocabulary, 1], noise [vocabulary, 1] -> i32 [1]
[[nodiscard]] graph::Tensor draw(graph::Graph& g, graph::Tensor logits, graph::Tensor noise, const Sampling& sampling);

}  // namespace heart::heartmula
