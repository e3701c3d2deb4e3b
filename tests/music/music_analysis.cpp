#include "music_analysis.h"

#include "audio/mel.h"
#include "core/error.h"

#include <algorithm>
#include <cmath>

namespace heart::music {

namespace {

constexpr double kTonicHz = 300;
constexpr std::array<bool, 12> kMajorScale{true, false, true, false, true, true, false, true, false, true, false, true};

std::vector<float> mono_mix(const audio::Waveform& wave) {
    std::vector<float> mix(wave.frames());
    for (const auto& channel : wave.channels) {
        for (std::size_t i = 0; i < mix.size(); ++i) mix[i] += channel[i] / static_cast<float>(wave.channels.size());
    }
    return mix;
}

/// Sum and sum of squares, for a standard deviation.
struct Moments {
    double sum = 0, squares = 0, count = 0;
    void add(double value) {
        sum += value;
        squares += value * value;
        count += 1;
    }
    [[nodiscard]] double deviation() const {
        const double mean = sum / count;
        return std::sqrt(std::max(0.0, squares / count - mean * mean));
    }
};

double silent_share(const std::vector<float>& mono, std::size_t stretch) {
    constexpr double kSilentRms = 0.004;
    const std::size_t stretches = mono.size() / stretch;
    std::size_t silent = 0;
    for (std::size_t s = 0; s < stretches; ++s) {
        double squares = 0;
        for (std::size_t i = s * stretch; i < (s + 1) * stretch; ++i) squares += double{mono[i]} * mono[i];
        if (std::sqrt(squares / static_cast<double>(stretch)) < kSilentRms) ++silent;
    }
    return stretches == 0 ? 0 : static_cast<double>(silent) / static_cast<double>(stretches);
}

double stereo_difference_db(const audio::Waveform& wave, double rms) {
    if (wave.channels.size() != 2 || rms == 0) return -180;
    Moments difference;
    for (std::size_t i = 0; i < wave.frames(); ++i) difference.add(double{wave.channels[0][i]} - wave.channels[1][i]);
    return 20 * std::log10(difference.deviation() / rms / 2 + 1e-9);
}

/// Where between three neighbouring bins the top lies, in bins from the middle one: a parabola through the logarithms, which
/// fits the main lobe of a Hann window.
double parabola_top(double left, double middle, double right) {
    const double a = std::log(left + 1e-9), b = std::log(middle + 1e-9), c = std::log(right + 1e-9);
    return 0.5 * (a - c) / (a - 2 * b + c);
}

/// Adds the tonal energy of one frame of magnitudes to pitch classes and to the share in the scale.
void add_tones(std::span<const double> magnitude, double bin_hz, MusicAnalysis& result, double& total) {
    constexpr double kLowestHz = 70, kHighestHz = 2000, kFaintest = 0.03, kInTuneSemitones = 0.3;
    const double loudest = *std::max_element(magnitude.begin(), magnitude.end());
    for (std::size_t k = 3; k + 1 < magnitude.size(); ++k) {
        const double hz = static_cast<double>(k) * bin_hz;
        if (hz <= kLowestHz || hz >= kHighestHz) continue;
        if (magnitude[k] <= magnitude[k - 1] || magnitude[k] < magnitude[k + 1]) continue;
        if (magnitude[k] <= kFaintest * loudest) continue;
        const double top = hz + parabola_top(magnitude[k - 1], magnitude[k], magnitude[k + 1]) * bin_hz;
        const double semitones = 12 * std::log2(top / kTonicHz), nearest = std::nearbyint(semitones);
        const auto pitch_class = static_cast<std::size_t>((static_cast<int>(nearest) % 12 + 12) % 12);
        const double energy = magnitude[k] * magnitude[k];
        result.pitch_classes[pitch_class] += energy;
        total += energy;
        if (kMajorScale[pitch_class] && std::abs(semitones - nearest) < kInTuneSemitones) result.in_scale_share += energy;
    }
}

void measure_tones(const std::vector<float>& mono, double sample_rate, MusicAnalysis& result) {
    constexpr std::size_t kLength = 16384, kHop = 4096;  // 0.34 s at 48 kHz: semitones part down to 70 Hz
    const audio::SpectralFrames power = audio::stft_power(mono, kLength, kHop, audio::FrameEdges::inside);
    std::vector<double> magnitude(power.bins);
    double total = 0;
    for (std::size_t t = 0; t < power.frames; ++t) {
        const auto frame = power.frame(t);
        std::transform(frame.begin(), frame.end(), magnitude.begin(), [](float p) { return std::sqrt(double{p}); });
        add_tones(magnitude, sample_rate / kLength, result, total);
    }
    if (total == 0) return;
    result.in_scale_share /= total;
    for (double& share : result.pitch_classes) share /= total;
}

constexpr double kFluxStep = 0.01;  // seconds

}  // namespace

MusicAnalysis analyse_music(const audio::Waveform& wave) {
    audio::check_shape(wave);
    ensure(wave.frames() >= 16384, "a song to be analysed is shorter than one spectrum");
    MusicAnalysis result;
    result.seconds = wave.seconds();
    result.peak = audio::peak(wave);
    Moments all;
    for (const auto& channel : wave.channels) {
        for (const float sample : channel) all.add(sample);
    }
    result.rms = all.deviation();
    result.stereo_difference_db = stereo_difference_db(wave, result.rms);
    const std::vector<float> mono = mono_mix(wave);
    result.silent_share = silent_share(mono, wave.sample_rate / 20);
    measure_tones(mono, wave.sample_rate, result);
    return result;
}

std::vector<double> spectral_flux(const audio::Waveform& wave) {
    audio::check_shape(wave);
    const auto hop = static_cast<std::size_t>(std::llround(wave.sample_rate * kFluxStep));
    const audio::SpectralFrames power = audio::stft_power(mono_mix(wave), 1024, hop, audio::FrameEdges::inside);
    const auto loudness = [&](std::size_t t, std::size_t k) {
        return std::log1p(50 * std::sqrt(double{power.frame(t)[k]}));
    };
    std::vector<double> flux;
    for (std::size_t t = 1; t < power.frames; ++t) {
        double rise = 0;
        for (std::size_t k = 0; k < power.bins; ++k) rise += std::max(0.0, loudness(t, k) - loudness(t - 1, k));
        flux.push_back(rise);
    }
    return flux;
}

double onset_autocorrelation(std::span<const double> flux, double lag_seconds) {
    const auto lag = static_cast<std::size_t>(std::llround(std::max(0.0, lag_seconds) / kFluxStep));
    if (lag >= flux.size()) return 0;
    const auto count = static_cast<double>(flux.size());
    double mean = 0, variance = 0, product = 0;
    for (const double value : flux) mean += value / count;
    for (const double value : flux) variance += (value - mean) * (value - mean) / count;
    for (std::size_t i = lag; i < flux.size(); ++i) product += (flux[i] - mean) * (flux[i - lag] - mean);
    if (variance <= 1e-20 * mean * mean) return 0;  // nothing but rounding
    return product / (count - static_cast<double>(lag)) / variance;
}

std::vector<OnsetPeriod> onset_periods(std::span<const double> flux, std::size_t most) {
    constexpr int kFirstStep = 8, kLastStep = 199;
    std::vector<OnsetPeriod> periods;
    for (int step = kFirstStep; step <= kLastStep; ++step) {
        periods.push_back({step * kFluxStep, onset_autocorrelation(flux, step * kFluxStep)});
    }
    std::vector<OnsetPeriod> tops;
    for (std::size_t i = 1; i + 1 < periods.size(); ++i) {
        const double here = periods[i].correlation;
        if (here > periods[i - 1].correlation && here >= periods[i + 1].correlation) tops.push_back(periods[i]);
    }
    std::stable_sort(tops.begin(), tops.end(),
                     [](const OnsetPeriod& a, const OnsetPeriod& b) { return a.correlation > b.correlation; });
    if (tops.size() > most) tops.resize(most);
    return tops;
}

}  // namespace heart::music
