#pragma once

#include "core/cancel.h"
#include "models/heartcodec/estimator.h"

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace heart::heartcodec {

/// How latents are computed from codes.
struct FlowOptions {
    int steps = 10;          ///< Euler steps
    float guidance = 1.25F;  ///< classifier-free guidance where > 1
    graph::GraphOptions graph;
};

/// Turns codes into latents by integrating the flow from noise at t = 0 to t = 1 with fixed Euler steps (heartlib
/// flow_matching.py, solve_euler). One graph per step, built once for a number of frames; x stays on the device.
class FlowSolver {
public:
    /// `codes`: code frames of a window; each becomes two latent frames.
    FlowSolver(const std::shared_ptr<graph::Device>& device, const Weights& weights, const Config& config,
               std::int64_t codes, const FlowOptions& options);

    /// Sets what the flow is conditioned on: codes [quantizers][codes], each within the codebook.
    void condition(std::span<const std::int32_t> codes);

    using StepProgress = std::function<void(int done)>;

    /// Integrates. `noise` [frames][latent_channels] is x at t = 0; the first `context.size() / latent_channels` frames are
    /// held on the straight path from their noise to `context` and come out as the solver leaves them.
    /// Returns [frames][latent_channels].
    [[nodiscard]] std::vector<float> solve(std::span<const float> noise, std::span<const float> context,
                                           const CancelToken& cancel, const StepProgress& progress = {});

    [[nodiscard]] std::int64_t frames() const noexcept { return frames_; }
    /// Nodes by name after a solve, "x_in" and the estimator's; and of the conditioning, "rvq", "cond", "mu".
    [[nodiscard]] const graph::Graph& graph() const noexcept { return step_; }
    [[nodiscard]] const graph::Graph& condition_graph() const noexcept { return condition_; }
    /// Called after each step with its number, so that tests can read that step's nodes.
    std::function<void(int step)> after_step_for_tests;

private:
    void build_condition(const QuantizerWeights& weights);
    void build_step(const EstimatorWeights& weights);

    Config config_;
    FlowOptions options_;
    std::int64_t codes_, frames_, rows_;
    std::vector<float> times_, widths_;  // of each step
    TimeTable table_;
    graph::TensorStore store_;
    graph::Graph condition_, step_;
    graph::Tensor code_ids_, mu_, no_mu_, x_, noise_, context_, in_context_, free_;
    graph::Tensor step_index_, noise_share_, time_, width_, positions_, padding_;
};

}  // namespace heart::heartcodec
