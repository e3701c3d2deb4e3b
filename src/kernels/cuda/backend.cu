// ggml's backend interface over the kernels of this folder: memory, one stream for each backend, plans by graph.

#include "kernels/cuda/backend.h"

#include "kernels/cuda/measure.h"
#include "kernels/cuda/nodes.h"
#include "kernels/cuda/plan.h"
#include "kernels/cuda/platform.h"
#include "kernels/cuda/rules.h"

#include <ggml-impl.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace heart::cuda {

namespace {

constexpr std::size_t kBlasBytes = std::size_t{32} << 20;

/// Copies go through a stream of their own and are done when they return: nobody else is to wait for them. The stream is
/// made with the first copy, since a machine may have GPUs that nobody uses.
class Copies {
public:
    explicit Copies(int device) : device_(device) {}
    ~Copies() {
        if (stream_ != nullptr) cudaStreamDestroy(stream_);
    }
    Copies(const Copies&) = delete;
    Copies& operator=(const Copies&) = delete;

    void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
        done(ready() ? cudaMemcpyAsync(to, from, bytes, kind, stream_) : cudaErrorUnknown);
    }
    void fill(void* to, std::uint8_t value, std::size_t bytes) {
        done(ready() ? cudaMemsetAsync(to, value, bytes, stream_) : cudaErrorUnknown);
    }

    /// ggml has no way to answer that a copy failed: it is kept until somebody asks.
    cudaError_t take_failure() { return static_cast<cudaError_t>(failure_.exchange(cudaSuccess)); }

private:
    bool ready() {
        std::call_once(made_, [this] {
            if (cudaSetDevice(device_) == cudaSuccess) cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking);
        });
        return cudaSetDevice(device_) == cudaSuccess && stream_ != nullptr;
    }
    void done(cudaError_t status) {
        if (status == cudaSuccess) status = cudaStreamSynchronize(stream_);
        if (status != cudaSuccess) failure_ = status;
    }

    int device_;
    std::once_flag made_;
    cudaStream_t stream_ = nullptr;
    std::atomic<int> failure_{cudaSuccess};
};

/// One stream of work on a device.
class Stream {
public:
    Stream(int device, Copies& copies) : device_(device), copies_(copies) {
        check(cudaSetDevice(device), "choosing the device");
        const auto attribute = [&](cudaDeviceAttr name) {
            int value = 0;
            check(cudaDeviceGetAttribute(&value, name, device), "asking the device");
            return value;
        };
        context_.overlaps = overlaps(attribute(cudaDevAttrComputeCapabilityMajor));
        context_.processors = attribute(cudaDevAttrMultiProcessorCount);
        context_.shared_bytes = static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin));
        check(cudaStreamCreateWithFlags(&context_.stream, cudaStreamNonBlocking), "making a stream");
        check(cublasCreate(&context_.blas), "starting cuBLAS");
        check(cublasSetStream(context_.blas, context_.stream), "starting cuBLAS");
        blas_memory_.reserve(kBlasBytes);  // ours, so that recorded graphs may use it
        check(cublasSetWorkspace(context_.blas, blas_memory_.data(), blas_memory_.bytes()), "starting cuBLAS");
        counters_.reserve(kCounters * sizeof(unsigned));
        check(cudaMemsetAsync(counters_.data(), 0, counters_.bytes(), context_.stream), "clearing counters");
        check(cudaStreamSynchronize(context_.stream), "clearing counters");
        context_.counters = static_cast<unsigned*>(counters_.data());
    }
    ~Stream() {
        cudaSetDevice(device_);
        plans_.clear();
        cublasDestroy(context_.blas);
        cudaStreamDestroy(context_.stream);
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    ggml_status start(const ggml_cgraph* graph) noexcept {
        last_error.clear();
        (void)cudaGetLastError();  // whatever others left on this thread
        try {
            check(cudaSetDevice(device_), "choosing the device");
            check(copies_.take_failure(), "copying to or from the device");
            auto& plan = plans_[graph];
            if (!plan) plan = std::make_unique<Plan>(graph);
            grow_scratch(plan->scratch_bytes());
            ++runs;
            if (plan->start(context_)) ++replays;
            return GGML_STATUS_SUCCESS;
        } catch (const CudaError& e) {
            return failed(graph, e.what(), e.out_of_memory() ? GGML_STATUS_ALLOC_FAILED : GGML_STATUS_FAILED);
        } catch (const std::exception& e) {
            return failed(graph, e.what(), GGML_STATUS_FAILED);
        }
    }

    void finish() noexcept {
        cudaError_t status = cudaStreamSynchronize(context_.stream);
        if (status == cudaSuccess) status = copies_.take_failure();
        if (status != cudaSuccess) last_error = cudaGetErrorString(status);
    }

    void forget(const ggml_cgraph* graph) noexcept {
        cudaSetDevice(device_);
        plans_.erase(graph);
    }

    DeviceSpeed speed() noexcept {
        try {
            check(cudaSetDevice(device_), "choosing the device");
            return measure(context_);
        } catch (const std::exception&) {
            (void)cudaGetLastError();
            return {};
        }
    }

    std::uint64_t runs = 0, replays = 0;
    std::string last_error;

private:
    void grow_scratch(std::size_t bytes) {
        if (bytes <= scratch_.bytes()) return;
        check(cudaStreamSynchronize(context_.stream), "growing scratch");
        for (auto& [graph, plan] : plans_) plan->forget_recording();
        context_.scratch = nullptr;
        scratch_.reserve(bytes);
        context_.scratch = scratch_.data();
    }

    ggml_status failed(const ggml_cgraph* graph, const char* why, ggml_status status) {
        last_error = why;
        (void)cudaGetLastError();
        plans_.erase(graph);
        return status;
    }

    int device_;
    Copies& copies_;
    Context context_;
    Scratch blas_memory_, counters_, scratch_;
    std::map<const ggml_cgraph*, std::unique_ptr<Plan>> plans_;
};

Stream& stream_of(const ggml_backend* backend) {
    return *static_cast<Stream*>(backend->context);
}

// --- buffers --------------------------------------------------------------------------------------------------------------

struct Buffer {
    void* data;
    Copies* copies;
};

Buffer& buffer_of(ggml_backend_buffer_t buffer) {
    return *static_cast<Buffer*>(buffer->context);
}

void buffer_free(ggml_backend_buffer_t buffer) {
    cudaFree(buffer_of(buffer).data);
    delete &buffer_of(buffer);
}
void* buffer_base(ggml_backend_buffer_t buffer) {
    return buffer_of(buffer).data;
}
void buffer_fill(ggml_backend_buffer_t buffer, ggml_tensor* tensor, std::uint8_t value, std::size_t offset,
                 std::size_t size) {
    buffer_of(buffer).copies->fill(static_cast<char*>(tensor->data) + offset, value, size);
}
void buffer_set(ggml_backend_buffer_t buffer, ggml_tensor* tensor, const void* data, std::size_t offset, std::size_t size) {
    buffer_of(buffer).copies->copy(static_cast<char*>(tensor->data) + offset, data, size, cudaMemcpyHostToDevice);
}
void buffer_get(ggml_backend_buffer_t buffer, const ggml_tensor* tensor, void* data, std::size_t offset, std::size_t size) {
    buffer_of(buffer).copies->copy(data, static_cast<const char*>(tensor->data) + offset, size, cudaMemcpyDeviceToHost);
}
void buffer_clear(ggml_backend_buffer_t buffer, std::uint8_t value) {
    buffer_of(buffer).copies->fill(buffer_of(buffer).data, value, buffer->size);
}

ggml_backend_buffer_i buffer_interface() {
    ggml_backend_buffer_i out{};
    out.free_buffer = buffer_free;
    out.get_base = buffer_base;
    out.memset_tensor = buffer_fill;
    out.set_tensor = buffer_set;
    out.get_tensor = buffer_get;
    out.clear = buffer_clear;
    return out;
}

/// What a ggml buffer type and device point to.
struct Gpu {
    int index = 0;
    std::string name, description;
    std::unique_ptr<Copies> copies;
    ggml_backend_device device{};
    ggml_backend_buffer_type memory{};
};

Gpu& gpu_of(ggml_backend_dev_t device) {
    return *static_cast<Gpu*>(device->context);
}

const char* memory_name(ggml_backend_buffer_type_t type) {
    return static_cast<Gpu*>(type->context)->name.c_str();
}
ggml_backend_buffer_t memory_allocate(ggml_backend_buffer_type_t type, std::size_t size) {
    Gpu& gpu = *static_cast<Gpu*>(type->context);
    void* data = nullptr;
    if (cudaSetDevice(gpu.index) != cudaSuccess || cudaMalloc(&data, std::max<std::size_t>(size, 1)) != cudaSuccess) {
        (void)cudaGetLastError();
        return nullptr;
    }
    return ggml_backend_buffer_init(type, buffer_interface(), new Buffer{data, gpu.copies.get()}, size);
}
std::size_t memory_alignment(ggml_backend_buffer_type_t) {
    return 256;
}

// --- backend --------------------------------------------------------------------------------------------------------------

ggml_guid_t backend_guid() {
    static ggml_guid guid{0x48, 0x65, 0x61, 0x72, 0x74, 0x43, 0x55, 0x44, 0x41, 0x8f, 0x1b, 0x02, 0x77, 0x9d, 0x5e, 0x01};
    return &guid;
}
const char* backend_name(ggml_backend_t backend) {
    return gpu_of(backend->device).name.c_str();
}
void backend_free(ggml_backend_t backend) {
    delete &stream_of(backend);
    delete backend;
}
void backend_finish(ggml_backend_t backend) {
    stream_of(backend).finish();
}
ggml_status backend_start(ggml_backend_t backend, ggml_cgraph* graph) {
    return stream_of(backend).start(graph);
}

ggml_backend_t device_start(ggml_backend_dev_t device, const char*) {
    try {
        auto stream = std::make_unique<Stream>(gpu_of(device).index, *gpu_of(device).copies);
        ggml_backend_i interface {};
        interface.get_name = backend_name;
        interface.free = backend_free;
        interface.synchronize = backend_finish;
        interface.graph_compute = backend_start;
        return new ggml_backend{backend_guid(), interface, device, stream.release()};
    } catch (const std::exception&) {
        return nullptr;
    }
}

const char* device_name(ggml_backend_dev_t device) {
    return gpu_of(device).name.c_str();
}
const char* device_description(ggml_backend_dev_t device) {
    return gpu_of(device).description.c_str();
}
void device_memory(ggml_backend_dev_t device, std::size_t* free, std::size_t* total) {
    *free = *total = 0;
    if (cudaSetDevice(gpu_of(device).index) == cudaSuccess) cudaMemGetInfo(free, total);
}
enum ggml_backend_dev_type device_type(ggml_backend_dev_t) {
    return GGML_BACKEND_DEVICE_TYPE_GPU;
}
void device_properties(ggml_backend_dev_t device, ggml_backend_dev_props* props) {
    *props = {};
    props->name = device_name(device);
    props->description = device_description(device);
    props->type = GGML_BACKEND_DEVICE_TYPE_GPU;
    props->caps.async = true;
    device_memory(device, &props->memory_free, &props->memory_total);
}
ggml_backend_buffer_type_t device_buffers(ggml_backend_dev_t device) {
    return &gpu_of(device).memory;
}
bool device_can_run(ggml_backend_dev_t, const ggml_tensor* node) {
    return can_run(node);
}
bool device_has_memory(ggml_backend_dev_t device, ggml_backend_buffer_type_t type) {
    return type == &gpu_of(device).memory;
}

constexpr Module kModule{
    [](ggml_backend* backend, const ggml_cgraph* graph) { stream_of(backend).forget(graph); },
    [](const ggml_backend* backend) { return stream_of(backend).runs; },
    [](const ggml_backend* backend) { return stream_of(backend).replays; },
    [](const ggml_backend* backend) { return stream_of(backend).last_error.c_str(); },
    [](ggml_backend* backend) { return stream_of(backend).speed(); },
};

// --- registry -------------------------------------------------------------------------------------------------------------

std::unique_ptr<Gpu> make_gpu(int index, ggml_backend_reg_t reg) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, index) != cudaSuccess || !is_usable(properties)) return nullptr;
    auto gpu = std::make_unique<Gpu>();
    gpu->index = index;
    gpu->name = kPlatform + std::to_string(index);
    gpu->description = properties.name;
    gpu->copies = std::make_unique<Copies>(index);
    gpu->device.reg = reg;
    gpu->device.context = gpu.get();
    gpu->device.iface.get_name = device_name;
    gpu->device.iface.get_description = device_description;
    gpu->device.iface.get_memory = device_memory;
    gpu->device.iface.get_type = device_type;
    gpu->device.iface.get_props = device_properties;
    gpu->device.iface.init_backend = device_start;
    gpu->device.iface.get_buffer_type = device_buffers;
    gpu->device.iface.supports_op = device_can_run;
    gpu->device.iface.supports_buft = device_has_memory;
    gpu->memory.device = &gpu->device;
    gpu->memory.context = gpu.get();
    gpu->memory.iface.get_name = memory_name;
    gpu->memory.iface.alloc_buffer = memory_allocate;
    gpu->memory.iface.get_alignment = memory_alignment;
    return gpu;
}

class Registry {
public:
    Registry() {
        reg_.api_version = GGML_BACKEND_API_VERSION;
        reg_.iface.get_name = [](ggml_backend_reg_t) { return kPlatform; };
        reg_.iface.get_device_count = [](ggml_backend_reg_t reg) { return of(reg).gpus_.size(); };
        reg_.iface.get_device = [](ggml_backend_reg_t reg, std::size_t i) { return &of(reg).gpus_.at(i)->device; };
        reg_.iface.get_proc_address = [](ggml_backend_reg_t, const char* name) -> void* {
            return std::string(name) == kModuleName ? const_cast<Module*>(&kModule) : nullptr;
        };
        reg_.context = this;
        int count = 0;
        if (cudaGetDeviceCount(&count) != cudaSuccess) count = 0;
        for (int i = 0; i < count; ++i) {
            if (auto gpu = make_gpu(i, &reg_)) gpus_.push_back(std::move(gpu));
        }
    }
    ggml_backend_reg_t reg() { return &reg_; }

private:
    static Registry& of(ggml_backend_reg_t reg) { return *static_cast<Registry*>(reg->context); }

    ggml_backend_reg reg_{};
    std::vector<std::unique_ptr<Gpu>> gpus_;
};

}  // namespace

ggml_backend_reg_t registry() {
    // Never freed: when a program ends, the driver may be gone before this is.
    static auto* const all = new Registry;
    return all->reg();
}

}  // namespace heart::cuda

// What ggml_backend_load looks for.
extern "C" __attribute__((visibility("default"))) ggml_backend_reg_t ggml_backend_init() {
    try {
        return heart::cuda::registry();
    } catch (const std::exception&) {
        return nullptr;
    }
}
