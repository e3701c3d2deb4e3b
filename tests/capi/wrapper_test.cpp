// Does the C++ wrapper make a song and turn errors into exceptions?

#include <gtest/gtest.h>

#include "heart/heart.hpp"

#include <cstddef>
#include <limits>
#include <vector>

namespace {

TEST(CppWrapper, MakesASong) {
    heart::Engine engine;
    heart::SongOptions what;
    what.tags = "piano, happy";
    what.max_audio_length_ms = 160;
    what.has_seed = 1;
    what.seed = 3;
    int calls = 0;
    what.on_progress = [&](const heart_progress&) { return ++calls > 0; };
    const heart::Song song = engine.generate(what);
    EXPECT_EQ(song.sample_rate(), 48000U);
    EXPECT_EQ(song.channel(1).size(), 3U * 3840);
    EXPECT_EQ(song.seed(), 3U);
    EXPECT_GT(calls, 0);
}

TEST(CppWrapper, HearsASongWhileItIsMade) {
    heart::Engine engine;
    heart::SongOptions what;
    what.tags = "piano, happy";
    what.max_audio_length_ms = 160;
    what.has_seed = 1;
    what.seed = 3;
    std::vector<float> heard;
    what.on_audio = [&](std::span<const float> stereo, std::uint32_t rate) {
        EXPECT_EQ(rate, 48000U);
        heard.insert(heard.end(), stereo.begin(), stereo.end());
        return true;
    };
    const heart::Song song = engine.generate(what);
    ASSERT_EQ(heard.size(), 2 * song.channel(0).size());
    for (std::size_t i = 0; i < heard.size(); ++i) ASSERT_EQ(heard[i], song.channel(i % 2)[i / 2]) << i;
    what.on_audio = [](std::span<const float>, std::uint32_t) { return false; };
    EXPECT_THROW((void)engine.generate(what), heart::Exception);
}

std::vector<float> left_of(const heart::Song& song) {
    return {song.channel(0).begin(), song.channel(0).end()};
}

TEST(CppWrapper, TakesAReferenceEmbedding) {
    heart_engine_options where;  // random weights, which hear everything; the built-in model begins every song alike
    heart_engine_options_init(&where);
    where.model_path = HEART_TEST_DATA "/ckpt-tiny";
    heart::Engine engine(&where);
    heart::SongOptions what;
    what.tags = "piano, happy";
    what.max_audio_length_ms = 1600;
    what.has_seed = 1;
    what.seed = 3;
    EXPECT_EQ(what.reference_strength, 1.0);
    const auto plain = left_of(engine.generate(what));
    what.reference.assign(512, 0.0F);
    for (std::size_t i = 0; i < what.reference.size(); i += 3) what.reference[i] = i % 2 == 0 ? 0.08F : -0.08F;
    what.reference_strength = 16;
    const auto changed = left_of(engine.generate(what));
    EXPECT_NE(changed, plain);
    EXPECT_EQ(left_of(engine.generate(what)), changed);
    heart::SongOptions by_pointer = what;
    by_pointer.reference.clear();
    by_pointer.reference_embedding = what.reference.data();
    by_pointer.reference_count = what.reference.size();
    EXPECT_EQ(left_of(engine.generate(by_pointer)), changed);
    what.reference_strength = 0;
    EXPECT_EQ(left_of(engine.generate(what)), plain);
}

TEST(CppWrapper, RefusesAReferenceThatDoesNotFit) {
    heart::Engine engine;
    heart::SongOptions what;
    what.max_audio_length_ms = 80;
    const auto status_of = [&] {
        try {
            (void)engine.generate(what);
        } catch (const heart::Exception& e) {
            return e.status();
        }
        return HEART_OK;
    };
    what.reference.assign(511, 0.01F);
    EXPECT_EQ(status_of(), HEART_MISMATCH);
    what.reference.push_back(std::numeric_limits<float>::quiet_NaN());
    EXPECT_EQ(status_of(), HEART_MALFORMED);
    what.reference.back() = 0.01F;
    what.reference_strength = 17;
    EXPECT_EQ(status_of(), HEART_USAGE);
    what.reference.clear();
    what.reference_strength = 1;
    what.reference_count = 512;
    EXPECT_EQ(status_of(), HEART_USAGE) << "numbers that are nowhere";
    const float number = 0;
    what.reference_embedding = &number;
    what.reference_count = std::size_t{1} << 40;
    EXPECT_EQ(status_of(), HEART_USAGE) << "so many are not read";
}

TEST(CppWrapper, ThrowsWithTheStatus) {
    heart_engine_options where;
    heart_engine_options_init(&where);
    where.model_path = "/no/such/folder";
    try {
        heart::Engine engine(&where);
        FAIL() << "not refused";
    } catch (const heart::Exception& e) {
        EXPECT_EQ(e.status(), HEART_NOT_FOUND);
    }
    heart::Engine engine;
    heart::SongOptions what;
    what.on_progress = [](const heart_progress&) { return false; };
    try {
        (void)engine.generate(what);
        FAIL() << "not stopped";
    } catch (const heart::Exception& e) {
        EXPECT_EQ(e.status(), HEART_CANCELLED);
    }
}

}  // namespace
