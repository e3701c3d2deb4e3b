#include "kernels/attention_blocked.h"
#include "kernels/attention_decode.h"

#include <cstdint>

namespace heart::kernels {
namespace {

/// Four floats in the compiler's own vectors (SSE2, NEON).
struct Vectors {
    static constexpr std::int64_t kWidth = 4;
    // What is held in registers at a time: scores of so many queries and positions, sums of values; a tile of sums.
    static constexpr int kDecodeQueries = 2, kDecodePositions = 2, kDecodeSums = 8;
    static constexpr int kTileRows = 4, kTileRegisters = 2;
    // Positions of one head before it is the next head's turn, and how near the next ones are fetched (__builtin_prefetch).
    static constexpr int kDecodeTogether = 16, kDecodeLocality = 2;

    typedef float Floats __attribute__((vector_size(16)));
    typedef std::int32_t Ints __attribute__((vector_size(16)));
    typedef std::uint32_t Words __attribute__((vector_size(16)));

    template <class To, class From>
    static To read(const From* from) {
        To to;
        __builtin_memcpy(&to, from, sizeof to);
        return to;
    }
    static Floats load(const float* p) { return read<Floats>(p); }
    static void store(float* p, Floats x) { __builtin_memcpy(p, &x, sizeof x); }
    static Floats set(float x) { return Floats{x, x, x, x}; }
    static Floats mul(Floats a, Floats b) { return a * b; }
    static Floats add(Floats a, Floats b) { return a + b; }
    static Floats sub(Floats a, Floats b) { return a - b; }
    static Floats fma(Floats a, Floats b, Floats c) { return a * b + c; }
    /// The larger; b where one is not a number.
    static Floats max(Floats a, Floats b) { return a > b ? a : b; }
    /// x, but 0 where x is -inf.
    static Floats zero_for_minus_infinity(Floats x) { return x == set(-__builtin_inff()) ? set(0.0F) : x; }
    /// 2^n where n stands in the low bits of x (see `exp`).
    static Floats power_of_two(Floats x) {
        return reinterpret_cast<Floats>((reinterpret_cast<Words>(x) << 23) + 0x3F800000U);
    }
    /// a where `bit` is set in the word, else b.
    static Floats where(const std::uint32_t* words, std::uint32_t bit, Floats a, Floats b) {
        return (read<Words>(words) & bit) != 0 ? a : b;
    }
    static float first(Floats x) { return x[0]; }
    static float sum(Floats x) { return (x[0] + x[2]) + (x[1] + x[3]); }
    static float largest(Floats x) {
        const float a = x[0] > x[1] ? x[0] : x[1], b = x[2] > x[3] ? x[2] : x[3];
        return a > b ? a : b;
    }
    template <int kCount>
    static void store_sums(float* p, const Floats* x) {
        for (int i = 0; i < kCount; ++i) p[i] = sum(x[i]);
    }

    static Floats widen_bf16(const std::uint8_t* p) {
        typedef std::uint16_t Halves __attribute__((vector_size(8)));
        return reinterpret_cast<Floats>(__builtin_convertvector(read<Halves>(p), Words) << 16);
    }
    static Floats widen_f16(const std::uint8_t* p) {
        typedef std::uint16_t Halves __attribute__((vector_size(8)));
        const Words half = __builtin_convertvector(read<Halves>(p), Words);
        const Words bits = (half & 0x7FFFU) << 13;
        // With f32's exponent offset; a product, since that makes subnormal numbers right too.
        const Floats finite = reinterpret_cast<Floats>(bits) * 0x1p112F;
        const Words magnitude = bits >= 0x0F800000U ? (bits | 0x7F800000U) : reinterpret_cast<Words>(finite);
        return reinterpret_cast<Floats>(magnitude | (half & 0x8000U) << 16);
    }
    static Floats widen_int8(const std::uint8_t* p) {
        typedef std::uint8_t Bytes __attribute__((vector_size(16)));
        typedef std::uint16_t Halves __attribute__((vector_size(16)));
        const auto four = static_cast<std::int32_t>(read<std::uint32_t>(p));
        // Each byte four times, then the topmost of them with its sign.
        const auto bytes = reinterpret_cast<Bytes>(Ints{four, 0, 0, 0});
        const auto twice = reinterpret_cast<Halves>(
            __builtin_shufflevector(bytes, bytes, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
        const auto fourfold = reinterpret_cast<Ints>(__builtin_shufflevector(twice, twice, 0, 8, 1, 9, 2, 10, 3, 11));
        return __builtin_convertvector(fourfold >> 24, Floats);
    }
    static Floats set_f16(const std::uint8_t* p) {
        const std::uint8_t four[8] = {p[0], p[1], p[0], p[1], p[0], p[1], p[0], p[1]};
        return widen_f16(four);
    }
};

}  // namespace

void attend_portable(const Attention& a, int ith, int nth, float* scratch) noexcept {
    a.n <= kDecodeColumns ? decode<Vectors>(a, ith, nth, scratch) : attend_blocked<Vectors>(a, ith, nth, scratch);
}

}  // namespace heart::kernels
