#include "kernels/quantised_products_x86.h"

#include <immintrin.h>

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own intrinsics leave a masked-out operand undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

// One register holds the sums of 16 rows. A tile is at most two strips by six columns or four by two: twelve
// integer and as many float sums leave registers for weights, scales and a broadcast activation.

namespace heart::kernels::quantised {

namespace {

using AskAhead = AskAheadBy<3072>;

HEART_INLINE __m512i load(const std::uint8_t* p) {
    return _mm512_loadu_si512(p);
}

HEART_INLINE __m512 load_halves(const std::uint8_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

/// Four activations, for all rows.
HEART_INLINE __m512i broadcast(const std::int8_t* p) {
    std::int32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}

template <int S, int C>
struct Sums {
    __m512 f[S][C];
};

template <int S, int C>
struct Dots {
    __m512i i[S][C];
};

/// dots += weights (unsigned) times activations, four columns of W.
template <int S, int C>
HEART_INLINE void multiply_four(const __m512i (&w)[S], const ActivationBlock* x, int at, Dots<S, C>& dots) {
#pragma GCC unroll 6
    for (int c = 0; c < C; ++c) {
        const __m512i four = broadcast(x[c].q + at);
#pragma GCC unroll 4
        for (int s = 0; s < S; ++s) dots.i[s][c] = _mm512_dpbusd_epi32(dots.i[s][c], w[s], four);
    }
}

template <int S, int C>
HEART_INLINE void start_dots(const ActivationBlock* x, Dots<S, C>& dots) {
#pragma GCC unroll 6
    for (int c = 0; c < C; ++c) {
#pragma GCC unroll 4
        for (int s = 0; s < S; ++s) dots.i[s][c] = _mm512_set1_epi32(x[c].start);
    }
}

/// Scales of 16 rows, and what takes the dots' offset off.
struct Scale {
    __m512 scale, offset;
};

HEART_INLINE Scale scale_of(__m512 scale) {
    return {scale, _mm512_mul_ps(scale, _mm512_set1_ps(-kOffset))};
}

/// The scales at the start of a block, one f16 a row.
template <class Ahead, int S>
HEART_INLINE void load_scales(const std::uint8_t* w, std::size_t strip_bytes, Scale (&scale)[S]) {
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s, w += strip_bytes) {
        Ahead::prefetch(w);
        scale[s] = scale_of(load_halves(w));
    }
}

/// sums += dots * scale of the weights * scale of the activations
template <int S, int C>
HEART_INLINE void add_scaled(const Dots<S, C>& dots, const Scale (&w)[S], const ActivationBlock* x, Sums<S, C>& sums) {
#pragma GCC unroll 6
    for (int c = 0; c < C; ++c) {
        const __m512 x_scale = _mm512_set1_ps(x[c].scale);
#pragma GCC unroll 4
        for (int s = 0; s < S; ++s) {
            const __m512 dot = _mm512_fmadd_ps(_mm512_castsi512_ps(dots.i[s][c]), w[s].scale, w[s].offset);
            sums.f[s][c] = _mm512_fmadd_ps(dot, x_scale, sums.f[s][c]);
        }
    }
}

template <class Ahead>
struct Q8_0 {
    static constexpr bool kOneStream = Ahead::kOneStream;
    static constexpr std::int64_t kCols = 32, kBytes = 34 * kStripRows;

    template <int S, int C>
    static HEART_INLINE void add_block(const std::uint8_t* w, std::size_t strip_bytes, const ActivationBlock* x,
                                       Sums<S, C>& sums) {
        Dots<S, C> dots;
        start_dots(x, dots);
#pragma GCC unroll 8
        for (int j = 0; j < 8; ++j) {
            __m512i four[S];
#pragma GCC unroll 4
            for (int s = 0; s < S; ++s) {
                const std::uint8_t* p = w + static_cast<std::size_t>(s) * strip_bytes + 32 + 64 * j;
                Ahead::prefetch(p);
                four[s] = load(p);
            }
            multiply_four(four, x, 4 * j, dots);
        }
        Scale scale[S];
        load_scales<Ahead>(w, strip_bytes, scale);
        add_scaled(dots, scale, x, sums);
    }
};

enum class Nibble { low, high, high_times_16 };

template <Nibble which>
HEART_INLINE __m512i nibbles_of(__m512i bytes) {
    if constexpr (which == Nibble::high) bytes = _mm512_srli_epi16(bytes, 4);
    return _mm512_and_si512(bytes, _mm512_set1_epi8(which == Nibble::high_times_16 ? static_cast<char>(0xF0) : 0x0F));
}

/// dots += nibbles of `count` registers of weights times activations from number `at` on.
template <class Ahead, Nibble which, int count, int S, int C>
HEART_INLINE void multiply_nibbles(const std::uint8_t* w, std::size_t strip_bytes, const ActivationBlock* x, int at,
                                   Dots<S, C>& dots) {
#pragma GCC unroll 8
    for (int j = 0; j < count; ++j) {
        __m512i four[S];
#pragma GCC unroll 4
        for (int s = 0; s < S; ++s) {
            const std::uint8_t* p = w + static_cast<std::size_t>(s) * strip_bytes + 64 * j;
            if (which == Nibble::low) Ahead::prefetch(p);
            four[s] = nibbles_of<which>(load(p));
        }
        multiply_four(four, x, at + 4 * j, dots);
    }
}

template <class Ahead>
struct Q4_0 {
    static constexpr bool kOneStream = Ahead::kOneStream;
    static constexpr std::int64_t kCols = 32, kBytes = 18 * kStripRows;

    template <int S, int C>
    static HEART_INLINE void add_block(const std::uint8_t* w, std::size_t strip_bytes, const ActivationBlock* x,
                                       Sums<S, C>& sums) {
        Dots<S, C> dots;
        start_dots(x, dots);
        multiply_nibbles<Ahead, Nibble::low, 4>(w + 32, strip_bytes, x, 0, dots);
        multiply_nibbles<Ahead, Nibble::high, 4>(w + 32, strip_bytes, x, 16, dots);
        Scale scale[S];
        load_scales<Ahead>(w, strip_bytes, scale);
        add_scaled(dots, scale, x, sums);
    }
};

template <class Ahead>
struct Q4_K {
    static constexpr bool kOneStream = Ahead::kOneStream;
    static constexpr std::int64_t kCols = 256, kBytes = 144 * kStripRows;

    /// The factors of the eight sub-blocks of a block, for 16 rows: weight = scale * nibble - min.
    struct Factors {
        __m512 scale[8], min[8];
    };

    /// Byte `at` of each of 16 words, times d.
    template <int at>
    static HEART_INLINE __m512 byte_times(__m512i words, const Scale& d) {
        const __m512i byte = at == 0 ? words : _mm512_srli_epi32(words, 8 * at);
        constexpr int kFirstAndSecondOrThird = 0xEA;
        const __m512i bits =
            _mm512_ternarylogic_epi32(byte, _mm512_set1_epi32(0xFF), _mm512_set1_epi32(kOffsetBits), kFirstAndSecondOrThird);
        return _mm512_fmadd_ps(_mm512_castsi512_ps(bits), d.scale, d.offset);
    }

    /// Four sub-blocks; the odd ones are the high bits of bytes and are multiplied 16 times too large.
    static HEART_INLINE void unpack_four(__m512i scales, __m512i mins, const Scale (&d)[2], const Scale& d_min, int j,
                                         Factors& f) {
        f.scale[j] = byte_times<0>(scales, d[0]);
        f.scale[j + 1] = byte_times<1>(scales, d[1]);
        f.scale[j + 2] = byte_times<2>(scales, d[0]);
        f.scale[j + 3] = byte_times<3>(scales, d[1]);
        f.min[j] = byte_times<0>(mins, d_min);
        f.min[j + 1] = byte_times<1>(mins, d_min);
        f.min[j + 2] = byte_times<2>(mins, d_min);
        f.min[j + 3] = byte_times<3>(mins, d_min);
    }

    static HEART_INLINE void unpack_factors(const std::uint8_t* w, Factors& f) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) Ahead::prefetch(w + 64 * i);
        const __m512 whole = load_halves(w);
        const Scale d[2] = {scale_of(whole), scale_of(_mm512_mul_ps(whole, _mm512_set1_ps(1.0F / 16)))};
        const Scale d_min = scale_of(load_halves(w + 32));
        const __m512i a = load(w + 64), b = load(w + 128), c = load(w + 192);
        const __m512i six = _mm512_set1_epi8(0x3F), four = _mm512_set1_epi8(0x0F), two = _mm512_set1_epi8(0x30);
        unpack_four(_mm512_and_si512(a, six), _mm512_and_si512(b, six), d, d_min, 0, f);
        const __m512i scales = _mm512_or_si512(_mm512_and_si512(c, four), _mm512_and_si512(_mm512_srli_epi32(a, 2), two));
        const __m512i mins =
            _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(c, 4), four), _mm512_and_si512(_mm512_srli_epi32(b, 2), two));
        unpack_four(scales, mins, d, d_min, 4, f);
    }

    template <Nibble which, int S, int C>
    static HEART_INLINE void add_sub_block(const std::uint8_t* quants, std::size_t strip_bytes, const Factors (&f)[S], int j,
                                           const ActivationBlock* x, Sums<S, C>& sums) {
        Dots<S, C> dots;
        Scale scale[S];
#pragma GCC unroll 4
        for (int s = 0; s < S; ++s) {
            const __m512 min = f[s].min[j];
#pragma GCC unroll 6
            for (int c = 0; c < C; ++c) {
                sums.f[s][c] = _mm512_fnmadd_ps(min, _mm512_set1_ps(x[c].sum), sums.f[s][c]);
                dots.i[s][c] = _mm512_set1_epi32(kOffsetBits);
            }
        }
        multiply_nibbles<Ahead, which, 8>(quants, strip_bytes, x, 0, dots);
#pragma GCC unroll 4
        for (int s = 0; s < S; ++s) scale[s] = scale_of(f[s].scale[j]);
        add_scaled(dots, scale, x, sums);
    }

    template <int S, int C>
    static HEART_INLINE void add_block(const std::uint8_t* w, std::size_t strip_bytes, const ActivationBlock* x,
                                       Sums<S, C>& sums) {
        Factors f[S];
#pragma GCC unroll 4
        for (int s = 0; s < S; ++s) unpack_factors(w + static_cast<std::size_t>(s) * strip_bytes, f[s]);
        const std::uint8_t* quants = w + 4 * 64;
#pragma GCC unroll 1
        for (int j = 0; j < 8; j += 2, quants += 8 * 64, x += 2 * C) {
            add_sub_block<Nibble::low>(quants, strip_bytes, f, j, x, sums);
            add_sub_block<Nibble::high_times_16>(quants, strip_bytes, f, j + 1, x + C, sums);
        }
    }
};

template <class Type, int S, int C>
void multiply_strips(const std::uint8_t* w, std::int64_t rows, std::int64_t cols, const ActivationBlock* x, float* y,
                     std::int64_t y_stride) {
    const std::size_t strip_bytes = static_cast<std::size_t>(cols / Type::kCols * Type::kBytes);
    Sums<S, C> sums;
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s) {
#pragma GCC unroll 6
        for (int c = 0; c < C; ++c) sums.f[s][c] = _mm512_setzero_ps();
    }
#pragma GCC unroll 1
    for (std::int64_t k = 0; k < cols; k += Type::kCols, w += Type::kBytes, x += Type::kCols / kBlock * C) {
        Type::template add_block<S, C>(w, strip_bytes, x, sums);
    }
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s) {
        const std::int64_t left = rows - s * kStripRows;
        const auto mask = static_cast<__mmask16>(left >= kStripRows ? 0xFFFF : (1 << left) - 1);
#pragma GCC unroll 6
        for (int c = 0; c < C; ++c) _mm512_mask_storeu_ps(y + c * y_stride + s * kStripRows, mask, sums.f[s][c]);
    }
}

/// Bytes of a tile's activations that stay in the first-level cache beside one stream of weights.
constexpr std::int64_t kCachedBytes = 12 << 10;

template <class Type, int C>
void multiply_columns(const Strips& w, const ActivationBlock* x, float* y, std::int64_t y_stride) {
    constexpr int kTogether = C <= kFewColumns ? 4 : 2;
    const auto x_bytes = w.cols / kBlock * C * static_cast<std::int64_t>(sizeof(ActivationBlock));
    std::int64_t row = 0;
    if (!Type::kOneStream || x_bytes > kCachedBytes) {
        row = multiply_rows<Type, kTogether, C>(w, 0, x, y, y_stride);
        row = multiply_rows<Type, 2, C>(w, row, x, y, y_stride);
    }
    multiply_rows<Type, 1, C>(w, row, x, y, y_stride);
}

void quantise(const float* x, std::int64_t cols, WeightType type, ActivationBlock* out, int width) {
    const __m512i magnitude_bits = _mm512_set1_epi32(0x7FFFFFFF);
    for (std::int64_t k = 0; k < cols; k += kBlock, out += width) {
        const __m512 a = _mm512_loadu_ps(x + k), b = _mm512_loadu_ps(x + k + 16);
        // As integers, magnitudes are in the same order, with infinity and NaN above all numbers.
        const std::int32_t bits =
            _mm512_reduce_max_epi32(_mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(a), magnitude_bits),
                                                     _mm512_and_si512(_mm512_castps_si512(b), magnitude_bits)));
        float largest;
        __builtin_memcpy(&largest, &bits, sizeof largest);
        const bool usable = bits >= kSmallestBits && bits < kInfinityBits;
        const __m512 inverse = _mm512_set1_ps(usable ? 127.0F / largest : 0.0F);
        // NaN times 0 converts to INT_MIN, so unusable blocks are masked.
        const auto mask = static_cast<__mmask16>(usable ? 0xFFFF : 0);
        const __m512i qa = _mm512_maskz_cvtps_epi32(mask, _mm512_mul_ps(a, inverse));
        const __m512i qb = _mm512_maskz_cvtps_epi32(mask, _mm512_mul_ps(b, inverse));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out->q), _mm512_cvtepi32_epi8(qa));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out->q + 16), _mm512_cvtepi32_epi8(qb));
        const std::int32_t sum = _mm512_reduce_add_epi32(_mm512_add_epi32(qa, qb));
        out->scale = usable ? largest / 127.0F : bits >= kInfinityBits ? __builtin_nanf("") : 0.0F;
        out->start = kOffsetBits - zero_point(type) * sum;
        out->sum = out->scale * static_cast<float>(sum);
    }
}

}  // namespace

const Family kAvx512{quantise, multiply_tile<AskAhead, AskAhead>, kWidest};
const Family kAvx512HardwareAhead{quantise, multiply_tile<LeaveToHardware, AskAhead>, kWidest};

}  // namespace heart::kernels::quantised
