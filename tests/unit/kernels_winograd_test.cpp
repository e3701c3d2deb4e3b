// Does a Winograd convolution compute what the plain one does, in every instruction family, and how much less exactly?

#include "kernels/instruction_set.h"
#include "kernels/winograd.h"
#include "support/guarded_vector.h"
#include "support/on_threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace heart::kernels {
namespace {

using Floats = test::GuardedVector<float>;

constexpr float kUntouched = -12345.0F;

std::size_t z(std::int64_t n) {
    return static_cast<std::size_t>(n);
}

Floats random_numbers(std::int64_t count, std::mt19937& random, float scale = 1) {
    std::normal_distribution<float> normal(0, scale);
    Floats numbers(z(count));
    for (float& x : numbers) x = normal(random);
    return numbers;
}

/// Plain rows in strips.
Floats strips_of(const float* rows, std::int64_t count, std::int64_t cols) {
    Floats out(z(count * cols));
    for (std::int64_t r = 0; r < count; r += kStripRows)
        interleave_strip(WeightType::f32, cols, rows + r * cols, kStripRows, out.data() + r * cols);
    return out;
}

struct Shape {
    std::int64_t inputs, outputs, shift, columns;
    bool past = true, epilogue = true;
};

/// A convolution with all its operands; gaps between columns.
struct Case {
    Shape s;
    std::mt19937 random;
    std::int64_t context, x_stride, y_stride, residual_stride;
    Floats taps, past, x, bias, residual, y;
    Floats plain, filters;

    explicit Case(const Shape& shape, unsigned seed = 1)
        : s(shape),
          random(seed),
          context((kWinogradTaps - 1) * s.shift),
          x_stride(s.inputs + 3),
          y_stride(s.outputs + 5),
          residual_stride(s.outputs + 2),
          taps(random_numbers(s.outputs * kWinogradTaps * s.inputs, random,
                              1 / std::sqrt(static_cast<float>(kWinogradTaps * s.inputs)))),
          past(random_numbers(context * s.inputs, random)),
          x(random_numbers((s.columns + (s.past ? 0 : context)) * x_stride - 3, random)),
          bias(random_numbers(s.outputs, random)),
          residual(random_numbers(s.columns * residual_stride - 2, random)),
          plain(strips_of(taps.data(), s.outputs, kWinogradTaps * s.inputs)) {
        std::vector<float> rows(z(kWinogradMatrices * s.outputs * s.inputs));
        winograd_taps(taps.data(), s.inputs, s.outputs, rows.data());
        filters = strips_of(rows.data(), kWinogradMatrices * s.outputs, s.inputs);
    }

    [[nodiscard]] FloatProduct product(const Floats& data) {
        y = Floats(z(s.columns * y_stride - 5), kUntouched);
        FloatProduct p;
        p.w = {WeightType::f32, data.data(), s.outputs, kWinogradTaps * s.inputs};
        p.taps = kWinogradTaps, p.tap_shift = s.shift;
        p.past = s.past ? past.data() : nullptr;
        p.x = x.data(), p.x_stride = x_stride, p.columns = s.columns;
        p.y = y.data(), p.y_stride = y_stride;
        if (s.epilogue) p.epilogue = {bias.data(), true, 0.25F, residual.data(), residual_stride};
        return p;
    }
    [[nodiscard]] Floats winograd(int threads = 1) {
        const FloatProduct p = product(filters);
        for (int i = threads; i-- > 0;) multiply_winograd(p, {i, threads});
        return std::move(y);
    }
    [[nodiscard]] Floats by_taps() {
        multiply(product(plain), {});
        return std::move(y);
    }
    /// By the definition in float_products.h, in double.
    [[nodiscard]] double expected(std::int64_t row, std::int64_t column) const {
        double sum = 0;
        for (std::int64_t tap = 0; tap < kWinogradTaps; ++tap) {
            const std::int64_t at = column + tap * s.shift;
            const float* from = !s.past        ? x.data() + at * x_stride
                                : at < context ? past.data() + at * s.inputs
                                               : x.data() + (at - context) * x_stride;
            for (std::int64_t i = 0; i < s.inputs; ++i)
                sum +=
                    static_cast<double>(taps[z((row * kWinogradTaps + tap) * s.inputs + i)]) * static_cast<double>(from[i]);
        }
        if (!s.epilogue) return sum;
        sum += static_cast<double>(bias[z(row)]);
        return (sum > 0 ? sum : 0.25 * sum) + static_cast<double>(residual[z(column * residual_stride + row)]);
    }
};

class Winograd : public testing::TestWithParam<InstructionSet> {
protected:
    void SetUp() override { ASSERT_TRUE(use_instruction_set(GetParam())); }
    void TearDown() override { use_instruction_set(before_); }

private:
    InstructionSet before_ = instruction_set();
};

TEST_P(Winograd, IsTheConvolutionOfItsDefinition) {
    std::mt19937 random(3);
    for (int i = 0; i < 40; ++i) {
        const auto up_to = [&](unsigned n) { return 1 + static_cast<std::int64_t>(random() % n); };
        const Shape s{16 * up_to(5), 16 * up_to(5), up_to(18), up_to(i % 4 == 0 ? 400 : 60), i % 3 != 0, i % 2 == 0};
        Case c(s, static_cast<unsigned>(i));
        const Floats y = c.winograd();
        for (std::int64_t n = 0; n < s.columns; ++n) {
            for (std::int64_t r = 0; r < s.outputs; ++r) {
                ASSERT_NEAR(y[z(n * c.y_stride + r)], c.expected(r, n), 1e-5)
                    << s.inputs << " -> " << s.outputs << ", shift " << s.shift << ", column " << n << " of " << s.columns;
            }
            for (std::int64_t r = s.outputs; r < c.y_stride && n + 1 < s.columns; ++r)
                ASSERT_EQ(y[z(n * c.y_stride + r)], kUntouched) << "behind column " << n;
        }
    }
}

// Of noise, rounding errors are no more than one and a half times those of the sum tap by tap.
TEST_P(Winograd, IsAboutAsExactAsThePlainSum) {
    for (const std::int64_t channels : {64, 256}) {
        Case c({channels, channels, 6, 120, true, false});
        const Floats y = c.winograd(), plain = c.by_taps();
        double error = 0, plain_error = 0;
        for (std::int64_t n = 0; n < c.s.columns; ++n) {
            for (std::int64_t r = 0; r < channels; ++r) {
                const double expected = c.expected(r, n);
                const std::size_t at = z(n * c.y_stride + r);
                error += std::pow(static_cast<double>(y[at]) - expected, 2);
                plain_error += std::pow(static_cast<double>(plain[at]) - expected, 2);
            }
        }
        EXPECT_LT(std::sqrt(error / plain_error), 1.5) << channels;
    }
}

TEST_P(Winograd, IsTheSameOnAnyNumberOfThreads) {
    Case c({64, 48, 6, 1000});
    const Floats one = c.winograd();
    for (const int threads : {2, 3, 5}) EXPECT_EQ(c.winograd(threads), one) << threads;
    WorkQueue queue;
    const FloatProduct p = c.product(c.filters);
    test::on_threads(3, [&](int i) { multiply_winograd(p, {i, 3, &queue}); });
    EXPECT_EQ(c.y, one);
}

TEST_P(Winograd, DependsOnColumnsBehindForItsLastBitsOnly) {
    Case all({32, 32, 4, 500}), some({32, 32, 4, 500});
    const Floats whole = all.winograd();
    some.s.columns = 123;
    const Floats part = some.winograd();
    for (std::int64_t n = 0; n < 123; ++n) {
        for (std::int64_t r = 0; r < 32; ++r) {
            const std::size_t at = z(n * all.y_stride + r);
            ASSERT_NEAR(part[at], whole[at], 1e-5) << n;
        }
    }
}

TEST_P(Winograd, WhatIsNotFiniteStaysNear) {
    Case c({16, 16, 2, 100, true, false});
    c.x[z(50 * c.x_stride + 3)] = std::numeric_limits<float>::quiet_NaN();  // seen by columns 50 .. 62
    const Floats y = c.winograd();
    for (std::int64_t n = 0; n < 100; ++n) {
        const bool sees = n >= 50 && n <= 62 && n % 2 == 0, near = n >= 50 - 2 * 2 && n <= 62 + 2 * 2;
        const float one = y[z(n * c.y_stride)];
        if (sees) {
            EXPECT_TRUE(std::isnan(one)) << n;
        }
        if (!near) {
            EXPECT_TRUE(std::isfinite(one)) << n;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Winograd, testing::ValuesIn(available_instruction_sets()),
                         [](const auto& one) { return std::string(name_of(one.param)); });

}  // namespace
}  // namespace heart::kernels
