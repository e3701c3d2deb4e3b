#include "kernels/attention_blocked.h"
#include "kernels/attention_decode.h"

#include <immintrin.h>

#include <cstdint>

namespace heart::kernels {
namespace {

/// Eight floats.
struct Vectors {
    static constexpr std::int64_t kWidth = 8;
    // What is held in registers at a time: scores of so many queries and positions, sums of values; a tile of sums.
    static constexpr int kDecodeQueries = 3, kDecodePositions = 4, kDecodeSums = 12;
    static constexpr int kTileRows = 4, kTileRegisters = 3;
    // Positions of one head before it is the next head's turn, and how near the next ones are fetched (__builtin_prefetch).
    static constexpr int kDecodeTogether = 8, kDecodeLocality = 3;

    using Floats = __m256;

    static Floats load(const float* p) { return _mm256_loadu_ps(p); }
    static void store(float* p, Floats x) { _mm256_storeu_ps(p, x); }
    static Floats set(float x) { return _mm256_set1_ps(x); }
    static Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
    static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
    static Floats sub(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
    static Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
    static Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
    static Floats zero_for_minus_infinity(Floats x) {
        return _mm256_andnot_ps(_mm256_cmp_ps(x, set(-__builtin_inff()), _CMP_EQ_OQ), x);
    }
    static Floats power_of_two(Floats x) {
        const __m256i bits = _mm256_slli_epi32(_mm256_castps_si256(x), 23);
        return _mm256_castsi256_ps(_mm256_add_epi32(bits, _mm256_set1_epi32(0x3F800000)));
    }
    static Floats where(const std::uint32_t* words, std::uint32_t bit, Floats a, Floats b) {
        const __m256i wanted = _mm256_set1_epi32(static_cast<int>(bit));
        const __m256i found = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(words)), wanted);
        return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(_mm256_cmpeq_epi32(found, wanted)));
    }
    static __m128 folded(Floats x) { return _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1)); }
    static float first(Floats x) { return _mm256_cvtss_f32(x); }
    static float sum(Floats x) {
        const __m128 four = folded(x), two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }
    static float largest(Floats x) {
        const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
        const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
    }
    template <int kCount>
    static void store_sums(float* p, const Floats* x) {
        if constexpr (kCount == 4) {
            const Floats low = _mm256_add_ps(_mm256_unpacklo_ps(x[0], x[1]), _mm256_unpackhi_ps(x[0], x[1]));
            const Floats high = _mm256_add_ps(_mm256_unpacklo_ps(x[2], x[3]), _mm256_unpackhi_ps(x[2], x[3]));
            const __m256d l = _mm256_castps_pd(low), h = _mm256_castps_pd(high);
            const Floats all =
                _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(l, h)), _mm256_castpd_ps(_mm256_unpackhi_pd(l, h)));
            _mm_storeu_ps(p, folded(all));
        } else {
            for (int i = 0; i < kCount; ++i) p[i] = sum(x[i]);
        }
    }

    static __m128i bytes16(const std::uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static Floats widen_bf16(const std::uint8_t* p) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bytes16(p)), 16));
    }
    static Floats widen_f16(const std::uint8_t* p) { return _mm256_cvtph_ps(bytes16(p)); }
    static Floats widen_int8(const std::uint8_t* p) {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
    }
    static Floats set_f16(const std::uint8_t* p) {
        std::int16_t bits;
        __builtin_memcpy(&bits, p, sizeof bits);
        return _mm256_cvtph_ps(_mm_set1_epi16(bits));
    }
};

}  // namespace

void attend_avx2(const Attention& a, int ith, int nth, float* scratch) noexcept {
    a.n <= kDecodeColumns ? decode<Vectors>(a, ith, nth, scratch) : attend_blocked<Vectors>(a, ith, nth, scratch);
}

}  // namespace heart::kernels
