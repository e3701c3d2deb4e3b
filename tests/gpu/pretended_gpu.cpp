#include "gpu/pretended_gpu.h"

#include "kernels/cuda/module.h"
#include "kernels/cuda/support.h"

#include <ggml-backend-impl.h>
#include <ggml-cpu.h>

#include <cstdint>
#include <cstring>

namespace heart::test {

namespace {

struct Pretended {
    ggml_backend_reg reg{};
    ggml_backend_device device{};
    std::set<std::string> operations;
    int runs = 0;
};

Pretended& pretended() {
    static Pretended all;
    return all;
}

/// Zeros, so that whoever reads a result finds the same each time.
ggml_status compute(ggml_backend_t, ggml_cgraph* graph) {
    ++pretended().runs;
    for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
        ggml_tensor* node = ggml_graph_node(graph, i);
        if (cuda::is_view(node)) continue;
        pretended().operations.insert(ggml_op_desc(node));
        if (ggml_is_contiguous(node)) std::memset(node->data, 0, ggml_nbytes(node));
    }
    return GGML_STATUS_SUCCESS;
}

ggml_backend_t start(ggml_backend_dev_t device, const char*) {
    auto* backend = new ggml_backend{};
    backend->device = device;
    backend->iface.get_name = [](ggml_backend_t) { return "CUDA0"; };
    backend->iface.free = [](ggml_backend_t b) { delete b; };
    backend->iface.synchronize = [](ggml_backend_t) {};
    backend->iface.graph_compute = compute;
    return backend;
}

constexpr cuda::Module kModule{
    [](ggml_backend*, const ggml_cgraph*) {},
    [](const ggml_backend*) { return static_cast<std::uint64_t>(pretended().runs); },
    [](const ggml_backend*) { return std::uint64_t{0}; },
    [](const ggml_backend*) { return ""; },
    [](ggml_backend*) { return cuda::DeviceSpeed{}; },
};

void describe_device(ggml_backend_device& device) {
    constexpr std::size_t kMemory = std::size_t{64} << 30;
    device.iface.get_name = [](ggml_backend_dev_t) { return "CUDA0"; };
    device.iface.get_description = [](ggml_backend_dev_t) { return "no GPU at all"; };
    device.iface.get_memory = [](ggml_backend_dev_t, std::size_t* free, std::size_t* total) { *free = *total = kMemory; };
    device.iface.get_type = [](ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_GPU; };
    device.iface.get_props = [](ggml_backend_dev_t, ggml_backend_dev_props* props) { *props = {}; };
    device.iface.init_backend = start;
    device.iface.get_buffer_type = [](ggml_backend_dev_t) { return ggml_backend_cpu_buffer_type(); };
    device.iface.supports_op = [](ggml_backend_dev_t, const ggml_tensor* node) { return cuda::can_run(node); };
    device.iface.supports_buft = [](ggml_backend_dev_t, ggml_backend_buffer_type_t) { return true; };
}

}  // namespace

void pretend_a_gpu() {
    Pretended& all = pretended();
    if (all.reg.api_version != 0) return;
    all.reg.api_version = GGML_BACKEND_API_VERSION;
    all.reg.iface.get_name = [](ggml_backend_reg_t) { return "CUDA"; };
    all.reg.iface.get_device_count = [](ggml_backend_reg_t) { return std::size_t{1}; };
    all.reg.iface.get_device = [](ggml_backend_reg_t, std::size_t) { return &pretended().device; };
    all.reg.iface.get_proc_address = [](ggml_backend_reg_t, const char* name) -> void* {
        return std::string(name) == cuda::kModuleName ? const_cast<cuda::Module*>(&kModule) : nullptr;
    };
    all.device.reg = &all.reg;
    describe_device(all.device);
    ggml_backend_register(&all.reg);
}

const std::set<std::string>& pretended_operations() {
    return pretended().operations;
}

int pretended_runs() {
    return pretended().runs;
}

}  // namespace heart::test
