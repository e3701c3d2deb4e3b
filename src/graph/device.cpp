#include "graph/device.h"

#include "core/error.h"
#include "graph/modules.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <thread>
#include <utility>

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

namespace {

/// ggml's name of a kind of device and ours, best first.
struct Kind {
    std::string_view ggml, ours;
};
constexpr std::array kKinds{Kind{"CUDA", "cuda"},     Kind{"ROCm", "hip"},  Kind{"HIP", "hip"},
                            Kind{"Vulkan", "vulkan"}, Kind{"MTL", "metal"}, Kind{"Metal", "metal"}};

/// A GPU of ggml's registry under the name that `Device::open` takes.
struct Gpu {
    std::string name, kind;
    ggml_backend_dev_t device;
};

/// All GPUs, those of the best kind first.
std::vector<Gpu> gpus() {
    load_modules();
    std::vector<Gpu> out;
    for (const Kind& kind : kKinds) {
        int index = 0;
        for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
            ggml_backend_dev_t dev = ggml_backend_dev_get(i);
            const auto type = ggml_backend_dev_type(dev);
            const bool is_gpu = type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU;
            if (!is_gpu || ggml_backend_reg_name(ggml_backend_dev_backend_reg(dev)) != kind.ggml) continue;
            const std::string name(kind.ours);
            out.push_back({index == 0 ? name : fmt::format("{}:{}", name, index), name, dev});
            ++index;
        }
    }
    return out;
}

/// What the CUDA module offers beside ggml's interface; null for other devices.
const cuda::Module* cuda_module(ggml_backend_dev_t device) {
    return static_cast<const cuda::Module*>(
        ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), cuda::kModuleName));
}

const cuda::Module* cuda_module(ggml_backend_t backend) {
    return cuda_module(ggml_backend_get_device(backend));
}

[[noreturn]] void refuse_device(std::string_view name) {
    std::string known = "auto, cpu";
    for (const Gpu& gpu : gpus()) known += ", " + gpu.name;
    Error error(ErrorCode::not_found, fmt::format("no device '{}'", printable(name, 40)));
    error.expected("one of " + known);
    const std::string kind(name.substr(0, name.find(':')));
    const bool is_kind = std::any_of(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.ours == kind; });
    if (is_kind) {
        const std::string why = missing_module(kind);
        error.found(why.empty() ? "no such GPU that it can use" : why);
    }
    throw Error(error).hint("heart info lists the devices");
}

}  // namespace

std::shared_ptr<Device> Device::open(std::string_view name, int threads) {
    ggml_log_set(keep_quiet, nullptr);
    if (threads < 0 || threads > kMaxThreads) {
        throw Error(ErrorCode::usage, "number of threads")
            .expected(fmt::format("1 to {}, or 0 for one per core", kMaxThreads))
            .found(std::to_string(threads));
    }
    if (threads == 0) threads = default_threads();
    std::string wanted(name);
    if (wanted == "auto") {
        const auto all = gpus();
        wanted = all.empty() ? "cpu" : all.front().name;
    }
    if (wanted.ends_with(":0")) wanted.resize(wanted.size() - 2);
    if (wanted == "cpu") return open_cpu(Kernels::cpu, threads);
    if (wanted == "cpu-ggml") return open_cpu(Kernels::ggml, threads);
    auto device = open_gpu(wanted);
    device->threads_ = threads;
    return device;
}

std::shared_ptr<Device> Device::open_cpu(Kernels kernels, int threads) {
    auto device = std::shared_ptr<Device>(new Device);
    device->kernels_ = kernels;
    device->name_ = kernels == Kernels::cpu ? "cpu" : "cpu-ggml";
    device->threads_ = threads;
    device->backend_ = ggml_backend_cpu_init();
    if (device->backend_ == nullptr) throw Error(ErrorCode::memory, "cannot start computing on the CPU");
    ggml_backend_cpu_set_n_threads(device->backend_, threads);
    if (threads > 1) {
        ggml_threadpool_params params = ggml_threadpool_params_default(threads);
        params.poll = 1;  // wait awake for some milliseconds between graphs, not for a third of a second
        device->pool_ = std::make_unique<ThreadPool>(ggml_threadpool_new(&params));
        if (device->pool_->pool == nullptr) throw Error(ErrorCode::memory, "cannot start the worker threads");
        ggml_backend_cpu_set_threadpool(device->backend_, device->pool_->pool);
    }
    return device;
}

std::shared_ptr<Device> Device::open_gpu(std::string_view name) {
    for (const Gpu& gpu : gpus()) {
        if (gpu.name != name) continue;
        auto device = std::shared_ptr<Device>(new Device);
        device->name_ = gpu.name;
        device->is_cpu_ = false;
        device->kernels_ = cuda_module(gpu.device) != nullptr ? Kernels::cuda : Kernels::ggml;
        device->backend_ = ggml_backend_dev_init(gpu.device, nullptr);
        if (device->backend_ == nullptr) throw Error(ErrorCode::memory, fmt::format("cannot start computing on {}", name));
        return device;
    }
    refuse_device(name);
}

std::vector<DeviceInfo> Device::list() {
    ggml_log_set(keep_quiet, nullptr);
    std::vector<DeviceInfo> out;
    const auto add = [&](std::string name, ggml_backend_dev_t dev) {
        DeviceInfo info{std::move(name), ggml_backend_dev_description(dev)};
        ggml_backend_dev_memory(dev, &info.memory_free, &info.memory_total);
        out.push_back(std::move(info));
    };
    for (const Gpu& gpu : gpus()) add(gpu.name, gpu.device);
    if (ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU)) add("cpu", cpu);
    return out;
}

Device::Runs Device::runs() const noexcept {
    const cuda::Module* module = cuda_module(backend_);
    return module == nullptr ? Runs{} : Runs{module->runs(backend_), module->replays(backend_)};
}

std::size_t Device::memory_free() const {
    std::size_t free = 0, total = 0;
    ggml_backend_dev_memory(ggml_backend_get_device(backend_), &free, &total);
    return free;
}

cuda::DeviceSpeed Device::measure() const {
    const cuda::Module* module = cuda_module(backend_);
    return module == nullptr ? cuda::DeviceSpeed{} : module->measure(backend_);
}

std::string Device::last_error() const {
    const cuda::Module* module = cuda_module(backend_);
    return module == nullptr ? "" : module->last_error(backend_);
}

void Device::forget(const ggml_cgraph* graph) const noexcept {
    if (const cuda::Module* module = cuda_module(backend_)) module->forget(backend_, graph);
}

Device::~Device() {
    if (backend_ != nullptr) ggml_backend_free(backend_);
}

}  // namespace heart::graph
