#include "models/heartmula/llama.h"

#include <fmt/format.h>

namespace heart::heartmula {

using graph::Graph;
using graph::Tensor;

namespace {

/// Each run of rows looks at its own part of the cache: queries [head_dim, heads, n, rows] -> [dim, n * rows].
Tensor attend(Graph& g, const nn::KvCache& cache, const nn::KvCache::KeyValue& written, const Placement& at,
              Tensor queries) {
    Tensor out;
    std::int64_t row = 0;
    for (const nn::KvCache::Rows& run : at.runs) {
        const nn::KvCache::KeyValue seen = cache.look(g, written, run, at.length);  // [head_dim, length, kv_heads, count]
        const bool own_masks = at.mask && at.mask.dim(3) > 1;
        const Tensor mask = own_masks ? g.slice(at.mask, 3, row, run.count) : at.mask;
        const Tensor part = nn::attention(g, g.slice(queries, 3, row, run.count), seen.k, seen.v, mask);
        out = out ? g.concat(out, part, 1) : part;  // [dim, n * rows so far]
        row += run.count;
    }
    return out;
}

/// Keys or values for each position: a uniform row's column as often as it has positions. -> [kv_dim, positions]
Tensor of_positions(Graph& g, const Placement& at, Tensor x) {
    if (!at.uniform_row) return x;
    const std::int64_t own = at.n * at.rows;
    return g.concat(g.slice(x, 1, 0, own), g.repeat_to(g.slice(x, 1, own, 1), {x.dim(0), at.n}), 1);
}

/// Attention of the uniform row is its value: v [kv_dim, 1] -> [dim, 1], each kv head for all query heads of its group.
Tensor uniform_attention(Graph& g, const LlamaDims& d, Tensor v) {
    const Tensor by_head = g.reshape(v, {d.head_dim(), 1, d.kv_heads});
    return g.reshape(g.repeat_to(by_head, {d.head_dim(), d.heads / d.kv_heads, d.kv_heads}), {d.dim, 1});
}

/// Of keys, at each position; and of queries, which a uniform row has no need of.
struct Rotations {
    nn::Rotary k, q;
};

Tensor attention(Graph& g, const LlamaLayer& w, const LlamaDims& d, const Rotations& rotary, const nn::KvCache& cache,
                 int layer, const Placement& at, Tensor x) {
    const std::int64_t own = at.n * at.rows, positions = at.positions.dim(0);
    const Tensor qkv = nn::linear(g, w.qkv, x);                        // [dim + 2 kv_dim, columns]
    const Tensor q = g.slice(qkv, 0, 0, d.dim);                        // [dim, columns]
    const Tensor k = g.slice(qkv, 0, d.dim, d.kv_dim());               // [kv_dim, columns]
    const Tensor v = g.slice(qkv, 0, d.dim + d.kv_dim(), d.kv_dim());  // [kv_dim, columns]

    const Tensor own_q = at.uniform_row ? g.slice(q, 1, 0, own) : q;             // [dim, own]
    const Tensor turned_q = rotary.q(g, g.split_heads(own_q, d.heads, own, 1));  // [head_dim, heads, own]
    const Tensor turned_k = rotary.k(g, g.split_heads(of_positions(g, at, k), d.kv_heads, positions, 1));
    const auto written =
        cache.append(g, layer, g.reshape(turned_k, {d.kv_dim(), positions}), of_positions(g, at, v), at.slots);

    const Tensor queries = g.reshape(turned_q, {d.head_dim(), d.heads, at.n, at.rows});
    Tensor seen = attend(g, cache, written, at, queries);  // [dim, own]
    if (at.uniform_row) seen = g.concat(seen, uniform_attention(g, d, g.slice(v, 1, own, 1)), 1);
    return nn::linear(g, w.attention_out, seen);  // [dim, columns]
}

Tensor layer(Graph& g, const LlamaLayer& w, const LlamaDims& d, const Rotations& rotary, const nn::KvCache& cache, int index,
             const Placement& at, Tensor x) {
    const Tensor a = attention(g, w, d, rotary, cache, index, at, nn::rms_norm(g, x, w.attention_norm, d.norm_eps));
    const Tensor h = g.add(a, x);                                                                       // [dim, columns]
    const Tensor m = nn::swiglu_mlp(g, w.gate_up, w.down, nn::rms_norm(g, h, w.mlp_norm, d.norm_eps));  // [dim, columns]
    return g.add(h, m);
}

}  // namespace

Tensor llama(Graph& g, const LlamaWeights& w, const LlamaDims& d, const nn::KvCache& cache, const Placement& at, Tensor x,
             const std::string& prefix) {
    const Tensor own = at.uniform_row ? g.slice(at.positions, 0, 0, at.n * at.rows) : at.positions;
    const Rotations rotary{{at.positions, w.rope_factors, d.rope_base}, {own, w.rope_factors, d.rope_base}};
    for (std::size_t i = 0; i < w.layers.size(); ++i) {
        x = layer(g, w.layers[i], d, rotary, cache, static_cast<int>(i), at, x);
        g.named(x, fmt::format("{}layer{}", prefix, i));
    }
    return nn::rms_norm(g, x, w.norm, d.norm_eps);  // [dim, columns]
}

}  // namespace heart::heartmula
