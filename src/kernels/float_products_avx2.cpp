#include <immintrin.h>

#include <cstdint>

namespace heart::kernels {
namespace {

/// 12 of the 16 registers hold sums.
struct Simd {
    using Vector = __m256;
    static constexpr int kLanes = 8, kSums = 12, kTileColumns = 6, kShallowColumns = 6;
    static constexpr int kUnpackedF16 = 3, kUnpackedBf16 = 3;
    static constexpr std::int64_t kPrefetchBytes = 1024;

    static inline Vector zero() { return _mm256_setzero_ps(); }
    static inline Vector load(const float* p) { return _mm256_loadu_ps(p); }
    static inline void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
    static inline Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
    static inline Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
    static inline Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
    static inline float scalar_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
    static inline Vector prelu(Vector v, Vector slope) {
        return _mm256_blendv_ps(_mm256_mul_ps(v, slope), v, _mm256_cmp_ps(v, zero(), _CMP_GT_OQ));
    }
    static inline float sum(Vector v) {
        __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        four = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
    }
    static inline Vector bf16_even(const char* p) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs(p), 16)); }
    static inline Vector bf16_odd(const char* p) {
        return _mm256_castsi256_ps(_mm256_and_si256(pairs(p), _mm256_set1_epi32(static_cast<int>(0xFFFF0000U))));
    }
    static inline Vector f16_even(const char* p) {
        return in_order(_mm256_shuffle_ps(four_pairs(p), four_pairs(p + 16), 0x88));
    }
    static inline Vector f16_odd(const char* p) {
        return in_order(_mm256_shuffle_ps(four_pairs(p), four_pairs(p + 16), 0xDD));
    }

private:
    static inline __m256i pairs(const char* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    static inline Vector four_pairs(const char* p) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    /// Puts right the quarters that a shuffle within halves leaves as 0, 2, 1, 3.
    static inline Vector in_order(Vector v) { return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), 0xD8)); }
};

}  // namespace
}  // namespace heart::kernels

#include "kernels/float_products_tile.h"
#include "kernels/winograd_loops.h"

namespace heart::kernels {

const FloatKernels kFloatKernelsAvx2 = HEART_FLOAT_KERNELS;

}  // namespace heart::kernels
