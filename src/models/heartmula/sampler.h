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

/// Classifier-free guidance of any number of songs: unconditional + scale * (conditional - unconditional).
///   logits [vocabulary, 2 * songs], of each song the conditional row first; cfg_scale [1, songs] -> [vocabulary, songs]
[[nodiscard]] graph::Tensor guide(graph::Graph& g, graph::Tensor logits, graph::Tensor cfg_scale);

/// Draws one token for each song on the device without sorting: keeps entries at or above the k-th largest, adds Gumbel
/// noise (one number per vocabulary id) and takes the argmax. Equal to the reference's argmax(softmax(filtered / T) / q)
/// with noise = -log(q), q ~ Exp(1) (heartlib modeling_heartmula.py, sample_topk).
///   logits, noise [vocabulary, songs], inverse_temperature [1, songs] -> i32 [songs]
[[nodiscard]] graph::Tensor draw(graph::Graph& g, graph::Tensor logits, graph::Tensor noise,
                                 graph::Tensor inverse_temperature, int topk);

}  // namespace heart::heartmula
