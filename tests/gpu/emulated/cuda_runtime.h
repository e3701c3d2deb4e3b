#pragma once

// As much of the CUDA runtime (CUDA Runtime API, C++ Language Extensions) as src/kernels/cuda uses, on the CPU: kernels run
// as gpu/emulated/blocks.h says, and what a stream is given is done before the call returns, or kept where a graph is
// recorded. Memory is malloc's, behind it a page that must not be touched.

#include "gpu/emulated/blocks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

// --- language
// ---------------------------------------------------------------------------------------------------------------

#define __host__
#define __device__
#define __global__
#define __shared__ static  // one block runs at a time
#define __launch_bounds__(...)

using dim3 = heart::emulated::Extent;

struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
inline uint2 make_uint2(unsigned x, unsigned y) {
    return {x, y};
}

using std::max;
using std::min;

inline float rsqrtf(float x) {
    return 1.0F / std::sqrt(x);
}
inline float normcdff(float x) {
    return 0.5F * std::erfc(-x * 0.70710678F);
}
inline float __fadd_rn(float a, float b) {
    return a + b;
}
inline float __fmul_rn(float a, float b) {
    return a * b;
}
inline unsigned __float_as_uint(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
inline float __uint_as_float(unsigned bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// --- threads that meet
// ------------------------------------------------------------------------------------------------------

inline void __syncthreads() {
    heart::emulated::meet_block();
}
inline void __syncwarp() {
    (void)heart::emulated::exchange("__syncwarp", nullptr, 0);
}
inline void __threadfence() {}

namespace heart::emulated {

/// What lane `lane` of the warp gave.
template <typename T>
T given_by(const LaneBytes* all, unsigned lane) {
    static_assert(sizeof(T) <= kLaneBytes);
    T out;
    std::memcpy(&out, all[lane], sizeof out);
    return out;
}

inline unsigned own_lane() {
    return threadIdx.x % kWarpLanes;
}

}  // namespace heart::emulated

// Masks are of all lanes wherever this module has any; lanes that are not there are noticed.

template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
    using namespace heart::emulated;
    return given_by<T>(exchange("__shfl_xor_sync", &value, sizeof value), own_lane() ^ static_cast<unsigned>(mask));
}
template <typename T>
T __shfl_sync(unsigned, T value, int from, int width = 32) {
    using namespace heart::emulated;
    const auto lanes = static_cast<unsigned>(width);
    return given_by<T>(exchange("__shfl_sync", &value, sizeof value),
                       own_lane() / lanes * lanes + static_cast<unsigned>(from) % lanes);
}
inline bool __any_sync(unsigned, bool value) {
    using namespace heart::emulated;
    const LaneBytes* all = exchange("__any_sync", &value, sizeof value);
    bool any = false;
    for (unsigned lane = 0; lane < kWarpLanes; ++lane) any = any || given_by<bool>(all, lane);
    return any;
}
inline unsigned __reduce_add_sync(unsigned, unsigned value) {
    using namespace heart::emulated;
    const LaneBytes* all = exchange("__reduce_add_sync", &value, sizeof value);
    unsigned sum = 0;
    for (unsigned lane = 0; lane < kWarpLanes; ++lane) sum += given_by<unsigned>(all, lane);
    return sum;
}

/// Nobody else runs meanwhile.
inline unsigned atomicAdd(unsigned* to, unsigned value) {
    const unsigned before = *to;
    *to += value;
    return before;
}

// --- devices and memory
// -----------------------------------------------------------------------------------------------------

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorUnknown = 999
};
enum cudaDeviceAttr {
    cudaDevAttrComputeCapabilityMajor,
    cudaDevAttrMultiProcessorCount,
    cudaDevAttrMaxSharedMemoryPerBlockOptin
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
struct cudaDeviceProp {
    char name[256];
    int major;
};

const char* cudaGetErrorString(cudaError_t status);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr name, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaMalloc(void** data, std::size_t bytes);
cudaError_t cudaFree(void* data);

// --- streams, events, recorded graphs
// ---------------------------------------------------------------------------------------

using cudaGraph_t = std::vector<std::function<void()>>*;
using cudaGraphExec_t = std::vector<std::function<void()>>*;
struct cudaStream {
    cudaGraph_t recording = nullptr;
};
using cudaStream_t = cudaStream*;
struct cudaEvent {
    double seconds = 0;
};
using cudaEvent_t = cudaEvent*;

enum { cudaStreamNonBlocking = 1 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph);
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end);

namespace heart::emulated {

/// Done now, or by every launch of the graph that the stream records.
void give(cudaStream_t stream, std::function<void()> work);

}  // namespace heart::emulated

// --- launches
// ---------------------------------------------------------------------------------------------------------------

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };

namespace heart::emulated {

cudaError_t allow_shared(const void* kernel, int bytes);
/// What is wrong with a launch, which a GPU would refuse.
cudaError_t check_launch(dim3 grid, dim3 block, std::size_t shared_bytes, const void* kernel);

}  // namespace heart::emulated

template <typename... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute, int value) {
    return heart::emulated::allow_shared(reinterpret_cast<const void*>(kernel), value);
}
