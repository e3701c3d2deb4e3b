// Are tensor files read as the format says, and only those that follow it?

#include "formats/safetensors.h"
#include "support/patience.h"
#include "unit/formats_test_support.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace heart::formats {
namespace {

using test::borrowed;
using test::raw_bytes;
using test::Refusal;
using test::refusal_of;
using test::safetensors_text;

constexpr DType kAll[] = {DType::boolean, DType::u8,  DType::i8,  DType::f8_e5m2, DType::f8_e4m3,
                          DType::i16,     DType::u16, DType::f16, DType::bf16,    DType::i32,
                          DType::u32,     DType::f32, DType::f64, DType::i64,     DType::u64};

constexpr DType kQuantised[] = {DType::q8_0, DType::q4_0, DType::q4_k, DType::q5_k, DType::q6_k};

TEST(DTypes, QuantisedOnesAreBlocks) {
    const std::pair<std::string_view, std::pair<std::size_t, std::size_t>> expected[] = {
        {"Q8_0", {32, 34}}, {"Q4_0", {32, 18}}, {"Q4_K", {256, 144}}, {"Q5_K", {256, 176}}, {"Q6_K", {256, 210}}};
    for (std::size_t i = 0; i < std::size(kQuantised); ++i) {
        EXPECT_EQ(dtype_name(kQuantised[i]), expected[i].first);
        EXPECT_EQ(dtype_block(kQuantised[i]), expected[i].second.first);
        EXPECT_EQ(dtype_size(kQuantised[i]), expected[i].second.second);
        EXPECT_TRUE(is_quantised(kQuantised[i]));
        EXPECT_TRUE(is_floating_point(kQuantised[i])) << "read_as_f32 reads it";
    }
    for (const DType type : kAll) {
        EXPECT_FALSE(is_quantised(type)) << dtype_name(type);
        EXPECT_EQ(dtype_block(type), 1U) << dtype_name(type);
    }
}

TEST(DTypes, BytesOfATensorAreCountedInWholeBlocks) {
    const auto bytes = [](DType type, std::vector<std::uint64_t> shape) { return tensor_bytes(type, shape, "it"); };
    EXPECT_EQ(bytes(DType::f32, {}), 4U);
    EXPECT_EQ(bytes(DType::bf16, {3, 5}), 30U);
    EXPECT_EQ(bytes(DType::q8_0, {3, 64}), 3U * 2 * 34);
    EXPECT_EQ(bytes(DType::q4_k, {2, 3, 256}), 6U * 144);
    EXPECT_EQ(bytes(DType::q4_0, {0, 32}), 0U);
    for (const std::vector<std::uint64_t>& shape : {std::vector<std::uint64_t>{}, {31}, {32, 33}, {64, 16}}) {
        EXPECT_EQ(refusal_of([&] { (void)bytes(DType::q8_0, shape); }).code, ErrorCode::malformed) << shape_text(shape);
    }
    EXPECT_EQ(refusal_of([&] { (void)bytes(DType::q8_0, {1ULL << 40, 1ULL << 40}); }).code, ErrorCode::limit);
    const TensorView view{DType::q6_k, {2, 256}, std::as_bytes(std::span("").first(0)), {}};
    EXPECT_EQ(view.elements(), 0U);
}

TEST(DTypes, NamesAndSizes) {
    const std::pair<std::string_view, std::size_t> expected[] = {
        {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
        {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}};
    for (std::size_t i = 0; i < std::size(kAll); ++i) {
        EXPECT_EQ(dtype_name(kAll[i]), expected[i].first);
        EXPECT_EQ(dtype_size(kAll[i]), expected[i].second);
    }
    for (const DType type : kAll) {
        const bool floating = type == DType::f16 || type == DType::bf16 || type == DType::f32 || type == DType::f64;
        EXPECT_EQ(is_floating_point(type), floating) << dtype_name(type);
    }
}

TEST(Safetensors, WhatIsWrittenIsReadForEveryType) {
    std::vector<TensorToWrite> tensors;
    std::string data;
    for (const DType type : kAll) {
        tensors.push_back({fmt::format("a.{}", dtype_name(type)), type, {3, 2}});
        for (std::size_t i = 0; i < 6 * dtype_size(type); ++i) data += static_cast<char>(data.size() * 7);
    }
    const std::string file = safetensors_header(tensors) + data;
    const auto read = parse_safetensors(borrowed(file), "f");
    ASSERT_EQ(read.size(), std::size(kAll));
    std::size_t offset = 0;
    for (const TensorToWrite& t : tensors) {
        const TensorView& view = read.at(t.name);
        EXPECT_EQ(view.dtype, t.dtype);
        EXPECT_EQ(view.shape, t.shape);
        EXPECT_EQ(view.elements(), 6U);
        const std::string bytes(reinterpret_cast<const char*>(view.data.data()), view.data.size());
        EXPECT_EQ(bytes, data.substr(offset, 6 * dtype_size(t.dtype))) << t.name;
        offset += bytes.size();
    }
}

TEST(Safetensors, HeaderIsThatOfThePublishedFiles) {
    const TensorToWrite t[] = {{"b", DType::f32, {2}}, {"a", DType::bf16, {}}};
    const std::string header = safetensors_header(t);
    EXPECT_EQ(header.size() % 8, 0U);  // data starts aligned
    EXPECT_EQ(header.substr(8, header.find_last_of('}') - 7),
              R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
              R"("a":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}})");
}

TEST(Safetensors, ScalarsAndEmptyTensorsAreTensors) {
    const std::string file = safetensors_text(R"({"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                                              R"("e":{"dtype":"F32","shape":[0,5],"data_offsets":[4,4]},)"
                                              R"("f":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}})",
                                              std::string(4, '\0'));
    const auto read = parse_safetensors(borrowed(file), "f");
    EXPECT_EQ(read.at("s").elements(), 1U);
    EXPECT_EQ(read.at("e").elements(), 0U);
    EXPECT_EQ(read.at("f").elements(), 0U);
    EXPECT_TRUE(parse_safetensors(borrowed(safetensors_text("{}")), "f").empty());
}

TEST(Safetensors, OrderOfTheHeaderDoesNotMatter) {
    const std::string file = safetensors_text(R"({"z":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                              R"("a":{"data_offsets":[1,3],"shape":[2],"dtype":"U8"},)"
                                              R"("__metadata__":{"any":"thing"}})",
                                              "xyz");
    const auto read = parse_safetensors(borrowed(file), "f");
    EXPECT_EQ(read.size(), 2U);
    EXPECT_EQ(static_cast<char>(read.at("a").data[1]), 'z');
}

struct BadSafetensors {
    const char* what;
    std::string file;
    ErrorCode code;
    const char* in_message;
};

std::string entry(const char* dtype, const char* shape, const char* offsets) {
    return fmt::format(R"({{"t":{{"dtype":{},"shape":{},"data_offsets":{}}}}})", dtype, shape, offsets);
}

TEST(Safetensors, RefusesWhatDoesNotFollowTheFormat) {
    const std::string four(4, '\0');
    const std::string huge_length = std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8) + "{}";
    const auto f32 = [&](const char* shape, const char* offsets) {
        return safetensors_text(entry(R"("F32")", shape, offsets), four);
    };
    const auto two = [&](const char* first, const char* second) {
        return safetensors_text(fmt::format(R"({{"a":{{"dtype":"U8","shape":[2],"data_offsets":{}}},)"
                                            R"("b":{{"dtype":"U8","shape":[2],"data_offsets":{}}}}})",
                                            first, second),
                                four);
    };
    const BadSafetensors files[] = {
        {"empty", "", ErrorCode::malformed, "at least 8 bytes"},
        {"seven bytes", "1234567", ErrorCode::malformed, "7 bytes"},
        {"no header", safetensors_text(""), ErrorCode::malformed, "'{'"},
        {"length of 2^64 - 1", huge_length, ErrorCode::malformed, "too large"},
        {"header beyond the file", safetensors_text("{}").substr(0, 9), ErrorCode::malformed, "ends inside its header"},
        {"array as header", safetensors_text("[]"), ErrorCode::malformed, "'{'"},
        {"half an object", safetensors_text(R"({"a":)"), ErrorCode::malformed, "not valid JSON"},
        {"not UTF-8", safetensors_text("{\"\xff\":1}"), ErrorCode::malformed, "invalid byte"},
        {"deep", safetensors_text(R"({"a":[[[[[1]]]]]})"), ErrorCode::limit, "nested"},
        {"repeated tensor", safetensors_text(R"({"a":1,"a":2})"), ErrorCode::malformed, "repeats the key 'a'"},
        {"number as entry", safetensors_text(R"({"a":1})"), ErrorCode::malformed, "'a' is not described"},
        {"no shape", safetensors_text(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", four), ErrorCode::malformed,
         "'a' is not described"},
        {"unknown type", safetensors_text(entry(R"("F31")", "[1]", "[0,4]"), four), ErrorCode::unsupported, "F31"},
        {"number as type", safetensors_text(entry("3", "[1]", "[0,4]"), four), ErrorCode::unsupported, "unknown dtype"},
        {"number as shape", f32("1", "[0,4]"), ErrorCode::malformed, "invalid shape"},
        {"negative size", f32("[-1]", "[0,4]"), ErrorCode::malformed, "invalid shape"},
        {"fractional size", f32("[1.0]", "[0,4]"), ErrorCode::malformed, "invalid shape"},
        {"text as size", f32(R"(["1"])", "[0,4]"), ErrorCode::malformed, "invalid shape"},
        {"size of 2^64", f32("[18446744073709551616]", "[0,4]"), ErrorCode::malformed, "invalid shape"},
        {"product of 2^64", f32("[4294967296,4294967296]", "[0,4]"), ErrorCode::limit, "too large to count"},
        {"bytes of 2^64", f32("[4611686018427387904]", "[0,4]"), ErrorCode::limit, "too large to count"},
        {"nine dimensions", f32("[1,1,1,1,1,1,1,1,1]", "[0,4]"), ErrorCode::malformed, "too many dimensions"},
        {"size and shape differ", f32("[2]", "[0,4]"), ErrorCode::malformed, "wrong size"},
        {"one offset", f32("[1]", "[0]"), ErrorCode::malformed, "outside the file"},
        {"three offsets", f32("[1]", "[0,4,4]"), ErrorCode::malformed, "outside the file"},
        {"reversed offsets", f32("[1]", "[4,0]"), ErrorCode::malformed, "outside the file"},
        {"offsets beyond the end", f32("[2]", "[0,8]"), ErrorCode::malformed, "outside the file"},
        {"offset of 2^64 - 1", f32("[1]", "[0,18446744073709551615]"), ErrorCode::malformed, "outside the file"},
        {"overlap", two("[0,2]", "[1,3]"), ErrorCode::malformed, "overlaps"},
        {"same place twice", two("[0,2]", "[0,2]"), ErrorCode::malformed, "overlaps"},
        {"gap at the start", f32("[0]", "[4,4]"), ErrorCode::malformed, "gap"},
        {"gap between",
         safetensors_text(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                          R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                          four),
         ErrorCode::malformed, "gap"},
        {"trailing bytes", safetensors_text(entry(R"("U8")", "[2]", "[0,2]"), four), ErrorCode::malformed, "left over"},
    };
    for (const BadSafetensors& f : files) {
        const Refusal r = refusal_of([&] { (void)parse_safetensors(borrowed(f.file), "name.safetensors"); });
        EXPECT_EQ(r.code, f.code) << f.what << ": " << r.message;
        EXPECT_NE(r.message.find(f.in_message), std::string::npos) << f.what << ": " << r.message;
        EXPECT_NE(r.message.find("name.safetensors"), std::string::npos) << f.what << ": " << r.message;
    }
}

TEST(Safetensors, HasNoQuantisedTypes) {
    for (const DType type : kQuantised) {
        const TensorToWrite t[] = {{"w", type, {256}}};
        const Refusal written = refusal_of([&] { (void)safetensors_header(t); });
        EXPECT_EQ(written.code, ErrorCode::unsupported) << dtype_name(type);
        EXPECT_NE(written.message.find("'w'"), std::string::npos) << written.message;
        const std::string name = fmt::format(R"("{}")", dtype_name(type));
        const std::string file = safetensors_text(entry(name.c_str(), "[256]", "[0,288]"), std::string(288, '\0'));
        EXPECT_EQ(refusal_of([&] { (void)parse_safetensors(borrowed(file), "f"); }).code, ErrorCode::unsupported);
    }
}

TEST(Safetensors, EveryTruncationIsRefused) {
    const TensorToWrite t[] = {{"a", DType::f32, {3}}, {"b", DType::u8, {5}}};
    const std::string file = safetensors_header(t) + std::string(17, 'x');
    ASSERT_EQ(parse_safetensors(borrowed(file), "f").size(), 2U);
    for (std::size_t n = 0; n < file.size(); ++n) {
        const std::string cut = file.substr(0, n);
        const Refusal r = refusal_of([&] { (void)parse_safetensors(borrowed(cut), "f"); });
        EXPECT_EQ(r.code, ErrorCode::malformed) << n << " bytes: " << r.message;
    }
}

TEST(Safetensors, ManyTensorsTakeTimeInProportion) {
    std::string header = R"({"__metadata__":{})";
    for (int i = 0; i < 100'000; ++i) {
        header += fmt::format(R"(,"t{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", i);
    }
    const std::string file = safetensors_text(header + "}");
    const double start = test::processor_seconds();
    EXPECT_EQ(parse_safetensors(borrowed(file), "f").size(), 100'000U);
    EXPECT_LT(test::processor_seconds() - start, 20);
}

// --- read_as_f32 --------------------------------------------------------------------------------------------------------

/// A view of one tensor of `n` elements over bytes that start at an odd address, as those of a file may.
struct Unaligned {
    std::string bytes;
    TensorView view;

    Unaligned(DType type, std::uint64_t n, const std::string& data) : bytes("x" + data) {
        view.dtype = type;
        view.shape = {n};
        view.data = std::as_bytes(std::span(bytes)).subspan(1);
    }
};

TEST(ReadAsF32, ReadsEveryFloatingPointType) {
    const std::vector<float> expected{1.5F, -2.0F, 0.0F, 0.25F};
    const Unaligned sources[] = {{DType::f32, 4, raw_bytes(expected)},
                                 {DType::f64, 4, raw_bytes(std::vector<double>{1.5, -2.0, 0.0, 0.25})},
                                 {DType::f16, 4, raw_bytes(std::vector<std::uint16_t>{0x3e00, 0xc000, 0, 0x3400})},
                                 {DType::bf16, 4, raw_bytes(std::vector<std::uint16_t>{0x3fc0, 0xc000, 0, 0x3e80})}};
    for (const Unaligned& s : sources) {
        std::vector<float> out(4);
        read_as_f32(s.view, 0, out);
        EXPECT_EQ(out, expected) << dtype_name(s.view.dtype);
        std::vector<float> middle(2);
        read_as_f32(s.view, 1, middle);
        EXPECT_EQ(middle, (std::vector<float>{-2.0F, 0.0F})) << dtype_name(s.view.dtype);
        read_as_f32(s.view, 4, {});  // nothing, at the end
    }
}

TEST(ReadAsF32, RefusesOtherTypesByName) {
    for (const DType type : kAll) {
        if (is_floating_point(type)) continue;
        const Unaligned source(type, 1, std::string(8, '\0'));
        std::vector<float> out(1);
        const Refusal r = refusal_of([&] { read_as_f32(source.view, 0, out); });
        EXPECT_EQ(r.code, ErrorCode::unsupported) << dtype_name(type);
        EXPECT_NE(r.message.find(dtype_name(type)), std::string::npos) << r.message;
    }
}

TEST(ReadAsF32, StaysInsideTheTensor) {
    const Unaligned source(DType::f32, 2, std::string(8, '\0'));
    std::vector<float> out(2);
    EXPECT_EQ(refusal_of([&] { read_as_f32(source.view, 1, out); }).code, ErrorCode::internal);
}

}  // namespace
}  // namespace heart::formats
