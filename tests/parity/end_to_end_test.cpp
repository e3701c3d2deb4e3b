// From text to sound: does the whole walk give what the reference gives?

#include "core/philox.h"
#include "engine/generator.h"
#include "kernels/instruction_set.h"
#include "support/golden.h"
#include "support/tiny_models.h"

#include <gtest/gtest.h>

#include <vector>

namespace heart::test {
namespace {

constexpr const char* kLyrics =
    "[Verse]\nThe sun creeps in across the floor\nI hear the traffic outside the door\n\n[Chorus]\nEvery day the light "
    "returns\n";
constexpr const char* kTags = "piano,happy,wedding,synthesizer,romantic";

engine::Generator make_generator(int threads, bool lazy = false) {
    engine::EngineOptions options;
    options.language_model_type = graph::Type::f32;
    options.threads = threads;
    options.lazy_load = lazy;
    return {tiny(), options};
}

engine::SongRequest request(std::int64_t frames, int topk, std::uint64_t seed = 0) {
    engine::SongRequest r;
    r.lyrics = kLyrics;
    r.tags = kTags;
    r.max_audio_length_ms = (frames - 1) * 80;
    r.topk = topk;
    r.seed = seed;
    return r;
}

engine::GivenNoise noise_bank() {
    return Golden("manifest_codec.json", "codec.safetensors").floats("noise_bank");
}

/// Both channels one behind the other, as goldens store them.
std::vector<float> planar(const audio::Waveform& wave) {
    std::vector<float> out = wave.channels.at(0);
    out.insert(out.end(), wave.channels.at(1).begin(), wave.channels.at(1).end());
    return out;
}

void check_song(const std::string& codes_name, const std::string& wave_name, std::int64_t frames) {
    const Golden mula("manifest_mula.json", "mula.safetensors"), e2e("manifest_e2e.json", "e2e.safetensors");
    auto generator = make_generator(1);
    const auto composed = generator.compose(request(frames, 1), {}, {});
    EXPECT_EQ(composed.codes.values, mula.integers(codes_name));
    const engine::GivenNoise noise = noise_bank();
    const auto wave = generator.render(composed.codes, composed.request, &noise, {}, {});
    EXPECT_GE(snr_db(e2e.floats(wave_name), planar(wave)), 35);
}

// Each family of CPU instructions, and ggml's operators in the place of ours.
TEST(EndToEnd, EveryWayOfComputingGivesTheReferencesCodes) {
    const auto golden = Golden("manifest_mula.json", "mula.safetensors").integers("cfg1.5.greedy_frames");
    const auto codes_on = [](const std::string& device) {
        engine::EngineOptions options;
        options.language_model_type = graph::Type::f32;
        options.language_model_device = device;
        return engine::Generator(tiny(), options).compose(request(24, 1), {}, {}).codes.values;
    };
    const kernels::InstructionSet before = kernels::instruction_set();
    for (const kernels::InstructionSet set : kernels::available_instruction_sets()) {
        ASSERT_TRUE(kernels::use_instruction_set(set));
        EXPECT_EQ(codes_on("cpu"), golden) << kernels::name_of(set);
    }
    kernels::use_instruction_set(before);
    EXPECT_EQ(codes_on("cpu-ggml"), golden);
}

TEST(EndToEnd, CacheThatTheHeadsDoNotFitIsRefused) {
    engine::EngineOptions options;
    options.cache_type = graph::Type::q8_0;  // blocks of 32; the tiny checkpoint has heads of fewer numbers
    engine::Generator generator(tiny(), options);
    try {
        (void)generator.compose(request(2, 1), {}, {});
        FAIL() << "no error";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::unsupported) << e.what();
    }
}

TEST(EndToEnd, TextToCodesToSound) {
    check_song("cfg1.5.greedy_frames", "cfg1.5.wave", 24);
}

TEST(EndToEnd, LongerSong) {
    check_song("long.greedy_frames", "long.wave", 120);
}

TEST(EndToEnd, SameSeedSameSongOnAnyNumberOfThreads) {
    auto one = make_generator(1), two = make_generator(2);
    const auto a = one.compose(request(40, 50, 7), {}, {});
    const auto again = one.compose(request(40, 50, 7), {}, {});
    const auto b = two.compose(request(40, 50, 7), {}, {});
    const auto other = one.compose(request(40, 50, 8), {}, {});
    EXPECT_EQ(a.codes.values, again.codes.values);
    EXPECT_EQ(a.codes.values, b.codes.values);
    EXPECT_NE(a.codes.values, other.codes.values);
}

TEST(EndToEnd, SameCodesSameSoundOnAnyNumberOfThreads) {
    auto one = make_generator(1), two = make_generator(2);
    auto r = request(10, 50, 7);
    r.codec_steps = 2;
    const auto codes = one.compose(r, {}, {}).codes;
    EXPECT_EQ(one.render(codes, r, nullptr, {}, {}).channels, two.render(codes, r, nullptr, {}, {}).channels);
}

TEST(EndToEnd, WithoutGuidanceTooTheSongDoesNotDependOnThreads) {
    auto one = make_generator(1), two = make_generator(2);
    auto r = request(700, 50, 3);  // beyond 512 positions a fused kernel may share a row among threads
    r.cfg_scale = 1.0;
    EXPECT_EQ(one.compose(r, {}, {}).codes.values, two.compose(r, {}, {}).codes.values);
}

TEST(EndToEnd, TakesOfOneSeedDiffer) {
    auto generator = make_generator(1);
    auto r = request(20, 50, 7);
    const auto first = generator.compose(r, {}, {});
    r.take = 1;
    EXPECT_NE(first.codes.values, generator.compose(r, {}, {}).codes.values);
}

TEST(EndToEnd, SoundFollowsTheSeedAndTheTake) {
    auto generator = make_generator(1);
    auto r = request(5, 50, 7);
    r.codec_steps = 1;
    const auto codes = generator.compose(r, {}, {}).codes;
    const auto sound = generator.render(codes, r, nullptr, {}, {}).channels;
    r.take = 1;
    EXPECT_NE(sound, generator.render(codes, r, nullptr, {}, {}).channels);
    r.take = 0, r.seed = 8;
    EXPECT_NE(sound, generator.render(codes, r, nullptr, {}, {}).channels);
}

TEST(EndToEnd, LazyLoadingChangesNothing) {
    auto lazy = make_generator(1, true), resident = make_generator(1);
    auto r = request(12, 50, 5);
    r.codec_steps = 2;
    const auto a = lazy.generate(r, {}, {}), b = resident.generate(r, {}, {});
    EXPECT_EQ(a.composition.codes.values, b.composition.codes.values);
    EXPECT_EQ(a.audio.channels, b.audio.channels);
}

TEST(EndToEnd, LyricsBeyondTheContextAreRefusedBeforeAnyWork) {
    auto generator = make_generator(1);
    auto r = request(10, 50);
    r.lyrics = std::string(200'000, 'q');
    bool worked = false;
    try {
        (void)generator.compose(r, [&](const Progress&) { worked = true; }, {});
        FAIL() << "not refused";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::limit);
        EXPECT_NE(std::string(e.what()).find("at most 1022 tokens"), std::string::npos) << e.what();
    }
    EXPECT_FALSE(worked);
}

TEST(EndToEnd, StrangeLyricsMakeASong) {
    auto generator = make_generator(1);
    for (const char* lyrics :
         {"", "\xf0\x9f\x8e\xb5\xf0\x9f\x8e\xb6", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "\x01\x02\x7f", "   \n\n\t"}) {
        auto r = request(3, 50, 1);
        r.lyrics = lyrics;
        EXPECT_GE(generator.compose(r, {}, {}).codes.frames, 1) << printable(lyrics);
    }
}

TEST(EndToEnd, InvalidUtf8IsRefused) {
    auto generator = make_generator(1);
    auto r = request(3, 50, 1);
    r.lyrics = "caf\xe9";
    try {
        (void)generator.compose(r, {}, {});
        FAIL() << "not refused";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::malformed);
    }
}

TEST(EndToEnd, CancelStopsWithinAFrameAndWithinAStep) {
    auto generator = make_generator(1);
    CancelToken token;
    double frames = 0;
    const auto stop_at_five = [&](const Progress& p) {
        if (p.phase == Phase::frames) frames = p.done;
        if (p.phase == Phase::frames && p.done >= 5) token.cancel();
    };
    EXPECT_THROW((void)generator.compose(request(400, 50, 1), stop_at_five, token), Error);
    EXPECT_EQ(frames, 5);

    const auto song = generator.compose(request(10, 50, 1), {}, {});
    CancelToken second;
    double steps = 0;
    const auto stop_at_two = [&](const Progress& p) {
        if (p.phase == Phase::decode) steps = p.done;
        if (p.phase == Phase::decode && p.done >= 2) second.cancel();
    };
    EXPECT_THROW((void)generator.render(song.codes, song.request, nullptr, stop_at_two, second), Error);
    EXPECT_EQ(steps, 2);
}

TEST(EndToEnd, SongKnowsEverySettingItWasMadeWith) {
    auto generator = make_generator(1);
    auto r = request(3, 7, 99);
    r.temperature = 0.9;
    const auto settings = song_settings(generator.compose(r, {}, {}), generator.options(), "tiny");
    const auto value = [&](const std::string& name) {
        for (const auto& [key, text] : settings) {
            if (key == name) return text;
        }
        return std::string("(missing)");
    };
    EXPECT_EQ(value("seed"), "99");
    EXPECT_EQ(value("topk"), "7");
    EXPECT_EQ(value("temperature"), "0.9");
    EXPECT_EQ(value("cfg_scale"), "1.5");
    EXPECT_EQ(value("tags"), kTags);
    EXPECT_EQ(value("mula_dtype"), "float32");
}

}  // namespace
}  // namespace heart::test
