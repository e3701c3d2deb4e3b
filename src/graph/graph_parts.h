#pragma once

// Inside src/graph only: what a Graph is made of.

#include "graph/ggml_types.h"
#include "graph/graph.h"

#include <string>
#include <unordered_map>

namespace heart::graph {

struct Graph::Parts {
    ContextPtr context;
    ggml_cgraph* cgraph = nullptr;  // lives in the context
    GallocrPtr gallocr;
    std::unordered_map<std::string, Tensor> names;
};

}  // namespace heart::graph
