// Do products of float matrices compute the sums that their header defines, and touch nothing beyond their operands?

#include "kernels/float_products.h"
#include "kernels/instruction_set.h"
#include "support/guarded_vector.h"
#include "support/on_threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace heart::kernels {
namespace {

using Floats = test::GuardedVector<float>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kUntouched = -12345.0F;
constexpr WeightType kTypes[] = {WeightType::f32, WeightType::f16, WeightType::bf16};

float from_bf16(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float from_f16(std::uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
    if (exponent == 31) return fraction != 0 ? kNan : sign * kInfinity;
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
    return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

/// A matrix in plain rows, as the numbers it stands for, and interleaved.
struct Weights {
    WeightType type = WeightType::f32;
    std::int64_t rows = 0, cols = 0;
    Floats values;
    test::GuardedVector<char> storage;  ///< whole cache lines, so that it begins with one

    Weights(WeightType type_, std::int64_t rows_, std::int64_t cols_, const std::vector<std::uint16_t>& halves,
            Floats floats)
        : type(type_), rows(rows_), cols(cols_), values(std::move(floats)) {
        if (type != WeightType::f32) {
            values = Floats(halves.size());
            std::transform(halves.begin(), halves.end(), values.begin(), type == WeightType::f16 ? from_f16 : from_bf16);
        }
        const std::size_t row_bytes = plain_row_bytes(type, cols);
        const std::int64_t strips = (rows + kStripRows - 1) / kStripRows;
        storage = test::GuardedVector<char>((static_cast<std::size_t>(strips) * kStripRows * row_bytes + 63) / 64 * 64);
        const char* plain = type == WeightType::f32 ? reinterpret_cast<const char*>(values.data())
                                                    : reinterpret_cast<const char*>(halves.data());
        for (std::int64_t s = 0; s < strips; ++s) {
            interleave_strip(type, cols, plain + static_cast<std::size_t>(s * kStripRows) * row_bytes,
                             std::min(kStripRows, rows - s * kStripRows),
                             storage.data() + static_cast<std::size_t>(s * kStripRows) * row_bytes);
        }
    }

    [[nodiscard]] InterleavedMatrix matrix() { return {type, storage.data(), rows, cols}; }
};

Floats random_numbers(std::int64_t count, std::mt19937& random) {
    std::normal_distribution<float> normal;
    Floats numbers(static_cast<std::size_t>(count));
    for (auto& x : numbers) x = normal(random);
    return numbers;
}

Weights random_weights(WeightType type, std::int64_t rows, std::int64_t cols, std::mt19937& random) {
    std::vector<std::uint16_t> halves;
    Floats floats = random_numbers(rows * cols, random);
    for (const float f : floats) {
        const auto bits = std::bit_cast<std::uint32_t>(f);
        if (type == WeightType::bf16) halves.push_back(static_cast<std::uint16_t>(bits >> 16));
        // Exponents around that of one, so that the number is normal.
        if (type == WeightType::f16)
            halves.push_back(static_cast<std::uint16_t>((bits & 0x83FF) | (12 + (bits >> 10) % 5) << 10));
    }
    return {type, rows, cols, halves, std::move(floats)};
}

struct Shape {
    WeightType type = WeightType::f32;
    std::int64_t rows = 1, inputs = 1, taps = 1, shift = 1, columns = 1;
    bool past = false;
    std::int64_t x_gap = 0, y_gap = 0;  ///< strides less widths
    bool bias = false, prelu = false, residual = false;
};

std::ostream& operator<<(std::ostream& out, const Shape& s) {
    return out << "type " << static_cast<int>(s.type) << ' ' << s.rows << 'x' << s.inputs << " taps " << s.taps << " shift "
               << s.shift << " columns " << s.columns << " past " << s.past << " gaps " << s.x_gap << ' ' << s.y_gap
               << " epilogue " << s.bias << s.prelu << s.residual;
}

/// A product with all its operands.
struct Case {
    Shape s;
    std::mt19937 random{11};
    Weights weights;
    std::int64_t context, x_stride, y_stride, residual_stride;
    Floats past, x, bias, residual, y;

    explicit Case(const Shape& shape)
        : s(shape),
          weights(random_weights(s.type, s.rows, s.inputs * s.taps, random)),
          context((s.taps - 1) * s.shift),
          x_stride(s.inputs + s.x_gap),
          y_stride(s.rows + s.y_gap),
          residual_stride(s.rows + 2 * s.y_gap),
          past(random_numbers(context * s.inputs, random)),
          x(random_numbers((s.columns + (s.past ? 0 : context)) * x_stride, random)),
          bias(random_numbers(s.rows, random)),
          residual(random_numbers(s.columns * residual_stride, random)),
          y(static_cast<std::size_t>(s.columns * y_stride)) {}

    [[nodiscard]] FloatProduct product() {
        FloatProduct p;
        p.w = weights.matrix();
        p.taps = s.taps;
        p.tap_shift = s.shift;
        p.past = s.past ? past.data() : nullptr;
        p.x = x.data();
        p.x_stride = x_stride;
        p.columns = s.columns;
        p.y = y.data();
        p.y_stride = y_stride;
        p.epilogue = {s.bias ? bias.data() : nullptr, s.prelu, 0.25F, s.residual ? residual.data() : nullptr,
                      residual_stride};
        return p;
    }

    [[nodiscard]] const Floats& run(int threads = 1) {
        std::fill(y.begin(), y.end(), kUntouched);
        for (int i = 0; i < threads; ++i) multiply(product(), {i, threads});
        return y;
    }

    /// By threads that share the work out as they go.
    [[nodiscard]] const Floats& run_shared(int threads, WorkQueue& queue) {
        std::fill(y.begin(), y.end(), kUntouched);
        test::on_threads(threads, [&](int i) { multiply(product(), {i, threads, &queue}); });
        return y;
    }

    [[nodiscard]] float signal(std::int64_t column, std::int64_t input) const {
        if (s.past && column < context) return past[static_cast<std::size_t>(column * s.inputs + input)];
        return x[static_cast<std::size_t>((column - (s.past ? context : 0)) * x_stride + input)];
    }

    /// The slow and obvious way; `scale` becomes the sum of magnitudes, which errors are in proportion to.
    [[nodiscard]] double reference(std::int64_t column, std::int64_t row, double& scale) const {
        double sum = 0.0;
        scale = 1.0;
        for (std::int64_t t = 0; t < s.taps; ++t) {
            for (std::int64_t i = 0; i < s.inputs; ++i) {
                const double w = weights.values[static_cast<std::size_t>(row * s.taps * s.inputs + t * s.inputs + i)];
                const double term = w * static_cast<double>(signal(column + t * s.shift, i));
                sum += term;
                scale += std::abs(term);
            }
        }
        if (s.bias) sum += static_cast<double>(bias[static_cast<std::size_t>(row)]);
        if (s.prelu && !(sum > 0.0)) sum *= 0.25;
        if (s.residual) sum += static_cast<double>(residual[static_cast<std::size_t>(column * residual_stride + row)]);
        return sum;
    }

    void expect_reference() {
        (void)run();
        for (std::int64_t n = 0; n < s.columns; ++n) {
            for (std::int64_t r = 0; r < y_stride; ++r) {
                const float got = y[static_cast<std::size_t>(n * y_stride + r)];
                if (r >= s.rows) {
                    ASSERT_EQ(got, kUntouched) << s << " column " << n << " beyond the rows, at " << r;
                    continue;
                }
                double scale = 0.0;
                const double expected = reference(n, r, scale);
                if (std::isnan(expected)) ASSERT_TRUE(std::isnan(got)) << s << " column " << n << " row " << r;
                else if (std::isinf(expected))
                    ASSERT_EQ(static_cast<double>(got), expected) << s << " column " << n << " row " << r;
                else ASSERT_NEAR(static_cast<double>(got), expected, 1e-6 * scale) << s << " column " << n << " row " << r;
            }
        }
    }
};

/// Every test runs once for each family of instructions that the machine has.
class FloatProductsTest : public testing::TestWithParam<InstructionSet> {
protected:
    void SetUp() override { ASSERT_TRUE(use_instruction_set(GetParam())); }
    void TearDown() override { (void)use_instruction_set(available_instruction_sets().back()); }
};

INSTANTIATE_TEST_SUITE_P(Families, FloatProductsTest, testing::ValuesIn(available_instruction_sets()),
                         [](const auto& set) { return std::string(name_of(set.param)); });

Shape random_shape(std::mt19937& random) {
    const auto up_to = [&](std::int64_t most) {
        return static_cast<std::int64_t>(random() % static_cast<unsigned>(most)) + 1;
    };
    Shape s;
    s.type = kTypes[random() % 3];
    s.taps = random() % 2 != 0 ? up_to(7) : 1;
    s.shift = up_to(10);
    s.inputs = up_to(70);
    if (s.type != WeightType::f32 && s.inputs * s.taps % 2 != 0) ++s.inputs;
    s.rows = random() % 4 == 0 ? 490 + up_to(60) : up_to(80);
    s.columns = up_to(40);
    s.past = random() % 2 != 0;
    s.x_gap = random() % 2 != 0 ? up_to(9) : 0;
    s.y_gap = random() % 2 != 0 ? up_to(9) : 0;
    s.bias = random() % 2 != 0;
    s.prelu = random() % 2 != 0;
    s.residual = random() % 2 != 0;
    return s;
}

TEST_P(FloatProductsTest, RandomShapesMatchTheReference) {
    std::mt19937 random(5);
    for (int i = 0; i < 150 && !HasFatalFailure(); ++i) Case(random_shape(random)).expect_reference();
}

TEST_P(FloatProductsTest, EveryColumnCountMatchesTheReference) {
    for (const WeightType type : kTypes) {
        for (std::int64_t columns = 1; columns <= 40 && !HasFatalFailure(); ++columns) {
            Case({.type = type, .rows = 50, .inputs = 36, .columns = columns, .bias = true}).expect_reference();
        }
    }
}

TEST_P(FloatProductsTest, SumsInSeveralPiecesMatchTheReference) {
    // Wider than what is packed at a time, with a last strip that has missing rows.
    Case({.rows = 515, .inputs = 2100, .columns = 7, .y_gap = 3, .bias = true, .prelu = true}).expect_reference();
    Case({.type = WeightType::bf16, .rows = 531, .inputs = 350, .taps = 5, .shift = 2, .columns = 9, .past = true})
        .expect_reference();
}

TEST_P(FloatProductsTest, ManyColumnsMatchTheReference) {
    Case({.rows = 20, .inputs = 8, .taps = 3, .shift = 90, .columns = 500, .past = true, .residual = true})
        .expect_reference();
    Case({.rows = 528, .inputs = 12, .taps = 7, .shift = 18, .columns = 401, .past = true}).expect_reference();
}

TEST_P(FloatProductsTest, FewRowsMatchTheReference) {
    for (std::int64_t rows = 1; rows <= 5 && !HasFatalFailure(); ++rows) {
        for (const std::int64_t inputs : {3, 64, 67}) {
            Case({.rows = rows,
                  .inputs = inputs,
                  .taps = 7,
                  .shift = 2,
                  .columns = 37,
                  .past = true,
                  .bias = true,
                  .prelu = true})
                .expect_reference();
        }
    }
}

TEST_P(FloatProductsTest, ThreadsDoNotChangeABit) {
    std::mt19937 random(6);
    for (int i = 0; i < 40; ++i) {
        Case c(random_shape(random));
        const Floats alone = c.run();
        for (const int threads : {2, 3, 16}) {
            EXPECT_EQ(std::memcmp(alone.data(), c.run(threads).data(), alone.size() * sizeof(float)), 0)
                << c.s << ' ' << threads;
        }
    }
}

TEST_P(FloatProductsTest, ThreadsThatShareDoNotChangeABit) {
    std::mt19937 random(9);
    WorkQueue queue;  // one for all, as in a graph
    const auto expect_same = [&](const Shape& shape) {
        Case c(shape);
        const Floats alone = c.run();
        for (const int threads : {1, 2, 3}) {
            EXPECT_EQ(std::memcmp(alone.data(), c.run_shared(threads, queue).data(), alone.size() * sizeof(float)), 0)
                << c.s << ' ' << threads;
        }
    };
    for (int i = 0; i < 20; ++i) expect_same(random_shape(random));
    expect_same({.rows = 600, .inputs = 64, .columns = 2});                                        // by strips
    expect_same({.rows = 600, .inputs = 64, .columns = 700, .residual = true});                    // by columns, packed
    expect_same({.rows = 33, .inputs = 24, .taps = 3, .shift = 4, .columns = 700, .past = true});  // of a signal
    expect_same({.rows = 3, .inputs = 40, .columns = 99});                                         // few rows
}

TEST_P(FloatProductsTest, ColumnsComputedTogetherDoNotChangeABit) {
    std::mt19937 random(8);
    for (int i = 0; i < 30; ++i) {
        Shape s = random_shape(random);
        s.past = false;
        Case c(s);
        const Floats together = c.run();
        std::fill(c.y.begin(), c.y.end(), kUntouched);
        for (std::int64_t n = 0, count = 1; n < s.columns; n += count, count = count % 5 + 1) {
            FloatProduct p = c.product();
            p.columns = std::min(count, s.columns - n);
            p.x += n * p.x_stride;
            p.y += n * p.y_stride;
            if (p.epilogue.residual) p.epilogue.residual += n * p.epilogue.residual_stride;
            multiply(p, {0, 1});
        }
        EXPECT_EQ(std::memcmp(together.data(), c.y.data(), together.size() * sizeof(float)), 0) << s;
    }
}

TEST_P(FloatProductsTest, DotProductsAreTheProductOfOneRowToTheBit) {
    for (const std::int64_t inputs : {1, 15, 16, 67, 512}) {
        for (const std::int64_t columns : {0, 1, 7, 8, 29}) {
            Case c({.rows = 1, .inputs = inputs, .columns = columns, .x_gap = 3});
            const Floats product = c.run();
            Floats dots(product.size(), kUntouched);
            dot_products(c.weights.values.data(), inputs, c.x.data(), c.x_stride, columns, dots.data());
            EXPECT_EQ(dots, product) << inputs << " inputs, " << columns << " columns";
        }
    }
}

TEST_P(FloatProductsTest, ThePastIsTheSignalBefore) {
    Case whole({.rows = 40, .inputs = 16, .taps = 7, .shift = 6, .columns = 60, .bias = true});
    const Floats expected = whole.run();
    FloatProduct p = whole.product();
    Floats y(whole.y.size(), kUntouched);
    p.past = p.x;
    p.x += p.context() * p.x_stride;
    p.y = y.data();
    multiply(p, {0, 1});
    EXPECT_EQ(y, expected);
}

TEST_P(FloatProductsTest, InputsThatAreNotFiniteStayInTheirColumns) {
    for (const Shape& shape :
         {Shape{.rows = 40, .inputs = 20, .columns = 30},
          Shape{.type = WeightType::bf16, .rows = 550, .inputs = 20, .columns = 30, .prelu = true},
          Shape{.rows = 1, .inputs = 35, .taps = 3, .shift = 2, .columns = 30, .past = true},
          Shape{.type = WeightType::f16, .rows = 21, .inputs = 10, .taps = 3, .columns = 30, .prelu = true}}) {
        Case c(shape);
        const auto at = [&](std::int64_t n, std::int64_t i) -> float& {
            return c.x[static_cast<std::size_t>(n * c.x_stride + i)];
        };
        at(2, 3) = kInfinity;
        at(9, 0) = -kInfinity;
        at(17, shape.inputs - 1) = kNan;
        at(23, 1) = kInfinity;
        at(23, 2) = -kInfinity;
        c.expect_reference();
    }
}

TEST_P(FloatProductsTest, EveryHalfIsReadRight) {
    // One row for each of the 65536 numbers, at either place of its pair.
    for (const WeightType type : {WeightType::f16, WeightType::bf16}) {
        for (const std::size_t place : {0U, 1U}) {
            std::vector<std::uint16_t> halves(2 * 65536);
            for (std::size_t i = 0; i < 65536; ++i) halves[2 * i + place] = static_cast<std::uint16_t>(i);
            Weights w(type, 65536, 2, halves, {});
            Floats y(65536);
            const float x[2] = {1.0F, 1.0F};
            FloatProduct p;
            p.w = w.matrix();
            p.x = x;
            p.x_stride = 2;
            p.columns = 1;
            p.y = y.data();
            p.y_stride = 65536;
            multiply(p, {0, 1});
            int wrong = 0;
            for (std::size_t i = 0; i < 65536; ++i) {
                const float expected = w.values[2 * i + place];
                if (std::isnan(expected) ? !std::isnan(y[i]) : y[i] != expected) ++wrong;
            }
            EXPECT_EQ(wrong, 0) << static_cast<int>(type) << ' ' << place;
        }
    }
}

TEST_P(FloatProductsTest, NoColumnsIsNothing) {
    Case c({.rows = 40, .inputs = 16});
    FloatProduct p = c.product();
    p.columns = 0;
    for (auto& y : c.y) y = kUntouched;
    multiply(p, {0, 1});
    EXPECT_EQ(c.y, Floats(c.y.size(), kUntouched));
}

}  // namespace
}  // namespace heart::kernels
