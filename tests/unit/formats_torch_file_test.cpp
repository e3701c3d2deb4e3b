// Are files that torch.save wrote read as the tensors they hold, and hostile ones refused?

#include "formats/torch_file.h"
#include "support/golden.h"
#include "support/torch_text.h"
#include "unit/formats_test_support.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace heart::formats {
namespace {

using test::borrowed;
using test::pickle_text;
using test::PickleText;
using test::raw_bytes;
using test::Refusal;
using test::refusal_of;
using test::TensorText;
using test::torch_text;
using test::ZipStyle;

constexpr const char* kTiny = "ckpt-tiny/MuQ-MuLan-bin/pytorch_model.bin";
constexpr const char* kSame = "ckpt-tiny/MuQ-MuLan/model.safetensors";
constexpr const char* kHostile = "ckpt-tiny/MuQ-MuLan-hostile";

std::string text_of(const TensorView& tensor) {
    return {reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()};
}

bool lies_inside(const TensorView& tensor, const Bytes& file) {
    const auto all = file.view();
    return tensor.data.data() >= all.data() && tensor.data.data() + tensor.data.size() <= all.data() + all.size();
}

// --- files that PyTorch wrote -------------------------------------------------------------------------------------------

TEST(TorchFile, HoldsTheTensorsOfTheSafetensorsFile) {
    const auto ours = parse_torch_file(Bytes::map_file(test::data_path(kTiny)), kTiny);
    const auto same = parse_safetensors(Bytes::map_file(test::data_path(kSame)), kSame);
    ASSERT_EQ(ours.size(), same.size());
    ASSERT_EQ(ours.size(), 230U);
    for (const auto& [name, tensor] : same) {
        const auto it = ours.find(name);
        ASSERT_NE(it, ours.end()) << name;
        EXPECT_EQ(it->second.dtype, tensor.dtype) << name;
        EXPECT_EQ(it->second.shape, tensor.shape) << name;
        EXPECT_TRUE(std::ranges::equal(it->second.data, tensor.data)) << name;
    }
}

TEST(TorchFile, CopiesNothingOfIt) {
    const Bytes file = Bytes::map_file(test::data_path(kTiny));
    std::size_t aligned = 0;
    for (const auto& [name, tensor] : parse_torch_file(file, kTiny)) {
        EXPECT_TRUE(lies_inside(tensor, file)) << name;
        aligned += static_cast<std::size_t>(tensor.data.data() - file.view().data()) % 64 == 0 ? 1 : 0;
    }
    EXPECT_EQ(aligned, 230U);  // so PyTorch padded it: the padding is not taken for data
}

TEST(TorchFile, ViewsOutliveTheFile) {
    std::map<std::string, TensorView> tensors;
    const std::string turned =
        torch_text(pickle_text({{"t", {.sizes = {2, 2}, .strides = {1, 2}}}}), {raw_bytes<float>({1, 2, 3, 4})});
    {
        const test::ScratchFolder dir;
        tensors = parse_torch_file(Bytes::map_file(dir.write("f", turned)), "f");
        tensors.merge(parse_torch_file(Bytes::map_file(test::data_path(kTiny)), kTiny));
    }
    EXPECT_EQ(text_of(tensors.at("t")), raw_bytes<float>({1, 3, 2, 4}));
    std::vector<float> first(tensors.at("mulan.text_to_latents.bias").elements());
    read_as_f32(tensors.at("mulan.text_to_latents.bias"), 0, first);
    EXPECT_TRUE(std::any_of(first.begin(), first.end(), [](float x) { return x != 0; }));
}

// --- the hostile corpus -------------------------------------------------------------------------------------------------

TEST(TorchFile, DoesWithEveryHostileFileWhatMustBeDone) {
    const Bytes text = Bytes::map_file(test::data_path(std::string(kHostile) + "/expect.json"));
    const Json expected = Json::parse(text.text()).at("cases");
    using enum ErrorCode;
    const std::map<std::string, std::pair<ErrorCode, const char*>> how{
        {"call_builtin.bin", {unsupported, "'builtins.print'"}},
        {"call_system.bin", {unsupported, "'posix.system'"}},
        {"call_eval_stack_global.bin", {unsupported, "0x93"}},
        {"getattr_chain.bin", {unsupported, "'torch._utils._rebuild_tensor_v2.__globals__'"}},
        {"newobj.bin", {unsupported, "'collections.Counter'"}},
        {"storage_short.bin", {malformed, "4000 bytes for 1000 F32, found 16"}},
        {"offset_out.bin", {malformed, "'w' reaches past its storage"}},
        {"negative_stride.bin", {malformed, "strides are wrong"}},
        {"stride_out.bin", {malformed, "'w' reaches past its storage"}},
        {"huge_size.bin", {limit, "'w' is too large to count"}},
        {"negative_size.bin", {malformed, "sizes are wrong"}},
        {"missing_record.bin", {malformed, "a record data/7"}},
        {"traversal.bin", {malformed, "'../data.pkl'"}},
        {"unknown_storage.bin", {unsupported, "'torch.EvilStorage'"}},
        {"no_stop.bin", {malformed, "ends before its end"}},
        {"stack_underflow.bin", {malformed, "the stack is empty"}},
        {"deep_marks.bin", {limit, "nested"}},
        {"memo_bomb.bin", {malformed, "a dictionary from names to tensors"}},
        {"bad_utf8_key.bin", {malformed, "not UTF-8"}},
        {"duplicate_key.bin", {malformed, "'w' stands there twice"}},
        {"not_a_dict.bin", {malformed, "a dictionary from names to tensors"}},
        {"raw_pickle.bin", {unsupported, "before PyTorch 1.6"}},
        {"truncated.bin", {malformed, "has no end"}},
        {"bad_zip_offset.bin", {malformed, "is not where the zip directory says"}},
        {"deflated.bin", {unsupported, "is compressed"}},
    };
    EXPECT_EQ(expected.size(), how.size() + 1);
    for (const auto& [name, what] : expected.items()) {
        const Bytes file = Bytes::map_file(test::data_path(fmt::format("{}/{}", kHostile, name)));
        const Refusal r = refusal_of([&] { (void)parse_torch_file(file, name); });
        if (what.get<std::string>().starts_with("accept")) {
            EXPECT_EQ(r.message, "accepted") << name;
            continue;
        }
        ASSERT_TRUE(how.contains(name)) << name;
        EXPECT_EQ(r.code, how.at(name).first) << name << ": " << r.message;
        EXPECT_NE(r.message.find(how.at(name).second), std::string::npos) << name << ": " << r.message;
        EXPECT_NE(r.message.find(name), std::string::npos) << r.message;
    }
}

TEST(TorchFile, TheControlOfTheHostileCorpusIsOneTensorOfZeros) {
    const Bytes file = Bytes::map_file(test::data_path(std::string(kHostile) + "/good.bin"));
    const auto tensors = parse_torch_file(file, "good.bin");
    ASSERT_EQ(tensors.size(), 1U);
    EXPECT_EQ(text_of(tensors.at("w")), std::string(16, '\0'));
}

// --- where the elements are ---------------------------------------------------------------------------------------------

/// Tensors of one storage of F32 numbers 0, 1, 2, ...
class OneStorage : public testing::Test {
protected:
    TensorView read(std::int64_t elements, const TensorText& said) {
        std::vector<float> numbers;
        for (std::int64_t i = 0; i < elements; ++i) numbers.push_back(static_cast<float>(i));
        TensorText tensor = said;
        tensor.elements = elements;
        text_ = torch_text(pickle_text({{"w", tensor}}), {raw_bytes(numbers)});
        return parse_torch_file(borrowed(text_), "f").at("w");
    }
    [[nodiscard]] bool is_view(const TensorView& tensor) const { return lies_inside(tensor, borrowed(text_)); }

    static std::vector<float> numbers(const TensorView& tensor) {
        std::vector<float> out(tensor.elements());
        read_as_f32(tensor, 0, out);
        return out;
    }

private:
    std::string text_;
};

TEST_F(OneStorage, RowsBehindRowsAreAView) {
    for (const TensorText& t :
         {TensorText{.sizes = {2, 3}, .strides = {3, 1}}, TensorText{.sizes = {6}, .strides = {1}},
          TensorText{.sizes = {2, 1, 3}, .strides = {3, 777, 1}}, TensorText{.sizes = {1, 6}, .strides = {0, 1}},
          TensorText{.sizes = {6, 1}, .strides = {1, 6}}}) {
        const TensorView w = read(6, t);
        EXPECT_TRUE(is_view(w));
        EXPECT_EQ(numbers(w), (std::vector<float>{0, 1, 2, 3, 4, 5}));
    }
}

TEST_F(OneStorage, AnOffsetCountsElements) {
    const TensorView w = read(10, {.offset = 6, .sizes = {2, 2}, .strides = {2, 1}});
    EXPECT_TRUE(is_view(w));
    EXPECT_EQ(numbers(w), (std::vector<float>{6, 7, 8, 9}));
}

TEST_F(OneStorage, TransposedTensorsAreCopiedIntoCOrder) {
    const TensorView w = read(6, {.sizes = {3, 2}, .strides = {1, 3}});
    EXPECT_FALSE(is_view(w));
    EXPECT_EQ(w.shape, (std::vector<std::uint64_t>{3, 2}));
    EXPECT_EQ(numbers(w), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST_F(OneStorage, AnyStridesAreHonoured) {
    EXPECT_EQ(numbers(read(6, {.offset = 1, .sizes = {3}, .strides = {2}})), (std::vector<float>{1, 3, 5}));
    EXPECT_EQ(numbers(read(9, {.sizes = {3}, .strides = {4}})), (std::vector<float>{0, 4, 8}));
    EXPECT_EQ(numbers(read(8, {.sizes = {2, 2, 2}, .strides = {1, 2, 4}})), (std::vector<float>{0, 4, 2, 6, 1, 5, 3, 7}));
    EXPECT_EQ(numbers(read(24, {.offset = 1, .sizes = {2, 3, 2}, .strides = {12, 2, 6}})),
              (std::vector<float>{1, 7, 3, 9, 5, 11, 13, 19, 15, 21, 17, 23}));
    EXPECT_EQ(numbers(read(6, {.sizes = {2, 3}, .strides = {0, 1}})), (std::vector<float>{0, 1, 2, 0, 1, 2}));
}

TEST_F(OneStorage, MayHaveOneElementOrNone) {
    const TensorView scalar = read(4, {.offset = 3, .sizes = {}, .strides = {}});
    EXPECT_TRUE(scalar.shape.empty());
    EXPECT_EQ(numbers(scalar), std::vector<float>{3});
    for (const TensorText& t : {TensorText{.sizes = {0}}, TensorText{.offset = 4, .sizes = {0, 3}, .strides = {1, 99}},
                                TensorText{.sizes = {3, 0}, .strides = {99, 1}},
                                TensorText{.sizes = {0, 1LL << 40, 1LL << 40}, .strides = {1, 1, 1}}}) {
        EXPECT_TRUE(read(4, t).data.empty());
    }
    EXPECT_TRUE(read(0, {.sizes = {0}}).data.empty());
}

TEST_F(OneStorage, NothingReachesPastIt) {
    constexpr std::int64_t kMost = INT64_MAX;
    for (const TensorText& t : {TensorText{.offset = 1}, TensorText{.offset = 4, .sizes = {}, .strides = {}},
                                TensorText{.offset = 5, .sizes = {0}}, TensorText{.offset = kMost}, TensorText{.sizes = {5}},
                                TensorText{.sizes = {2}, .strides = {4}}, TensorText{.sizes = {2, 2}, .strides = {3, 1}},
                                TensorText{.sizes = {2, 3}, .strides = {1, 2}}, TensorText{.sizes = {2}, .strides = {kMost}},
                                TensorText{.offset = kMost, .sizes = {2}, .strides = {kMost}}}) {
        const Refusal r = refusal_of([&] { (void)read(4, t); });
        EXPECT_EQ(r.code, ErrorCode::malformed) << r.message;
        EXPECT_NE(r.message.find("'w' reaches past its storage"), std::string::npos) << r.message;
    }
    for (const TensorText& t :
         {TensorText{.sizes = {kMost}, .strides = {2}}, TensorText{.sizes = {3}, .strides = {kMost}},
          TensorText{.sizes = {3, 2}, .strides = {kMost, 1}}, TensorText{.sizes = {2, 2}, .strides = {kMost, kMost}},
          TensorText{.sizes = {1LL << 32, 1LL << 32}, .strides = {0, 0}},
          TensorText{.sizes = {1LL << 62}, .strides = {0}}}) {
        EXPECT_NE(refusal_of([&] { (void)read(4, t); }).message, "accepted");
    }
    for (const TensorText& t :  // 4 * 2^62 is nothing, in 64 bits
         {TensorText{.sizes = {5}, .strides = {1LL << 62}},
          TensorText{.sizes = {2, 3}, .strides = {kMost - 1, kMost / 2 + 2}}}) {
        EXPECT_EQ(refusal_of([&] { (void)read(8, t); }).code, ErrorCode::limit);
    }
}

// A few bytes must not become gigabytes.
TEST_F(OneStorage, RepeatsNoElementsBeyondItsSize) {
    EXPECT_EQ(refusal_of([&] { (void)read(4, {.sizes = {5}, .strides = {0}}); }).code, ErrorCode::limit);
    EXPECT_EQ(refusal_of([&] { (void)read(4, {.sizes = {1LL << 40}, .strides = {0}}); }).code, ErrorCode::limit);
    EXPECT_EQ(refusal_of([&] { (void)read(4, {.sizes = {1LL << 30, 4}, .strides = {0, 1}}); }).code, ErrorCode::limit);
}

TEST(TorchFile, CopiesTogetherAreNoLargerThanTheFile) {
    const auto file = [](int copies) {
        std::vector<std::pair<std::string, TensorText>> tensors;
        for (int i = 0; i < copies; ++i) {
            tensors.emplace_back(std::to_string(i),
                                 TensorText{.elements = 10'000, .sizes = {100, 100}, .strides = {1, 100}});
        }
        return torch_text(pickle_text(tensors), {std::string(40'000, 'x')});
    };
    const std::string one = file(1), three = file(3);
    EXPECT_EQ(parse_torch_file(borrowed(one), "f").size(), 1U);
    const Refusal r = refusal_of([&] { (void)parse_torch_file(borrowed(three), "f"); });
    EXPECT_EQ(r.code, ErrorCode::limit);
    EXPECT_NE(r.message.find("not in C order"), std::string::npos) << r.message;
}

TEST(TorchFile, ElementsOfEverySizeAreTurnedAround) {
    const std::pair<const char*, DType> types[] = {{"BoolStorage", DType::boolean},  {"HalfStorage", DType::f16},
                                                   {"BFloat16Storage", DType::bf16}, {"FloatStorage", DType::f32},
                                                   {"IntStorage", DType::i32},       {"DoubleStorage", DType::f64},
                                                   {"LongStorage", DType::i64}};
    for (const auto& [type, dtype] : types) {
        const std::size_t size = dtype_size(dtype);
        std::string data, turned;
        for (const char c : {'a', 'b', 'c', 'd', 'e', 'f'}) data += std::string(size - 1, '.') + c;
        for (const char c : {'a', 'd', 'b', 'e', 'c', 'f'}) turned += std::string(size - 1, '.') + c;
        const TensorText plain{.elements = 6, .sizes = {2, 3}, .strides = {3, 1}, .type = type};
        const TensorText other{.elements = 6, .sizes = {3, 2}, .strides = {1, 3}, .type = type, .device = "cuda:0"};
        const std::string file = torch_text(pickle_text({{"plain", plain}, {"turned", other}}), {data});
        const auto tensors = parse_torch_file(borrowed(file), "f");
        EXPECT_EQ(tensors.at("plain").dtype, dtype) << type;
        EXPECT_EQ(text_of(tensors.at("plain")), data) << type;
        EXPECT_EQ(text_of(tensors.at("turned")), turned) << type;
    }
}

TEST(TorchFile, TwoNamesMayShareOneStorage) {
    const std::string file = torch_text(pickle_text({{"a", {}}, {"b", {}}, {"c", {.offset = 2, .sizes = {2}}}}),
                                        {raw_bytes<float>({1, 2, 3, 4})});
    const auto tensors = parse_torch_file(borrowed(file), "f");
    EXPECT_EQ(tensors.at("a").data.data(), tensors.at("b").data.data());
    EXPECT_EQ(text_of(tensors.at("c")), raw_bytes<float>({3, 4}));
}

TEST(TorchFile, StoragesAreTheSizeThatThePickleSays) {
    for (const std::size_t size : {0U, 15U, 17U, 20U}) {
        const std::string file = torch_text(pickle_text({{"w", {}}}), {std::string(size, 'x')});
        const Refusal r = refusal_of([&] { (void)parse_torch_file(borrowed(file), "f"); });
        EXPECT_EQ(r.code, ErrorCode::malformed) << size;
        EXPECT_NE(r.message.find("a storage of the wrong size"), std::string::npos) << r.message;
    }
    const std::string huge = torch_text(pickle_text({{"w", {.elements = INT64_MAX}}}), {std::string(16, 'x')});
    EXPECT_EQ(refusal_of([&] { (void)parse_torch_file(borrowed(huge), "f"); }).code, ErrorCode::limit);
}

// --- the archive --------------------------------------------------------------------------------------------------------

TEST(TorchFile, TheFolderOfTheArchiveMayHaveAnyName) {
    const std::string pickle = pickle_text({{"w", {}}});
    for (const std::string folder : {"archive", "pytorch_model", "a b", "\xc3\xa9", "data"}) {
        for (const ZipStyle style : {ZipStyle::plain, ZipStyle::torch}) {
            const std::string file = test::zip_text(
                {{folder + "/version", "3\n"}, {folder + "/data/0", std::string(16, 'x')}, {folder + "/data.pkl", pickle}},
                style);
            EXPECT_EQ(text_of(parse_torch_file(borrowed(file), "f").at("w")), std::string(16, 'x')) << folder;
        }
    }
}

TEST(TorchFile, StoragesStandInTheSameFolder) {
    const std::string pickle = pickle_text({{"w", {}}}), data(16, 'x');
    for (const char* elsewhere : {"b/data/0", "data/0", "a/0", "a/data/data/0", "a/data/00"}) {
        const std::string file = test::zip_text({{"a/data.pkl", pickle}, {elsewhere, data}});
        const Refusal r = refusal_of([&] { (void)parse_torch_file(borrowed(file), "f"); });
        EXPECT_NE(r.message.find("lacks its storage"), std::string::npos) << elsewhere << ": " << r.message;
    }
}

TEST(TorchFile, NeedsOnePickle) {
    const std::string pickle = pickle_text({}), none = test::zip_text({{"a/version", "3\n"}}),
                      bare = test::zip_text({{"data.pkl", pickle}}), deep = test::zip_text({{"a/b/data.pkl", pickle}}),
                      two = test::zip_text({{"a/data.pkl", pickle}, {"b/data.pkl", pickle}});
    for (const std::string& file : {none, bare, deep}) {
        const Refusal r = refusal_of([&] { (void)parse_torch_file(borrowed(file), "f"); });
        EXPECT_EQ(r.code, ErrorCode::malformed);
        EXPECT_NE(r.message.find("not a file of PyTorch's weights"), std::string::npos) << r.message;
    }
    EXPECT_NE(refusal_of([&] { (void)parse_torch_file(borrowed(two), "f"); }).message.find("two records"),
              std::string::npos);
}

TEST(TorchFile, NumbersAreLittleEndian) {
    const auto file = [](const std::string& order) {
        return test::zip_text(
            {{"a/data.pkl", pickle_text({{"w", {}}})}, {"a/byteorder", order}, {"a/data/0", std::string(16, 'x')}});
    };
    const std::string little = file("little");
    EXPECT_EQ(parse_torch_file(borrowed(little), "f").size(), 1U);
    for (const char* other : {"big", "", "little\n", "littleendian"}) {
        const std::string text = file(other);
        EXPECT_EQ(refusal_of([&] { (void)parse_torch_file(borrowed(text), "f"); }).code, ErrorCode::unsupported) << other;
    }
}

TEST(TorchFile, EveryTruncationIsRefused) {
    const std::string file = torch_text(pickle_text({{"w", {}}}), {std::string(16, 'x')});
    ASSERT_EQ(parse_torch_file(borrowed(file), "f").size(), 1U);
    for (std::size_t n = 0; n < file.size(); ++n) {
        const std::string cut = file.substr(0, n);
        EXPECT_EQ(refusal_of([&] { (void)parse_torch_file(borrowed(cut), "f"); }).code, ErrorCode::malformed) << n;
    }
}

}  // namespace
}  // namespace heart::formats
