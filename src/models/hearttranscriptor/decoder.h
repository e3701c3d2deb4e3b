#pragma once

#include "graph/graph.h"
#include "models/hearttranscriptor/config.h"
#include "models/hearttranscriptor/weights.h"
#include "nn/kv_cache.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace heart::hearttranscriptor {

/// Keys and values of the encoder's output, for each layer of the decoder: [head_dim, encoder positions, heads] each.
using CrossCache = std::vector<nn::KvCache::KeyValue>;

/// Describes a cross cache in `store`, which must be allocated before it is used.
[[nodiscard]] CrossCache add_cross_cache(graph::TensorStore& store, const Config& config, graph::Type type);

/// Fills the cross cache from the encoder's output [dim, encoder positions].
void fill_cross_cache(graph::Graph& g, const Weights& w, const CrossCache& cache, graph::Tensor encoded);

/// Where the columns of a pass stand. Sequences that are decoded together share one pool of cache slots: a column writes
/// its keys and values into a slot of its own and sees those that its mask shows, the slots of the tokens before it. Beams
/// that have a past in common look at the same slots, and nothing is copied when one beam goes on from another.
struct Placement {
    graph::Tensor slots;      ///< i64 [n]
    graph::Tensor mask;       ///< f16 [length, n], 0 where a column looks and -inf where not
    std::int64_t length = 1;  ///< slots of the pool that are looked at
};

/// Cross-attention that is kept for alignment: the softmax of (layer, head), each f32 [encoder positions, n].
struct CrossAttention {
    std::vector<std::pair<std::int32_t, std::int32_t>> heads;
    std::vector<graph::Tensor> weights;  ///< one for each head, in the order of the layers
};

/// One pass of the decoder, x [dim, n] (see Model::embed) -> [dim, n], the final norm included: prompts, steps and whole
/// texts for alignment are the same function. Names its nodes "decoder.layer0", ....
[[nodiscard]] graph::Tensor decoder(graph::Graph& g, const Weights& w, const DecoderConfig& d, const nn::KvCache& self,
                                    const CrossCache& cross, const Placement& at, graph::Tensor x,
                                    CrossAttention* kept = nullptr);

}  // namespace heart::hearttranscriptor
