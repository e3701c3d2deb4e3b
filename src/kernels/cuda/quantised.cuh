#pragma once

// Quantised numbers in ggml's layouts (formats/quantised.cpp tells them in full), eight at a time.

#include "kernels/cuda/numbers.cuh"

#include <ggml.h>

namespace heart::cuda {

__device__ inline unsigned byte_at(const char* p) {
    return *reinterpret_cast<const unsigned char*>(p);
}
__device__ inline float half_at(const char* p) {
    return __half2float(*reinterpret_cast<const __half*>(p));
}

/// The 6-bit scale and minimum of a group of 32 of Q4_K and Q5_K, from their 12 bytes.
__device__ inline float2 group_of(const char* packed, int group) {
    unsigned scale = 0, minimum = 0;
    if (group < 4) {
        scale = byte_at(packed + group) & 63U, minimum = byte_at(packed + group + 4) & 63U;
    } else {
        const unsigned low = byte_at(packed + group + 4);
        scale = (low & 15U) | byte_at(packed + group - 4) >> 6 << 4;
        minimum = low >> 4 | byte_at(packed + group) >> 6 << 4;
    }
    return {static_cast<float>(scale), static_cast<float>(minimum)};
}

/// Numbers at .. at + 7 of a row, `at` a multiple of 8.
template <ggml_type kType>
struct Quantised {
    static __device__ void eight(const char* row, int at, float (&out)[8]) {
        if constexpr (kType == GGML_TYPE_Q8_0) {
            const char* block = row + at / 32 * 34;
            const float scale = half_at(block);
            for (int i = 0; i < 8; ++i)
                out[i] = scale * static_cast<float>(static_cast<signed char>(byte_at(block + 2 + at % 32 + i)));
        } else if constexpr (kType == GGML_TYPE_Q4_0) {
            const char* block = row + at / 32 * 18;
            const float scale = half_at(block);
            const int shift = at % 32 / 16 * 4;
            for (int i = 0; i < 8; ++i) {
                out[i] = scale * static_cast<float>(static_cast<int>(byte_at(block + 2 + at % 16 + i) >> shift & 15U) - 8);
            }
        } else if constexpr (kType == GGML_TYPE_Q6_K) {
            const char* block = row + at / 256 * 210;
            const int run = at % 256 / 32, half = run / 4, r = run % 4, first = at % 32;
            const float scale = half_at(block + 208) *
                                static_cast<float>(static_cast<signed char>(byte_at(block + 192 + 2 * run + first / 16)));
            for (int i = 0; i < 8; ++i) {
                const unsigned low = byte_at(block + 64 * half + 32 * (r % 2) + first + i) >> (4 * (r / 2)) & 15U;
                const unsigned high = byte_at(block + 128 + 32 * half + first + i) >> (2 * r) & 3U;
                out[i] = scale * static_cast<float>(static_cast<int>(low | high << 4) - 32);
            }
        } else {  // Q4_K, Q5_K
            constexpr bool kFifthBit = kType == GGML_TYPE_Q5_K;
            const char* block = row + at / 256 * (kFifthBit ? 176 : 144);
            const int group = at % 256 / 32, first = at % 32;
            const float2 g = group_of(block + 4, group);
            const float scale = half_at(block) * g.x, offset = half_at(block + 2) * g.y;
            const char* low = block + (kFifthBit ? 48 : 16) + group / 2 * 32;
            for (int i = 0; i < 8; ++i) {
                unsigned q = byte_at(low + first + i) >> (4 * (group % 2)) & 15U;
                if constexpr (kFifthBit) q |= (byte_at(block + 16 + first + i) >> group & 1U) << 4;
                out[i] = scale * static_cast<float>(q) - offset;
            }
        }
    }
};

}  // namespace heart::cuda
