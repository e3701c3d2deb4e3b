// GCC 12 takes the operands that its own header leaves undefined on purpose for mistakes.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "kernels/attention_blocked.h"
#include "kernels/attention_decode.h"

#include <immintrin.h>

#include <cstdint>

namespace heart::kernels {
namespace {

/// Sixteen floats.
struct Vectors {
    static constexpr std::int64_t kWidth = 16;
    // What is held in registers at a time: scores of so many queries and positions, sums of values; a tile of sums.
    static constexpr int kDecodeQueries = 4, kDecodePositions = 4, kDecodeSums = 24;
    static constexpr int kTileRows = 8, kTileRegisters = 3;
    // Positions of one head before it is the next head's turn, and how near the next ones are fetched (__builtin_prefetch).
    static constexpr int kDecodeTogether = 16, kDecodeLocality = 2;

    using Floats = __m512;

    static Floats load(const float* p) { return _mm512_loadu_ps(p); }
    static void store(float* p, Floats x) { _mm512_storeu_ps(p, x); }
    static Floats set(float x) { return _mm512_set1_ps(x); }
    static Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
    static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
    static Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
    static Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
    static Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
    static Floats zero_for_minus_infinity(Floats x) {
        return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, set(-__builtin_inff()), _CMP_NEQ_UQ), x);
    }
    static Floats power_of_two(Floats x) {
        const __m512i bits = _mm512_slli_epi32(_mm512_castps_si512(x), 23);
        return _mm512_castsi512_ps(_mm512_add_epi32(bits, _mm512_set1_epi32(0x3F800000)));
    }
    static Floats where(const std::uint32_t* words, std::uint32_t bit, Floats a, Floats b) {
        const __m512i wanted = _mm512_set1_epi32(static_cast<int>(bit));
        return _mm512_mask_blend_ps(_mm512_test_epi32_mask(_mm512_loadu_si512(words), wanted), b, a);
    }
    static __m128 folded(Floats x) {
        const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
        return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    }
    static float first(Floats x) { return _mm512_cvtss_f32(x); }
    static float sum(Floats x) {
        const __m128 four = folded(x), two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }
    static float largest(Floats x) {
        const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
        const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
    }
    template <int kCount>
    static void store_sums(float* p, const Floats* x) {
        if constexpr (kCount == 4) {
            const Floats low = _mm512_add_ps(_mm512_unpacklo_ps(x[0], x[1]), _mm512_unpackhi_ps(x[0], x[1]));
            const Floats high = _mm512_add_ps(_mm512_unpacklo_ps(x[2], x[3]), _mm512_unpackhi_ps(x[2], x[3]));
            const __m512d l = _mm512_castps_pd(low), h = _mm512_castps_pd(high);
            const Floats all =
                _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(l, h)), _mm512_castpd_ps(_mm512_unpackhi_pd(l, h)));
            _mm_storeu_ps(p, folded(all));
        } else {
            for (int i = 0; i < kCount; ++i) p[i] = sum(x[i]);
        }
    }

    static __m256i bytes32(const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
    static __m128i bytes16(const std::uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
    static Floats widen_bf16(const std::uint8_t* p) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bytes32(p)), 16));
    }
    static Floats widen_f16(const std::uint8_t* p) { return _mm512_cvtph_ps(bytes32(p)); }
    static Floats widen_int8(const std::uint8_t* p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes16(p))); }
    static Floats set_f16(const std::uint8_t* p) {
        std::int16_t bits;
        __builtin_memcpy(&bits, p, sizeof bits);
        return _mm512_cvtph_ps(_mm256_set1_epi16(bits));
    }

    // Eight numbers, zeros above: the end of a row that is not a multiple of 16.
    static Floats load_half(const float* p) { return _mm512_maskz_loadu_ps(0xFF, p); }
    static void store_half(float* p, Floats x) { _mm256_storeu_ps(p, _mm512_castps512_ps256(x)); }
    static Floats widen_bf16_half(const std::uint8_t* p) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_zextsi128_si256(bytes16(p))), 16));
    }
    static Floats widen_f16_half(const std::uint8_t* p) { return _mm512_cvtph_ps(_mm256_zextsi128_si256(bytes16(p))); }
};

}  // namespace

void attend_avx512(const Attention& a, int ith, int nth, float* scratch) noexcept {
    a.n <= kDecodeColumns ? decode<Vectors>(a, ith, nth, scratch) : attend_blocked<Vectors>(a, ith, nth, scratch);
}

}  // namespace heart::kernels
