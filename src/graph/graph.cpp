#include "graph/graph.h"

#include "core/error.h"
#include "graph/ggml_types.h"
#include "graph/graph_parts.h"

#include <fmt/format.h>

#include <utility>

namespace heart::graph {

Graph::Graph(std::shared_ptr<Device> device, GraphOptions options, std::size_t max_nodes)
    : device_(std::move(device)), options_(options), parts_(std::make_unique<Parts>()) {
    parts_->context = make_context(max_nodes, true);
    parts_->cgraph = ggml_new_graph_custom(parts_->context.get(), max_nodes, false);
}

Graph::~Graph() {
    if (parts_) device_->forget(parts_->cgraph);
}

Graph::Graph(Graph&&) noexcept = default;

Graph& Graph::operator=(Graph&& other) noexcept {
    std::swap(device_, other.device_);  // what this graph was goes with the other, and is forgotten there
    std::swap(options_, other.options_);
    std::swap(parts_, other.parts_);
    return *this;
}

ggml_context* Graph::ctx() const noexcept {
    return parts_->context.get();
}

namespace {

/// A view shares its source's memory, so that keeping one means keeping the other.
void keep_value(ggml_tensor* t) {
    ggml_set_output(t);
    if (t->view_src != nullptr) ggml_set_output(t->view_src);
}

}  // namespace

Tensor Graph::named(Tensor t, const std::string& name) {
    ggml_set_name(t.raw(), name.c_str());
    parts_->names[name] = t;
    if (options_.keep_named) {
        keep_value(t.raw());
        ggml_build_forward_expand(parts_->cgraph, t.raw());
    }
    return t;
}

void Graph::output(Tensor t) {
    keep_value(t.raw());
    ggml_build_forward_expand(parts_->cgraph, t.raw());
}

void Graph::effect(Tensor t) {
    ggml_build_forward_expand(parts_->cgraph, t.raw());
}

void Graph::compile() {
    ggml_backend_t backend = device_->backend();
    device_->forget(parts_->cgraph);
    for (int i = 0; i < ggml_graph_n_nodes(parts_->cgraph); ++i) {
        const ggml_tensor* node = ggml_graph_node(parts_->cgraph, i);
        if (!ggml_backend_supports_op(backend, node)) {
            throw Error(ErrorCode::unsupported,
                        fmt::format("{} cannot compute node '{}'", device_->name(), ggml_get_name(node)))
                .found(fmt::format("operation {}", ggml_op_desc(node)));
        }
    }
    parts_->gallocr.reset(ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend)));
    if (!parts_->gallocr || !ggml_gallocr_alloc_graph(parts_->gallocr.get(), parts_->cgraph)) {
        throw Error(ErrorCode::memory, fmt::format("not enough memory on {} for a graph's scratch", device_->name()));
    }
}

void Graph::run() {
    start();
    finish();
}

void Graph::start() {
    const ggml_status status = ggml_backend_graph_compute_async(device_->backend(), parts_->cgraph);
    if (status == GGML_STATUS_ALLOC_FAILED) {
        throw Error(ErrorCode::memory, fmt::format("not enough memory on {} while computing", device_->name()));
    }
    if (status != GGML_STATUS_SUCCESS) {
        const std::string why = device_->last_error();
        throw Error(ErrorCode::internal, fmt::format("{} failed to compute", device_->name()))
            .found(why.empty() ? ggml_status_to_string(status) : why);
    }
}

void Graph::finish() {
    ggml_backend_synchronize(device_->backend());
    if (device_->is_cpu()) return;
    if (const std::string why = device_->last_error(); !why.empty()) {
        throw Error(ErrorCode::internal, fmt::format("{} failed to compute", device_->name())).found(why);
    }
}

bool Graph::has(const std::string& name) const {
    return parts_->names.contains(name);
}

std::vector<float> Graph::read(const std::string& name) const {
    const auto it = parts_->names.find(name);
    if (it == parts_->names.end())
        throw Error(ErrorCode::not_found, fmt::format("the graph has no node '{}'", printable(name)));
    ggml_tensor* t = it->second.raw();
    std::vector<float> out(static_cast<std::size_t>(ggml_nelements(t)));
    if (ggml_is_contiguous(t) && t->type == GGML_TYPE_F32) {
        ggml_backend_tensor_get(t, out.data(), 0, out.size() * sizeof(float));
        return out;
    }
    ensure(t->type == GGML_TYPE_F32, "read: an f32 node");
    std::size_t at = 0;  // a strided view: element by element
    for (std::int64_t i3 = 0; i3 < t->ne[3]; ++i3) {
        for (std::int64_t i2 = 0; i2 < t->ne[2]; ++i2) {
            for (std::int64_t i1 = 0; i1 < t->ne[1]; ++i1) {
                for (std::int64_t i0 = 0; i0 < t->ne[0]; ++i0) {
                    const auto offset = static_cast<std::size_t>(i0) * t->nb[0] + static_cast<std::size_t>(i1) * t->nb[1] +
                                        static_cast<std::size_t>(i2) * t->nb[2] + static_cast<std::size_t>(i3) * t->nb[3];
                    ggml_backend_tensor_get(t, &out[at++], offset, sizeof(float));
                }
            }
        }
    }
    return out;
}

std::size_t Graph::scratch_bytes() const {
    return parts_->gallocr ? ggml_gallocr_get_buffer_size(parts_->gallocr.get(), 0) : 0;
}

int Graph::node_count() const {
    return ggml_graph_n_nodes(parts_->cgraph);
}

}  // namespace heart::graph
