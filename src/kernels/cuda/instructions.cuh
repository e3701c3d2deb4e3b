#pragma once

// What the kernels ask of the hardware beyond CUDA C++, as PTX. All else in this folder is plain CUDA C++. Who builds it for
// other hardware puts a file of this name before it in the compiler's path: tests/gpu/emulated for the CPU, and kernels/hip,
// which has no use for what decode_products.cu alone asks for.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace heart::cuda {

// --- programmatic dependent launch (launch.cuh)
// -----------------------------------------------------------------------------

/// Until the kernels before have ended and what they wrote is seen.
__device__ inline void wait_for_inputs() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// Allows the next kernel to start where there is room beside this one.
__device__ inline void let_next_start() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// --- memory
// -----------------------------------------------------------------------------------------------------------------

/// The shared memory that a launch asked for, for the whole block.
template <typename T>
__device__ inline T* launched_shared() {
    extern __shared__ uint4 bytes[];
    return reinterpret_cast<T*>(bytes);
}

/// Past the caches: a weight is read once a frame.
__device__ inline uint4 stream16(const void* p) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(p));
    return v;
}
__device__ inline uint2 stream8(const void* p) {
    uint2 v;
    asm volatile("ld.global.nc.L1::no_allocate.v2.u32 {%0,%1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p));
    return v;
}

/// Asks for 16 bytes from global memory into shared memory; both on 16 bytes.
__device__ inline void copy_ahead(void* shared, const void* from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
                 :
                 : "r"(static_cast<unsigned>(__cvta_generic_to_shared(shared))), "l"(from));
}
/// What this thread has asked for since the last end is a group.
__device__ inline void end_group() {
    asm volatile("cp.async.commit_group;");
}
/// Until all of this thread's groups but the `kStill` latest are there.
template <int kStill>
__device__ inline void wait_for_groups() {
    asm volatile("cp.async.wait_group %0;" : : "n"(kStill) : "memory");
}

// --- tensor cores
// -----------------------------------------------------------------------------------------------------------

/// c += A B by a warp, A [16, 16] and B [16, 8] of 16-bit numbers, c [16, 8] of f32: mma.m16n8k16, where a lane holds, two
/// numbers in each word, rows lane / 4 and lane / 4 + 8 of A at 2 (lane % 4) (words 0 and 1) and 8 further on (2 and 3),
/// column lane / 4 of B at the same two places, and of c the rows of A by columns 2 (lane % 4) and the next.
__device__ inline void multiply_tile(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], __nv_bfloat16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ inline void multiply_tile(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], __half) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace heart::cuda
