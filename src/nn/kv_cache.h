#pragma once

#include "graph/graph.h"

#include <cstdint>
#include <string>
#include <vector>

namespace heart::nn {

/// Keys and values of every layer for every position seen so far, for `rows` sequences side by side.
///
/// Position p of row r is column r * capacity + p, so that one indexed write stores a step of all rows, and the first
/// `length` positions of all rows are one strided view.
class KvCache {
public:
    struct KeyValue {
        graph::Tensor k, v;  ///< [head_dim, length, kv_heads, rows]
    };

    /// Describes the cache in `store`, which must be allocated before the cache is used.
    KvCache(graph::TensorStore& store, const std::string& name, int layers, std::int64_t head_dim, std::int64_t kv_heads,
            std::int64_t capacity, std::int64_t rows, graph::Type type);

    /// Stores k and v (f32 [kv_heads * head_dim, columns]) in the columns `slots` (i64 [columns], see `slot`) and returns
    /// what a query may look at: the first `length` positions.
    [[nodiscard]] KeyValue append(graph::Graph& g, int layer, graph::Tensor k, graph::Tensor v, graph::Tensor slots,
                                  std::int64_t length) const;

    [[nodiscard]] std::int64_t slot(std::int64_t row, std::int64_t position) const noexcept {
        return row * capacity_ + position;
    }
    [[nodiscard]] std::int64_t capacity() const noexcept { return capacity_; }

    /// Bytes that such a cache takes.
    [[nodiscard]] static std::uint64_t bytes(int layers, std::int64_t head_dim, std::int64_t kv_heads, std::int64_t capacity,
                                             std::int64_t rows, graph::Type type);

private:
    [[nodiscard]] graph::Tensor view(graph::Graph& g, graph::Tensor written, std::int64_t length) const;

    std::int64_t head_dim_, kv_heads_, capacity_, rows_;
    std::vector<graph::Tensor> k_, v_;  // each [kv_heads * head_dim, capacity * rows]
};

}  // namespace heart::nn
