#include "models/heartmula/sampler.h"

#include <algorithm>

namespace heart::heartmula {

using graph::Graph;
using graph::Tensor;

Tensor guide(Graph& g, Tensor logits, Tensor cfg_scale) {
    const std::int64_t vocabulary = logits.dim(0), songs = logits.dim(1) / 2;
    const Tensor by_song = g.reshape(logits, {vocabulary, 2, songs});
    const Tensor conditional = g.slice(by_song, 1, 0, 1);                        // [vocabulary, 1, songs]
    const Tensor unconditional = g.slice(by_song, 1, 1, 1);                      // [vocabulary, 1, songs]
    const Tensor difference = g.sub(conditional, unconditional);                 // [vocabulary, 1, songs]
    const Tensor step = g.mul(difference, g.reshape(cfg_scale, {1, 1, songs}));  // [vocabulary, 1, songs]
    return g.reshape(g.add(unconditional, step), {vocabulary, songs});
}

Tensor draw(Graph& g, Tensor logits, Tensor noise, Tensor inverse_temperature, int topk) {
    constexpr float kOut = 1e30F;  // far below any logit, and finite: -inf times 0 would be NaN
    const std::int64_t vocabulary = logits.dim(0), songs = logits.dim(1);
    const int k = static_cast<int>(std::min<std::int64_t>(topk, vocabulary));

    if (g.can_draw(logits)) return g.draw(logits, noise, inverse_temperature, k);
    const Tensor scaled = g.mul(logits, inverse_temperature);                           // [vocabulary, songs]
    const Tensor ids = g.top_k(scaled, k);                                              // [k, songs], in any order
    const Tensor largest = g.get_rows(g.reshape(scaled, {1, vocabulary, songs}), ids);  // [1, k, songs]
    const Tensor smallest = g.argmax(g.scale(g.reshape(largest, {k, songs}), -1.0F));   // [songs]: where the k-th is
    const Tensor threshold = g.get_rows(largest, g.reshape(smallest, {1, songs}));      // [1, 1, songs]
    const Tensor above = g.sub(scaled, g.reshape(threshold, {1, songs}));               // [vocabulary, songs]
    const Tensor below = g.step(g.scale(above, -1.0F));                                 // 1 where scaled < threshold
    const Tensor kept = g.sub(scaled, g.scale(below, kOut));                            // ties at the threshold stay
    return g.argmax(g.add(kept, noise));
}

}  // namespace heart::heartmula
