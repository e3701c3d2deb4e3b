#pragma once

#include "graph/tensor.h"
#include "models/heartcodec/config.h"
#include "models/heartmula/config.h"
#include "models/heartmula/weights.h"

#include <cstdint>

namespace heart::engine {

/// Bytes of memory that one frame reads at the least: each weight as often as it is used, in the type it is stored in, and
/// the keys and values of the context. Single rows of embeddings, the depth decoder's cache and activations stay in caches
/// and do not count.
struct FrameBytes {
    std::uint64_t backbone = 0;  ///< its layers once, and its keys and values
    std::uint64_t depth = 0;     ///< all heads once, projection and layers once for each codebook after the first

    [[nodiscard]] std::uint64_t all() const noexcept { return backbone + depth; }
};

/// `weights` need to be declared in a store, not loaded. `context`: positions that the frame looks at; `type`: of the
/// model's matrices, which decides that of the cache.
[[nodiscard]] FrameBytes frame_bytes(const heartmula::Weights& weights, const heartmula::Config& config,
                                     std::int64_t context, float cfg_scale, graph::Type type);

/// Operations of the matrix products in one evaluation of the flow transformer, a multiply-add being two.
[[nodiscard]] double estimator_flops(const heartcodec::Config& config, std::int64_t frames, std::int64_t rows);

/// The same for the scalar decoder, both channels of `latents` latent frames.
[[nodiscard]] double scalar_decoder_flops(const heartcodec::Config& config, std::int64_t latents);

}  // namespace heart::engine
