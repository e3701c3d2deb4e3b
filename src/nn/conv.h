#pragma once

#include "graph/graph.h"
#include "graph/weights.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heart::nn {

/// A 1-d convolution over time. Signals are channels-last with `lanes` independent sequences interleaved: [channels,
/// time * lanes], so that a shift in time is a shift by whole columns.
struct Conv1d {
    graph::Tensor taps;  ///< a product's matrix [kernel * in, out]; the last `in` columns meet the newest sample
    graph::Tensor bias;  ///< [out]
    std::int64_t kernel = 1;
    std::int64_t dilation = 1;
    std::int64_t in = 0;  ///< channels of x, which `taps` alone do not tell; as planned below

    /// Samples of the past that an output needs.
    [[nodiscard]] std::int64_t context() const noexcept { return (kernel - 1) * dilation; }
};

/// What follows a convolution within the same pass over memory: PReLU with one slope, then a sum with a signal.
struct After {
    std::optional<float> slope;
    graph::Tensor add;  ///< [out, t * lanes]
};

/// Outputs only where all taps meet input: [in, (t + context) * lanes] -> [out, t * lanes].
[[nodiscard]] graph::Tensor conv1d_valid(graph::Graph& g, const Conv1d& conv, graph::Tensor x, std::int64_t lanes,
                                         const After& after = {});

/// The causal convolution of a signal that comes in tiles: [in, t * lanes] -> [out, t * lanes]. `memory` [in, context *
/// lanes] holds the end of the signal before the tile, zeros before its start; each run reads and updates it. It is empty
/// where the context is 0.
[[nodiscard]] graph::Tensor conv1d_causal(graph::Graph& g, const Conv1d& conv, graph::Tensor memory, graph::Tensor x,
                                          std::int64_t lanes, const After& after = {});

/// Transposed convolution with kernel = 2 * stride whose last `stride` outputs are dropped (causal): block t of `stride`
/// outputs is now * x[t] + before * x[t-1] + bias, which is a convolution with two taps in place of an overlap-add.
struct Upsample {
    Conv1d blocks;  ///< in -> out * stride, channel fastest; kernel 2: taps stride..2*stride-1, then 0..stride-1
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

/// A convolution with three taps that keeps every second output, over a signal with one zero in front, as two taps over
/// pairs of samples: [2 in, t] -> [out, t - 1]; the last `in` numbers of the second pair meet zeros.
/// Plans the published [out, in, 3] weight of a Conv1d named `name` (stride 2) and its bias.
void plan_halving_conv1d(graph::WeightPlan& plan, Conv1d& conv, const std::string& name, std::int64_t in, std::int64_t out);

/// Plans the published [in, out, 2 * stride] weight (weight norm) of a ConvTranspose1d named `name` and its bias.
void plan_upsample(graph::WeightPlan& plan, Upsample& up, const std::string& name, std::int64_t in, std::int64_t out,
                   std::int64_t stride);

}  // namespace heart::nn
