// Is every damaged checkpoint refused with one clear line, quickly and without taking much memory?

#include "core/utf8.h"
#include "fault/corpus.h"
#include "support/patience.h"
#include "support/process_peak.h"
#include "unit/formats_test_support.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>

namespace heart::test {

void PrintTo(const Damage& damage, std::ostream* out) {
    *out << damage.name;
}

namespace {

constexpr double kMostSeconds = kSanitized ? 60 : 10;
constexpr std::int64_t kMostMegabytes = 300;

/// What a folder is refused with; EXPECTs the form of the message.
Refusal refusal_of_folder(Door door, const std::filesystem::path& folder) {
    const Refusal r = refusal_of([&] { load(door, folder); });
    EXPECT_EQ(find_invalid_utf8(r.message), std::string_view::npos);
    for (const char c : r.message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << r.message;
    EXPECT_LT(r.message.size(), 3000U);
    return r;
}

class DamagedCheckpoint : public testing::TestWithParam<Damage> {};

TEST_P(DamagedCheckpoint, IsRefused) {
    const Damage& damage = GetParam();
    if (damage.stopped_by_permission && geteuid() == 0) GTEST_SKIP() << "the superuser may read everything";
    const ScratchFolder scratch;
    const auto folder = scratch.path() / "model";
    write_good(damage.door, folder);
    damage.apply(folder);

    const std::int64_t before = peak_megabytes();
    const double start = processor_seconds();
    const Refusal r = refusal_of_folder(damage.door, folder);
    EXPECT_NE(r.message, "accepted");
    EXPECT_EQ(error_code_name(r.code), error_code_name(damage.code)) << r.message;
    EXPECT_LT(processor_seconds() - start, kMostSeconds);
    EXPECT_TRUE(kSanitized || peak_megabytes() - before < kMostMegabytes) << peak_megabytes() - before << " MB";
}

INSTANTIATE_TEST_SUITE_P(Corpus, DamagedCheckpoint, testing::ValuesIn(corpus()),
                         [](const auto& test) { return test.param.name; });

TEST(DamagedCheckpoints, AreManyAndDifferent) {
    std::set<std::string> names;
    for (const Damage& damage : corpus()) names.insert(damage.name);
    EXPECT_EQ(names.size(), corpus().size());
    EXPECT_GE(names.size(), 70U);
}

// Without this, a refusal of everything would pass.
TEST(DamagedCheckpoints, AreAcceptedBeforeTheDamage) {
    for (const Door door :
         {Door::language_model, Door::codec, Door::tokenizer, Door::generation_config, Door::codes, Door::gguf}) {
        const ScratchFolder scratch;
        write_good(door, scratch.path() / "model");
        EXPECT_EQ(refusal_of_folder(door, scratch.path() / "model").message, "accepted") << static_cast<int>(door);
    }
}

TEST(DamagedCheckpoints, AllTogetherTakeLittleMemory) {
    if (kSanitized) GTEST_SKIP() << "sanitizers keep freed memory";
    const std::int64_t before = peak_megabytes();
    for (const Damage& damage : corpus()) {
        if (damage.stopped_by_permission && geteuid() == 0) continue;
        const ScratchFolder scratch;
        const auto folder = scratch.path() / "model";
        write_good(damage.door, folder);
        damage.apply(folder);
        EXPECT_NE(refusal_of_folder(damage.door, folder).message, "accepted") << damage.name;
    }
    EXPECT_LT(peak_megabytes() - before, kMostMegabytes);
}

// A checkpoint on a failing disk: any cut and any flipped bit is either refused or does not matter.
TEST(DamagedCheckpoints, FlippedHeaderBitsNeverCrash) {
    const ScratchFolder scratch;
    const auto folder = scratch.path() / "model";
    write_good(Door::language_model, folder);
    const std::string whole(formats::Bytes::map_file(folder / "model.safetensors").text());
    int refused = 0;
    for (std::size_t i = 0; i < 4096; i += 29) {
        std::string file = whole;
        file[i] = static_cast<char>(file[i] ^ (1 << (i % 8)));
        scratch.write("model/model.safetensors", file);
        refused += refusal_of_folder(Door::language_model, folder).message != "accepted" ? 1 : 0;
    }
    EXPECT_GT(refused, 100);
}

TEST(DamagedCheckpoints, FlippedBitsOfAGgufHeaderNeverCrash) {
    const ScratchFolder scratch;
    const auto folder = scratch.path() / "model";
    write_good(Door::gguf, folder);
    const std::string whole(formats::Bytes::map_file(folder / "model.gguf").text());
    int refused = 0;
    for (std::size_t i = 0; i < 4096; i += 29) {
        std::string file = whole;
        file[i] = static_cast<char>(file[i] ^ (1 << (i % 8)));
        scratch.write("model/model.gguf", file);
        refused += refusal_of_folder(Door::gguf, folder).message != "accepted" ? 1 : 0;
    }
    EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace heart::test
