#pragma once

#include "kernels/cuda/module.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ggml_backend;
struct ggml_cgraph;

namespace heart::graph {

/// What a machine offers to compute on.
struct DeviceInfo {
    std::string name;                               ///< "cpu", "cuda", "cuda:1": what `Device::open` takes
    std::string description;                        ///< "Intel Xeon ..."
    std::size_t memory_total = 0, memory_free = 0;  ///< bytes
};

/// Whose operators a device uses for products, convolutions and attention.
enum class Kernels {
    ggml,  ///< ggml's own
    cpu,   ///< src/kernels
    cuda,  ///< src/kernels/cuda, for AMD too (src/kernels/hip)
};

/// A place to compute on: memory and threads. Stores and graphs made on a device must not outlive it. One device runs one
/// graph at a time; two devices are independent.
class Device {
public:
    /// `name`: "cpu"; "cuda", "cuda:1" or another kind that `list` shows, by number where there are several; "auto": the
    /// first of CUDA, HIP, Vulkan, Metal that this machine has, else the CPU; or "cpu-ggml": the CPU by ggml's own
    /// operators alone, slower, the second opinion that tests and comparisons want. ErrorCode::not_found for a device that
    /// this installation or machine lacks. `threads` (on the host): 0 means one per physical core that this process may use.
    [[nodiscard]] static std::shared_ptr<Device> open(std::string_view name, int threads = 0);

    /// All devices this build can use on this machine.
    [[nodiscard]] static std::vector<DeviceInfo> list();

    /// Threads that `threads = 0` stands for.
    [[nodiscard]] static int default_threads();

    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool is_cpu() const noexcept { return is_cpu_; }
    [[nodiscard]] Kernels kernels() const noexcept { return kernels_; }
    [[nodiscard]] int threads() const noexcept { return threads_; }
    [[nodiscard]] ggml_backend* backend() const noexcept { return backend_; }

    /// Graphs that were run so far, and how many of these runs were a replay of recorded work, which only CUDA has.
    struct Runs {
        std::uint64_t all = 0, replayed = 0;
    };
    [[nodiscard]] Runs runs() const noexcept;

    /// Bytes of the device's memory that nobody has taken; of the CPU, what ggml says the machine has.
    [[nodiscard]] std::size_t memory_free() const;

    /// The most this device does; zeros where it cannot tell, as the CPU (kernels/machine.h measures that).
    [[nodiscard]] cuda::DeviceSpeed measure() const;

    /// What the latest run that failed said; empty where the device does not tell.
    [[nodiscard]] std::string last_error() const;

    /// The graph is about to be freed: whatever the device keeps for it goes.
    void forget(const ggml_cgraph* graph) const noexcept;

private:
    Device() = default;
    static std::shared_ptr<Device> open_cpu(Kernels kernels, int threads);
    static std::shared_ptr<Device> open_gpu(std::string_view name);

    std::string name_;
    bool is_cpu_ = true;
    Kernels kernels_ = Kernels::ggml;
    int threads_ = 1;
    ggml_backend* backend_ = nullptr;
    struct ThreadPool;
    std::unique_ptr<ThreadPool> pool_;
};

}  // namespace heart::graph
