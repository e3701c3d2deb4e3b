// Are arrays of codes and noise read from every form that numpy and PyTorch users hand in?

#include "formats/npy.h"
#include "unit/formats_test_support.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace heart::formats {
namespace {

using test::raw_bytes;
using test::Refusal;
using test::refusal_of;
using test::ScratchFolder;

using Sizes = std::vector<std::uint64_t>;
using Ints = std::vector<std::int32_t>;

/// A .npy file around a header and data written by hand.
std::string npy_text(int version, const std::string& header, const std::string& data) {
    std::string out = "\x93NUMPY";
    out += static_cast<char>(version);
    out += '\0';
    const auto length = static_cast<std::uint32_t>(header.size());
    out.append(reinterpret_cast<const char*>(&length), version == 1 ? 2 : 4);
    return out + header + data;
}

std::string npy_header(const std::string& descr, const std::string& shape, bool fortran = false) {
    return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", descr, fortran ? "True" : "False", shape);
}

template <typename T>
std::string npy(const std::string& descr, const std::string& shape, const std::vector<T>& values, bool fortran = false,
                int version = 1) {
    return npy_text(version, npy_header(descr, shape, fortran), raw_bytes(values));
}

Array<std::int32_t> integers(const std::string& file, const std::string& key = "", const char* name = "a.npy") {
    const ScratchFolder dir;
    return read_integer_array({dir.write(name, file), key});
}

Array<float> floats(const std::string& file, const std::string& key = "", const char* name = "a.npy") {
    const ScratchFolder dir;
    return read_float_array({dir.write(name, file), key});
}

TEST(Npy, ReadsIntegersOfEveryWidth) {
    const Ints expected{1, 2, 3, 4, 5, 70000};
    const Sizes shape{2, 3};
    for (const auto& file : {npy<std::int32_t>("<i4", "(2, 3)", {1, 2, 3, 4, 5, 70000}),
                             npy<std::int64_t>("<i8", "(2, 3)", {1, 2, 3, 4, 5, 70000}),
                             npy<std::uint32_t>("<u4", "(2, 3)", {1, 2, 3, 4, 5, 70000}),
                             npy<std::uint64_t>("<u8", "(2, 3)", {1, 2, 3, 4, 5, 70000})}) {
        const auto read = integers(file);
        EXPECT_EQ(read.shape, shape);
        EXPECT_EQ(read.values, expected);
    }
    EXPECT_EQ(integers(npy<std::int64_t>("<i8", "(2,)", {-2147483648LL, 2147483647})).values,
              (Ints{std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()}));
}

TEST(Npy, ReadsNumbersOfEveryWidth) {
    const std::vector<float> expected{1.5F, -2, 0, 0.25F};
    EXPECT_EQ(floats(npy<float>("<f4", "(4,)", expected)).values, expected);
    EXPECT_EQ(floats(npy<double>("<f8", "(4,)", {1.5, -2, 0, 0.25})).values, expected);
    EXPECT_EQ(floats(npy<std::uint16_t>("<f2", "(4,)", {0x3e00, 0xc000, 0, 0x3400})).values, expected);
}

TEST(Npy, ReadsVersionsOneToThree) {
    for (const int version : {1, 2, 3}) {
        EXPECT_EQ(integers(npy<std::int32_t>("<i4", "(2,)", {7, 8}, false, version)).values, (Ints{7, 8})) << version;
    }
}

TEST(Npy, TurnsFortranOrderAround) {
    // column-major [2][3]: (0,0) (1,0) (0,1) (1,1) (0,2) (1,2)
    EXPECT_EQ(integers(npy<std::int32_t>("<i4", "(2, 3)", {0, 10, 1, 11, 2, 12}, true)).values, (Ints{0, 1, 2, 10, 11, 12}));
    std::vector<float> file, expected;
    for (int k = 0; k < 4; ++k) {
        for (int j = 0; j < 3; ++j) {
            for (int i = 0; i < 2; ++i) file.push_back(static_cast<float>(100 * i + 10 * j + k));
        }
    }
    for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 4; ++k) expected.push_back(static_cast<float>(100 * i + 10 * j + k));
        }
    }
    EXPECT_EQ(floats(npy<float>("<f4", "(2, 3, 4)", file, true)).values, expected);
    EXPECT_EQ(integers(npy<std::int32_t>("<i4", "(3,)", {1, 2, 3}, true)).values, (Ints{1, 2, 3}));
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
    EXPECT_EQ(integers(npy<std::int32_t>("<i4", "()", {42})).values, Ints{42});
    EXPECT_TRUE(integers(npy<std::int32_t>("<i4", "()", {42})).shape.empty());
    const auto empty = integers(npy<std::int32_t>("<i4", "(8, 0)", {}));
    EXPECT_EQ(empty.shape, (Sizes{8, 0}));
    EXPECT_TRUE(empty.values.empty());
    EXPECT_TRUE(floats(npy<float>("<f4", "(0, 3)", {}, true)).values.empty());
}

TEST(Npy, TheFileItWritesIsReadBack) {
    const std::pair<Sizes, Ints> arrays[] = {
        {{2, 3}, {1, -2, 3, 4, 5, 6}}, {{4}, {9, 8, 7, 6}}, {{}, {5}}, {{0, 8}, {}}, {{1, 1, 2}, {1, 2}}};
    for (const auto& [shape, values] : arrays) {
        const std::string file = npy_file(shape, values);
        EXPECT_EQ((file.size() - 4 * values.size()) % 64, 0U);  // numpy aligns the data so
        EXPECT_EQ(file[file.size() - 4 * values.size() - 1], '\n');
        const auto read = integers(file);
        EXPECT_EQ(read.shape, shape);
        EXPECT_EQ(read.values, values);
    }
}

TEST(Npy, WritesTheHeaderThatNumpyWrites) {
    const std::string file = npy_file(Sizes{8, 24}, Ints(192, 1));
    EXPECT_EQ(file.substr(0, 8), std::string("\x93NUMPY\x01\0", 8));
    EXPECT_EQ(file.substr(10, 60), "{'descr': '<i4', 'fortran_order': False, 'shape': (8, 24), }");
    EXPECT_NE(npy_file(Sizes{3}, Ints{1, 2, 3}).find("'shape': (3,), }"), std::string::npos);
}

TEST(Npy, FloatsBehindTheHeaderAreMappedAsTheyWere) {
    const ScratchFolder dir;
    const std::vector<float> values{1.5F, -2, 0, 0.25F, 7, 8};
    const std::string header = npy_float_header(Sizes{2, 3});
    EXPECT_EQ(header.size() % 64, 0U);
    const TensorView mapped = map_npy_floats(dir.write("a.npy", header + raw_bytes(values)), 6);
    EXPECT_EQ(mapped.shape, (Sizes{2, 3}));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped.data.data()), mapped.data.size()), raw_bytes(values));
    EXPECT_EQ(floats(header + raw_bytes(values)).values, values);
}

TEST(Npy, OnlyPlainFloatsAreMapped) {
    const ScratchFolder dir;
    const auto code = [&](const std::string& file, std::uint64_t most = 100) {
        return refusal_of([&] { (void)map_npy_floats(dir.write("a.npy", file), most); }).code;
    };
    const std::string good = npy<float>("<f4", "(2, 2)", {1, 2, 3, 4});
    EXPECT_EQ(code(good), ErrorCode{});
    EXPECT_EQ(code(good, 3), ErrorCode::limit);
    EXPECT_EQ(code(good.substr(0, good.size() - 1)), ErrorCode::malformed);
    EXPECT_EQ(code(npy<float>("<f4", "(2, 2)", {1, 2, 3, 4}, true)), ErrorCode::unsupported);
    EXPECT_EQ(code(npy<double>("<f8", "(2,)", {1, 2})), ErrorCode::unsupported);
    EXPECT_EQ(code(npy<std::int32_t>("<i4", "(2,)", {1, 2})), ErrorCode::unsupported);
    EXPECT_EQ(code(npy<float>("<f4", "(4611686018427387904,)", {1}), ~std::uint64_t{0}), ErrorCode::limit);
}

TEST(ArrayFile, ReadsATensorByItsKey) {
    const TensorToWrite t[] = {{"codes", DType::i64, {2}}, {"noise", DType::bf16, {2}}, {"a:b", DType::i32, {1}}};
    const std::string file = safetensors_header(t) + raw_bytes<std::int64_t>({3, -4}) +
                             raw_bytes<std::uint16_t>({0x3f80, 0xc000}) + raw_bytes<std::int32_t>({9});
    EXPECT_EQ(integers(file, "codes", "a.safetensors").values, (Ints{3, -4}));
    EXPECT_EQ(floats(file, "noise", "a.safetensors").values, (std::vector<float>{1, -2}));
    EXPECT_EQ(integers(file, "a:b", "a.safetensors").values, Ints{9});

    const Refusal missing = refusal_of([&] { (void)integers(file, "code", "a.safetensors"); });
    EXPECT_EQ(missing.code, ErrorCode::not_found);
    EXPECT_NE(missing.message.find("codes"), std::string::npos) << missing.message;  // says what there is
    EXPECT_EQ(refusal_of([&] { (void)integers(file, "", "a.safetensors"); }).code, ErrorCode::not_found);
    EXPECT_EQ(refusal_of([&] { (void)integers(file, "noise", "a.safetensors"); }).code, ErrorCode::malformed);
    EXPECT_EQ(refusal_of([&] { (void)floats(file, "codes", "a.safetensors"); }).code, ErrorCode::unsupported);
}

TEST(ArrayFile, AKeyIsNotNeededForASingleTensor) {
    const TensorToWrite t[] = {{"only", DType::i32, {1}}};
    EXPECT_EQ(integers(safetensors_header(t) + raw_bytes<std::int32_t>({5}), "", "a.safetensors").values, Ints{5});
}

TEST(ArrayPath, SplitsBehindSafetensorsOnly) {
    struct Case {
        const char *text, *file, *key;
    };
    for (const Case& c :
         {Case{"a.npy", "a.npy", ""}, Case{"dir/a.safetensors", "dir/a.safetensors", ""},
          Case{"a.safetensors:codes", "a.safetensors", "codes"}, Case{"a.safetensors:x:y", "a.safetensors", "x:y"},
          Case{"a:b.npy", "a:b.npy", ""}, Case{"c:/d:/a.safetensors:k", "c:/d:/a.safetensors", "k"},
          Case{"a.safetensors:", "a.safetensors", ""}, Case{"", "", ""}}) {
        const ArrayPath path = split_array_path(c.text);
        EXPECT_EQ(path.file, c.file) << c.text;
        EXPECT_EQ(path.key, c.key) << c.text;
    }
}

TEST(Npy, RefusesNumbersBeyond32Bits) {
    for (const auto& file :
         {npy<std::int64_t>("<i8", "(2,)", {0, 2147483648LL}), npy<std::int64_t>("<i8", "(2,)", {0, -2147483649LL}),
          npy<std::uint32_t>("<u4", "(2,)", {0, 2147483648U}), npy<std::uint64_t>("<u8", "(2,)", {0, ~std::uint64_t{0}})}) {
        const Refusal r = refusal_of([&] { (void)integers(file); });
        EXPECT_EQ(r.code, ErrorCode::limit);
        EXPECT_NE(r.message.find("number 1 does not fit"), std::string::npos) << r.message;
    }
}

TEST(Npy, RefusesWhatDoesNotFollowTheFormat) {
    const Ints one{1};
    const std::string good = npy<std::int32_t>("<i4", "(1,)", one);
    struct Bad {
        const char* what;
        std::string file;
        ErrorCode code;
    };
    const auto shaped = [&](const char* shape) { return npy<std::int32_t>("<i4", shape, one); };
    const Bad files[] = {
        {"empty", "", ErrorCode::malformed},
        {"text", "codes codes codes", ErrorCode::malformed},
        {"magic only", good.substr(0, 6), ErrorCode::malformed},
        {"version 0", npy<std::int32_t>("<i4", "(1,)", one, false, 0), ErrorCode::malformed},
        {"version 4", npy<std::int32_t>("<i4", "(1,)", one, false, 4), ErrorCode::malformed},
        {"header beyond the file", npy_text(1, std::string(200, ' '), "").substr(0, 100), ErrorCode::malformed},
        {"header of 4 GB", std::string("\x93NUMPY\x02\0\xff\xff\xff\xff{}", 14), ErrorCode::malformed},
        {"empty header", npy_text(1, "", "0000"), ErrorCode::malformed},
        {"no type", npy_text(1, "{'fortran_order': False, 'shape': (1,), }", "0000"), ErrorCode::malformed},
        {"no order", npy_text(1, "{'descr': '<i4', 'shape': (1,), }", "0000"), ErrorCode::malformed},
        {"no shape", npy_text(1, "{'descr': '<i4', 'fortran_order': False, }", "0000"), ErrorCode::malformed},
        {"type cut off", npy_text(1, "{'fortran_order': False, 'shape': (1,), 'descr':", "0000"), ErrorCode::malformed},
        {"type not closed", npy_text(1, "{'fortran_order': False, 'shape': (1,), 'descr': '<i4", "0000"),
         ErrorCode::malformed},
        {"list of types", npy_text(1, "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }", "0000"),
         ErrorCode::malformed},
        {"big-endian", npy<std::int32_t>(">i4", "(1,)", one), ErrorCode::unsupported},
        {"complex", npy<double>("<c16", "(1,)", {1, 2}), ErrorCode::unsupported},
        {"objects", npy<std::int32_t>("|O", "(1,)", one), ErrorCode::unsupported},
        {"shape without brackets", shaped("1"), ErrorCode::malformed},
        {"shape not closed", npy_text(1, "{'descr': '<i4', 'fortran_order': False, 'shape': (1,", "0000"),
         ErrorCode::malformed},
        {"negative size", shaped("(-1,)"), ErrorCode::malformed},
        {"text as size", shaped("('1',)"), ErrorCode::malformed},
        {"size of 2^64", shaped("(18446744073709551616,)"), ErrorCode::malformed},
        {"nine dimensions", shaped("(1,1,1,1,1,1,1,1,1)"), ErrorCode::malformed},
        {"product of 2^64", shaped("(4294967296, 4294967296)"), ErrorCode::limit},
        {"more than 2^26 numbers", shaped("(67108865,)"), ErrorCode::limit},
        {"data cut off", good.substr(0, good.size() - 1), ErrorCode::malformed},
        {"more shape than data", shaped("(2,)"), ErrorCode::malformed},
    };
    for (const Bad& f : files) {
        const Refusal r = refusal_of([&] { (void)integers(f.file); });
        EXPECT_EQ(r.code, f.code) << f.what << ": " << r.message;
        EXPECT_NE(r.message.find("a.npy"), std::string::npos) << f.what << ": " << r.message;
    }
    EXPECT_EQ(refusal_of([&] { (void)integers(npy<float>("<f4", "(1,)", {1})); }).code, ErrorCode::malformed);
    EXPECT_EQ(refusal_of([] { (void)read_integer_array({"no/such/file.npy", ""}); }).code, ErrorCode::not_found);
}

}  // namespace
}  // namespace heart::formats
