#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ggml_backend;

namespace heart::graph {

/// What a machine offers to compute on.
struct DeviceInfo {
    std::string name;                               ///< "cpu"
    std::string description;                        ///< "Intel Xeon ..."
    std::size_t memory_total = 0, memory_free = 0;  ///< bytes
};

/// A place to compute on: memory and threads. Stores and graphs made on a device must not outlive it. One device runs one
/// graph at a time; two devices are independent.
class Device {
public:
    /// `name`: "cpu", "auto" (the best there is), or "cpu-ggml" (the CPU by ggml's own operators alone: slower, the second
    /// opinion that tests and comparisons want). ErrorCode::not_found for a device that this build or machine lacks.
    /// `threads`: 0 means one per physical core that this process may use.
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
    /// Whether graphs use Heart's CPU kernels (src/kernels) for products, convolutions and attention.
    [[nodiscard]] bool has_own_kernels() const noexcept { return own_kernels_; }
    [[nodiscard]] int threads() const noexcept { return threads_; }
    [[nodiscard]] ggml_backend* backend() const noexcept { return backend_; }

private:
    Device() = default;

    std::string name_;
    bool is_cpu_ = true, own_kernels_ = true;
    int threads_ = 1;
    ggml_backend* backend_ = nullptr;
    struct ThreadPool;
    std::unique_ptr<ThreadPool> pool_;
};

}  // namespace heart::graph
