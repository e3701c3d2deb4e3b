#include <cstdint>
#include <cstring>

namespace heart::kernels {
namespace {

/// Vectors of four, which every 64-bit machine has; the compiler's own vector types. With 32 registers (ARM) a tile holds
/// 24 vectors of sums; with 16, and none to lose to a product on its way to a sum, 8.
struct Simd {
    using Vector = float __attribute__((vector_size(16)));
    using Bits = std::uint32_t __attribute__((vector_size(16)));
    static constexpr int kLanes = 4;
#if defined(__aarch64__)
    static constexpr int kSums = 24, kTileColumns = 6;
#else
    static constexpr int kSums = 8, kTileColumns = 2;
#endif
    static constexpr int kShallowColumns = kTileColumns;
    static constexpr int kUnpackedF16 = 3, kUnpackedBf16 = 0;
    static constexpr std::int64_t kPrefetchBytes = 1536;

    static inline Vector zero() {
        return Vector{0.0F, 0.0F, 0.0F, 0.0F};
    }
    static inline Vector load(const float* p) {
        return read<Vector>(p);
    }
    static inline void store(float* p, Vector v) {
        std::memcpy(p, &v, sizeof v);
    }
    static inline Vector broadcast(const float* p) {
        return Vector{*p, *p, *p, *p};
    }
    static inline Vector add(Vector a, Vector b) {
        return a + b;
    }
    static inline Vector fma(Vector a, Vector b, Vector c) {
        return a * b + c;
    }
    static inline float scalar_fma(float a, float b, float c) {
        return a * b + c;
    }
    static inline Vector prelu(Vector v, Vector slope) {
        return v > zero() ? v : v * slope;
    }
    static inline float sum(Vector v) {
        return (v[0] + v[2]) + (v[1] + v[3]);
    }
    static inline Vector bf16_even(const char* p) {
        return as_floats(read<Bits>(p) << 16);
    }
    static inline Vector bf16_odd(const char* p) {
        return as_floats(read<Bits>(p) & 0xFFFF0000U);
    }
    static inline Vector f16_even(const char* p) {
        return from_f16(read<Bits>(p) & 0xFFFFU);
    }
    static inline Vector f16_odd(const char* p) {
        return from_f16(read<Bits>(p) >> 16);
    }

private:
    template <class T>
    static inline T read(const void* p) {
        T v;
        std::memcpy(&v, p, sizeof v);
        return v;
    }
    static inline Vector as_floats(Bits bits) {
        return read<Vector>(&bits);
    }
    /// Shifts exponent and fraction to their places; what that gives is 2^112 too small. An exponent of all ones stays one,
    /// and where it is zero, 2^-14 is put before the number and taken away again.
    static inline Vector from_f16(Bits half) {
        const Bits magnitude = (half & 0x7FFFU) << 13;
        const Bits exponent = magnitude & 0x0F800000U;
        const Vector tiny = as_floats(magnitude + 0x38800000U) - as_floats(Bits{} + 0x38800000U);
        const Bits normal = magnitude + (exponent == 0x0F800000U ? Bits{} + 0x70000000U : Bits{} + 0x38000000U);
        const Bits value = exponent == 0U ? read<Bits>(&tiny) : normal;
        return as_floats(value | ((half & 0x8000U) << 16));
    }
};

}  // namespace
}  // namespace heart::kernels

#include "kernels/float_products_tile.h"
#include "kernels/winograd_loops.h"

namespace heart::kernels {

const FloatKernels kFloatKernelsPortable = HEART_FLOAT_KERNELS;

}  // namespace heart::kernels
