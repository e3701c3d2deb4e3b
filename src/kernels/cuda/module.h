#pragma once

#include <cstdint>

struct ggml_backend;
struct ggml_cgraph;

namespace heart::cuda {

/// The most that a device does, in units of 1e9 a second: bytes read, and operations of products of f32 and of f16 matrices.
struct DeviceSpeed {
    double read_gbps = 0, f32_gflops = 0, f16_gflops = 0;
};

/// What the module offers beside ggml's interface, found by `ggml_backend_reg_get_proc_address(reg, kModuleName)`: a pointer
/// to one of these that lives as long as the module.
struct Module {
    /// The graph is about to be freed: its plan and recording go. Call it for every graph that was computed.
    void (*forget)(ggml_backend* backend, const ggml_cgraph* graph);
    /// Runs of the backend so far, and how many of them replayed a recorded CUDA graph.
    std::uint64_t (*runs)(const ggml_backend* backend);
    std::uint64_t (*replays)(const ggml_backend* backend);
    /// What the latest failed run said; valid until the next.
    const char* (*last_error)(const ggml_backend* backend);
    /// All zeros where it could not be measured (too little memory, say).
    DeviceSpeed (*measure)(ggml_backend* backend);
};
inline constexpr char kModuleName[] = "heart_cuda_module_1";

}  // namespace heart::cuda
