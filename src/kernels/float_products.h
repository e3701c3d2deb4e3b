#pragma once

#include <cstdint>

#include "kernels/interleaved.h"
#include "kernels/work_queue.h"

namespace heart::kernels {

/// What happens to a finished sum of output r of column n: y = prelu(sum + bias[r]) + residual[n][r]. Every part is
/// optional.
struct Epilogue {
    const float* bias = nullptr;  ///< [rows]
    bool prelu = false;           ///< negative values are multiplied by `slope`
    float slope = 0.0F;
    const float* residual = nullptr;  ///< columns of `rows` numbers, `residual_stride` apart
    std::int64_t residual_stride = 0;
};

/// A product of an f32, f16 or bf16 matrix with columns of f32, summed in f32; with more than one tap, a causal dilated
/// convolution of a channels-last signal:
///
///   y[n][r] = epilogue(sum over tap t and input i of W[r][t * inputs + i] * signal[n + t * tap_shift][i])
///
/// where inputs = w.cols / taps and the signal has context() columns more than y: with `past` they are read from there and
/// the rest from `x`; without, all from `x`. Strides count floats, from one column to the next, and are at least the width.
/// y overlaps none of the operands. Weights are finite or not: sums follow IEEE rules.
struct FloatProduct {
    InterleavedMatrix w;
    std::int64_t taps = 1;        ///< divides w.cols
    std::int64_t tap_shift = 1;   ///< columns
    const float* past = nullptr;  ///< [context()][inputs], dense
    const float* x = nullptr;
    std::int64_t x_stride = 0;
    std::int64_t columns = 0;  ///< of y
    float* y = nullptr;
    std::int64_t y_stride = 0;
    Epilogue epilogue;

    [[nodiscard]] std::int64_t inputs() const noexcept { return w.cols / taps; }
    [[nodiscard]] std::int64_t context() const noexcept { return (taps - 1) * tap_shift; }
};

/// Computes a thread's part; the parts are disjoint and need no order. A sum is one chain of additions
/// in the order of W's columns (for up to four rows: one chain per lane of a vector), so a number depends neither on the
/// threads nor on the columns computed with it. Keeps under 1 MiB of scratch per thread, allocated at its first call.
/// Precondition: w.type is f32, f16 or bf16.
void multiply(const FloatProduct& p, const Worker& me);

/// y[n] = the sum over i < inputs of w[i] * x[n * x_stride + i], for a plain row of f32: the number that multiply() gives
/// for a matrix of that one row, whatever other columns it is computed with. On this thread, without scratch.
void dot_products(const float* w, std::int64_t inputs, const float* x, std::int64_t x_stride, std::int64_t columns,
                  float* y) noexcept;

}  // namespace heart::kernels
