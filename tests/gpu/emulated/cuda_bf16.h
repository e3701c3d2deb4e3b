#pragma once

// __nv_bfloat16 as the CUDA Math API has it, by ggml's conversions (to nearest, ties to even).

#include <ggml.h>

#include <cstdint>

struct __nv_bfloat16 {
    std::uint16_t bits;
};
struct __nv_bfloat162 {
    __nv_bfloat16 x, y;
};

inline float __bfloat162float(__nv_bfloat16 x) {
    return ggml_bf16_to_fp32({x.bits});
}
inline __nv_bfloat16 __float2bfloat16_rn(float x) {
    return {ggml_fp32_to_bf16(x).bits};
}
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) {
    return {__float2bfloat16_rn(x), __float2bfloat16_rn(y)};
}
