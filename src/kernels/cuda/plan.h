#pragma once

#include "kernels/cuda/fusion.h"

#include <vector>

struct ggml_cgraph;

namespace heart::cuda {

/// A graph that was seen before: its steps, and after two runs the recorded CUDA graph, which replays all of them with one
/// call. Nodes, addresses and settings must stay as they are for as long as the plan lives.
class Plan {
public:
    explicit Plan(const ggml_cgraph* graph);
    ~Plan();
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    [[nodiscard]] std::size_t scratch_bytes() const noexcept { return scratch_bytes_; }

    /// Starts the graph's work on the context's stream. Returns whether it was a replay.
    bool start(const Context& c);

    /// A recording names the scratch memory it was made with: forgets it where that moved.
    void forget_recording() noexcept;

private:
    void run_each(const Context& c) const;
    void record(const Context& c);

    std::vector<Step> steps_;
    std::size_t scratch_bytes_ = 0;
    cudaGraphExec_t recording_ = nullptr;
    bool warm_ = false;  ///< ran once: libraries have set up what they need
};

}  // namespace heart::cuda
