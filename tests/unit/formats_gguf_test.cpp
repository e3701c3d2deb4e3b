// Are GGUF files written as the format says, read back as they were, and is what does not follow it refused?

#include "formats/gguf.h"
#include "unit/formats_test_support.h"

#include <fmt/format.h>
#include <gguf.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace heart::formats {
namespace {

using test::borrowed;
using test::GgufText;
using test::Refusal;
using test::refusal_of;
using test::ScratchFolder;

constexpr DType kTypes[] = {DType::f32, DType::f16, DType::q4_0, DType::q8_0, DType::q4_k, DType::q5_k, DType::q6_k,
                            DType::i8,  DType::i16, DType::i32,  DType::i64,  DType::f64,  DType::bf16};

const std::vector<std::pair<std::string, GgufValue>>& every_kind_of_value() {
    using Words = std::vector<std::string>;
    static const std::vector<std::pair<std::string, GgufValue>> values{
        {"u8", std::uint8_t{200}},
        {"i8", std::int8_t{-100}},
        {"u16", std::uint16_t{60'000}},
        {"i16", std::int16_t{-30'000}},
        {"u32", std::uint32_t{4'000'000'000}},
        {"i32", std::int32_t{-2'000'000'000}},
        {"f32", 1.5F},
        {"yes", true},
        {"no", false},
        {"text", std::string("w\xc3\xb6rter\nund mehr")},
        {"u64", ~std::uint64_t{0}},
        {"i64", std::int64_t{-1} << 63},
        {"f64", 0.1},
        {"words", GgufArray(Words{"a", "", "ccc"})},
        {"flags", GgufArray(std::vector<bool>{true, false, true})},
        {"numbers", GgufArray(std::vector<std::int32_t>{-1, 0, 1})},
        {"floats", GgufArray(std::vector<float>{0.5F, -0.25F})},
        {"nothing", GgufArray(std::vector<std::uint64_t>{})}};
    return values;
}

/// Tensors of every type and their data, padded as `gguf_header` asks for.
struct Written {
    std::vector<TensorToWrite> tensors;
    std::vector<std::string> data;

    Written() {
        for (const DType type : kTypes) add(fmt::format("a.{}", dtype_name(type)), type, {3, 512});
        add("scalar", DType::f32, {});
        add("empty", DType::f32, {0, 4});
        add("four", DType::bf16, {2, 3, 4, 5});
    }
    void add(const std::string& name, DType type, std::vector<std::uint64_t> shape) {
        std::string bytes;
        const std::uint64_t n = tensor_bytes(type, shape, "it");
        for (std::uint64_t i = 0; i < n; ++i) bytes += static_cast<char>(i * 7 + tensors.size());
        tensors.push_back({name, type, std::move(shape)});
        data.push_back(bytes);
    }
    [[nodiscard]] std::string file() const {
        std::string out = gguf_header(every_kind_of_value(), tensors);
        for (const std::string& d : data) out += d + std::string(gguf_padding(d.size()), '\0');
        return out;
    }
};

TEST(Gguf, WhatIsWrittenIsRead) {
    const Written w;
    const std::string file = w.file();
    const GgufFile read = parse_gguf(borrowed(file), "f");
    ASSERT_EQ(read.tensors.size(), w.tensors.size());
    for (std::size_t i = 0; i < w.tensors.size(); ++i) {
        const TensorView& view = read.tensors.at(w.tensors[i].name);
        EXPECT_EQ(view.dtype, w.tensors[i].dtype) << w.tensors[i].name;
        EXPECT_EQ(view.shape, w.tensors[i].shape) << w.tensors[i].name;
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(view.data.data()), view.data.size()), w.data[i]);
        EXPECT_EQ((reinterpret_cast<const char*>(view.data.data()) - file.data()) % 32, 0) << w.tensors[i].name;
    }
    EXPECT_EQ(read.tensors.at("a.Q4_K").elements(), 3U * 512);
    EXPECT_EQ(read.tensors.at("empty").elements(), 0U);
}

TEST(Gguf, EveryKindOfMetadataComesBack) {
    const std::string file = Written().file();
    const GgufMetadata read = parse_gguf(borrowed(file), "f").metadata;
    EXPECT_EQ(read.size(), every_kind_of_value().size() + 1);
    for (const auto& [key, value] : every_kind_of_value()) EXPECT_EQ(read.at(key), value) << key;
    EXPECT_EQ(read.at("general.alignment"), GgufValue(std::uint32_t{32}));
    EXPECT_EQ(*find_text(read, "text"), "w\xc3\xb6rter\nund mehr");
    EXPECT_EQ(find_text(read, "u8"), nullptr);
    EXPECT_EQ(find_text(read, "no.such.key"), nullptr);
}

// Two programs that read a format the same way have most likely read it right.
TEST(Gguf, GgmlReadsWhatIsWritten) {
    const Written w;
    const ScratchFolder dir;
    const auto path = dir.write("model.gguf", w.file());
    const std::unique_ptr<gguf_context, decltype(&gguf_free)> file(
        gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = nullptr}), gguf_free);
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(gguf_get_n_kv(file.get()), static_cast<std::int64_t>(every_kind_of_value().size() + 1));
    EXPECT_STREQ(gguf_get_val_str(file.get(), gguf_find_key(file.get(), "text")), "w\xc3\xb6rter\nund mehr");
    EXPECT_EQ(gguf_get_val_f64(file.get(), gguf_find_key(file.get(), "f64")), 0.1);
    EXPECT_STREQ(gguf_get_arr_str(file.get(), gguf_find_key(file.get(), "words"), 2), "ccc");
    const std::string whole = w.file();
    const auto ours = parse_gguf(borrowed(whole), "f").tensors;
    ASSERT_EQ(gguf_get_n_tensors(file.get()), static_cast<std::int64_t>(ours.size()));
    for (std::int64_t i = 0; i < gguf_get_n_tensors(file.get()); ++i) {
        const TensorView& view = ours.at(gguf_get_tensor_name(file.get(), i));
        const std::size_t place = gguf_get_data_offset(file.get()) + gguf_get_tensor_offset(file.get(), i);
        EXPECT_EQ(reinterpret_cast<const char*>(view.data.data()) - whole.data(), static_cast<std::ptrdiff_t>(place));
        EXPECT_EQ(gguf_get_tensor_size(file.get(), i), view.data.size()) << gguf_get_tensor_name(file.get(), i);
    }
}

TEST(Gguf, ShapesAreTurnedAround) {
    const std::string file = GgufText(1, 0).tensor("w", {2, 3}, 0, 0).with(std::string(24, 'x'));
    EXPECT_EQ(parse_gguf(borrowed(file), "f").tensors.at("w").shape, (std::vector<std::uint64_t>{3, 2}));
}

TEST(Gguf, ReadsVersionTwoAndOtherAlignments) {
    for (const std::uint32_t version : {2U, 3U}) {
        GgufText header(2, 1, version);
        header.key("general.alignment", 4).number<std::uint32_t>(64).tensor("a", {1}, 0, 0).tensor("b", {1}, 0, 64);
        const std::string data = "aaaa" + std::string(60, '\0') + "bbbb";
        const std::string file = header.with(data, 64);
        const auto read = parse_gguf(borrowed(file), "f").tensors;
        EXPECT_EQ(static_cast<char>(read.at("a").data[0]), 'a');
        EXPECT_EQ(static_cast<char>(read.at("b").data[0]), 'b');
    }
}

TEST(Gguf, TensorsMayStandInAnyOrder) {
    const std::string file = GgufText(2, 0)
                                 .tensor("late", {8}, 0, 32)
                                 .tensor("early", {8}, 0, 0)
                                 .with(std::string(32, 'e') + std::string(32, 'l'));
    const auto read = parse_gguf(borrowed(file), "f").tensors;
    EXPECT_EQ(static_cast<char>(read.at("early").data[0]), 'e');
    EXPECT_EQ(static_cast<char>(read.at("late").data[0]), 'l');
}

TEST(Gguf, TheLastTensorNeedsNoPadding) {
    const std::string file = GgufText(1, 0).tensor("w", {1}, 0, 0).with("1234");
    EXPECT_EQ(parse_gguf(borrowed(file), "f").tensors.size(), 1U);
    const std::string none = GgufText(0, 0).with("");
    EXPECT_TRUE(parse_gguf(borrowed(none), "f").tensors.empty());
    EXPECT_TRUE(parse_gguf(borrowed(none.substr(0, 24)), "f").tensors.empty());
}

struct BadFile {
    const char* what;
    std::string file;
    ErrorCode code;
    const char* in_message;
};

std::vector<BadFile> bad_headers() {
    const auto huge = ~std::uint64_t{0};
    const auto value = [](std::uint32_t type) { return GgufText(0, 1).key("k", type); };
    const auto alignment = [](std::uint32_t n) { return GgufText(0, 1).key("general.alignment", 4).number(n).with(""); };
    using enum ErrorCode;
    return {
        {"empty", "", malformed, "ends inside"},
        {"safetensors", "12345678{}", malformed, "not a GGUF file"},
        {"version 1", GgufText(0, 0, 1).with(""), unsupported, "version 1"},
        {"version 4", GgufText(0, 0, 4).with(""), unsupported, "version 4"},
        {"big-endian", GgufText(0, 0, 0x03000000).with(""), unsupported, "big-endian"},
        {"2^64 tensors", GgufText(huge, 0).with(""), limit, "the tensors"},
        {"more tensors than bytes", GgufText(1000, 0).with(""), malformed, "too short for the tensors"},
        {"2^64 keys", GgufText(0, huge).with(""), limit, "the metadata"},
        {"more keys than bytes", GgufText(0, 1000).with(""), malformed, "too short for the metadata"},
        {"key of 2^64 bytes", GgufText(0, 1).number(huge).number(huge).with(""), limit, "a metadata key"},
        {"key beyond the file", GgufText(0, 1).number<std::uint64_t>(60'000).number(huge).with(""), malformed,
         "ends inside"},
        {"key twice", GgufText(0, 2).key("k", 0).number('a').key("k", 0).number('a').with(""), malformed, "twice"},
        {"key not UTF-8", GgufText(0, 1).key("\xff", 0).number('a').with(""), malformed, "not UTF-8"},
        {"type 13", value(13).number(huge).with(""), unsupported, "number 13"},
        {"bool of 2", value(7).number('\2').with(""), malformed, "neither true nor false"},
        {"text of 2^64 bytes", value(8).number(huge).with(""), limit, "'k'"},
        {"text beyond the file", value(8).number<std::uint64_t>(99).with(""), malformed, "ends inside metadata 'k'"},
        {"text not UTF-8", value(8).text("\xc0\x80").with(""), malformed, "'k' is not UTF-8"},
        {"array of 2^64", value(9).number<std::uint32_t>(0).number(huge).with(""), limit, "elements of metadata 'k'"},
        {"array beyond the file", value(9).number<std::uint32_t>(10).number<std::uint64_t>(9).with(""), malformed,
         "too short"},
        {"array of arrays", value(9).number<std::uint32_t>(9).number<std::uint64_t>(0).with(""), unsupported,
         "array of arrays"},
        {"array of type 99", value(9).number<std::uint32_t>(99).number<std::uint64_t>(0).with(""), unsupported, "number 99"},
        {"alignment 0", alignment(0), malformed, "general.alignment"},
        {"alignment 4", alignment(4), malformed, "general.alignment"},
        {"alignment 24", alignment(24), malformed, "general.alignment"},
        {"alignment 2^31", alignment(1U << 31), malformed, "general.alignment"},
        {"alignment as text", GgufText(0, 1).key("general.alignment", 8).text("32").with(""), malformed, "another type"},
    };
}

std::vector<BadFile> bad_tensors() {
    const auto huge = ~std::uint64_t{0};
    const std::string data(64, 'd');
    const auto one = [&](const std::vector<std::uint64_t>& dims, std::uint32_t type, std::uint64_t offset) {
        return GgufText(1, 0).tensor("w", dims, type, offset).with(data);
    };
    const auto two = [&](std::uint64_t a, std::uint64_t b) {
        return GgufText(2, 0).tensor("a", {8}, 0, a).tensor("b", {8}, 0, b).with(data);
    };
    using enum ErrorCode;
    return {
        {"unknown type", one({16}, 99, 0), unsupported, "number 99"},
        {"a type Heart lacks", one({256}, 10, 0), unsupported, "number 10"},
        {"five dimensions", one({1, 1, 1, 1, 16}, 0, 0), malformed, "too many dimensions"},
        {"2^32 dimensions", GgufText(1, 0).text("w").number(~0U).number(huge).number(huge).with(data), malformed,
         "too many dimensions"},
        {"product of 2^64", one({1ULL << 32, 1ULL << 32}, 0, 0), limit, "too large to count"},
        {"bytes of 2^64", one({1ULL << 62}, 0, 0), limit, "too large to count"},
        {"quantised bytes of 2^64", one({1ULL << 40, 1ULL << 40}, 8, 0), limit, "too large to count"},
        {"no whole block", one({33}, 8, 0), malformed, "a multiple of 32"},
        {"no whole block of 256", one({128, 2}, 12, 0), malformed, "a multiple of 256"},
        {"scalar of blocks", one({}, 12, 0), malformed, "a multiple of 256"},
        {"beyond the file", one({17}, 0, 0), malformed, "outside the file"},
        {"offset beyond the file", one({1}, 0, 1 << 20), malformed, "outside the file"},
        {"offset of 2^64 - 32", one({16}, 0, huge - 31), malformed, "outside the file"},
        {"not aligned", one({8}, 0, 4), malformed, "not aligned"},
        {"overlap", GgufText(2, 0).tensor("a", {16}, 0, 0).tensor("b", {8}, 0, 32).with(data), malformed, "overlaps"},
        {"same place twice", two(0, 0), malformed, "overlaps"},
        {"gap at the start", one({8}, 0, 32), malformed, "gap"},
        {"left over", one({8}, 0, 0), malformed, "left over"},
        {"name twice", GgufText(2, 0).tensor("a", {8}, 0, 0).tensor("a", {8}, 0, 32).with(data), malformed, "'a'"},
        {"name of 2^64 bytes", GgufText(1, 0).number(huge).number(huge).number(huge).with(data), limit, "name"},
    };
}

TEST(Gguf, RefusesWhatDoesNotFollowTheFormat) {
    auto files = bad_headers();
    for (BadFile& f : bad_tensors()) files.push_back(std::move(f));
    for (const BadFile& f : files) {
        const Refusal r = refusal_of([&] { (void)parse_gguf(borrowed(f.file), "name.gguf"); });
        EXPECT_EQ(r.code, f.code) << f.what << ": " << r.message;
        EXPECT_NE(r.message.find(f.in_message), std::string::npos) << f.what << ": " << r.message;
        EXPECT_NE(r.message.find("name.gguf"), std::string::npos) << f.what << ": " << r.message;
    }
}

TEST(Gguf, EveryTruncationIsRefused) {
    const TensorToWrite t[] = {{"a", DType::f32, {3}}, {"b", DType::q8_0, {64}}};
    const std::string file =
        gguf_header(every_kind_of_value(), t) + std::string(12, 'x') + std::string(20, '\0') + std::string(68, 'y');
    ASSERT_EQ(parse_gguf(borrowed(file), "f").tensors.size(), 2U);
    for (std::size_t n = 0; n < file.size(); ++n) {
        const std::string cut = file.substr(0, n);
        const Refusal r = refusal_of([&] { (void)parse_gguf(borrowed(cut), "f"); });
        EXPECT_EQ(r.code, ErrorCode::malformed) << n << " bytes: " << r.message;
    }
}

TEST(Gguf, ArraysTogetherHaveALimit) {
    constexpr std::uint64_t kHalf = (1 << 19) + 1;
    const auto array = [](GgufText& file, const std::string& key) {
        file.key(key, 9).number<std::uint32_t>(0).number(kHalf);
        for (std::uint64_t i = 0; i < kHalf; ++i) file.number('\1');
    };
    GgufText one(0, 1), two(0, 2);
    array(one, "a");
    array(two, "a");
    array(two, "b");
    const std::string first = one.with(""), second = two.with("");
    EXPECT_EQ(parse_gguf(borrowed(first), "f").metadata.size(), 1U);
    EXPECT_EQ(refusal_of([&] { (void)parse_gguf(borrowed(second), "f"); }).code, ErrorCode::limit);
}

TEST(Gguf, WritesNoTypeThatTheFormatLacks) {
    for (const DType type :
         {DType::boolean, DType::u8, DType::u16, DType::u32, DType::u64, DType::f8_e4m3, DType::f8_e5m2}) {
        const TensorToWrite t[] = {{"flag", type, {1}}};
        EXPECT_FALSE(has_gguf_type(type));
        const Refusal r = refusal_of([&] { (void)gguf_header({}, t); });
        EXPECT_EQ(r.code, ErrorCode::unsupported) << dtype_name(type);
        EXPECT_NE(r.message.find("'flag'"), std::string::npos) << r.message;
    }
    for (const DType type : kTypes) EXPECT_TRUE(has_gguf_type(type)) << dtype_name(type);
    const TensorToWrite five[] = {{"deep", DType::f32, {1, 1, 1, 1, 1}}};
    EXPECT_EQ(refusal_of([&] { (void)gguf_header({}, five); }).code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace heart::formats
