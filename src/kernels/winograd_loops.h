// How a Winograd convolution (kernels/winograd.h) combines signals and outputs, for every family: included like
// float_products_tile.h, behind it.

#pragma once

namespace heart::kernels {
namespace {

/// a * b + c for a number a.
HEART_INLINE Vector times(float a, Vector b, Vector c) {
    return Simd::fma(Simd::broadcast(&a), b, c);
}

/// The signal at the points 0, 1, -1, 2, -1/2 and infinity.
inline void winograd_signal(const WinogradSignal& s) {
    for (std::int64_t i = 0; i < s.channels; i += Simd::kLanes) {
        Vector x[kWinogradPoints];
        for (int j = 0; j < kWinogradPoints; ++j) x[j] = Simd::load(s.x[j] + i);
        const Vector apart = times(-1, x[2], x[4]), inner = times(-1, x[1], x[3]);  // x4 - x2, x3 - x1
        const Vector at[kWinogradPoints] = {
            times(-1.5F, inner, times(-2, x[2], Simd::add(x[0], x[4]))),
            times(-0.5F, x[3], times(-2.5F, x[2], times(-1, x[1], x[4]))),
            times(-2.5F, x[3], times(0.5F, x[2], Simd::add(x[1], x[4]))),
            times(0.5F, inner, apart),
            times(-2, inner, apart),
            times(-1.5F, apart, times(-2, x[3], Simd::add(x[1], x[5]))),
        };
        for (int p = 0; p < kWinogradPoints; ++p) Simd::store(s.out + p * s.stride + i, at[p]);
    }
}

/// Outputs from the points' products, and what follows the convolution.
inline void winograd_outputs(const WinogradOutputs& o) {
    const Vector slope = Simd::broadcast(&o.slope);
    for (std::int64_t i = 0; i < o.channels; i += Simd::kLanes) {
        Vector m[kWinogradPoints];
        for (int p = 0; p < kWinogradPoints; ++p) m[p] = Simd::load(o.products + p * o.stride + i);
        const Vector even = Simd::add(m[1], m[2]), odd = times(-1, m[2], m[1]);
        const Vector sums[kWinogradOutputs] = {
            Simd::add(Simd::add(m[0], even), Simd::add(m[3], m[4])),
            times(-0.5F, m[4], times(2, m[3], odd)),
            Simd::add(times(0.25F, m[4], times(4, m[3], even)), m[5]),
        };
        for (int n = 0; n < kWinogradOutputs; ++n) {
            if (o.y[n] == nullptr) break;
            Vector v = o.bias ? Simd::add(sums[n], Simd::load(o.bias + i)) : sums[n];
            if (o.prelu) v = Simd::prelu(v, slope);
            if (o.residual[n]) v = Simd::add(v, Simd::load(o.residual[n] + i));
            Simd::store(o.y[n] + i, v);
        }
    }
}

}  // namespace
}  // namespace heart::kernels
