#include <immintrin.h>

#include <cstdint>

namespace heart::kernels {
namespace {

/// All lanes. Some intrinsics are used in their masked form because GCC 12 warns of uninitialised values in the plain one;
/// it emits the same instruction.
constexpr __mmask16 kAll = 0xFFFF;

/// 24 of the 32 registers hold sums.
struct Simd {
    using Vector = __m512;
    static constexpr int kLanes = 16, kSums = 24, kTileColumns = 12, kShallowColumns = 6;
    static constexpr int kUnpackedF16 = 0, kUnpackedBf16 = 0;
    static constexpr std::int64_t kPrefetchBytes = 1536;

    static inline Vector zero() { return _mm512_setzero_ps(); }
    static inline Vector load(const float* p) { return _mm512_loadu_ps(p); }
    static inline void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
    static inline Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
    static inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
    static inline Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
    static inline float scalar_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
    static inline Vector prelu(Vector v, Vector slope) {
        return _mm512_mask_mul_ps(v, _mm512_cmp_ps_mask(v, zero(), _CMP_NGT_UQ), v, slope);
    }
    static inline float sum(Vector v) {
        const __m512d pairs = _mm512_castps_pd(v);
        const __m256 lower = _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, pairs, 0));
        const __m256 eight = _mm256_add_ps(lower, _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, pairs, 1)));
        __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        four = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
    }
    static inline Vector bf16_even(const char* p) {
        return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(kAll, _mm512_loadu_si512(p), 16));
    }
    static inline Vector bf16_odd(const char* p) {
        const __m512i high = _mm512_set1_epi32(static_cast<int>(0xFFFF0000U));
        return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), high));
    }
    static inline Vector f16_even(const char* p) {
        const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        return _mm512_permutex2var_ps(eight_pairs(p), evens, eight_pairs(p + 32));
    }
    static inline Vector f16_odd(const char* p) {
        const __m512i odds = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        return _mm512_permutex2var_ps(eight_pairs(p), odds, eight_pairs(p + 32));
    }

private:
    static inline Vector eight_pairs(const char* p) {
        return _mm512_maskz_cvtph_ps(kAll, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
};

}  // namespace
}  // namespace heart::kernels

#include "kernels/float_products_tile.h"
#include "kernels/winograd_loops.h"

namespace heart::kernels {

const FloatKernels kFloatKernelsAvx512 = HEART_FLOAT_KERNELS;

}  // namespace heart::kernels
