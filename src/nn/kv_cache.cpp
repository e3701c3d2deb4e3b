#include "nn/kv_cache.h"

#include <fmt/format.h>

namespace heart::nn {

using graph::Graph;
using graph::Tensor;

KvCache::KvCache(graph::TensorStore& store, const std::string& name, int layers, std::int64_t head_dim,
                 std::int64_t kv_heads, std::int64_t capacity, std::int64_t rows, graph::Type type)
    : head_dim_(head_dim), kv_heads_(kv_heads), capacity_(capacity), rows_(rows) {
    for (int i = 0; i < layers; ++i) {
        k_.push_back(store.add(fmt::format("{}.k{}", name, i), type, {kv_heads * head_dim, capacity * rows}));
        v_.push_back(store.add(fmt::format("{}.v{}", name, i), type, {kv_heads * head_dim, capacity * rows}));
    }
}

KvCache::KeyValue KvCache::append(Graph& g, int layer, Tensor k, Tensor v, Tensor slots) const {
    const auto i = static_cast<std::size_t>(layer);
    return {g.set_rows(k_[i], k, slots), g.set_rows(v_[i], v, slots)};
}

KvCache::KeyValue KvCache::look(Graph& g, const KeyValue& written, const Rows& rows, std::int64_t length) const {
    const auto view = [&](Tensor all) {
        const Tensor by_row = g.reshape(all, {head_dim_, kv_heads_, capacity_, rows_});
        const Tensor some = g.slice(by_row, 3, rows.first, rows.count);  // [head_dim, kv_heads, capacity, count]
        const Tensor seen = g.slice(some, 2, 0, length);                 // [head_dim, kv_heads, length, count]
        return g.permute(seen, 0, 2, 1, 3);                              // [head_dim, length, kv_heads, count]
    };
    return {view(written.k), view(written.v)};
}

std::uint64_t KvCache::bytes(int layers, std::int64_t head_dim, std::int64_t kv_heads, std::int64_t capacity,
                             std::int64_t rows, graph::Type type) {
    return 2 * graph::type_bytes(type, static_cast<std::uint64_t>(layers * head_dim * kv_heads * capacity * rows));
}

}  // namespace heart::nn
