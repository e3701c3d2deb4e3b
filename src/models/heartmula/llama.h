#pragma once

#include "models/heartmula/config.h"
#include "models/heartmula/weights.h"
#include "nn/kv_cache.h"
#include "nn/layers.h"

#include <string>
#include <vector>

namespace heart::heartmula {

/// Where in their sequences the columns of a pass stand. Columns are ordered row by row: column r * n + i is the i-th new
/// position of row r.
///
/// Behind them may stand one column for all n positions of one more row, which hears, and has heard from its start, the same
/// at every position. Its values are then equal, and an average of equal values is that value however attention weighs them:
/// the row's columns are one and the same, layer by layer. Only its keys are told apart, by their positions.
struct Placement {
    graph::Tensor positions;  ///< i32 [n * (rows + 1 with a uniform row)]
    graph::Tensor slots;      ///< i64, alike: columns of the KV cache
    /// f16 [length, n, 1, 1 or rows], or empty when every column may see all `length` positions.
    graph::Tensor mask;
    std::int64_t n = 1;     ///< new positions of each row
    std::int64_t rows = 1;  ///< without the uniform one
    bool uniform_row = false;
    std::int64_t length = 1;  ///< positions of the cache that are looked at
    /// Where the rows stand in the cache, in their order; together `rows`. Each run attends by itself.
    std::vector<nn::KvCache::Rows> runs;

    [[nodiscard]] std::int64_t columns() const noexcept { return n * rows + (uniform_row ? 1 : 0); }
};

/// One pass of a stack, x [dim, columns] -> [dim, columns], the final norm included: prefill with many columns and a
/// step with one are the same function. Names its nodes `prefix` + "layer0", ... (torchtune modules/transformer.py).
[[nodiscard]] graph::Tensor llama(graph::Graph& g, const LlamaWeights& w, const LlamaDims& dims, const nn::KvCache& cache,
                                  const Placement& at, graph::Tensor x, const std::string& prefix);

}  // namespace heart::heartmula
