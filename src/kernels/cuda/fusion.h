#pragma once

#include "kernels/cuda/decode_products.h"
#include "kernels/cuda/sampling.h"

#include <optional>
#include <vector>

struct ggml_cgraph;

namespace heart::cuda {

/// Before attention, in one kernel: queries are turned into a tensor, keys turned into the cache, values copied into it.
struct RotateAndStore {
    const ggml_tensor* query = nullptr;  ///< the ROPE node
    const ggml_tensor* key = nullptr;    ///< the ROPE node whose result the next stores
    const ggml_tensor* store_key = nullptr;
    const ggml_tensor* store_value = nullptr;
};

[[nodiscard]] bool can_rotate_and_store(const RotateAndStore& r);
void rotate_and_store(const Context& c, const RotateAndStore& r);

/// One piece of work: a node, or several that one kernel does.
struct Step {
    const ggml_tensor* node = nullptr;  ///< the last of those that the step stands for
    std::optional<DecodeProduct> product;
    std::optional<RotateAndStore> rotate;
    std::optional<Draw> draw;
};

/// The work of a graph in order. For decoding, where starting a kernel takes as long as many of them run, these become one:
///
///   RMS_NORM, MUL, product                     a product that weighs and scales what it reads
///   product, ADD of the same shape             a product that adds
///   product, SWIGLU                            a product of two halves
///   ROPE (q), ROPE (k), SET_ROWS, SET_ROWS     RotateAndStore, before the attention that reads them
///   SUB, MUL, ADD, draw, CPY                   a draw that guides, and writes its tokens where they are wanted
///
/// only where nobody else reads what then is never written, and where no memory that is read has been given to others.
[[nodiscard]] std::vector<Step> steps_of(const ggml_cgraph* graph);

}  // namespace heart::cuda
