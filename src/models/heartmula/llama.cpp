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

Tensor attention(Graph& g, const LlamaLayer& w, const LlamaDims& d, const nn::Rotary& rotary, const nn::KvCache& cache,
                 int layer, const Placement& at, Tensor x) {
    const std::int64_t columns = at.n * at.rows;
    const Tensor qkv = nn::linear(g, w.qkv, x);                        // [dim + 2 kv_dim, columns]
    const Tensor q = g.slice(qkv, 0, 0, d.dim);                        // [dim, columns]
    const Tensor k = g.slice(qkv, 0, d.dim, d.kv_dim());               // [kv_dim, columns]
    const Tensor v = g.slice(qkv, 0, d.dim + d.kv_dim(), d.kv_dim());  // [kv_dim, columns]

    const Tensor turned_q = rotary(g, g.split_heads(q, d.heads, columns, 1));     // [head_dim, heads, columns]
    const Tensor turned_k = rotary(g, g.split_heads(k, d.kv_heads, columns, 1));  // [head_dim, kv_heads, columns]
    const auto written = cache.append(g, layer, g.reshape(turned_k, {d.kv_dim(), columns}), v, at.slots);

    const Tensor queries = g.reshape(turned_q, {d.head_dim(), d.heads, at.n, at.rows});
    return nn::linear(g, w.attention_out, attend(g, cache, written, at, queries));  // [dim, columns]
}

Tensor layer(Graph& g, const LlamaLayer& w, const LlamaDims& d, const nn::Rotary& rotary, const nn::KvCache& cache,
             int index, const Placement& at, Tensor x) {
    const Tensor a = attention(g, w, d, rotary, cache, index, at, nn::rms_norm(g, x, w.attention_norm, d.norm_eps));
    const Tensor h = g.add(a, x);                                                                       // [dim, columns]
    const Tensor m = nn::swiglu_mlp(g, w.gate_up, w.down, nn::rms_norm(g, h, w.mlp_norm, d.norm_eps));  // [dim, columns]
    return g.add(h, m);
}

}  // namespace

Tensor llama(Graph& g, const LlamaWeights& w, const LlamaDims& d, const nn::KvCache& cache, const Placement& at, Tensor x,
             const std::string& prefix) {
    const nn::Rotary rotary{at.positions, w.rope_factors, d.rope_base};
    for (std::size_t i = 0; i < w.layers.size(); ++i) {
        x = layer(g, w.layers[i], d, rotary, cache, static_cast<int>(i), at, x);
        g.named(x, fmt::format("{}layer{}", prefix, i));
    }
    return nn::rms_norm(g, x, w.norm, d.norm_eps);  // [dim, columns]
}

}  // namespace heart::heartmula
