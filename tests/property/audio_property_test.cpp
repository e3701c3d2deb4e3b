#include "audio/mel.h"
#include "audio/write_file.h"

#include "../unit/audio_test_support.h"

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace heart::audio {
namespace {

using namespace testing;

std::size_t any_length() {
    return *rc::gen::weightedOneOf<std::size_t>({{1, rc::gen::inRange<std::size_t>(1, 10)},
                                                 {2, rc::gen::inRange<std::size_t>(1, 20000)},
                                                 {1, rc::gen::element<std::size_t>(4095, 4096, 4097, 8192, 12289)}});
}

float any_level() {
    return static_cast<float>(*rc::gen::inRange(0, 4000)) / 1000.0F;
}

RC_GTEST_PROP(AudioProperty, LosslessFilesRoundTrip, ()) {
    static const TemporaryFolder folder;
    const auto rate = *rc::gen::element<std::uint32_t>(8000, 22050, 44100, 48000, 96000);
    const Waveform song =
        noise(any_length(), *rc::gen::inRange<std::size_t>(1, 5), rate, any_level(), *rc::gen::arbitrary<std::uint32_t>());
    const bool flac = *rc::gen::arbitrary<bool>();
    WriteOptions options;
    options.sample_format = flac ? *rc::gen::element(SampleFormat::s16, SampleFormat::s24)
                                 : *rc::gen::element(SampleFormat::s16, SampleFormat::s24, SampleFormat::f32);
    const fs::path path = folder / (flac ? "a.flac" : "a.wav");
    const WriteReport report = write_audio(path, song, options, {});
    const ReadBack back = read_sound(path);
    RC_ASSERT(back.wave.sample_rate == rate);
    RC_ASSERT(back.wave.channels.size() == song.channels.size());
    RC_ASSERT(back.wave.frames() == song.frames());
    RC_ASSERT(report.gain_db <= 0);
    if (options.sample_format == SampleFormat::f32) {
        RC_ASSERT(back.wave.channels == song.channels);
    } else {
        const double step = options.sample_format == SampleFormat::s16 ? 0x1p-15 : 0x1p-23;
        const double gain = std::pow(10, report.gain_db / 20);
        RC_ASSERT(peak(song) * gain < 0.9991);
        // A hair more than half, for the gain that was read back from its dB.
        RC_ASSERT(largest_difference(song, back.wave, gain) <= step * 0.5001);
    }
}

RC_GTEST_PROP(AudioProperty, LossyFilesKeepTheirLength, ()) {
    static const TemporaryFolder folder;
    const bool opus = *rc::gen::arbitrary<bool>();
    const auto rate = opus ? *rc::gen::element<std::uint32_t>(8000, 12000, 16000, 24000, 48000)
                           : *rc::gen::element<std::uint32_t>(8000, 11025, 16000, 22050, 32000, 44100, 48000);
    const Waveform song =
        noise(any_length(), *rc::gen::inRange<std::size_t>(1, 3), rate, any_level(), *rc::gen::arbitrary<std::uint32_t>());
    const fs::path path = folder / (opus ? "a.opus" : "a.mp3");
    write_audio(path, song, {}, {"title", "", "", "", "", {{"seed", "1"}}});
    const ReadBack back = read_sound(path);
    RC_ASSERT(back.wave.sample_rate == rate);
    RC_ASSERT(back.wave.channels.size() == song.channels.size());
    RC_ASSERT(back.wave.frames() == song.frames());
}

RC_GTEST_PROP(AudioProperty, SpectrumKeepsTheEnergy, ()) {
    // Parseval: the energy of the windowed frame is the mean over all n_fft bins, the inner ones counting twice.
    const std::size_t n_fft = 2 * *rc::gen::inRange<std::size_t>(1, 1500);
    const Waveform wave = noise(n_fft, 1, 48000, 1.0F, *rc::gen::arbitrary<std::uint32_t>());
    PowerSpectrum spectrum(n_fft);
    std::vector<float> power(spectrum.bins());
    spectrum.compute(wave.channels[0], power);
    const auto window = periodic_hann(n_fft);
    double wanted = 0, found = 0;
    for (std::size_t i = 0; i < n_fft; ++i) wanted += std::pow(double{window[i]} * wave.channels[0][i], 2);
    for (std::size_t k = 0; k < power.size(); ++k) found += power[k] * (k == 0 || 2 * k == n_fft ? 1.0 : 2.0);
    found /= static_cast<double>(n_fft);
    RC_ASSERT(std::abs(found - wanted) <= 1e-5 * wanted + 1e-6);
}

}  // namespace
}  // namespace heart::audio
