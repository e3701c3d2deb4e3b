// Is every damaged or hostile file of PyTorch's weights either read as tensors or refused, quickly and in little memory?

#include "core/utf8.h"
#include "formats/torch_file.h"
#include "support/golden.h"
#include "support/patience.h"
#include "support/process_peak.h"
#include "support/torch_text.h"
#include "unit/formats_test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace heart::test {
namespace {

using formats::DType;
using formats::TensorView;

/// Reads a file; what is wrong with what came out is a failure. True for tensors, false for a refusal.
bool is_read(const std::string& file) {
    try {
        for (const auto& [name, tensor] : formats::parse_torch_file(borrowed(file), "f")) {
            EXPECT_EQ(find_invalid_utf8(name), std::string_view::npos);
            EXPECT_EQ(formats::tensor_bytes(tensor.dtype, tensor.shape, "t"), tensor.data.size());
            EXPECT_LE(tensor.data.size(), file.size());
            unsigned sum = 0;  // a sanitizer sees where they are
            for (const std::byte b : tensor.data) sum += std::to_integer<unsigned>(b);
            EXPECT_LE(sum, 255 * tensor.data.size());
        }
        return true;
    } catch (const Error& e) {
        EXPECT_TRUE(e.code() == ErrorCode::malformed || e.code() == ErrorCode::unsupported || e.code() == ErrorCode::limit)
            << e.what();
        return false;
    }
}

/// Small files of several shapes: as Python and as PyTorch lay them out, with a view, a copy and a shared storage.
std::vector<std::string> good_files() {
    std::vector<std::string> out;
    out.emplace_back(formats::Bytes::map_file(data_path("ckpt-tiny/MuQ-MuLan-hostile/good.bin")).text());
    PickleText p;
    p.ordered_dict().raw("q\1(").text("a").tensor({.elements = 6, .sizes = {2, 3}, .strides = {3, 1}}).raw("q\2");
    p.text("b").tensor({.elements = 6, .offset = 1, .sizes = {2, 2}, .strides = {1, 2}}).text("c").raw("h\2u");
    p.raw("}").text("_metadata").raw("h\1sb");
    for (const ZipStyle style : {ZipStyle::plain, ZipStyle::torch})
        out.push_back(torch_text(p.done(), {raw_bytes<float>({1, 2, 3, 4, 5, 6})}, style));
    return out;
}

TEST(DamagedTorchFile, EveryChangeOfOneByteIsReadOrRefused) {
    constexpr int kStep = kSanitized ? 7 : 1;  // 37 changes tell a sanitizer as much as 255
    for (const std::string& good : good_files()) {
        ASSERT_TRUE(is_read(good));
        std::size_t refused = 0, all = 0;
        for (std::size_t i = 0; i < good.size(); ++i) {
            std::string file = good;
            for (int add = 1; add < 256; add += kStep) {
                file[i] = static_cast<char>(good[i] + add);
                ++all;
                refused += is_read(file) ? 0 : 1;
            }
        }
        EXPECT_GT(refused, all / 4);  // most bytes mean something
        EXPECT_LT(refused, all);
    }
}

TEST(DamagedTorchFile, EveryTruncationIsRefused) {
    for (const std::string& good : good_files()) {
        for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(is_read(good.substr(0, n))) << n;
    }
}

TEST(DamagedTorchFile, EveryByteLeftOutIsReadOrRefused) {
    for (const std::string& good : good_files()) {
        for (std::size_t i = 0; i < good.size(); ++i) EXPECT_FALSE(is_read(std::string(good).erase(i, 1))) << i;
    }
}

TEST(DamagedTorchFile, EveryTwoChangedFieldsOfItsEndsAreReadOrRefused) {
    const std::string good = good_files().back();
    const std::size_t first = zip_place(good, kZipEnd64);
    const std::uint32_t values[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    for (std::size_t i = first; i + 4 <= good.size(); i += 2) {
        for (std::size_t j = i + 2; j + 4 <= good.size(); j += 2) {
            for (const std::uint32_t a : values) {
                for (const std::uint32_t b : values) (void)is_read(with_number(with_number(good, i, a), j, b));
            }
        }
    }
}

// --- files that want to grow --------------------------------------------------------------------------------------------

std::string repeated(const std::string& instructions, std::size_t times) {
    std::string out;
    out.reserve(instructions.size() * times);
    for (std::size_t i = 0; i < times; ++i) out += instructions;
    return out;
}

/// Programs that make as much as they can of a few megabytes.
std::string greedy_pickle(const std::string& what) {
    PickleText p;
    if (what == "tuples doubled") p.raw("}(N").raw(repeated("q\1h\1\x86", 4'000'000));
    if (what == "empty tuples") p.raw("}").raw(repeated("(" + repeated(")", 1000) + "t", 10'000));
    if (what == "dictionaries") p.raw("}").raw(repeated("(" + repeated("}", 1000) + "t", 10'000));
    if (what == "marks") p.raw(repeated("(", 10'000'000));
    if (what == "names") p.raw("}(").raw(repeated("ctorch\nFloatStorage\n", 1'000'000));
    if (what == "storages") {
        p.raw("}(");
        for (int i = 0; i < 400'000; ++i) p.storage({}).raw("\x85");
    }
    if (what == "tensors") {
        p.raw("}");
        for (int i = 0; i < 80'000; ++i) p.text(std::to_string(i)).tensor({}).raw("s");
    }
    if (what == "one tensor under many names") {
        p.raw("}").text("w").tensor({}).raw("q\1s");
        for (int i = 0; i < 1'000'000; ++i) p.text(std::to_string(i)).raw("h\1s");
    }
    if (what == "one key again and again") p.raw("}").text("k").raw("q\1h\1s").raw(repeated("h\1h\1s", 4'000'000));
    if (what == "the memo") {
        std::string puts;
        for (std::uint32_t i = 0; i < 2'000'000; ++i) append_number(puts += 'r', i);
        p.raw("}").raw(puts);
    }
    if (what == "copies") {
        p.raw("}");
        const TensorText turned{.elements = 10'000, .sizes = {100, 100}, .strides = {1, 100}};
        for (int i = 0; i < 50'000; ++i) p.text(std::to_string(i)).tensor(turned).raw("s");
    }
    return p.done();
}

class GreedyTorchFile : public testing::TestWithParam<const char*> {};

TEST_P(GreedyTorchFile, IsRefusedBeforeItGrows) {
    const std::string file = zip_text({{"a/data.pkl", greedy_pickle(GetParam())}, {"a/data/0", std::string(40'000, 'x')}});
    const std::int64_t before = peak_megabytes();
    const double start = processor_seconds();
    const Refusal r = refusal_of([&] { (void)formats::parse_torch_file(borrowed(file), "f"); });
    EXPECT_EQ(error_code_name(r.code), error_code_name(ErrorCode::limit)) << r.message;
    EXPECT_LT(processor_seconds() - start, kSanitized ? 60 : 10);
    EXPECT_TRUE(kSanitized || peak_megabytes() - before < 250) << peak_megabytes() - before << " MB";
}

INSTANTIATE_TEST_SUITE_P(Programs, GreedyTorchFile,
                         testing::Values("tuples doubled", "empty tuples", "dictionaries", "marks", "names", "storages",
                                         "tensors", "one tensor under many names", "one key again and again", "the memo",
                                         "copies"),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::replace(name.begin(), name.end(), ' ', '_');
                             return name;
                         });

}  // namespace
}  // namespace heart::test
