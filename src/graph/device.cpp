#include "graph/device.h"

#include "core/error.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#include <sched.h>

namespace heart::graph {

struct Device::ThreadPool {
    ggml_threadpool* pool = nullptr;
    explicit ThreadPool(ggml_threadpool* p) : pool(p) {}
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    ~ThreadPool() { ggml_threadpool_free(pool); }
};

namespace {

constexpr int kMaxThreads = 512;

/// ggml reports through a global callback and would print to stderr on its own; a library must not.
void keep_quiet(ggml_log_level, const char*, void*) {}

}  // namespace

int Device::default_threads() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    }
    // Two hyperthreads of one core share its arithmetic units and its path to memory: count cores, not threads.
    std::set<std::string> cores;
    int logical = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        ++logical;
        std::ifstream siblings(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
        std::string list;
        if (std::getline(siblings, list)) cores.insert(list);
    }
    const int n = cores.empty() ? logical : static_cast<int>(cores.size());
    return std::clamp(n, 1, kMaxThreads);
}

std::shared_ptr<Device> Device::open(std::string_view name, int threads) {
    ggml_log_set(keep_quiet, nullptr);
    if (name != "cpu" && name != "auto" && name != "cpu-ggml") {
        throw Error(ErrorCode::not_found, fmt::format("no device '{}'", printable(name, 40)))
            .expected("auto or cpu")
            .hint("this build of Heart computes on the CPU");
    }
    if (threads < 0 || threads > kMaxThreads) {
        throw Error(ErrorCode::usage, "number of threads")
            .expected(fmt::format("1 to {}, or 0 for one per core", kMaxThreads))
            .found(std::to_string(threads));
    }
    auto device = std::shared_ptr<Device>(new Device);
    device->own_kernels_ = name != "cpu-ggml";
    device->name_ = device->own_kernels_ ? "cpu" : "cpu-ggml";
    device->threads_ = threads == 0 ? default_threads() : threads;
    device->backend_ = ggml_backend_cpu_init();
    if (device->backend_ == nullptr) throw Error(ErrorCode::memory, "cannot start computing on the CPU");
    ggml_backend_cpu_set_n_threads(device->backend_, device->threads_);
    if (device->threads_ > 1) {
        ggml_threadpool_params params = ggml_threadpool_params_default(device->threads_);
        params.poll = 1;  // wait awake for some milliseconds between graphs, not for a third of a second
        device->pool_ = std::make_unique<ThreadPool>(ggml_threadpool_new(&params));
        if (device->pool_->pool == nullptr) throw Error(ErrorCode::memory, "cannot start the worker threads");
        ggml_backend_cpu_set_threadpool(device->backend_, device->pool_->pool);
    }
    return device;
}

std::vector<DeviceInfo> Device::list() {
    ggml_log_set(keep_quiet, nullptr);
    std::vector<DeviceInfo> out;
    for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t dev = ggml_backend_dev_get(i);
        DeviceInfo info;
        info.name = ggml_backend_dev_type(dev) == GGML_BACKEND_DEVICE_TYPE_CPU ? "cpu" : ggml_backend_dev_name(dev);
        info.description = ggml_backend_dev_description(dev);
        ggml_backend_dev_memory(dev, &info.memory_free, &info.memory_total);
        out.push_back(std::move(info));
    }
    return out;
}

Device::~Device() {
    if (backend_ != nullptr) ggml_backend_free(backend_);
}

}  // namespace heart::graph
