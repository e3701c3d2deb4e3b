#pragma once

// HIP under the names of the CUDA runtime, as far as kernels/cuda uses it. For warps of 32 lanes, all of which take part
// wherever lanes exchange numbers.

#include <hip/hip_runtime.h>

#include <cstddef>

// --- devices and memory
// -----------------------------------------------------------------------------------------------------

using cudaError_t = hipError_t;
using cudaDeviceProp = hipDeviceProp_t;
using cudaDeviceAttr = hipDeviceAttribute_t;
using cudaMemcpyKind = hipMemcpyKind;

inline constexpr hipError_t cudaSuccess = hipSuccess, cudaErrorMemoryAllocation = hipErrorOutOfMemory,
                            cudaErrorUnknown = hipErrorUnknown;
inline constexpr hipDeviceAttribute_t cudaDevAttrComputeCapabilityMajor = hipDeviceAttributeComputeCapabilityMajor,
                                      cudaDevAttrMultiProcessorCount = hipDeviceAttributeMultiprocessorCount,
                                      cudaDevAttrMaxSharedMemoryPerBlockOptin = hipDeviceAttributeMaxSharedMemoryPerBlock;
inline constexpr hipMemcpyKind cudaMemcpyHostToDevice = hipMemcpyHostToDevice,
                               cudaMemcpyDeviceToHost = hipMemcpyDeviceToHost,
                               cudaMemcpyDeviceToDevice = hipMemcpyDeviceToDevice;

inline const char* cudaGetErrorString(cudaError_t status) {
    return hipGetErrorString(status);
}
inline cudaError_t cudaGetLastError() {
    return hipGetLastError();
}
inline cudaError_t cudaGetDeviceCount(int* count) {
    return hipGetDeviceCount(count);
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
    return hipGetDeviceProperties(properties, device);
}
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr name, int device) {
    return hipDeviceGetAttribute(value, name, device);
}
inline cudaError_t cudaSetDevice(int device) {
    return hipSetDevice(device);
}
inline cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
    return hipMemGetInfo(free, total);
}
inline cudaError_t cudaMalloc(void** data, std::size_t bytes) {
    return hipMalloc(data, bytes);
}
inline cudaError_t cudaFree(void* data) {
    return hipFree(data);
}

// --- streams, events, recorded graphs
// ---------------------------------------------------------------------------------------

using cudaStream_t = hipStream_t;
using cudaEvent_t = hipEvent_t;
using cudaGraph_t = hipGraph_t;
using cudaGraphExec_t = hipGraphExec_t;

inline constexpr unsigned cudaStreamNonBlocking = hipStreamNonBlocking;
inline constexpr hipStreamCaptureMode cudaStreamCaptureModeThreadLocal = hipStreamCaptureModeThreadLocal;

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
    return hipStreamCreateWithFlags(stream, flags);
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    return hipStreamDestroy(stream);
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    return hipStreamSynchronize(stream);
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    return hipMemcpyAsync(to, from, bytes, kind, stream);
}
inline cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
    return hipMemsetAsync(to, value, bytes, stream);
}
inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, hipStreamCaptureMode mode) {
    return hipStreamBeginCapture(stream, mode);
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    return hipStreamEndCapture(stream, graph);
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long flags) {
    return hipGraphInstantiateWithFlags(out, graph, flags);
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
    return hipGraphLaunch(graph, stream);
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    return hipGraphDestroy(graph);
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
    return hipGraphExecDestroy(graph);
}
inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
    return hipEventCreate(event);
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
    return hipEventDestroy(event);
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    return hipEventRecord(event, stream);
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    return hipEventSynchronize(event);
}
inline cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
    return hipEventElapsedTime(ms, begin, end);
}

// --- lanes of a warp
// --------------------------------------------------------------------------------------------------------

template <typename T>
__device__ T __shfl_xor_sync(unsigned, T value, int mask) {
    return __shfl_xor(value, mask, 32);
}
template <typename T>
__device__ T __shfl_sync(unsigned, T value, int from, int width = 32) {
    return __shfl(value, from, width);
}
__device__ inline bool __any_sync(unsigned, bool value) {
    return __any(value ? 1 : 0) != 0;
}
__device__ inline unsigned __reduce_add_sync(unsigned, unsigned value) {
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor(value, step, 32);
    return value;
}
