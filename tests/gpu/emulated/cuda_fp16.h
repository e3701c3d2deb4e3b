#pragma once

// __half as the CUDA Math API has it, by ggml's conversions (to nearest, ties to even).

#include <ggml.h>

#include <cstdint>

struct __half {
    std::uint16_t bits;
};
struct __half2 {
    __half x, y;
};

inline float __half2float(__half x) {
    return ggml_fp16_to_fp32(x.bits);
}
inline __half __float2half_rn(float x) {
    return {ggml_fp32_to_fp16(x)};
}
inline __half2 __floats2half2_rn(float x, float y) {
    return {__float2half_rn(x), __float2half_rn(y)};
}
