#pragma once

// Inside src/graph only: what a Graph is made of.

#include "graph/ggml_types.h"
#include "graph/graph.h"
#include "kernels/nodes.h"

#include <deque>
#include <string>
#include <unordered_map>

namespace heart::graph {

struct Graph::Parts {
    ContextPtr context;
    ggml_cgraph* cgraph = nullptr;  // lives in the context
    GallocrPtr gallocr;
    std::unordered_map<std::string, Tensor> names;
    // What our own nodes point to: at addresses that stay.
    kernels::WorkQueue queue;
    kernels::ProductSetting product{.queue = &queue};
    std::deque<kernels::ConvolutionSetting> convolutions;
    std::deque<kernels::AttentionSetting> attentions;
    std::deque<kernels::DrawSetting> draws;
};

}  // namespace heart::graph
