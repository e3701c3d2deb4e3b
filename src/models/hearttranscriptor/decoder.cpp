#include "models/hearttranscriptor/decoder.h"

#include <fmt/format.h>

#include <cmath>

namespace heart::hearttranscriptor {

using graph::Graph;
using graph::Tensor;

CrossCache add_cross_cache(graph::TensorStore& store, const Config& c, graph::Type type) {
    CrossCache out;
    for (std::int64_t i = 0; i < c.decoder.layers; ++i) {
        // A head's positions one behind the other: each step reads all of them, in the order of memory.
        const graph::Shape shape{c.decoder.head_dim(), c.encoder.positions, c.decoder.heads};
        out.push_back(
            {store.add(fmt::format("cross.k{}", i), type, shape), store.add(fmt::format("cross.v{}", i), type, shape)});
    }
    return out;
}

void fill_cross_cache(Graph& g, const Weights& w, const CrossCache& cache, Tensor encoded) {
    for (std::size_t i = 0; i < w.layers.size(); ++i) {
        const Tensor kv = w.layers[i].cross_kv(g, encoded);  // [2 dim, positions]
        const std::int64_t dim = encoded.dim(0), positions = encoded.dim(1), heads = cache[i].k.dim(2);
        const auto by_head = [&](Tensor t) {
            return g.permute(g.split_heads(t, heads, positions, 1), 0, 2, 1, 3);  // [head_dim, positions, heads, 1]
        };
        g.effect(g.copy_into(by_head(g.slice(kv, 0, 0, dim)), cache[i].k));
        g.effect(g.copy_into(by_head(g.slice(kv, 0, dim, dim)), cache[i].v));
    }
}

namespace {

Tensor self_attention(Graph& g, const DecoderLayer& w, const DecoderConfig& d, const nn::KvCache& cache, int layer,
                      const Placement& at, Tensor x, Tensor residual) {
    const std::int64_t n = x.dim(1);
    const Tensor qkv = w.self_qkv(g, x);  // [3 dim, n]
    const auto part = [&](std::int64_t i) { return g.slice(qkv, 0, i * d.dim, d.dim); };
    const auto written = cache.append(g, layer, part(1), part(2), at.slots);
    const auto seen = cache.look(g, written, {}, at.length);                       // [head_dim, length, heads, 1]
    const Tensor q = g.split_heads(part(0), d.heads, n, 1);                        // [head_dim, heads, n, 1]
    return w.self_out(g, nn::attention(g, q, seen.k, seen.v, at.mask), residual);  // [dim, n]
}

/// softmax(q k^T / sqrt(head_dim)) of one head; q [dim, n], keys [head_dim, positions, heads] -> [positions, n].
Tensor attention_weights(Graph& g, const DecoderConfig& d, std::int32_t head, Tensor q, Tensor keys) {
    const Tensor q_of_head = g.contiguous(g.slice(q, 0, head * d.head_dim(), d.head_dim()));  // [head_dim, n]
    const Tensor scores = g.mul_mat(g.slice(keys, 2, head, 1), q_of_head);                    // [positions, n]
    return g.soft_max(scores, {}, 1.0F / std::sqrt(static_cast<float>(d.head_dim())));
}

Tensor cross_attention(Graph& g, const DecoderLayer& w, const DecoderConfig& d, const nn::KvCache::KeyValue& cross,
                       int layer, Tensor x, Tensor residual, CrossAttention* kept) {
    const Tensor q = w.cross_q(g, x);  // [dim, n]
    for (std::size_t i = 0; kept != nullptr && i < kept->heads.size(); ++i) {
        if (kept->heads[i].first != layer) continue;
        kept->weights[i] = attention_weights(g, d, kept->heads[i].second, q, cross.k);
        g.output(kept->weights[i]);
    }
    const Tensor queries = g.split_heads(q, d.heads, q.dim(1), 1);                     // [head_dim, heads, n, 1]
    return w.cross_out(g, nn::attention(g, queries, cross.k, cross.v, {}), residual);  // [dim, n]
}

}  // namespace

Tensor decoder(Graph& g, const Weights& w, const DecoderConfig& d, const nn::KvCache& self, const CrossCache& cross,
               const Placement& at, Tensor x, CrossAttention* kept) {
    if (kept != nullptr) kept->weights.assign(kept->heads.size(), {});
    for (std::size_t i = 0; i < w.layers.size(); ++i) {
        const DecoderLayer& layer = w.layers[i];
        const int index = static_cast<int>(i);
        x = self_attention(g, layer, d, self, index, at, layer.self_norm(g, x), x);
        x = cross_attention(g, layer, d, cross[i], index, layer.cross_norm(g, x), x, kept);
        x = layer.down(g, g.gelu(layer.up(g, layer.mlp_norm(g, x))), x);
        g.named(x, fmt::format("decoder.layer{}", i));
    }
    return w.norm(g, x);  // [dim, n]
}

}  // namespace heart::hearttranscriptor
