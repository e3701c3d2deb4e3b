// Are quantised numbers the ones that ggml means?

#include "formats/quantised.h"
#include "graph/quantise.h"
#include "unit/formats_test_support.h"

#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace heart::formats {
namespace {

using test::Refusal;
using test::refusal_of;

struct Kind {
    DType dtype;
    graph::Type type;
    ggml_type ggml;
    double worst;  ///< error of rounding normal numbers, relative to their deviation
};

constexpr Kind kKinds[] = {{DType::q8_0, graph::Type::q8_0, GGML_TYPE_Q8_0, 0.02},
                           {DType::q6_k, graph::Type::q6_k, GGML_TYPE_Q6_K, 0.06},
                           {DType::q5_k, graph::Type::q5_k, GGML_TYPE_Q5_K, 0.12},
                           {DType::q4_k, graph::Type::q4_k, GGML_TYPE_Q4_K, 0.25},
                           {DType::q4_0, graph::Type::q4_0, GGML_TYPE_Q4_0, 0.35}};
constexpr std::int64_t kRow = 512, kRows = 7;

std::vector<float> normal_numbers(std::size_t n) {
    std::mt19937 engine(5);
    std::normal_distribution<float> normal;
    std::vector<float> out(n);
    for (float& x : out) x = normal(engine);
    return out;
}

std::vector<std::byte> quantised(const Kind& kind, const std::vector<float>& values) {
    std::vector<std::byte> out(graph::type_bytes(kind.type, values.size()));
    graph::quantise_rows(kind.type, kRow, values, out);
    return out;
}

TensorView view_of(const Kind& kind, const std::vector<std::byte>& bytes) {
    return {kind.dtype, {kRows, kRow}, bytes, {}};
}

/// ggml's own reading.
std::vector<float> read_by_ggml(const Kind& kind, const std::vector<std::byte>& bytes) {
    std::vector<float> out(kRow * kRows);
    ggml_get_type_traits(kind.ggml)->to_float(bytes.data(), out.data(), static_cast<std::int64_t>(out.size()));
    return out;
}

/// Within a rounding of a product and a difference: ggml may fuse the two.
void expect_same(const std::vector<float>& expected, const std::vector<float>& test, const char* name) {
    const auto by_magnitude = [](float a, float b) { return std::abs(a) < std::abs(b); };
    const float largest = std::abs(*std::max_element(expected.begin(), expected.end(), by_magnitude));
    for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(expected[i], test[i], 1e-6F * largest) << name << " element " << i;
    }
}

TEST(Quantised, ReadAsGgmlReadsThem) {
    for (const Kind& kind : kKinds) {
        const auto bytes = quantised(kind, normal_numbers(kRow * kRows));
        std::vector<float> out(kRow * kRows);
        read_as_f32(view_of(kind, bytes), 0, out);
        expect_same(read_by_ggml(kind, bytes), out, ggml_type_name(kind.ggml));
    }
}

// Rounding never uses some patterns of bits; a file may hold any.
TEST(Quantised, AnyBitsAreReadAsGgmlReadsThem) {
    std::mt19937 engine(3);
    for (const Kind& kind : kKinds) {
        std::vector<std::byte> bytes(graph::type_bytes(kind.type, kRow * kRows));
        for (std::byte& b : bytes) b = static_cast<std::byte>(engine());
        const std::size_t block = dtype_size(kind.dtype), scale = kind.dtype == DType::q6_k ? 208 : 0;
        for (std::size_t at = scale; at < bytes.size(); at += block) {
            bytes[at + 1] = std::byte{0x2c};  // finite scales
            if (kind.dtype == DType::q4_k || kind.dtype == DType::q5_k) bytes[at + 3] = std::byte{0x28};
        }
        std::vector<float> out(kRow * kRows);
        read_as_f32(view_of(kind, bytes), 0, out);
        expect_same(read_by_ggml(kind, bytes), out, ggml_type_name(kind.ggml));
    }
}

TEST(Quantised, AnyPartIsReadAsThatPartOfTheWhole) {
    for (const Kind& kind : kKinds) {
        const auto bytes = quantised(kind, normal_numbers(kRow * kRows));
        const TensorView view = view_of(kind, bytes);
        std::vector<float> whole(kRow * kRows);
        read_as_f32(view, 0, whole);
        for (const auto& [first, n] : {std::pair<std::size_t, std::size_t>{0, 1},
                                       {1, 31},
                                       {31, 2},
                                       {100, 700},
                                       {255, 2},
                                       {256, 256},
                                       {kRow * kRows - 1, 1},
                                       {kRow * kRows, 0}}) {
            std::vector<float> part(n);
            read_as_f32(view, first, part);
            const auto at = whole.begin() + static_cast<std::ptrdiff_t>(first);
            EXPECT_TRUE(std::equal(part.begin(), part.end(), at)) << ggml_type_name(kind.ggml) << " from " << first;
        }
        std::vector<float> beyond(2);
        EXPECT_EQ(refusal_of([&] { read_as_f32(view, kRow * kRows - 1, beyond); }).code, ErrorCode::internal);
    }
}

TEST(Quantised, RoundingStaysClose) {
    const auto values = normal_numbers(kRow * kRows);
    for (const Kind& kind : kKinds) {
        const auto bytes = quantised(kind, values);
        std::vector<float> out(values.size());
        read_as_f32(view_of(kind, bytes), 0, out);
        float worst = 0;
        for (std::size_t i = 0; i < out.size(); ++i) worst = std::max(worst, std::abs(out[i] - values[i]));
        EXPECT_LT(worst, kind.worst) << ggml_type_name(kind.ggml);
        EXPECT_GT(worst, 0) << ggml_type_name(kind.ggml);
    }
}

TEST(QuantiseRows, RowsDoNotDependOnEachOther) {
    const auto values = normal_numbers(kRow * kRows);
    for (const Kind& kind : kKinds) {
        const auto all = quantised(kind, values);
        const std::vector<float> third(values.begin() + 2 * kRow, values.begin() + 3 * kRow);
        const auto one = quantised(kind, third);
        EXPECT_TRUE(std::equal(one.begin(), one.end(), all.begin() + 2 * static_cast<std::ptrdiff_t>(one.size())));
    }
}

TEST(QuantiseRows, PlainTypesAreRoundedAsOurs) {
    const auto values = normal_numbers(1000);
    std::vector<std::byte> out(2 * values.size());
    const auto bits = [&](std::size_t i) {
        std::uint16_t b = 0;
        std::memcpy(&b, out.data() + 2 * i, 2);
        return b;
    };
    graph::quantise_rows(graph::Type::bf16, 100, values, out);
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(bits(i), f32_to_bf16(values[i])) << i;
    graph::quantise_rows(graph::Type::f16, 100, values, out);
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(bits(i), f32_to_f16(values[i])) << i;
    out.resize(4 * values.size());
    graph::quantise_rows(graph::Type::f32, 100, values, out);
    EXPECT_EQ(std::memcmp(out.data(), values.data(), out.size()), 0);
    graph::quantise_rows(graph::Type::q8_0, 32, {}, {});  // nothing
}

TEST(QuantiseRows, RefusesWhatTheTypeCannotHold) {
    const auto refused = [](graph::Type type, float x) {
        std::vector<float> values(256, 1.0F);
        values[77] = x;
        std::vector<std::byte> out(graph::type_bytes(type, values.size()));
        return refusal_of([&] { graph::quantise_rows(type, 256, values, out); });
    };
    const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
    for (const graph::Type type : {graph::Type::f32, graph::Type::f16, graph::Type::bf16, graph::Type::q8_0,
                                   graph::Type::q4_0, graph::Type::q4_k, graph::Type::q5_k, graph::Type::q6_k}) {
        for (const float x : {nan, infinity, -infinity}) {
            const Refusal r = refused(type, x);
            EXPECT_EQ(r.code, ErrorCode::unsupported) << graph::type_name(type) << " " << x;
            EXPECT_NE(r.message.find(graph::type_name(type)), std::string::npos) << r.message;
        }
        EXPECT_EQ(refused(type, 65504.0F).message, "accepted") << graph::type_name(type);
        const bool wide = type == graph::Type::f32 || type == graph::Type::bf16;
        EXPECT_EQ(refused(type, -65520.0F).message == "accepted", wide) << graph::type_name(type);
    }
    EXPECT_EQ(refused(graph::Type::bf16, std::numeric_limits<float>::max()).code, ErrorCode::unsupported) << "rounds up";
    EXPECT_EQ(refused(graph::Type::f32, std::numeric_limits<float>::max()).message, "accepted");
}

TEST(QuantiseRows, WantsWholeRowsAndBlocks) {
    std::vector<float> values(96);
    std::vector<std::byte> out(3 * 34);
    EXPECT_EQ(refusal_of([&] { graph::quantise_rows(graph::Type::q8_0, 48, values, out); }).code, ErrorCode::internal);
    EXPECT_EQ(refusal_of([&] { graph::quantise_rows(graph::Type::q8_0, 64, values, out); }).code, ErrorCode::internal);
    EXPECT_EQ(refusal_of([&] { graph::quantise_rows(graph::Type::q8_0, 0, values, out); }).code, ErrorCode::internal);
    out.pop_back();
    EXPECT_EQ(refusal_of([&] { graph::quantise_rows(graph::Type::q8_0, 96, values, out); }).code, ErrorCode::internal);
}

}  // namespace
}  // namespace heart::formats
