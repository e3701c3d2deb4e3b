#pragma once

// Inside src/graph only: how this room's types map to ggml's.

#include "graph/tensor.h"

#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml.h>

#include <memory>

namespace heart::graph {

[[nodiscard]] ggml_type to_ggml(Type type) noexcept;
[[nodiscard]] Type from_ggml(ggml_type type);

struct ContextFree {
    void operator()(ggml_context* c) const noexcept { ggml_free(c); }
};
struct BufferFree {
    void operator()(ggml_backend_buffer* b) const noexcept { ggml_backend_buffer_free(b); }
};
struct GallocrFree {
    void operator()(ggml_gallocr* a) const noexcept { ggml_gallocr_free(a); }
};
using ContextPtr = std::unique_ptr<ggml_context, ContextFree>;
using BufferPtr = std::unique_ptr<ggml_backend_buffer, BufferFree>;
using GallocrPtr = std::unique_ptr<ggml_gallocr, GallocrFree>;

/// A context that holds descriptions of `tensors` tensors and a graph of that size, and no data.
[[nodiscard]] ContextPtr make_context(std::size_t tensors, bool with_graph);

}  // namespace heart::graph
