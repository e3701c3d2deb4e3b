#include "music_analysis.h"

#include "../unit/audio_test_support.h"

#include <array>

namespace heart::music {
namespace {

using audio::Waveform;
using audio::testing::noise;
using audio::testing::tones;

/// One tone after the other, `length` seconds each, with a soft start and end; the same in both channels.
Waveform melody(const std::vector<double>& pitches_hz, double length) {
    Waveform wave{48000, {{}, {}}};
    const auto frames = static_cast<std::size_t>(length * 48000);
    for (const double hz : pitches_hz) {
        const Waveform tone = tones(frames, 1, 48000, hz, 0.5);
        for (std::size_t i = 0; i < frames; ++i) {
            const auto edge = static_cast<float>(std::min(i, frames - i)) / 480.0F;
            const float sample = tone.channels[0][i] * std::min(1.0F, edge);
            for (auto& channel : wave.channels) channel.push_back(sample);
        }
    }
    return wave;
}

double semitones_up(double semitones) {
    return 300 * std::pow(2, semitones / 12);
}

TEST(MusicAnalysis, MajorScaleIsInScaleAndItsNeighboursAreNot) {
    const MusicAnalysis major = analyse_music(melody({300, 337.5, 375, 400, 450, 500, 562.5, 600}, 1.0));
    EXPECT_GT(major.in_scale_share, 0.95) << "just intonation is near enough to equal temperament";
    EXPECT_NEAR(major.pitch_classes[7], 1.0 / 8, 0.03);
    EXPECT_NEAR(major.pitch_classes[0], 2.0 / 8, 0.04);
    EXPECT_LT(analyse_music(melody({semitones_up(1), semitones_up(6), semitones_up(10)}, 1.0)).in_scale_share, 0.05);
    EXPECT_LT(analyse_music(melody({semitones_up(0.45), semitones_up(4.5), semitones_up(6.55)}, 1.0)).in_scale_share, 0.1);
    EXPECT_LT(analyse_music(noise(96000, 2, 48000, 0.5F)).in_scale_share, 0.5);
}

TEST(MusicAnalysis, LevelsOfKnownSignals) {
    const MusicAnalysis sine = analyse_music(tones(96000, 1, 48000, 500, 0.5));
    EXPECT_NEAR(sine.peak, 0.5, 1e-4);
    EXPECT_NEAR(sine.rms, 0.5 / std::sqrt(2), 1e-4);
    EXPECT_EQ(sine.seconds, 2.0);
    EXPECT_EQ(sine.silent_share, 0.0);
    EXPECT_EQ(sine.stereo_difference_db, -180);

    Waveform half = tones(96000, 2, 48000, 500, 0.5);
    half.channels[1] = half.channels[0];
    EXPECT_NEAR(analyse_music(half).stereo_difference_db, -180, 1);
    for (float& sample : half.channels[1]) sample = -sample;
    EXPECT_NEAR(analyse_music(half).stereo_difference_db, 0, 0.01);
    EXPECT_EQ(analyse_music(half).silent_share, 1.0) << "opposite channels cancel in the mix";

    half.channels[1] = half.channels[0];
    for (auto& channel : half.channels) std::fill(channel.begin() + 48000, channel.end(), 0.0F);
    EXPECT_NEAR(analyse_music(half).silent_share, 0.5, 1e-9);
    const MusicAnalysis silence = analyse_music(Waveform{48000, {std::vector<float>(48000)}});
    EXPECT_EQ(silence.in_scale_share, 0.0);
    EXPECT_EQ(silence.silent_share, 1.0);
}

TEST(MusicAnalysis, RepeatedOnsetsAreFoundAtTheirPeriod) {
    std::vector<double> pitches;
    for (int i = 0; i < 20; ++i) pitches.push_back(300 + 75 * (i % 4));
    const Waveform song = melody(pitches, 0.48);
    const auto flux = spectral_flux(song);
    EXPECT_NEAR(static_cast<double>(flux.size()), song.seconds() * 100, 4);
    EXPECT_GT(onset_autocorrelation(flux, 0.48), 0.5);
    EXPECT_LT(onset_autocorrelation(flux, 0.31), 0.2);
    EXPECT_NEAR(onset_autocorrelation(flux, 0), 1, 1e-9);
    EXPECT_EQ(onset_autocorrelation(flux, 100), 0.0);
    const auto periods = onset_periods(flux, 3);
    ASSERT_EQ(periods.size(), 3U);
    const double beats = periods[0].seconds / 0.48;
    EXPECT_NEAR(beats, std::round(beats), 0.05);
}

TEST(MusicAnalysis, SteadyNoiseHasNoPeriod) {
    const auto flux = spectral_flux(noise(std::size_t{48000} * 8, 2, 48000, 0.5F));
    for (const OnsetPeriod& period : onset_periods(flux, 3)) EXPECT_LT(period.correlation, 0.3);
    EXPECT_TRUE(spectral_flux(noise(100, 1, 48000, 0.5F)).empty());
    EXPECT_EQ(onset_autocorrelation(std::vector<double>(100, 3.0), 0.1), 0.0);
}

}  // namespace
}  // namespace heart::music
