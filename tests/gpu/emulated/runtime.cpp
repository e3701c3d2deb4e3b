// The CUDA runtime's functions and cuBLAS's product on the CPU.

#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

using heart::emulated::give;

namespace {

constexpr int kProcessors = 4;  // few, so that small matrices are enough for what streams
constexpr std::size_t kMemory = std::size_t{8} << 30;
constexpr std::size_t kSharedWithoutAsking = 48 << 10;

thread_local cudaError_t last_error = cudaSuccess;

cudaError_t failed(cudaError_t status) {
    if (status != cudaSuccess) last_error = status;
    return status;
}

/// Pages that end with what was asked for, before one that must not be touched.
class Memory {
public:
    void* take(std::size_t bytes) {
        const std::size_t page = page_bytes(), pages = (bytes + page - 1) / page;
        void* first = mmap(nullptr, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (first == MAP_FAILED) return nullptr;
        auto* begin = static_cast<char*>(first);
        mprotect(begin + pages * page, page, PROT_NONE);
        std::memset(begin, 0xFF, std::min<std::size_t>(pages * page, kSoiled));  // not-a-number
        void* data = begin + (pages * page - bytes) / kAlignment * kAlignment;
        const std::lock_guard lock(mutex_);
        taken_[data] = {first, (pages + 1) * page};
        return data;
    }
    bool give_back(void* data) {
        const std::lock_guard lock(mutex_);
        const auto it = taken_.find(data);
        if (it == taken_.end()) return false;
        munmap(it->second.first, it->second.second);
        taken_.erase(it);
        return true;
    }

private:
    static constexpr std::size_t kAlignment = 256, kSoiled = 16 << 20;
    static std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

    std::mutex mutex_;
    std::map<void*, std::pair<void*, std::size_t>> taken_;
};

Memory& memory() {
    static auto* const all = new Memory;  // outlives whatever is freed when the program ends
    return *all;
}

class SharedLimits {
public:
    void allow(const void* kernel, std::size_t bytes) {
        const std::lock_guard lock(mutex_);
        allowed_[kernel] = bytes;
    }
    std::size_t of(const void* kernel) {
        const std::lock_guard lock(mutex_);
        const auto it = allowed_.find(kernel);
        return it == allowed_.end() ? kSharedWithoutAsking : std::max(kSharedWithoutAsking, it->second);
    }

private:
    std::mutex mutex_;
    std::map<const void*, std::size_t> allowed_;
};

SharedLimits& shared_limits() {
    static SharedLimits all;
    return all;
}

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<float> as_f32(const void* data, cudaDataType type, int columns, int rows, std::int64_t stride) {
    std::vector<float> out(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
    std::size_t at = 0;
    for (int c = 0; c < columns; ++c) {
        for (int r = 0; r < rows; ++r, ++at) {
            const std::int64_t from = c * stride + r;
            switch (type) {
                case CUDA_R_16F: out[at] = __half2float(static_cast<const __half*>(data)[from]); break;
                case CUDA_R_16BF: out[at] = __bfloat162float(static_cast<const __nv_bfloat16*>(data)[from]); break;
                default: out[at] = static_cast<const float*>(data)[from];
            }
        }
    }
    return out;
}

float dot(const float* a, const float* b, int n) {
    constexpr int kLanes = 16;
    std::array<float, kLanes> sums{};
    int i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (int lane = 0; lane < kLanes; ++lane) sums[static_cast<std::size_t>(lane)] += a[i + lane] * b[i + lane];
    }
    float sum = 0;
    for (; i < n; ++i) sum += a[i] * b[i];
    for (const float s : sums) sum += s;
    return sum;
}

std::size_t type_bytes(cudaDataType type) {
    return type == CUDA_R_32F ? 4 : 2;
}

}  // namespace

namespace heart::emulated {

void give(cudaStream_t stream, std::function<void()> work) {
    if (stream != nullptr && stream->recording != nullptr) stream->recording->push_back(std::move(work));
    else work();
}

cudaError_t allow_shared(const void* kernel, int bytes) {
    if (bytes < 0 || static_cast<std::size_t>(bytes) > kMostShared) return failed(cudaErrorInvalidValue);
    shared_limits().allow(kernel, static_cast<std::size_t>(bytes));
    return cudaSuccess;
}

cudaError_t check_launch(dim3 grid, dim3 block, std::size_t shared_bytes, const void* kernel) {
    const bool sizes = grid.count() > 0 && grid.y < 65536 && grid.z < 65536 && block.count() > 0 && block.count() <= 1024;
    const bool fits = shared_bytes <= shared_limits().of(kernel);
    return failed(sizes && fits ? cudaSuccess : cudaErrorInvalidConfiguration);
}

}  // namespace heart::emulated

// --- devices and memory
// -----------------------------------------------------------------------------------------------------

const char* cudaGetErrorString(cudaError_t status) {
    switch (status) {
        case cudaSuccess: return "no error";
        case cudaErrorInvalidValue: return "invalid argument";
        case cudaErrorMemoryAllocation: return "out of memory";
        case cudaErrorInvalidConfiguration: return "invalid configuration argument";
        default: return "unknown error";
    }
}
cudaError_t cudaGetLastError() {
    return std::exchange(last_error, cudaSuccess);
}
cudaError_t cudaGetDeviceCount(int* count) {
    *count = 1;
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    *properties = {"a GPU that the CPU emulates", 9};
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr name, int) {
    switch (name) {
        case cudaDevAttrComputeCapabilityMajor: *value = 9; break;
        case cudaDevAttrMultiProcessorCount: *value = kProcessors; break;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = static_cast<int>(heart::emulated::kMostShared); break;
    }
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    return failed(device == 0 ? cudaSuccess : cudaErrorInvalidValue);
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
    *free = *total = kMemory;
    return cudaSuccess;
}
cudaError_t cudaMalloc(void** data, std::size_t bytes) {
    *data = memory().take(bytes);
    return failed(*data != nullptr ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* data) {
    return failed(data == nullptr || memory().give_back(data) ? cudaSuccess : cudaErrorInvalidValue);
}

// --- streams, recorded graphs, events
// ---------------------------------------------------------------------------------------

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    *stream = new cudaStream;
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
    return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
    give(stream, [=] { std::memcpy(to, from, bytes); });
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
    give(stream, [=] { std::memset(to, value, bytes); });
    return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    stream->recording = new std::vector<std::function<void()>>;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    *graph = std::exchange(stream->recording, nullptr);
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned) {
    *out = new std::vector<std::function<void()>>(*graph);
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t) {
    for (const auto& work : *graph) work();
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
    *event = new cudaEvent;
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
    event->seconds = now();
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) {
    return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
    *ms = static_cast<float>((end->seconds - begin->seconds) * 1e3);
    return cudaSuccess;
}

// --- cuBLAS
// -----------------------------------------------------------------------------------------------------------------

const char* cublasGetStatusString(cublasStatus_t status) {
    return status == CUBLAS_STATUS_SUCCESS ? "success" : "invalid value";
}
cublasStatus_t cublasCreate(cublasHandle_t* handle) {
    *handle = new cublasContext;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle) {
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetWorkspace(cublasHandle_t, void*, std::size_t) {
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                                          int n, int k, const void* alpha, const void* a, cudaDataType a_type, int lda,
                                          long long stride_a, const void* b, cudaDataType b_type, int ldb,
                                          long long stride_b, const void* beta, void* c, cudaDataType c_type, int ldc,
                                          long long stride_c, int batch, cublasComputeType_t, cublasGemmAlgo_t) {
    if (transa != CUBLAS_OP_T || transb != CUBLAS_OP_N || c_type != CUDA_R_32F) return CUBLAS_STATUS_INVALID_VALUE;
    const float scale = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
    give(handle->stream, [=] {
        for (int i = 0; i < batch; ++i) {
            const auto of_batch = [i](const void* data, long long stride, cudaDataType type) {
                return static_cast<const char*>(data) + static_cast<std::int64_t>(type_bytes(type)) * i * stride;
            };
            const std::vector<float> rows = as_f32(of_batch(a, stride_a, a_type), a_type, m, k, lda);
            const std::vector<float> columns = as_f32(of_batch(b, stride_b, b_type), b_type, n, k, ldb);
            float* out = static_cast<float*>(c) + i * stride_c;
            for (int column = 0; column < n; ++column) {
                for (int row = 0; row < m; ++row) {
                    float& y = out[column * static_cast<std::int64_t>(ldc) + row];
                    const float sum = scale * dot(rows.data() + row * static_cast<std::int64_t>(k),
                                                  columns.data() + column * static_cast<std::int64_t>(k), k);
                    y = keep == 0 ? sum : sum + keep * y;
                }
            }
        }
    });
    return CUBLAS_STATUS_SUCCESS;
}
