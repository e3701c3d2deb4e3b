#pragma once

#include "graph/graph.h"
#include "models/heartcodec/weights.h"

#include <span>
#include <vector>

namespace heart::heartcodec {

/// Everything in the estimator that depends on time alone, for a fixed list of times: computed once, then looked up by
/// step. Shifts, scales and gates of every block (heartlib transformer.py, AdaLayerNormSingleFlow).
class TimeTable {
public:
    TimeTable(const std::shared_ptr<graph::Device>& device, const EstimatorWeights& weights, const Config& config,
              std::span<const float> times, graph::GraphOptions options = {});

    /// Six vectors for one block at the step that `step` (i32 [1]) names: shift, 1 + scale and gate of attention, then of
    /// the feed-forward. [6 dim]
    [[nodiscard]] graph::Tensor block(graph::Graph& g, int stage, std::size_t index, graph::Tensor step) const;
    /// shift and 1 + scale behind the last block of a stage. [2 dim]
    [[nodiscard]] graph::Tensor out(graph::Graph& g, int stage, graph::Tensor step) const;

    /// Nodes "t_emb", "t_mod", "t_emb_2", "t_mod_2" for tests (`keep_named`).
    [[nodiscard]] const graph::Graph& graph() const noexcept { return graph_; }

private:
    struct Stage {
        std::vector<graph::Tensor> blocks;  // each [6 dim, times]
        graph::Tensor out;                  // [2 dim, times]
    };

    void build_stage(const StageWeights& weights, std::int64_t dim, Stage& stage, graph::Tensor sinusoid,
                     const std::string& suffix);

    graph::TensorStore store_;
    graph::Graph graph_;
    std::int64_t steps_;
    Stage stages_[2];
    graph::Tensor ones_[2][2];  // [stage][block or out]: 1 where a scale stands
};

/// cos(t f_i 1000) for i < 256, then sin, with f_i = 10000^(-i/256): [512] (heartlib transformer.py, timestep_embedding).
[[nodiscard]] std::vector<float> time_sinusoid(float t);

/// What a pass of the estimator reads besides its input.
struct EstimatorInputs {
    graph::Tensor positions;  ///< i32 [frames * rows]: 0..frames-1 in each row
    graph::Tensor padding;    ///< f32 zeros, at least [widest channels, 1, rows]
    graph::Tensor step;       ///< i32 [1]: which time of the table
};

/// The flow-matching vector field (heartlib transformer.py, LlamaTransformer): x [in_channels, frames, rows] ->
/// [latent_channels, frames, rows].
[[nodiscard]] graph::Tensor estimator(graph::Graph& g, const EstimatorWeights& weights, const Config& config,
                                      const TimeTable& times, const EstimatorInputs& in, graph::Tensor x);

/// Channels that `EstimatorInputs::padding` must have.
[[nodiscard]] std::int64_t widest_projection(const Config& config);

}  // namespace heart::heartcodec
