#include "kernels/quantised_products_x86.h"

#include <immintrin.h>

// A register holds half a strip, 8 rows. Products of bytes are added in pairs to 16 bits, which must not saturate: q8_0
// multiplies magnitudes (at most 128) by activations that carry the weight's sign (2 * 128 * 127 fits); all 16 pairs of a
// block of nibbles fit together (32 * 15 * 127 / 2).

namespace heart::kernels::quantised {

namespace {

using AskAhead = AskAheadBy<1024>;
constexpr int kHalfRows = 8;

HEART_INLINE __m256i load(const std::uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

HEART_INLINE __m256 load_halves(const std::uint8_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

/// Four activations, for all rows.
HEART_INLINE __m256i broadcast(const std::int8_t* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}

/// Keeps the compiler from putting off an addition: it would add in pairs at the end, and hold all summands in memory.
HEART_INLINE void settle(__m256i& sum) {
    asm("" : "+x"(sum));
}

/// Keeps it from reading ahead, or once for several uses, what it then has no registers for.
HEART_INLINE const ActivationBlock* read_again(const ActivationBlock* x) {
    asm("" : "+r"(x));
    return x;
}

HEART_INLINE __m256i add_pairs(__m256i pairs) {
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/// Integer sums, or pairs of them, of both halves of a strip by C columns.
template <int C>
struct Dots {
    __m256i i[2][C];
};

template <int C>
HEART_INLINE void start_dots(__m256i value, Dots<C>& dots) {
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
#pragma GCC unroll 6
        for (int c = 0; c < C; ++c) dots.i[h][c] = value;
    }
}

/// sums[h][c] += dots[h][c] * scale of the weights * scale of the activations
template <int C>
HEART_INLINE void add_scaled(const Dots<C>& dots, const __m256 (&scale)[2], const ActivationBlock* x, __m256 (&sums)[2][C]) {
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
        const __m256 offset = _mm256_mul_ps(scale[h], _mm256_set1_ps(-kOffset));
#pragma GCC unroll 6
        for (int c = 0; c < C; ++c) {
            const __m256 dot = _mm256_fmadd_ps(_mm256_castsi256_ps(dots.i[h][c]), scale[h], offset);
            sums[h][c] = _mm256_fmadd_ps(dot, _mm256_set1_ps(x[c].scale), sums[h][c]);
        }
    }
}

template <class Ahead>
struct Q8_0 {
    static constexpr std::int64_t kCols = 32, kBytes = 34 * kStripRows;
    static constexpr int kStreams = Ahead::kOneStream ? 1 : 3;  ///< strips that are read together

    template <int C>
    static HEART_INLINE void add_block(const std::uint8_t* w, const ActivationBlock* x, __m256 (&sums)[2][C]) {
        Dots<C> dots;
        start_dots(_mm256_set1_epi32(kOffsetBits), dots);
        Ahead::prefetch(w);
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j) {
            Ahead::prefetch(w + 32 + 64 * j);
            __m256i four[2], magnitude[2];
#pragma GCC unroll 2
            for (int h = 0; h < 2; ++h) {
                four[h] = _mm256_xor_si256(load(w + 32 + 64 * j + 32 * h), _mm256_set1_epi8(-128));
                magnitude[h] = _mm256_abs_epi8(four[h]);
            }
            x = read_again(x);
#pragma GCC unroll 6
            for (int c = 0; c < C; ++c) {
                const __m256i same = broadcast(x[c].q + 4 * j);
#pragma GCC unroll 2
                for (int h = 0; h < 2; ++h) {
                    const __m256i signed_x = _mm256_sign_epi8(same, four[h]);
                    dots.i[h][c] = _mm256_add_epi32(dots.i[h][c], add_pairs(_mm256_maddubs_epi16(magnitude[h], signed_x)));
                    settle(dots.i[h][c]);
                }
            }
        }
        __m256 scale[2];
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) scale[h] = load_halves(w + 16 * h);
        add_scaled(dots, scale, x, sums);
    }
};

/// pairs += the low (shift 0) or the high (shift 4) bits of the halves' weights times activations.
template <int shift, int C>
HEART_INLINE void multiply_nibbles(const __m256i (&bytes)[2], const ActivationBlock* x, int at, Dots<C>& pairs) {
    __m256i four[2];
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) four[h] = _mm256_and_si256(_mm256_srli_epi16(bytes[h], shift), _mm256_set1_epi8(0x0F));
    x = read_again(x);
#pragma GCC unroll 6
    for (int c = 0; c < C; ++c) {
        const __m256i same = broadcast(x[c].q + at);
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
            pairs.i[h][c] = _mm256_add_epi16(pairs.i[h][c], _mm256_maddubs_epi16(four[h], same));
            settle(pairs.i[h][c]);
        }
    }
}

HEART_INLINE void load_word(const std::uint8_t* w, __m256i (&bytes)[2]) {
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) bytes[h] = load(w + 32 * h);
}

template <class Ahead>
struct Q4_0 {
    static constexpr std::int64_t kCols = 32, kBytes = 18 * kStripRows;
    static constexpr int kStreams = Ahead::kOneStream ? 1 : 3;

    template <int C>
    static HEART_INLINE void add_block(const std::uint8_t* w, const ActivationBlock* x, __m256 (&sums)[2][C]) {
        Dots<C> dots;
        start_dots(_mm256_setzero_si256(), dots);
        Ahead::prefetch(w);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
            Ahead::prefetch(w + 32 + 64 * j);
            __m256i bytes[2];
            load_word(w + 32 + 64 * j, bytes);
            multiply_nibbles<0>(bytes, x, 4 * j, dots);
            multiply_nibbles<4>(bytes, x, 16 + 4 * j, dots);
        }
        x = read_again(x);
        __m256 scale[2];
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
            scale[h] = load_halves(w + 16 * h);
#pragma GCC unroll 6
            for (int c = 0; c < C; ++c)
                dots.i[h][c] = _mm256_add_epi32(add_pairs(dots.i[h][c]), _mm256_set1_epi32(x[c].start));
        }
        add_scaled(dots, scale, x, sums);
    }
};

template <class Ahead>
struct Q4_K {
    static constexpr std::int64_t kCols = 256, kBytes = 144 * kStripRows;
    static constexpr int kStreams = Ahead::kOneStream ? 1 : 2;

    /// The factors of the eight sub-blocks of a block, for 8 rows: weight = scale * nibble - min.
    struct Factors {
        __m256 scale[8], min[8];
    };

    static HEART_INLINE void unpack_factors(const std::uint8_t* w, int half, Factors& f) {
        const __m256 d = load_halves(w + 16 * half), d_min = load_halves(w + 32 + 16 * half);
        const __m256i a = load(w + 64 + 32 * half), b = load(w + 128 + 32 * half), c = load(w + 192 + 32 * half);
        const __m256i six = _mm256_set1_epi8(0x3F), four = _mm256_set1_epi8(0x0F), two = _mm256_set1_epi8(0x30);
        const __m256i byte = _mm256_set1_epi32(0xFF);
        const __m256i scale[2] = {_mm256_and_si256(a, six), _mm256_or_si256(_mm256_and_si256(c, four),
                                                                            _mm256_and_si256(_mm256_srli_epi32(a, 2), two))};
        const __m256i min[2] = {_mm256_and_si256(b, six), _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32(c, 4), four),
                                                                          _mm256_and_si256(_mm256_srli_epi32(b, 2), two))};
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j) {
            const int shift = 8 * (j % 4);
            const __m256i s = _mm256_and_si256(_mm256_srli_epi32(scale[j / 4], shift), byte);
            const __m256i m = _mm256_and_si256(_mm256_srli_epi32(min[j / 4], shift), byte);
            f.scale[j] = _mm256_mul_ps(d, _mm256_cvtepi32_ps(s));
            f.min[j] = _mm256_mul_ps(d_min, _mm256_cvtepi32_ps(m));
        }
    }

    template <int shift, int C>
    static HEART_INLINE void add_sub_block(const std::uint8_t* quants, const Factors (&f)[2], int j,
                                           const ActivationBlock* x, __m256 (&sums)[2][C]) {
        Dots<C> dots;
        start_dots(_mm256_setzero_si256(), dots);
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) {
            __m256i bytes[2];
            if (shift == 0) Ahead::prefetch(quants + 64 * i);
            load_word(quants + 64 * i, bytes);
            multiply_nibbles<shift>(bytes, x, 4 * i, dots);
        }
        x = read_again(x);
        __m256 scale[2];
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
            scale[h] = f[h].scale[j];
#pragma GCC unroll 6
            for (int c = 0; c < C; ++c) {
                sums[h][c] = _mm256_fnmadd_ps(f[h].min[j], _mm256_set1_ps(x[c].sum), sums[h][c]);
                dots.i[h][c] = _mm256_add_epi32(add_pairs(dots.i[h][c]), _mm256_set1_epi32(kOffsetBits));
            }
        }
        add_scaled(dots, scale, x, sums);
    }

    template <int C>
    static HEART_INLINE void add_block(const std::uint8_t* w, const ActivationBlock* x, __m256 (&sums)[2][C]) {
        Factors f[2];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) Ahead::prefetch(w + 64 * i);
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) unpack_factors(w, h, f[h]);
        const std::uint8_t* quants = w + 256;
#pragma GCC unroll 1
        for (int j = 0; j < 8; j += 2, quants += 512, x += 2 * C) {
            add_sub_block<0>(quants, f, j, x, sums);
            add_sub_block<4>(quants, f, j + 1, x + C, sums);
        }
    }
};

template <class Type, int S, int C>
void multiply_strips(const std::uint8_t* w, std::int64_t rows, std::int64_t cols, const ActivationBlock* x, float* y,
                     std::int64_t y_stride) {
    const std::int64_t strip_bytes = cols / Type::kCols * Type::kBytes;
    // In memory: the registers are for the dots, and a block is long.
    __m256 sums[S][2][C];
    for (auto& strip : sums) {
        for (int c = 0; c < C; ++c) strip[0][c] = strip[1][c] = _mm256_setzero_ps();
    }
    for (std::int64_t k = 0; k < cols; k += Type::kCols, w += Type::kBytes, x += Type::kCols / kBlock * C) {
#pragma GCC unroll 1
        for (int s = 0; s < S; ++s) Type::template add_block<C>(w + s * strip_bytes, x, sums[s]);
    }
    for (int s = 0; s < S; ++s) {
        for (int h = 0; h < 2; ++h) {
            const std::int64_t row = s * kStripRows + h * kHalfRows;
            const __m256i left = _mm256_set1_epi32(static_cast<std::int32_t>(rows - row));
            const __m256i mask = _mm256_cmpgt_epi32(left, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
            for (int c = 0; c < C; ++c) _mm256_maskstore_ps(y + c * y_stride + row, mask, sums[s][h][c]);
        }
    }
}

template <class Type, int C>
void multiply_columns(const Strips& w, const ActivationBlock* x, float* y, std::int64_t y_stride) {
    constexpr int kTogether = C <= kFewColumns ? Type::kStreams : 1;
    const std::int64_t row = multiply_rows<Type, kTogether, C>(w, 0, x, y, y_stride);
    multiply_rows<Type, 1, C>(w, row, x, y, y_stride);
}

HEART_INLINE std::int32_t largest_of(__m256i v) {
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4E));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xB1));
    return _mm_cvtsi128_si32(m);
}

HEART_INLINE std::int32_t sum_of(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
}

void quantise(const float* x, std::int64_t cols, WeightType type, ActivationBlock* out, int width) {
    const __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF);
    for (std::int64_t k = 0; k < cols; k += kBlock, out += width) {
        __m256 v[4];
        // As integers, magnitudes are in the same order, with infinity and NaN above all numbers.
        __m256i most = _mm256_setzero_si256();
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            v[i] = _mm256_loadu_ps(x + k + 8 * i);
            most = _mm256_max_epi32(most, _mm256_and_si256(_mm256_castps_si256(v[i]), magnitude));
        }
        const std::int32_t bits = largest_of(most);
        float largest;
        __builtin_memcpy(&largest, &bits, sizeof largest);
        const bool usable = bits >= kSmallestBits && bits < kInfinityBits;
        const __m256 inverse = _mm256_set1_ps(usable ? 127.0F / largest : 0.0F);
        const __m256i mask = _mm256_set1_epi32(usable ? -1 : 0);
        __m256i sums = _mm256_setzero_si256();
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            const __m256i q = _mm256_and_si256(_mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse)), mask);
            sums = _mm256_add_epi32(sums, q);
            const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
            _mm_storel_epi64(reinterpret_cast<__m128i*>(out->q + 8 * i), _mm_packs_epi16(words, words));
        }
        const std::int32_t sum = sum_of(sums);
        out->scale = usable ? largest / 127.0F : bits >= kInfinityBits ? __builtin_nanf("") : 0.0F;
        out->start = kOffsetBits - (type == WeightType::q4_0 ? zero_point(type) * sum : 0);
        out->sum = out->scale * static_cast<float>(sum);
    }
}

}  // namespace

const Family kAvx2{quantise, multiply_tile<AskAhead, AskAhead>, kWidest};
const Family kAvx2HardwareAhead{quantise, multiply_tile<LeaveToHardware, AskAhead>, kWidest};

}  // namespace heart::kernels::quantised
