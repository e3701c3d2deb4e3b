#include "audio/mel.h"

#include "core/error.h"

#include "audio_test_support.h"

#include <complex>

namespace heart::audio {
namespace {

using namespace testing;

/// The definition, term by term, in double.
double slow_power(std::span<const float> frame, std::size_t bin) {
    const auto length = static_cast<double>(frame.size());
    std::complex<double> sum;
    for (std::size_t i = 0; i < frame.size(); ++i) {
        const double turn = 2 * std::numbers::pi * static_cast<double>(i) / length;
        sum += (0.5 - 0.5 * std::cos(turn)) * frame[i] * std::polar(1.0, -turn * static_cast<double>(bin));
    }
    return std::norm(sum);
}

TEST(AudioSpectrum, MatchesTheSlowTransform) {
    for (const std::size_t n_fft : {std::size_t{2}, std::size_t{6}, std::size_t{14}, std::size_t{400}, std::size_t{2048}}) {
        const Waveform wave = noise(n_fft, 1, 48000, 1.0F);
        PowerSpectrum spectrum(n_fft);
        ASSERT_EQ(spectrum.bins(), n_fft / 2 + 1);
        std::vector<float> power(spectrum.bins());
        spectrum.compute(wave.channels[0], power);
        const double scale = static_cast<double>(n_fft);
        for (std::size_t k = 0; k<power.size(); k += n_fft> 1000 ? 37 : 1) {
            EXPECT_NEAR(power[k], slow_power(wave.channels[0], k), 1e-5 * scale) << n_fft << " bin " << k;
        }
    }
}

TEST(AudioSpectrum, SineInTheMiddleOfABinHasTheStatedPower) {
    const Waveform wave = tones(2048, 1, 48000, 48000.0 * 100 / 2048, 1.0);
    PowerSpectrum spectrum(2048);
    std::vector<float> power(spectrum.bins());
    spectrum.compute(wave.channels[0], power);
    EXPECT_EQ(std::max_element(power.begin(), power.end()) - power.begin(), 100);
    EXPECT_NEAR(power[100], 512.0 * 512.0, 10);
    EXPECT_NEAR(power[101], 256.0 * 256.0, 10);
    EXPECT_LT(power[110], 1);
}

TEST(AudioSpectrum, HannWindowIsPeriodic) {
    const auto window = periodic_hann(8);
    EXPECT_EQ(window[0], 0.0F);
    EXPECT_EQ(window[4], 1.0F);
    for (std::size_t i = 1; i < 8; ++i) EXPECT_FLOAT_EQ(window[i], window[8 - i]);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(window[i] + window[i + 4], 1, 1e-6) << "half-overlapping copies add up to 1";
}

TEST(AudioSpectrum, RefusesImpossibleLengths) {
    for (const std::size_t n_fft : {std::size_t{0}, std::size_t{1}, std::size_t{401}, std::size_t{1} << 21}) {
        EXPECT_EQ(error_of([&] { PowerSpectrum spectrum(n_fft); }).code(), ErrorCode::internal) << n_fft;
    }
    const Waveform wave = noise(100, 1, 48000, 1.0F);
    EXPECT_EQ(error_of([&] { (void)stft_power(wave.channels[0], 16, 0, FrameEdges::inside); }).code(), ErrorCode::internal);
    EXPECT_EQ(error_of([&] { (void)stft_power(wave.channels[0], 200, 10, FrameEdges::reflect); }).code(),
              ErrorCode::internal);
}

TEST(AudioStft, InsideFramesAreTheSignalsOwnStretches) {
    const Waveform wave = noise(1003, 1, 48000, 1.0F);
    const auto& signal = wave.channels[0];
    const SpectralFrames frames = stft_power(signal, 400, 100, FrameEdges::inside);
    ASSERT_EQ(frames.frames, 7U);
    for (std::size_t t = 0; t < frames.frames; ++t) {
        EXPECT_NEAR(frames.frame(t)[33], slow_power(std::span(signal).subspan(t * 100, 400), 33), 1e-2) << t;
    }
    EXPECT_EQ(stft_power(std::span(signal).first(399), 400, 100, FrameEdges::inside).frames, 0U);
}

TEST(AudioStft, ReflectedFramesMirrorTheEndsWithoutRepeatingThem) {
    const Waveform wave = noise(1000, 1, 48000, 1.0F);
    const auto& signal = wave.channels[0];
    std::vector<float> padded(1000 + 400);
    for (std::size_t i = 0; i < 200; ++i) {
        padded[i] = signal[200 - i];
        padded[1200 + i] = signal[998 - i];
    }
    std::copy(signal.begin(), signal.end(), padded.begin() + 200);
    const SpectralFrames frames = stft_power(signal, 400, 100, FrameEdges::reflect);
    ASSERT_EQ(frames.frames, 11U);
    for (std::size_t t = 0; t < frames.frames; ++t) {
        EXPECT_NEAR(frames.frame(t)[20], slow_power(std::span(padded).subspan(t * 100, 400), 20), 1e-2) << t;
    }
}

TEST(AudioMel, ScalesHaveTheirKnownValues) {
    EXPECT_NEAR(hz_to_mel(1000, MelScale::htk), 999.9855, 1e-3);
    EXPECT_NEAR(hz_to_mel(1000, MelScale::slaney), 15, 1e-12);
    EXPECT_NEAR(hz_to_mel(500, MelScale::slaney), 7.5, 1e-12);
    EXPECT_NEAR(hz_to_mel(6400, MelScale::slaney), 42, 1e-9);
    for (const MelScale scale : {MelScale::htk, MelScale::slaney}) {
        for (const double hz : {0.0, 20.0, 440.0, 999.0, 1001.0, 8000.0, 24000.0}) {
            EXPECT_NEAR(mel_to_hz(hz_to_mel(hz, scale), scale), hz, 1e-9 * (1 + hz));
        }
    }
}

TEST(AudioMel, TrianglesAddUpToOneBetweenTheOutermostTops) {
    for (const MelScale scale : {MelScale::htk, MelScale::slaney}) {
        MelOptions options;
        options.scale = scale;
        options.bands = 40;
        const MelFilterbank bank(options);
        ASSERT_EQ(bank.bands(), 40U);
        ASSERT_EQ(bank.bins(), 1025U);
        for (std::size_t k = 0; k < bank.bins(); ++k) {
            const double hz = static_cast<double>(k) * 48000 / 2048;
            if (hz < bank.centre_hz(0) || hz > bank.centre_hz(39)) continue;
            double sum = 0;
            for (std::size_t b = 0; b < bank.bands(); ++b) sum += bank.weight(b, k);
            EXPECT_NEAR(sum, 1, 1e-6) << k;
        }
    }
}

TEST(AudioMel, EqualAreaBandsIntegrateToOne) {
    MelOptions options;
    options.sample_rate = 16000;
    options.n_fft = 4096;  // fine enough for the sum over bins to be an integral
    options.bands = 40;
    options.highest_hz = 8000;
    options.scale = MelScale::slaney;
    options.equal_area = true;
    const MelFilterbank bank(options);
    for (std::size_t b = 0; b < bank.bands(); ++b) {
        double area = 0;
        for (std::size_t k = 0; k < bank.bins(); ++k) area += bank.weight(b, k) * 16000.0 / 4096;
        EXPECT_NEAR(area, 1, 0.01) << b;
    }
}

TEST(AudioMel, ApplyIsTheWeightedSum) {
    const Waveform wave = noise(4000, 1, 16000, 1.0F);
    const SpectralFrames power = stft_power(wave.channels[0], 400, 160, FrameEdges::reflect);
    MelOptions options;
    options.sample_rate = 16000;
    options.n_fft = 400;
    options.bands = 80;
    options.highest_hz = 8000;
    options.scale = MelScale::slaney;
    const MelFilterbank bank(options);
    const SpectralFrames mel = bank.apply(power);
    ASSERT_EQ(mel.frames, power.frames);
    for (std::size_t b = 0; b < bank.bands(); ++b) {
        double wanted = 0;
        for (std::size_t k = 0; k < bank.bins(); ++k) wanted += double{bank.weight(b, k)} * power.frame(3)[k];
        EXPECT_NEAR(mel.frame(3)[b], wanted, 1e-4 * (1 + wanted)) << b;
    }
}

TEST(AudioMel, SineLandsInTheBandWhoseTopIsNearest) {
    MelOptions options;
    options.bands = 64;
    const MelFilterbank bank(options);
    for (const double hz : {330.0, 1000.0, 3500.0, 12000.0}) {
        const SpectralFrames power = stft_power(tones(8192, 1, 48000, hz, 0.5).channels[0], 2048, 512, FrameEdges::inside);
        const SpectralFrames mel = bank.apply(power);
        const auto frame = mel.frame(2);
        const auto loudest = static_cast<std::size_t>(std::max_element(frame.begin(), frame.end()) - frame.begin());
        std::size_t nearest = 0;
        const auto distance = [&](std::size_t b) {
            return std::abs(hz_to_mel(bank.centre_hz(b), MelScale::htk) - hz_to_mel(hz, MelScale::htk));
        };
        for (std::size_t b = 0; b < bank.bands(); ++b) {
            if (distance(b) < distance(nearest)) nearest = b;
        }
        EXPECT_EQ(loudest, nearest) << hz << " Hz";
    }
}

TEST(AudioMel, RefusesImpossibleRanges) {
    MelOptions beyond;
    beyond.highest_hz = 24001;
    EXPECT_EQ(error_of([&] { MelFilterbank bank(beyond); }).code(), ErrorCode::internal);
    MelOptions empty;
    empty.bands = 0;
    EXPECT_EQ(error_of([&] { MelFilterbank bank(empty); }).code(), ErrorCode::internal);
}

}  // namespace
}  // namespace heart::audio
