#include "models/heartmula/sampler.h"

#include <algorithm>

namespace heart::heartmula {

using graph::Graph;
using graph::Tensor;

Tensor guide(Graph& g, Tensor logits, float cfg_scale) {
    if (logits.dim(1) == 1) return logits;
    const Tensor conditional = g.slice(logits, 1, 0, 1);    // [vocabulary, 1]
    const Tensor unconditional = g.slice(logits, 1, 1, 1);  // [vocabulary, 1]
    return g.add(unconditional, g.scale(g.sub(conditional, unconditional), cfg_scale));
}

Tensor draw(Graph& g, Tensor logits, Tensor noise, const Sampling& sampling) {
    constexpr float kOut = 1e30F;  // far below any logit, and finite: -inf times 0 would be NaN
    const std::int64_t vocabulary = logits.dim(0);
    const int k = static_cast<int>(std::min<std::int64_t>(sampling.topk, vocabulary));

    if (g.can_draw(logits)) return g.draw(logits, noise, k, 1.0F / sampling.temperature);
    const Tensor scaled = g.scale(logits, 1.0F / sampling.temperature);            // [vocabulary, 1]
    const Tensor ids = g.reshape(g.top_k(scaled, k), {k});                         // [k], in any order
    const Tensor largest = g.get_rows(g.reshape(scaled, {1, vocabulary}), ids);    // [1, k]
    const Tensor smallest = g.argmax(g.scale(g.reshape(largest, {k, 1}), -1.0F));  // [1]: where the k-th largest is
    const Tensor threshold = g.get_rows(largest, smallest);                        // [1, 1]
    const Tensor below = g.step(g.scale(g.sub(scaled, threshold), -1.0F));         // 1 where scaled < threshold
    const Tensor kept = g.sub(scaled, g.scale(below, kOut));                       // ties at the threshold stay
    return g.argmax(g.add(kept, noise));
}

}  // namespace heart::heartmula
