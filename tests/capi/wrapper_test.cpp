// Does the C++ wrapper make a song and turn errors into exceptions?

#include <gtest/gtest.h>

#include "heart/heart.hpp"

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
