// Does attention compute its definition, for every shape, number type, mask and instruction set, and nothing else?

#include "kernels/attention.h"
#include "kernels/instruction_set.h"
#include "support/guarded_vector.h"
#include "support/on_threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace heart::kernels {

void PrintTo(InstructionSet set, std::ostream* out) {
    *out << name_of(set);
}

namespace {

constexpr std::uint16_t kHidden = 0xFC00;  // -inf
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kUnwritten = 123456.0F;
constexpr std::int64_t kGuard = 64;  // numbers around the result that nobody may write

std::size_t z(std::int64_t n) {
    return static_cast<std::size_t>(n);
}

double value_of_f16(std::uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double magnitude = exponent == 0    ? std::ldexp(fraction, -24)
                             : exponent == 31 ? (fraction == 0 ? kInfinity : kNan)
                                              : std::ldexp(1024 + fraction, exponent - 25);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

std::int64_t row_bytes(CacheType type, std::int64_t head_dim) {
    switch (type) {
        case CacheType::f32: return 4 * head_dim;
        case CacheType::f16:
        case CacheType::bf16: return 2 * head_dim;
        case CacheType::q8_0: return head_dim / 32 * 34;
    }
    return 0;
}

/// Writes a row, each number rounded toward zero; in q8_0 as whole blocks with one scale.
void encode(CacheType type, const std::vector<float>& row, std::uint8_t* out) {
    for (std::size_t i = 0; i < row.size(); ++i) {
        const auto bits = std::bit_cast<std::uint32_t>(row[i]);
        if (type == CacheType::f32) std::memcpy(out + 4 * i, &bits, 4);
        if (type == CacheType::bf16) {
            const auto half = static_cast<std::uint16_t>(bits >> 16);
            std::memcpy(out + 2 * i, &half, 2);
        }
        if (type == CacheType::f16) {
            const float magnitude = std::fabs(row[i]);
            int exponent = -14;
            if (std::isfinite(magnitude)) std::frexp(std::max(magnitude, 0x1p-14F), &exponent);
            const int step = std::max(exponent - 1, -14) - 10;
            const auto count = static_cast<int>(std::isfinite(magnitude) ? std::ldexp(magnitude, -step) : 0.0F);
            int half = count + 1024 * std::max(step + 24, 0);
            if (!std::isfinite(magnitude)) half = std::isnan(magnitude) ? 0x7E00 : 0x7C00;
            if (std::signbit(row[i])) half |= 0x8000;
            const auto stored = static_cast<std::uint16_t>(half);
            std::memcpy(out + 2 * i, &stored, 2);
        }
        if (type == CacheType::q8_0) {
            std::uint8_t* block = out + i / 32 * 34;
            const std::uint16_t scale = std::isfinite(row[i]) ? 0x2400 : 0x7E00;  // 1/64, or not a number
            if (i % 32 == 0 || scale != 0x2400) std::memcpy(block, &scale, 2);
            const float quant = std::isfinite(row[i]) ? std::clamp(row[i] * 64.0F, -127.0F, 127.0F) : 1.0F;
            block[2 + i % 32] = static_cast<std::uint8_t>(static_cast<std::int8_t>(quant));
        }
    }
}

double decode(CacheType type, const std::uint8_t* row, std::int64_t i) {
    if (type == CacheType::f32) {
        float x = 0;
        std::memcpy(&x, row + 4 * i, 4);
        return x;
    }
    std::uint16_t half = 0;
    std::memcpy(&half, row + (type == CacheType::q8_0 ? i / 32 * 34 : 2 * i), 2);
    if (type == CacheType::bf16) return std::bit_cast<float>(std::uint32_t{half} << 16);
    if (type == CacheType::f16) return value_of_f16(half);
    return value_of_f16(half) * static_cast<std::int8_t>(row[i / 32 * 34 + 2 + i % 32]);
}

struct Shape {
    CacheType type = CacheType::f32;
    std::int64_t head_dim = 8, kv_heads = 1, group = 1, rows = 1, n = 1, positions = 1;
};

std::string text(const Shape& s) {
    return "type " + std::to_string(static_cast<int>(s.type)) + ", head_dim " + std::to_string(s.head_dim) + ", kv_heads " +
           std::to_string(s.kv_heads) + ", group " + std::to_string(s.group) + ", rows " + std::to_string(s.rows) + ", n " +
           std::to_string(s.n) + ", positions " + std::to_string(s.positions);
}

enum class Mask { none, all_open, causal, tail, random, tails_of_rows, random_rows };

/// Keys or values with room between them that holds not-a-number, and the bytes that a mask hides too.
struct Cache {
    test::GuardedVector<std::uint8_t> bytes;
    std::int64_t position = 0, head = 0, row = 0;
};

class Problem {
public:
    Problem(const Shape& shape, Mask kind, unsigned seed) : s(shape), random_(seed) {
        const std::int64_t heads = s.kv_heads * s.group;
        q_head = s.head_dim + 8 * pick(2);
        q_column = heads * q_head + 3 * pick(3);
        q_row = s.n * q_column + pick(5);
        q = test::GuardedVector<float>(z(s.rows * q_row), kNan);
        for (std::int64_t r = 0; r < s.rows; ++r) {
            for (std::int64_t c = 0; c < s.n; ++c) {
                for (std::int64_t h = 0; h < heads; ++h) fill(&query(r, c, h), s.head_dim, 1.0F);
            }
        }
        if (kind != Mask::none) make_mask(kind);
        make_cache(k, pick(2) == 0);
        make_cache(v, pick(2) == 0);
    }

    float& query(std::int64_t row, std::int64_t column, std::int64_t head) {
        return q[z(row * q_row + column * q_column + head * q_head)];
    }
    const std::uint8_t* at(const Cache& c, std::int64_t row, std::int64_t head, std::int64_t position) const {
        return c.bytes.data() + row * c.row + head * c.head + position * c.position;
    }
    void put(Cache& c, std::int64_t row, std::int64_t head, std::int64_t position, const std::vector<float>& numbers) {
        encode(s.type, numbers, c.bytes.data() + row * c.row + head * c.head + position * c.position);
    }
    bool sees(std::int64_t row, std::int64_t column, std::int64_t position) const {
        return mask.empty() || mask[z(row * mask_row + column * mask_column + position)] != kHidden;
    }

    /// softmax(scale q k^T) v in double, over what the mask lets it see.
    std::vector<double> expected() {
        std::vector<double> y(z(s.rows * s.n * s.kv_heads * s.group * s.head_dim), 0.0);
        for (std::int64_t row = 0; row < s.rows; ++row) {
            for (std::int64_t kv_head = 0; kv_head < s.kv_heads; ++kv_head) {
                const std::vector<double> keys = numbers(k, row, kv_head), values = numbers(v, row, kv_head);
                for (std::int64_t i = 0; i < s.n * s.group; ++i) {
                    const std::int64_t column = i / s.group, head = kv_head * s.group + i % s.group;
                    attend_slowly(&query(row, column, head), row, column, keys, values,
                                  &y[z(((row * s.n + column) * s.kv_heads * s.group + head) * s.head_dim)]);
                }
            }
        }
        return y;
    }

    std::vector<float> run(int nth = 1) {
        std::vector<float> y = unwritten();
        const Attention a = attention(y);
        EXPECT_TRUE(can_attend(a));
        test::on_threads(nth, [&](int ith) { attend(a, ith, nth); });
        return inside(y);
    }
    /// What one thread writes; kUnwritten elsewhere.
    std::vector<float> run_share(int ith, int nth) {
        std::vector<float> y = unwritten();
        attend(attention(y), ith, nth);
        return inside(y);
    }

    std::int64_t pick(std::int64_t below) { return std::uniform_int_distribution<std::int64_t>(0, below - 1)(random_); }

    Shape s;
    float scale = 1.0F / std::sqrt(static_cast<float>(s.head_dim));
    test::GuardedVector<float> q;
    std::int64_t q_head = 0, q_column = 0, q_row = 0;
    Cache k, v;
    test::GuardedVector<std::uint16_t> mask;
    std::int64_t mask_column = 0, mask_row = 0;

private:
    std::vector<float> unwritten() const {
        return std::vector<float>(z(s.rows * s.n * s.kv_heads * s.group * s.head_dim + 2 * kGuard), kUnwritten);
    }
    static std::vector<float> inside(const std::vector<float>& y) {
        for (std::int64_t i = 0; i < kGuard; ++i) {
            EXPECT_EQ(y[z(i)], kUnwritten);
            EXPECT_EQ(y[y.size() - 1 - z(i)], kUnwritten);
        }
        return {y.begin() + kGuard, y.end() - kGuard};
    }
    Attention attention(std::vector<float>& y) const {
        Attention a;
        a.q = q.data(), a.q_head = q_head, a.q_column = q_column, a.q_row = q_row;
        a.k = k.bytes.data(), a.k_position = k.position, a.k_head = k.head, a.k_row = k.row;
        a.v = v.bytes.data(), a.v_position = v.position, a.v_head = v.head, a.v_row = v.row;
        a.type = s.type, a.scale = scale, a.head_dim = s.head_dim, a.positions = s.positions, a.n = s.n, a.rows = s.rows;
        a.heads = s.kv_heads * s.group, a.kv_heads = s.kv_heads;
        if (!mask.empty()) a.mask = mask.data(), a.mask_column = mask_column, a.mask_row = mask_row;
        a.y = y.data() + kGuard;
        return a;
    }
    /// [positions][head_dim]
    std::vector<double> numbers(const Cache& c, std::int64_t row, std::int64_t head) const {
        std::vector<double> out;
        for (std::int64_t p = 0; p < s.positions; ++p) {
            for (std::int64_t d = 0; d < s.head_dim; ++d) out.push_back(decode(s.type, at(c, row, head, p), d));
        }
        return out;
    }
    void attend_slowly(const float* one_query, std::int64_t row, std::int64_t column, const std::vector<double>& keys,
                       const std::vector<double>& values, double* y) const {
        std::vector<double> weights(z(s.positions), -kInfinity);
        for (std::int64_t p = 0; p < s.positions; ++p) {
            if (!sees(row, column, p)) continue;
            double sum = 0.0;
            for (std::int64_t d = 0; d < s.head_dim; ++d) sum += one_query[d] * keys[z(p * s.head_dim + d)];
            weights[z(p)] = sum * scale;
        }
        const double largest = *std::max_element(weights.begin(), weights.end());
        if (largest == -kInfinity) return;
        double total = 0.0;
        for (double& w : weights) total += w = std::exp(w - largest);
        for (std::int64_t p = 0; p < s.positions; ++p) {
            if (!sees(row, column, p)) continue;
            for (std::int64_t d = 0; d < s.head_dim; ++d) y[d] += weights[z(p)] / total * values[z(p * s.head_dim + d)];
        }
    }
    void fill(float* out, std::int64_t count, float size) {
        std::normal_distribution<float> normal(0.0F, size);
        for (std::int64_t i = 0; i < count; ++i) out[i] = normal(random_);
    }
    void make_mask(Mask kind) {
        const bool of_rows = kind == Mask::tails_of_rows || kind == Mask::random_rows;
        mask_column = s.positions + pick(3);
        mask_row = of_rows ? s.n * mask_column + pick(3) : 0;
        mask = test::GuardedVector<std::uint16_t>(z(std::max(s.rows * mask_row, s.n * mask_column)), 0x3C00);
        for (std::int64_t row = 0; row < (of_rows ? s.rows : 1); ++row) {
            const std::int64_t used = 1 + pick(s.positions);
            for (std::int64_t c = 0; c < s.n; ++c) {
                for (std::int64_t p = 0; p < s.positions; ++p) {
                    const bool tail = kind == Mask::tail || kind == Mask::tails_of_rows;
                    const bool random = kind == Mask::random || kind == Mask::random_rows;
                    const bool hidden = (kind == Mask::causal && p > c + s.positions - s.n) || (tail && p >= used) ||
                                        (random && pick(3) == 0);
                    mask[z(row * mask_row + c * mask_column + p)] = hidden ? kHidden : 0;
                }
            }
        }
    }
    bool anybody_sees(std::int64_t row, std::int64_t position) const {
        for (std::int64_t c = 0; c < s.n; ++c) {
            if (sees(row, c, position)) return true;
        }
        return false;
    }
    void make_cache(Cache& c, bool positions_outside) {
        const std::int64_t bytes = row_bytes(s.type, s.head_dim), gap = 4 * pick(3);
        c.position = positions_outside ? s.kv_heads * bytes + gap : bytes + gap;
        c.head = positions_outside ? bytes : s.positions * c.position;
        c.row = std::max(s.positions * c.position, s.kv_heads * c.head) + gap;
        c.bytes = test::GuardedVector<std::uint8_t>(z(s.rows * c.row), 0xFF);
        std::vector<float> numbers(z(s.head_dim));
        for (std::int64_t i = 0; i < s.rows * s.kv_heads * s.positions; ++i) {
            const std::int64_t position = i % s.positions;
            if (!anybody_sees(i / s.positions / s.kv_heads, position)) continue;
            fill(numbers.data(), s.head_dim, s.type == CacheType::q8_0 ? 0.7F : 1.0F);
            put(c, i / s.positions / s.kv_heads, i / s.positions % s.kv_heads, position, numbers);
        }
    }

    std::mt19937 random_;
};

double largest_error(const std::vector<float>& got, const std::vector<double>& expected) {
    double error = 0.0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double e = std::fabs(got[i] - expected[i]);
        error = e <= error ? error : e;  // not-a-number stays
    }
    return error;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

constexpr double kTolerance = 4e-6;  // values are about 1

class KernelsAttention : public testing::TestWithParam<InstructionSet> {
protected:
    void SetUp() override { ASSERT_TRUE(use_instruction_set(GetParam())); }
    void TearDown() override { use_instruction_set(available_instruction_sets().back()); }

    Shape random_shape(std::int64_t most_columns) {
        const auto pick = [&](std::int64_t below) { return static_cast<std::int64_t>(random()) % below; };
        constexpr std::int64_t kHeadDims[] = {8, 16, 24, 40, 64, 128, 384};
        Shape s;
        s.type = static_cast<CacheType>(pick(4));
        s.head_dim = kHeadDims[pick(7)];
        if (s.type == CacheType::q8_0) s.head_dim = (s.head_dim + 31) / 32 * 32;
        s.kv_heads = 1 + pick(3), s.group = 1 + pick(4), s.rows = 1 + pick(3);
        s.n = 1 + pick(most_columns);
        s.positions = 1 + pick(pick(2) == 0 ? 20 : 300);
        return s;
    }
    Mask random_mask() { return static_cast<Mask>(random() % 7); }

    std::mt19937 random{7};
};

TEST_P(KernelsAttention, OneOrTwoColumnsOfAnyShapeMatchTheDefinition) {
    for (unsigned i = 0; i < 120; ++i) {
        Problem problem(random_shape(2), random_mask(), i);
        ASSERT_LT(largest_error(problem.run(), problem.expected()), kTolerance) << text(problem.s) << ", seed " << i;
    }
}

TEST_P(KernelsAttention, ManyColumnsOfAnyShapeMatchTheDefinition) {
    for (unsigned i = 0; i < 40; ++i) {
        Problem problem(random_shape(70), random_mask(), i);
        ASSERT_LT(largest_error(problem.run(), problem.expected()), kTolerance) << text(problem.s) << ", seed " << i;
    }
}

TEST_P(KernelsAttention, AnyNumberOfThreadsGivesTheSameBits) {
    for (unsigned i = 0; i < 40; ++i) {
        Problem problem(random_shape(i % 2 == 0 ? 2 : 150), random_mask(), i);
        const std::vector<float> one = problem.run(1);
        for (int nth = 2; nth <= 4; ++nth) {
            ASSERT_TRUE(same_bits(problem.run(nth), one)) << text(problem.s) << ", threads " << nth << ", seed " << i;
        }
        ASSERT_TRUE(same_bits(problem.run(37), one)) << text(problem.s) << ", threads 37, seed " << i;
    }
}

TEST_P(KernelsAttention, EachElementIsWrittenByOneThread) {
    for (const std::int64_t n : {1, 2, 130}) {
        for (const int nth : {2, 3, 5, 37}) {
            Problem problem({CacheType::bf16, 16, 3, 2, 2, n, 30}, Mask::causal, 10);
            std::vector<int> writers(problem.run().size(), 0);
            for (int ith = 0; ith < nth; ++ith) {
                const std::vector<float> share = problem.run_share(ith, nth);
                for (std::size_t i = 0; i < share.size(); ++i) writers[i] += share[i] != kUnwritten ? 1 : 0;
            }
            for (const int count : writers) ASSERT_EQ(count, 1) << "n " << n << ", threads " << nth;
        }
    }
}

TEST_P(KernelsAttention, WhatOneColumnDoesNotSeeChangesNoBitOfIt) {
    for (const std::int64_t n : {2, 9, 65}) {
        for (const float garbage : {kNan, kInfinity, -kInfinity, 3.0F}) {
            const Shape shape = {CacheType::bf16, 24, 2, 3, 2, n, n + 70};
            Problem problem(shape, Mask::causal, 11);
            const std::vector<float> before = problem.run();
            // Only the last column sees the last position.
            for (std::int64_t row = 0; row < shape.rows; ++row) {
                problem.put(problem.k, row, 1, shape.positions - 1, std::vector<float>(24, garbage));
                problem.put(problem.v, row, 1, shape.positions - 1, std::vector<float>(24, garbage));
            }
            const std::vector<float> after = problem.run();
            const std::int64_t column = shape.kv_heads * shape.group * shape.head_dim;
            for (std::int64_t row = 0; row < shape.rows; ++row) {
                const std::int64_t first = row * n * column, last = first + (n - 1) * column;
                for (std::int64_t i = first; i < last; ++i) {
                    ASSERT_EQ(std::bit_cast<std::uint32_t>(after[z(i)]), std::bit_cast<std::uint32_t>(before[z(i)])) << n;
                }
                ASSERT_NE(after[z(last + column - 1)], before[z(last + column - 1)]);
            }
        }
    }
}

// A song's bits are those that it gets alone: whatever other rows there are, and however far they look.
TEST_P(KernelsAttention, ARowWithItsOwnMaskIsWhatItIsAlone) {
    for (const CacheType type : {CacheType::f32, CacheType::bf16, CacheType::q8_0}) {
        for (const std::int64_t n : {1, 2, 20}) {
            Problem all({type, 64, 2, 3, 5, n, 400}, Mask::tails_of_rows, 31);
            const std::vector<float> y = all.run(3);
            const std::size_t each = y.size() / 5;
            for (std::int64_t row = 0; row < 5; ++row) {
                std::int64_t used = 400;
                while (!all.sees(row, 0, used - 1)) --used;
                Problem one = all;
                one.s.rows = 1, one.s.positions = used;  // and not a position more
                one.q.erase(one.q.begin(), one.q.begin() + row * all.q_row);
                one.k.bytes.erase(one.k.bytes.begin(), one.k.bytes.begin() + row * all.k.row);
                one.v.bytes.erase(one.v.bytes.begin(), one.v.bytes.begin() + row * all.v.row);
                one.mask.clear();
                const auto first = y.begin() + static_cast<std::ptrdiff_t>(z(row) * each);
                ASSERT_TRUE(same_bits({first, first + static_cast<std::ptrdiff_t>(each)}, one.run())) << row << ", n " << n;
            }
        }
    }
}

TEST_P(KernelsAttention, NotANumberInAVisibleKeyShowsInItsGroupOnly) {
    for (const std::int64_t n : {1, 2, 20}) {
        for (const CacheType type : {CacheType::f32, CacheType::f16, CacheType::bf16, CacheType::q8_0}) {
            for (const std::int64_t position : {0, 37, 99}) {
                Problem problem({type, 32, 2, 3, 2, n, 100}, Mask::none, 3);
                std::vector<float> key(32, 0.5F);
                key[17] = kNan;
                problem.put(problem.k, 1, 0, position, key);
                const std::vector<float> y = problem.run();
                for (std::int64_t i = 0; i < 2 * n * 6 * 32; ++i) {
                    const bool sees = i / 32 / 6 / n == 1 && i / 32 % 6 < 3;
                    ASSERT_EQ(std::isnan(y[z(i)]), sees) << "element " << i << ", n " << n << ", position " << position;
                }
            }
        }
    }
}

TEST_P(KernelsAttention, NotANumberInAVisibleValueShowsInItsElementOnly) {
    for (const std::int64_t n : {1, 2, 20}) {
        for (const Mask mask : {Mask::none, Mask::all_open}) {
            Problem problem({CacheType::f16, 24, 1, 2, 1, n, 70}, mask, 4);
            std::vector<float> value(24, 0.5F);
            value[21] = kNan;
            problem.put(problem.v, 0, 0, 65, value);
            const std::vector<float> y = problem.run();
            for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(std::isnan(y[i]), i % 24 == 21) << i << ", n " << n;
        }
    }
}

TEST_P(KernelsAttention, NotANumberInAQueryShowsInItsHeadOnly) {
    for (const std::int64_t n : {1, 2, 20}) {
        Problem problem({CacheType::bf16, 16, 2, 3, 1, n, 70}, Mask::none, 4);
        (&problem.query(0, n - 1, 4))[3] = kNan;
        const std::vector<float> y = problem.run();
        for (std::size_t i = 0; i < y.size(); ++i)
            ASSERT_EQ(std::isnan(y[i]), i / 16 == z((n - 1) * 6 + 4)) << i << ", n " << n;
    }
}

TEST_P(KernelsAttention, AScoreOfMinusInfinityWeighsNothingAndOneOfInfinityIsNotANumber) {
    for (const std::int64_t n : {1, 2, 20}) {
        Problem problem({CacheType::f32, 8, 1, 1, 1, n, 70}, Mask::none, 5);
        for (float& x : problem.q) x = std::fabs(x) + 0.1F;
        std::vector<float> key(8, 1.0F);
        key[2] = -kInfinity;
        for (const std::int64_t position : {0, 1, 64, 65}) problem.put(problem.k, 0, 0, position, key);
        ASSERT_LT(largest_error(problem.run(), problem.expected()), kTolerance) << n;
        key[2] = kInfinity;
        problem.put(problem.k, 0, 0, 3, key);
        for (const float y : problem.run()) ASSERT_TRUE(std::isnan(y)) << n;
    }
}

TEST_P(KernelsAttention, AColumnThatSeesNothingIsZero) {
    for (const std::int64_t n : {1, 2, 20}) {
        Problem problem({CacheType::q8_0, 32, 2, 2, 2, n, 130}, Mask::causal, 6);
        const std::int64_t blind = n / 2;
        std::fill_n(problem.mask.begin() + blind * problem.mask_column, 130, kHidden);
        const std::vector<float> y = problem.run();
        for (std::int64_t i = 0; i < 2 * n * 4 * 32; ++i) {
            ASSERT_EQ(y[z(i)] == 0.0F && !std::signbit(y[z(i)]), i / 32 / 4 % n == blind) << i << ", n " << n;
        }
    }
}

TEST_P(KernelsAttention, BlocksThatOnlyTheOtherColumnSeesAreNothingToAColumn) {
    for (const std::int64_t n : {2, 20}) {
        Problem problem({CacheType::f32, 8, 1, 1, 1, n, 256}, Mask::all_open, 6);
        problem.scale = 1.0F;
        std::fill(problem.q.begin(), problem.q.end(), 1.0F);
        for (std::int64_t p = 0; p < 256; ++p) {
            problem.put(problem.k, 0, 0, p, {-500, 0, 0, 0, 0, 0, 0, 0});  // far below any other number there may be
            for (std::int64_t c = 0; c < n; ++c) {
                if (p / 64 % 2 == c % 2) problem.mask[z(c * problem.mask_column + p)] = kHidden;
            }
        }
        EXPECT_LT(largest_error(problem.run(), problem.expected()), kTolerance) << n;
    }
}

TEST_P(KernelsAttention, NoPositionsGiveZeros) {
    for (const std::int64_t n : {1, 20}) {
        for (const float y : Problem({CacheType::f32, 8, 2, 2, 1, n, 0}, Mask::none, 6).run()) ASSERT_EQ(y, 0.0F);
    }
}

TEST_P(KernelsAttention, ScoresMayGrowAndShrinkWithoutBound) {
    for (const std::int64_t n : {1, 2, 20}) {
        for (const float slope : {1.0F, -1.0F}) {
            Problem problem({CacheType::f32, 8, 1, 2, 1, n, 200}, Mask::none, 8);
            problem.scale = 1.0F;
            for (float& x : problem.q) x = 0.25F * std::round(4.0F * x);  // all scores exact in f32
            for (std::int64_t p = 0; p < 200; ++p) {
                problem.put(problem.k, 0, 0, p, std::vector<float>(8, slope * static_cast<float>(p)));
            }
            ASSERT_LT(largest_error(problem.run(), problem.expected()), kTolerance) << n << ", slope " << slope;
        }
    }
}

TEST_P(KernelsAttention, WeightsAreExponentialsToTwoUnitsInTheLastPlace) {
    // Position 0 has score 0 and value e0, position 1 score -x and value e1: y1 / y0 = e^-x.
    for (const std::int64_t n : {1, 20}) {
        double worst = 0.0;
        for (int i = 0; i <= 3000; ++i) {
            const float x = static_cast<float>(i) * 0.029F;
            Problem problem({CacheType::f32, 8, 1, 1, 1, n, 2}, Mask::none, 9);
            problem.scale = 1.0F;
            std::fill(problem.q.begin(), problem.q.end(), 1.0F);
            problem.put(problem.k, 0, 0, 0, {0, 0, 0, 0, 0, 0, 0, 0});
            problem.put(problem.k, 0, 0, 1, {-x, 0, 0, 0, 0, 0, 0, 0});
            problem.put(problem.v, 0, 0, 0, {1, 0, 0, 0, 0, 0, 0, 0});
            problem.put(problem.v, 0, 0, 1, {0, 1, 0, 0, 0, 0, 0, 0});
            const std::vector<float> y = problem.run();
            worst = std::max(worst, std::fabs(double{y[1]} / double{y[0]} / std::exp(-double{x}) - 1.0));
        }
        EXPECT_LT(worst, 2.0 * 0x1p-23) << n;
    }
}

TEST_P(KernelsAttention, EveryHalfPrecisionValueIsReadRight) {
    std::vector<std::uint16_t> patterns;
    for (unsigned bits = 0; bits < 0x10000; ++bits) {
        if ((bits & 0x7C00) != 0x7C00) patterns.push_back(static_cast<std::uint16_t>(bits));
    }
    for (const std::int64_t n : {1, 3}) {
        for (std::size_t i = 0; i < patterns.size(); i += 2048) {
            // One position has all the weight: its values come out as they are.
            Problem problem({CacheType::f16, 2048, 1, 1, 1, n, 1}, Mask::none, 1);
            std::memcpy(problem.v.bytes.data(), patterns.data() + i, 4096);
            const std::vector<float> y = problem.run();
            for (std::size_t d = 0; d < 2048; ++d) ASSERT_EQ(y[d], value_of_f16(patterns[i + d])) << patterns[i + d];
        }
    }
}

TEST_P(KernelsAttention, SizesOfTheModelsMatchTheDefinition) {
    for (const Shape& shape : {
             Shape{CacheType::bf16, 128, 8, 3, 2, 1, 1500},   // backbone, one frame
             Shape{CacheType::bf16, 128, 2, 3, 1, 256, 300},  // its prompt
             Shape{CacheType::f32, 384, 4, 2, 2, 1, 8},       // depth decoder
             Shape{CacheType::f32, 64, 2, 1, 1, 744, 744},    // flow
         }) {
        Problem problem(shape, shape.n > 1 && shape.type == CacheType::bf16 ? Mask::causal : Mask::tail, 21);
        EXPECT_LT(largest_error(problem.run(2), problem.expected()), kTolerance) << text(shape);
    }
}

INSTANTIATE_TEST_SUITE_P(Families, KernelsAttention, testing::ValuesIn(available_instruction_sets()),
                         [](const auto& family) { return std::string(name_of(family.param)); });

TEST(KernelsAttentionSizes, OnlyWholeGroupsOfHeadsAndWholeBlocksAreTaken) {
    Attention a;
    a.head_dim = 24, a.heads = 6, a.kv_heads = 2;
    EXPECT_TRUE(can_attend(a));
    a.head_dim = 20;
    EXPECT_FALSE(can_attend(a));
    a.head_dim = 24, a.type = CacheType::q8_0;
    EXPECT_FALSE(can_attend(a));
    a.type = CacheType::f16, a.kv_heads = 4;
    EXPECT_FALSE(can_attend(a));
}

}  // namespace
}  // namespace heart::kernels
