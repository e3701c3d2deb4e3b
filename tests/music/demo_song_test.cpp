// Is what the built-in demo model makes music: in key, in tempo, with the instrument the tags name, not silent, ending by
// itself? (models/demo/README.md says what it knows; tools/demo-model/adherence.py measures the same on codes.)

#include "engine/generator.h"
#include "hub/demo_model.h"
#include "music/music_analysis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>

namespace heart::test {
namespace {

engine::Generator& generator() {
    static engine::Generator g(hub::demo_model(), {.threads = 2});
    return g;
}

engine::SongRequest request(const std::string& tags, std::int64_t ms, std::uint64_t seed) {
    engine::SongRequest r;
    r.tags = tags;
    r.lyrics = "[verse]\n\n[chorus]\n";
    r.max_audio_length_ms = ms;
    r.seed = seed;
    return r;
}

/// One of the eight tracks of a composition (tools/demo-model/music.py).
std::span<const std::int32_t> track(const engine::Codes& c, std::int64_t index) {
    return std::span(c.values).subspan(static_cast<std::size_t>(index * c.frames), static_cast<std::size_t>(c.frames));
}

/// Frames per eighth note, from the clock track: 4 slow, 3 medium, 2 fast.
int frames_per_eighth(const engine::Codes& c) {
    std::map<int, int> votes;
    for (const std::int32_t token : track(c, 0)) ++votes[token < 32 ? 4 : token < 56 ? 3 : 2];
    return std::max_element(votes.begin(), votes.end(), [](auto a, auto b) { return a.second < b.second; })->first;
}

/// The instrument that plays most of the melody tracks.
std::string lead_instrument(const engine::Codes& c) {
    static constexpr std::array kFirst{"piano", "guitar", "music box"};
    static constexpr std::array kSecond{"synthesizer", "strings", "organ", "flute", "voice"};
    std::map<std::string, int> votes;
    for (const std::int32_t x : track(c, 4)) {
        if (x > 0 && x < 253) ++votes[kFirst[static_cast<std::size_t>((x - 1) / 84)]];
    }
    for (const std::int32_t x : track(c, 5)) {
        if (x > 0 && x < 241) ++votes[kSecond[static_cast<std::size_t>((x - 1) / 48)]];
    }
    if (votes.empty()) return "none";
    return std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
}

int drum_hits(const engine::Codes& c) {
    const auto drums = track(c, 6);
    return static_cast<int>(std::count_if(drums.begin(), drums.end(), [](std::int32_t x) { return x > 0; }));
}

TEST(DemoSong, SoundsLikeMusic) {
    const auto song = generator().generate(request("piano, happy, medium, drums", 10'000, 11), {}, {});
    const auto a = music::analyse_music(song.audio);
    EXPECT_GT(a.in_scale_share, 0.90) << "in key";
    EXPECT_GT(a.pitch_classes[0] + a.pitch_classes[7], 0.35) << "happy: tonic and fifth lead";
    EXPECT_LT(a.silent_share, 0.05);
    EXPECT_GT(a.peak, 0.2);
    EXPECT_LT(a.peak, 1.0);
    EXPECT_GT(a.rms, 0.03);
    EXPECT_LT(a.rms, 0.3);
    EXPECT_GT(a.stereo_difference_db, -40) << "stereo";
    EXPECT_LT(a.stereo_difference_db, -6);
    // Medium: 125 quarter notes a minute, a beat every 0.48 s; 0.40 s tells beats from mere 80 ms frames.
    const auto flux = music::spectral_flux(song.audio);
    EXPECT_GT(music::onset_autocorrelation(flux, 0.48), 0.6) << "in tempo";
    EXPECT_GT(music::onset_autocorrelation(flux, 0.96), 0.6);
    EXPECT_GT(music::onset_autocorrelation(flux, 0.48) - music::onset_autocorrelation(flux, 0.40), 0.4);
}

TEST(DemoSong, FastAndSlowAreHeard) {
    const auto fast = generator().generate(request("synthesizer, energetic, fast, drums", 9'000, 3), {}, {});
    const auto slow = generator().generate(request("music box, calm, slow, drums", 9'000, 4), {}, {});
    const auto beat = [](const audio::Waveform& wave, double seconds) {
        return music::onset_autocorrelation(music::spectral_flux(wave), seconds);
    };
    EXPECT_GT(beat(fast.audio, 0.32), 0.5) << "187 quarter notes a minute";
    EXPECT_GT(beat(slow.audio, 1.28), 0.5) << "94 quarter notes a minute, every other beat";
    EXPECT_GT(music::analyse_music(fast.audio).in_scale_share, 0.8);
    EXPECT_GT(music::analyse_music(slow.audio).in_scale_share, 0.8);
}

TEST(DemoSong, FollowsItsTags) {
    static constexpr std::array kLeads{"piano", "guitar", "strings", "organ", "synthesizer", "music box", "flute"};
    static constexpr std::array kMoods{"happy", "sad", "calm", "energetic"};
    static constexpr std::array<std::pair<const char*, int>, 3> kTempi{{{"slow", 4}, {"medium", 3}, {"fast", 2}}};
    int tempo = 0, lead = 0, drums = 0, trials = 0;
    for (std::size_t i = 0; i < 14; ++i, ++trials) {
        const bool with_drums = (i / 2) % 2 == 0;
        const std::string tags = std::string(kLeads[i % 7]) + ", " + kMoods[i % 4] + ", " + kTempi[i % 3].first + ", " +
                                 (with_drums ? "drums" : "no drums");
        const auto c = generator().compose(request(tags, 8'000, 100 + i), {}, {}).codes;
        tempo += frames_per_eighth(c) == kTempi[i % 3].second ? 1 : 0;
        lead += lead_instrument(c) == kLeads[i % 7] ? 1 : 0;
        drums += (drum_hits(c) > 4) == with_drums ? 1 : 0;
    }
    EXPECT_GE(tempo, trials - 1);  // the checkpoint's README: 21, 21 and 20 of 21
    EXPECT_GE(lead, trials - 1);
    EXPECT_GE(drums, trials - 2);
}

TEST(DemoSong, FollowsItsTagsInEveryQuantisedType) {
    using graph::Type;
    for (const Type type : {Type::q8_0, Type::q6_k, Type::q5_k, Type::q4_k, Type::q4_0}) {
        engine::EngineOptions options;
        options.language_model_type = type;
        options.cache_type = Type::q8_0;
        engine::Generator quantised(hub::demo_model(), options);
        const auto c = quantised.compose(request("guitar, happy, fast, drums", 6'000, 5), {}, {}).codes;
        EXPECT_EQ(frames_per_eighth(c), 2) << graph::type_name(type);
        EXPECT_EQ(lead_instrument(c), "guitar") << graph::type_name(type);
        EXPECT_GT(drum_hits(c), 4) << graph::type_name(type);
    }
}

TEST(DemoSong, EndsByItself) {
    for (const std::uint64_t seed : {1, 2, 3}) {
        const auto song = generator().compose(request("piano, happy, medium, drums", 60'000, seed), {}, {});
        EXPECT_TRUE(song.ended_by_itself) << "seed " << seed;
        EXPECT_GT(song.codes.seconds(), 5);
        EXPECT_LT(song.codes.seconds(), 60);
    }
}

TEST(DemoSong, WordsBringTheVoice) {
    auto r = request("piano, happy, medium", 8'000, 21);
    r.lyrics = "[verse]\nthe river in the night\nwe sing again\n";
    EXPECT_EQ(lead_instrument(generator().compose(r, {}, {}).codes), "voice");
}

}  // namespace
}  // namespace heart::test
