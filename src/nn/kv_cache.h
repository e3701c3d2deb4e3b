#pragma once

#include "graph/graph.h"

#include <cstdint>
#include <string>
#include <vector>

namespace heart::nn {

/// Keys and values of every layer for every position seen so far, for `rows` sequences side by side.
///
/// Position p of row r is column r * capacity + p, so that one indexed write stores a step of all rows, and the first
/// `length` positions of rows that follow one another are one strided view.
class KvCache {
public:
    struct KeyValue {
        graph::Tensor k, v;
    };
    /// Rows of the cache that follow one another.
    struct Rows {
        std::int64_t first = 0, count = 1;
    };

    /// Describes the cache in `store`, which must be allocated before the cache is used.
    KvCache(graph::TensorStore& store, const std::string& name, int layers, std::int64_t head_dim, std::int64_t kv_heads,
            std::int64_t capacity, std::int64_t rows, graph::Type type);

    /// Stores k and v (f32 [kv_heads * head_dim, columns]) in the columns `slots` (i64 [columns], see `slot`) and returns
    /// the layer's whole cache with them, each [kv_heads * head_dim, capacity * rows].
    [[nodiscard]] KeyValue append(graph::Graph& g, int layer, graph::Tensor k, graph::Tensor v, graph::Tensor slots) const;

    /// What queries may look at of a cache that `append` returned: the first `length` positions of some rows, each
    /// [head_dim, length, kv_heads, rows.count].
    [[nodiscard]] KeyValue look(graph::Graph& g, const KeyValue& written, const Rows& rows, std::int64_t length) const;

    [[nodiscard]] std::int64_t slot(std::int64_t row, std::int64_t position) const noexcept {
        return row * capacity_ + position;
    }
    [[nodiscard]] std::int64_t capacity() const noexcept { return capacity_; }

    /// Bytes that such a cache takes.
    [[nodiscard]] static std::uint64_t bytes(int layers, std::int64_t head_dim, std::int64_t kv_heads, std::int64_t capacity,
                                             std::int64_t rows, graph::Type type);

private:
    std::int64_t head_dim_, kv_heads_, capacity_, rows_;
    std::vector<graph::Tensor> k_, v_;  // each [kv_heads * head_dim, capacity * rows]
};

}  // namespace heart::nn
