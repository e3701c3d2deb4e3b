#pragma once

// HIP's bf16 under CUDA's names.

#include <hip/hip_bf16.h>

using __nv_bfloat16 = __hip_bfloat16;

__device__ inline __nv_bfloat16 __float2bfloat16_rn(float x) {
    return __float2bfloat16(x);
}
