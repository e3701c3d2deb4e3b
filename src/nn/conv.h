#pragma once

#include "graph/graph.h"
#include "graph/weights.h"

#include <cstdint>
#include <string>
#include <vector>

namespace heart::nn {

/// A 1-d convolution over time. Signals are channels-last with `lanes` independent sequences interleaved: [channels,
/// time * lanes], so that a shift in time is a contiguous slice and each tap is one matrix product.
struct Conv1d {
    graph::Tensor taps;  ///< [in, out, kernel]; tap kernel-1 meets the newest sample
    graph::Tensor bias;  ///< [out]
    std::int64_t dilation = 1;

    [[nodiscard]] std::int64_t kernel() const noexcept { return taps.dim(2); }
    /// Samples of the past that an output needs.
    [[nodiscard]] std::int64_t context() const noexcept { return (kernel() - 1) * dilation; }
};

/// Outputs only where all taps meet input: [in, (t + context) * lanes] -> [out, t * lanes].
[[nodiscard]] graph::Tensor conv1d_valid(graph::Graph& g, const Conv1d& conv, graph::Tensor x, std::int64_t lanes);

/// Adds what a causal layer remembers between tiles to the front of a tile: the last `samples` of the signal before it,
/// zeros before its start. Reads and updates `memory` [channels, samples * lanes] with every run.
[[nodiscard]] graph::Tensor with_past(graph::Graph& g, graph::Tensor memory, graph::Tensor x);

/// Transposed convolution with kernel = 2 * stride whose last `stride` outputs are dropped (causal): output block t is
/// now * x[t] + before * x[t-1] + bias, two matrix products in place of an overlap-add.
struct Upsample {
    graph::Tensor now, before;  ///< [in, out * stride]: taps 0..stride-1 and stride..2*stride-1, channel fastest
    graph::Tensor bias;         ///< [out]
    std::int64_t stride = 1;
};

/// [in, t * lanes] -> [out, t * stride * lanes]; `memory` [in, lanes] holds x[-1].
[[nodiscard]] graph::Tensor upsample(graph::Graph& g, const Upsample& up, graph::Tensor memory, graph::Tensor x,
                                     std::int64_t lanes);

/// Plans the published [out, in, kernel] weight of a Conv1d named `name` and its bias, plain or with weight norm
/// (`name`.parametrizations.weight.original0 / original1: w = g v / |v|, norm over all axes but the first).
enum class Norm { none, weight };
void plan_conv1d(graph::WeightPlan& plan, Conv1d& conv, const std::string& name, Norm norm, std::int64_t in,
                 std::int64_t out, std::int64_t kernel, std::int64_t dilation);

/// Plans the published [in, out, 2 * stride] weight (weight norm) of a ConvTranspose1d named `name` and its bias.
void plan_upsample(graph::WeightPlan& plan, Upsample& up, const std::string& name, std::int64_t in, std::int64_t out,
                   std::int64_t stride);

}  // namespace heart::nn
