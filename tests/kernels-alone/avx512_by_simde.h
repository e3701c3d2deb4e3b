// AVX-512 for processors that have none: intrinsics by SIMDe, and here those that the kernels use and SIMDe 0.7.4 misses.
// Included before the sources of that family (CMakeLists.txt beside this).
#pragma once

#include <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#define SIMDE_NO_INLINE  // a tenth of the time to compile
#include <simde/x86/avx512.h>

#include <bit>
#include <cstdint>

namespace heart::emulated {

struct Halves {
    __m256i low, high;
};

/// One vector as another of the same size.
template <typename To, typename From>
To as(From from) {
    return std::bit_cast<To>(from);
}

inline __m256 half(__m512 x, int which) {
    const Halves halves = as<Halves>(x);
    return _mm256_castsi256_ps(which == 0 ? halves.low : halves.high);
}

inline __m512i joined(__m256i low, __m256i high) {
    return as<__m512i>(Halves{low, high});
}

/// Lane i is f(i) where bit i of the mask is set, 0 elsewhere.
template <typename Function>
__m512i lanes(__mmask16 mask, Function f) {
    std::int32_t values[16];
    for (int i = 0; i < 16; ++i) values[i] = (mask >> i & 1) != 0 ? f(i) : 0;
    return _mm512_loadu_si512(values);
}

struct Words {
    std::int32_t at[16];
};

inline __m512 cvtph_ps(__m256i x) {
    const __m256 low = _mm256_cvtph_ps(_mm256_castsi256_si128(x)), high = _mm256_cvtph_ps(_mm256_extracti128_si256(x, 1));
    return as<__m512>(joined(_mm256_castps_si256(low), _mm256_castps_si256(high)));
}

inline __m512 maskz_cvtph_ps(__mmask16 mask, __m256i x) {
    return _mm512_maskz_mov_ps(mask, cvtph_ps(x));
}

inline __m512i maskz_cvtps_epi32(__mmask16 mask, __m512 x) {
    const Words words = as<Words>(joined(_mm256_cvtps_epi32(half(x, 0)), _mm256_cvtps_epi32(half(x, 1))));
    return lanes(mask, [&](int i) { return words.at[i]; });
}

inline __m128i cvtepi32_epi8(__m512i x) {
    const Words words = as<Words>(x);
    std::int8_t bytes[16];
    for (int i = 0; i < 16; ++i) bytes[i] = static_cast<std::int8_t>(words.at[i]);
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

inline __m512i cvtepu16_epi32(__m256i x) {
    return joined(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(x)), _mm256_cvtepu16_epi32(_mm256_extracti128_si256(x, 1)));
}

inline __m512i cvtepi8_epi32(__m128i x) {
    return joined(_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8)));
}

inline __m512 cvtepi32_ps(__m512i x) {
    const Halves halves = as<Halves>(x);
    return as<__m512>(
        joined(_mm256_castps_si256(_mm256_cvtepi32_ps(halves.low)), _mm256_castps_si256(_mm256_cvtepi32_ps(halves.high))));
}

inline __m512 maskz_loadu_ps(__mmask16 mask, const float* p) {
    return as<__m512>(lanes(mask, [&](int i) { return as<std::int32_t>(p[i]); }));
}

inline void mask_storeu_ps(float* p, __mmask16 mask, __m512 x) {
    const Words words = as<Words>(x);
    for (int i = 0; i < 16; ++i) {
        if ((mask >> i & 1) != 0) p[i] = as<float>(words.at[i]);
    }
}

inline __m512i maskz_slli_epi32(__mmask16 mask, __m512i x, unsigned bits) {
    const Words words = as<Words>(x);
    return lanes(mask, [&](int i) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(words.at[i]) << bits); });
}

inline int reduce_add_epi32(__m512i x) {
    std::uint32_t sum = 0;
    for (const std::int32_t word : as<Words>(x).at) sum += static_cast<std::uint32_t>(word);
    return static_cast<int>(sum);
}

inline int reduce_max_epi32(__m512i x) {
    const Words words = as<Words>(x);
    std::int32_t largest = words.at[0];
    for (const std::int32_t word : words.at) largest = word > largest ? word : largest;
    return largest;
}

}  // namespace heart::emulated

#define _mm512_cvtph_ps(x) heart::emulated::cvtph_ps(x)
#define _mm512_maskz_cvtph_ps(mask, x) heart::emulated::maskz_cvtph_ps(mask, x)
#define _mm512_maskz_cvtps_epi32(mask, x) heart::emulated::maskz_cvtps_epi32(mask, x)
#define _mm512_cvtepi32_epi8(x) heart::emulated::cvtepi32_epi8(x)
#define _mm512_cvtepu16_epi32(x) heart::emulated::cvtepu16_epi32(x)
#define _mm512_cvtepi8_epi32(x) heart::emulated::cvtepi8_epi32(x)
#define _mm512_cvtepi32_ps(x) heart::emulated::cvtepi32_ps(x)
#define _mm512_maskz_loadu_ps(mask, p) heart::emulated::maskz_loadu_ps(mask, p)
#define _mm512_mask_storeu_ps(p, mask, x) heart::emulated::mask_storeu_ps(p, mask, x)
#define _mm512_maskz_slli_epi32(mask, x, bits) heart::emulated::maskz_slli_epi32(mask, x, bits)
#define _mm512_reduce_add_epi32(x) heart::emulated::reduce_add_epi32(x)
#define _mm512_reduce_max_epi32(x) heart::emulated::reduce_max_epi32(x)
#define _mm512_extractf32x8_ps(x, which) heart::emulated::half(x, which)
#define _mm512_cvtss_f32(x) _mm256_cvtss_f32(heart::emulated::half(x, 0))
#define _mm512_cvtsi512_si32(x) heart::emulated::as<heart::emulated::Words>(x).at[0]
