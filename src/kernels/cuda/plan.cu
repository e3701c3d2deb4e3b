#include "kernels/cuda/plan.h"

#include "kernels/cuda/nodes.h"

#include <algorithm>

namespace heart::cuda {

Plan::Plan(const ggml_cgraph* graph) : steps_(steps_of(graph)) {
    for (const Step& step : steps_) scratch_bytes_ = std::max(scratch_bytes_, cuda::scratch_bytes(step.node));
}

Plan::~Plan() {
    forget_recording();
}

void Plan::forget_recording() noexcept {
    if (recording_ != nullptr) cudaGraphExecDestroy(recording_);
    recording_ = nullptr;
}

void Plan::run_each(const Context& c) const {
    for (const Step& step : steps_) {
        if (step.product) {
            decode(c, *step.product);
        } else if (step.draw) {
            draw(c, *step.draw);
        } else if (step.rotate) {
            rotate_and_store(c, *step.rotate);
        } else {
            run(c, step.node);
        }
        check(cudaGetLastError(), ggml_op_desc(step.node));
    }
}

void Plan::record(const Context& c) {
    check(cudaStreamBeginCapture(c.stream, cudaStreamCaptureModeThreadLocal), "recording a graph");
    cudaGraph_t graph = nullptr;
    try {
        run_each(c);
    } catch (...) {
        cudaStreamEndCapture(c.stream, &graph);
        if (graph != nullptr) cudaGraphDestroy(graph);
        throw;
    }
    check(cudaStreamEndCapture(c.stream, &graph), "recording a graph");
    const cudaError_t status = cudaGraphInstantiate(&recording_, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "recording a graph");
}

bool Plan::start(const Context& c) {
    if (!warm_) {  // many graphs, of prompts say, run once only
        run_each(c);
        warm_ = true;
        return false;
    }
    const bool replays = recording_ != nullptr;
    if (!replays) record(c);
    check(cudaGraphLaunch(recording_, c.stream), "replaying a graph");
    return replays;
}

}  // namespace heart::cuda
