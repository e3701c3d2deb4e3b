// Do the quantised products compute what the definitions of the weight types say, in every instruction family?

#include "kernels/instruction_set.h"
#include "kernels/quantised_products.h"
#include "support/guarded_vector.h"
#include "support/on_threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace heart::kernels {
namespace {

constexpr float kUntouched = 12345.0F;
using Floats = test::GuardedVector<float>;

std::size_t z(std::int64_t n) {
    return static_cast<std::size_t>(n);
}

double half_value(std::uint16_t bits) {
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const double magnitude = exponent == 0    ? std::ldexp(mantissa, -24)
                             : exponent == 31 ? std::numeric_limits<double>::infinity()
                                              : std::ldexp(1024 + mantissa, exponent - 25);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

/// The 16 bits at `p` as a number.
double half_at(const std::uint8_t* p) {
    std::uint16_t bits;
    std::memcpy(&bits, p, sizeof bits);
    return half_value(bits);
}

/// Weight k of a plain row: factor * integer - constant.
struct Weight {
    double factor, integer, constant;
};

Weight weight_at(WeightType type, const std::uint8_t* row, std::int64_t k) {
    const auto nibble = [](std::uint8_t byte, bool high) { return high ? byte >> 4 : byte & 15; };
    if (type == WeightType::q8_0) {
        const std::uint8_t* block = row + k / 32 * 34;
        return {half_at(block), static_cast<double>(static_cast<std::int8_t>(block[2 + k % 32])), 0};
    }
    if (type == WeightType::q4_0) {
        const std::uint8_t* block = row + k / 32 * 18;
        return {half_at(block), static_cast<double>(nibble(block[2 + k % 16], k % 32 >= 16) - 8), 0};
    }
    const std::uint8_t* block = row + k / 256 * 144;
    const std::uint8_t* packed = block + 4;
    const std::int64_t in_block = k % 256, j = in_block / 32;
    const int scale = j < 4 ? packed[j] & 63 : (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
    const int min = j < 4 ? packed[j + 4] & 63 : packed[j + 4] >> 4 | (packed[j] >> 6) << 4;
    const int q = nibble(block[16 + j / 2 * 32 + in_block % 32], j % 2 == 1);
    return {half_at(block) * scale, static_cast<double>(q), half_at(block + 2) * min};
}

std::int64_t block_of(WeightType type) {
    return type == WeightType::q4_k ? 256 : 32;
}

/// A random matrix, plain and interleaved; the latter at an address that is a multiple of 32 and not of 64, and as close
/// to the end of its memory as this allows.
class Weights {
public:
    Weights(WeightType type, std::int64_t rows, std::int64_t cols, unsigned seed)
        : type_(type), rows_(rows), cols_(cols), row_bytes_(plain_row_bytes(type, cols)), plain_(z(rows) * row_bytes_) {
        std::mt19937 random(seed);
        for (std::uint8_t& byte : plain_) byte = static_cast<std::uint8_t>(random());
        set_scales([&](int) { return static_cast<std::uint16_t>((random() & 0x83FF) | (5 + random() % 6) << 10); });
    }

    /// `bits(i)` is the i-th f16 scale of all rows' blocks, in order.
    template <class Bits>
    void set_scales(Bits bits) {
        const std::size_t block_bytes = plain_row_bytes(type_, block_of(type_));
        int i = 0;
        for (std::size_t at = 0; at < plain_.size(); at += block_bytes) {
            for (std::size_t scale = 0; scale < (type_ == WeightType::q4_k ? 2U : 1U); ++scale) {
                const std::uint16_t value = bits(i++);
                std::memcpy(plain_.data() + at + 2 * scale, &value, sizeof value);
            }
        }
    }

    /// All quants, and q4_k's packed scales too, become `byte`.
    void set_quants(std::uint8_t byte) {
        const std::size_t block_bytes = plain_row_bytes(type_, block_of(type_)), scales = type_ == WeightType::q4_k ? 4 : 2;
        for (std::size_t at = 0; at < plain_.size(); ++at) {
            if (at % block_bytes >= scales) plain_[at] = byte;
        }
    }

    [[nodiscard]] InterleavedMatrix interleaved() {
        const std::int64_t strips = (rows_ + kStripRows - 1) / kStripRows;
        const std::size_t strip_bytes = z(kStripRows) * row_bytes_;
        buffer_ = test::GuardedVector<std::uint8_t>((z(strips) * strip_bytes + 31) / 64 * 64 + 32);
        std::uint8_t* data = buffer_.data();
        for (std::int64_t s = 0; s < strips; ++s) {
            interleave_strip(type_, cols_, plain_.data() + z(s * kStripRows) * row_bytes_,
                             std::min(kStripRows, rows_ - s * kStripRows), data + z(s) * strip_bytes);
        }
        return {type_, data, rows_, cols_};
    }

    [[nodiscard]] Weight at(std::int64_t row, std::int64_t k) const {
        return weight_at(type_, plain_.data() + z(row) * row_bytes_, k);
    }

private:
    WeightType type_;
    std::int64_t rows_, cols_;
    std::size_t row_bytes_;
    std::vector<std::uint8_t> plain_;
    test::GuardedVector<std::uint8_t> buffer_;
};

/// A block of activations by the rule in the header.
struct Block {
    double scale = 0, q[32] = {};
};

Block quantise(const float* x) {
    float largest = 0;
    for (int i = 0; i < 32; ++i) largest = std::max(largest, std::abs(x[i]));
    Block block;
    if (largest < std::ldexp(1.0F, -119)) return block;
    block.scale = static_cast<double>(largest / 127.0F);
    const float inverse = 127.0F / largest;
    for (int i = 0; i < 32; ++i) block.q[i] = static_cast<double>(std::nearbyint(x[i] * inverse));
    return block;
}

struct Expected {
    double value, tolerance;
};

/// Row `row` of W times x as the header defines it, and what f32 sums of the blocks may be off by.
Expected quantised_dot(const Weights& w, std::int64_t row, const float* x, std::int64_t cols) {
    double value = 0, magnitude = 0;
    for (std::int64_t k = 0; k < cols; k += 32) {
        const Block block = quantise(x + k);
        double dot = 0, sum = 0;
        for (std::int64_t i = 0; i < 32; ++i) {
            dot += w.at(row, k + i).integer * block.q[i];
            sum += block.q[i];
        }
        const Weight weight = w.at(row, k);
        value += block.scale * (weight.factor * dot - weight.constant * sum);
        magnitude += block.scale * (std::abs(weight.factor * dot) + std::abs(weight.constant * sum));
    }
    return {value, magnitude * std::ldexp(static_cast<double>(cols / 32 + 8), -24)};
}

/// Row `row` of W times x without quantising x, and what rounding x to steps of its blocks' scales can change.
Expected plain_dot(const Weights& w, std::int64_t row, const float* x, std::int64_t cols) {
    double value = 0, tolerance = 0;
    for (std::int64_t k = 0; k < cols; k += 32) {
        const double step = quantise(x + k).scale;
        for (std::int64_t i = k; i < k + 32; ++i) {
            const Weight weight = w.at(row, i);
            const double number = weight.factor * weight.integer - weight.constant;
            value += number * static_cast<double>(x[i]);
            tolerance += std::abs(number) * 0.501 * step;
        }
    }
    return {value, tolerance};
}

Floats random_floats(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    Floats out(n);
    for (float& x : out) x = normal(random) * std::ldexp(1.0F, static_cast<int>(random() % 4));
    return out;
}

/// Runs all shares of a product, in reverse; y has a guard behind each row.
Floats product(const InterleavedMatrix& w, const Floats& x, std::int64_t columns, std::int64_t x_stride,
               std::int64_t y_stride, int threads = 1) {
    Floats y(z(columns * y_stride + 16), kUntouched);
    const QuantisedProduct p{w, x.data(), x_stride, columns, y.data(), y_stride};
    for (int i = threads; i-- > 0;) multiply(p, {i, threads});
    return y;
}

/// By threads that share the work out as they go.
Floats shared_product(const InterleavedMatrix& w, const Floats& x, std::int64_t columns, std::int64_t x_stride,
                      std::int64_t y_stride, int threads, WorkQueue& queue) {
    Floats y(z(columns * y_stride + 16), kUntouched);
    const QuantisedProduct p{w, x.data(), x_stride, columns, y.data(), y_stride};
    test::on_threads(threads, [&](int i) { multiply(p, {i, threads, &queue}); });
    return y;
}

struct Case {
    InstructionSet set;
    WeightType type;
    bool hardware_ahead;
};

std::string name_of_type(WeightType type) {
    return type == WeightType::q8_0 ? "q8_0" : type == WeightType::q4_0 ? "q4_0" : "q4_k";
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const InstructionSet set : available_instruction_sets()) {
        for (const WeightType type : {WeightType::q8_0, WeightType::q4_0, WeightType::q4_k}) {
            all.push_back({set, type, false});
            if (set != InstructionSet::portable) all.push_back({set, type, true});
        }
    }
    return all;
}

class QuantisedProducts : public testing::TestWithParam<Case> {
protected:
    void SetUp() override {
        ASSERT_TRUE(use_instruction_set(GetParam().set));
        assume_hardware_reads_ahead(GetParam().hardware_ahead);
    }
    void TearDown() override {
        use_instruction_set(before_);
        assume_hardware_reads_ahead(ahead_before_);
    }

    [[nodiscard]] WeightType type() const { return GetParam().type; }

private:
    InstructionSet before_ = instruction_set();
    bool ahead_before_ = hardware_reads_ahead();
};

struct Sizes {
    std::int64_t rows, cols, columns;
};

/// Random sizes: all tile widths, strips that are not full, an odd number of strips.
std::vector<Sizes> random_sizes(WeightType type, unsigned seed) {
    std::mt19937 random(seed);
    const std::int64_t block = block_of(type);
    std::vector<Sizes> all;
    for (std::int64_t columns = 1; columns <= 40; columns += columns < 8 ? 1 : 1 + random() % 6)
        all.push_back(
            {1 + static_cast<std::int64_t>(random() % 70), block * (1 + static_cast<std::int64_t>(random() % 3)), columns});
    return all;
}

using Reference = Expected (*)(const Weights&, std::int64_t, const float*, std::int64_t);

void expect_close(WeightType type, Reference reference) {
    for (const Sizes& s : random_sizes(type, 1)) {
        Weights w(type, s.rows, s.cols, static_cast<unsigned>(s.columns));
        const std::int64_t x_stride = s.cols + 5, y_stride = s.rows + 3;
        const Floats x = random_floats(z(s.columns * x_stride), 2);
        const Floats y = product(w.interleaved(), x, s.columns, x_stride, y_stride);
        for (std::int64_t n = 0; n < s.columns; ++n) {
            for (std::int64_t r = 0; r < s.rows; ++r) {
                const Expected expected = reference(w, r, x.data() + n * x_stride, s.cols);
                ASSERT_NEAR(y[z(n * y_stride + r)], expected.value, expected.tolerance)
                    << s.rows << " x " << s.cols << " by " << s.columns << ": row " << r << ", column " << n;
            }
        }
    }
}

TEST_P(QuantisedProducts, AreTheSumsOfTheirBlocks) {
    expect_close(type(), quantised_dot);
}

TEST_P(QuantisedProducts, AreCloseToProductsOfUnquantisedActivations) {
    expect_close(type(), plain_dot);
}

TEST_P(QuantisedProducts, WriteTheirRowsOnly) {
    for (const std::int64_t rows : {1, 7, 15, 17, 31, 33, 40}) {
        Weights w(type(), rows, 256, 3);
        const std::int64_t columns = 9, y_stride = rows + 20;
        const Floats y = product(w.interleaved(), random_floats(z(columns * 256), 4), columns, 256, y_stride, 2);
        for (std::size_t i = 0; i < y.size(); ++i) {
            const bool inside = i < z(columns * y_stride) && i % z(y_stride) < z(rows);
            ASSERT_EQ(y[i] == kUntouched, !inside) << rows << " rows, number " << i;
        }
    }
}

TEST_P(QuantisedProducts, AreTheSameOnAnyNumberOfThreads) {
    for (const std::int64_t columns : {1, 2, 40, 150}) {
        Weights w(type(), 83, 512, 5);
        const InterleavedMatrix matrix = w.interleaved();
        const Floats x = random_floats(z(columns * 512), 6);
        const Floats one = product(matrix, x, columns, 512, 83);
        for (const int threads : {2, 3, 4, 16}) EXPECT_EQ(product(matrix, x, columns, 512, 83, threads), one) << columns;
    }
}

TEST_P(QuantisedProducts, AreTheSameWhenThreadsShareThemOut) {
    constexpr std::int64_t kRows = 500, kCols = 512;
    WorkQueue queue;  // one for all, as in a graph
    Weights w(type(), kRows, kCols, 9);
    const InterleavedMatrix matrix = w.interleaved();
    for (const std::int64_t columns : {1, 2, 40, 400}) {
        const Floats x = random_floats(z(columns * kCols), 10);
        const Floats one = product(matrix, x, columns, kCols, kRows);
        for (const int threads : {1, 2, 3})
            EXPECT_EQ(shared_product(matrix, x, columns, kCols, kRows, threads, queue), one) << columns << ' ' << threads;
    }
}

TEST_P(QuantisedProducts, AreTheSameForAnyNumberOfColumns) {
    constexpr std::int64_t kRows = 83, kColumns = 20;
    for (const std::int64_t cols : {512, 5120}) {
        Weights w(type(), kRows, cols, 7);
        const InterleavedMatrix matrix = w.interleaved();
        const Floats x = random_floats(z(kColumns * cols), 8);
        const Floats all = product(matrix, x, kColumns, cols, kRows);
        for (std::int64_t columns = 1; columns < kColumns; ++columns) {
            const Floats some = product(matrix, x, columns, cols, kRows);
            EXPECT_TRUE(std::equal(some.begin(), some.begin() + columns * kRows, all.begin())) << columns << ' ' << cols;
        }
    }
}

TEST_P(QuantisedProducts, AreTheSameWhenScratchHoldsOnlySomeOfTheColumns) {
    constexpr std::int64_t kRows = 16, kCols = 8192, kColumns = 250;
    Weights w(type(), kRows, kCols, 9);
    const InterleavedMatrix matrix = w.interleaved();
    const Floats x = random_floats(z(kColumns * kCols), 10);
    const Floats all = product(matrix, x, kColumns, kCols, kRows);
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{200}, kColumns - 1}) {
        const Floats column(x.begin() + n * kCols, x.begin() + (n + 1) * kCols);
        const Floats alone = product(matrix, column, 1, kCols, kRows);
        EXPECT_TRUE(std::equal(alone.begin(), alone.begin() + kRows, all.begin() + n * kRows)) << n;
    }
}

TEST_P(QuantisedProducts, OfNumbersThatAreNotFiniteAreNotNumbers) {
    constexpr std::int64_t kRows = 35, kCols = 512, kColumns = 7;
    const float infinity = std::numeric_limits<float>::infinity();
    Weights w(type(), kRows, kCols, 11);
    const InterleavedMatrix matrix = w.interleaved();
    const Floats x = random_floats(z(kColumns * kCols), 12);
    const Floats clean = product(matrix, x, kColumns, kCols, kRows);
    for (const float bad : {infinity, -infinity, std::nanf(""), -std::nanf("")}) {
        for (const std::int64_t k : {0, 37, 511}) {
            Floats spoilt = x;
            spoilt[z(3 * kCols + k)] = bad;
            const Floats y = product(matrix, spoilt, kColumns, kCols, kRows);
            for (std::int64_t i = 0; i < kColumns * kRows; ++i) {
                if (i / kRows == 3) ASSERT_TRUE(std::isnan(y[z(i)])) << bad << " at " << k << ", row " << i % kRows;
                else ASSERT_EQ(y[z(i)], clean[z(i)]) << bad << " at " << k << ", column " << i / kRows;
            }
        }
    }
}

TEST_P(QuantisedProducts, OfScalesThatAreNotFiniteAreNotFinite) {
    Weights w(type(), 20, 512, 13);
    w.set_scales([](int) { return std::uint16_t{0x7C00}; });
    const Floats y = product(w.interleaved(), random_floats(512, 14), 1, 512, 20);
    for (std::size_t r = 0; r < 20; ++r) EXPECT_FALSE(std::isfinite(y[r])) << r;
}

TEST_P(QuantisedProducts, OfZerosAreZeros) {
    Weights w(type(), 35, 512, 15);
    const InterleavedMatrix matrix = w.interleaved();
    for (const float x : {0.0F, -0.0F, std::numeric_limits<float>::denorm_min(), 1e-37F}) {
        const Floats y = product(matrix, Floats(512 * 3, x), 3, 512, 35);
        for (std::size_t i = 0; i < 3 * 35; ++i) ASSERT_EQ(y[i], 0.0F) << x;
    }
}

TEST_P(QuantisedProducts, HoldForExtremeScales) {
    constexpr std::int64_t kRows = 20, kCols = 512;
    const std::uint16_t scales[] = {0, 0x8000, 1, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x3C00};
    for (const float size : {1e-35F, 1e-30F, 1.0F, 1e25F}) {
        Weights w(type(), kRows, kCols, 16);
        w.set_scales([&](int i) { return scales[i % 9]; });
        Floats x = random_floats(kCols, 17);
        for (float& number : x) number *= size;
        const Floats y = product(w.interleaved(), x, 1, kCols, kRows);
        for (std::int64_t r = 0; r < kRows; ++r) {
            const Expected expected = quantised_dot(w, r, x.data(), kCols);
            ASSERT_NEAR(y[z(r)], expected.value, expected.tolerance + 1e-37) << size << ", row " << r;
        }
    }
}

/// Sums of bytes do not saturate, and -128 has no positive counterpart.
TEST_P(QuantisedProducts, HoldForExtremeIntegers) {
    constexpr std::int64_t kRows = 17, kCols = 256;
    for (const int byte : {0x00, 0x7F, 0x80, 0x81, 0xFF, 0x0F, 0xF0}) {
        Weights w(type(), kRows, kCols, 18);
        w.set_quants(static_cast<std::uint8_t>(byte));
        for (const float sign : {1.0F, -1.0F}) {
            const Floats x(kCols, sign);
            const Floats y = product(w.interleaved(), x, 1, kCols, kRows);
            for (std::int64_t r = 0; r < kRows; ++r) {
                const Expected expected = quantised_dot(w, r, x.data(), kCols);
                ASSERT_NEAR(y[z(r)], expected.value, expected.tolerance) << byte << " by " << sign << ", row " << r;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, QuantisedProducts, testing::ValuesIn(cases()), [](const auto& one) {
    return std::string(name_of(one.param.set)) + "_" + name_of_type(one.param.type) +
           (one.param.hardware_ahead ? "_HardwareAhead" : "");
});

}  // namespace
}  // namespace heart::kernels
