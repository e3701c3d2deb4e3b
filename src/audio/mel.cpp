#include "audio/mel.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <numbers>

#include <kiss_fftr.h>

namespace heart::audio {

namespace {

// Slaney's scale: 3 mel per 200 Hz up to 1 kHz, from there 27 mel per factor of 6.4.
constexpr double kSlaneyHzPerMel = 200.0 / 3, kSlaneyBreakHz = 1000, kSlaneyBreakMel = 15;

double slaney_log_step() {
    return std::log(6.4) / 27;
}

/// Index into a signal of `length` samples that is mirrored about its first and last sample.
std::size_t mirrored(std::int64_t at, std::int64_t length) {
    if (at < 0) at = -at;
    if (at >= length) at = 2 * (length - 1) - at;
    return static_cast<std::size_t>(at);
}

}  // namespace

std::vector<float> periodic_hann(std::size_t length) {
    std::vector<float> window(length);
    for (std::size_t i = 0; i < length; ++i) {
        const double turn = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length);
        window[i] = static_cast<float>(0.5 - 0.5 * std::cos(turn));
    }
    return window;
}

void PowerSpectrum::FreePlan::operator()(kiss_fftr_state* plan) const noexcept {
    std::free(plan);  // what kiss_fftr_free() stands for
}

PowerSpectrum::PowerSpectrum(std::size_t n_fft) {
    ensure(n_fft >= 2 && n_fft % 2 == 0 && n_fft <= (std::size_t{1} << 20), "the length of a spectrum frame is not even");
    static_assert(sizeof(kiss_fft_cpx) == 2 * sizeof(float), "kissfft is built for float");
    window_ = periodic_hann(n_fft);
    windowed_.resize(n_fft);
    spectrum_.resize(2 * bins());
    plan_.reset(kiss_fftr_alloc(static_cast<int>(n_fft), 0, nullptr, nullptr));
    if (plan_ == nullptr) throw std::bad_alloc();
}

void PowerSpectrum::compute(std::span<const float> frame, std::span<float> out) {
    ensure(frame.size() == n_fft() && out.size() == bins(), "a spectrum frame has the wrong length");
    for (std::size_t i = 0; i < n_fft(); ++i) windowed_[i] = window_[i] * frame[i];
    // kiss_fft_cpx is a pair of floats; a float buffer keeps kissfft's header out of ours.
    kiss_fftr(plan_.get(), windowed_.data(), reinterpret_cast<kiss_fft_cpx*>(spectrum_.data()));
    for (std::size_t k = 0; k < bins(); ++k) {
        out[k] = spectrum_[2 * k] * spectrum_[2 * k] + spectrum_[2 * k + 1] * spectrum_[2 * k + 1];
    }
}

SpectralFrames stft_power(std::span<const float> signal, std::size_t n_fft, std::size_t hop, FrameEdges edges) {
    PowerSpectrum spectrum(n_fft);
    ensure(hop > 0, "spectra cannot be 0 samples apart");
    SpectralFrames out;
    out.bins = spectrum.bins();
    if (edges == FrameEdges::inside) {
        out.frames = signal.size() < n_fft ? 0 : 1 + (signal.size() - n_fft) / hop;
    } else {
        ensure(signal.size() > n_fft / 2, "a signal is too short to be mirrored at its ends");
        out.frames = 1 + signal.size() / hop;
    }
    out.values.resize(out.frames * out.bins);
    std::vector<float> mirrored_frame(n_fft);
    for (std::size_t t = 0; t < out.frames; ++t) {
        if (edges == FrameEdges::inside) {
            spectrum.compute(signal.subspan(t * hop, n_fft), out.frame(t));
            continue;
        }
        const auto start = static_cast<std::int64_t>(t * hop) - static_cast<std::int64_t>(n_fft / 2);
        for (std::size_t i = 0; i < n_fft; ++i) {
            mirrored_frame[i] =
                signal[mirrored(start + static_cast<std::int64_t>(i), static_cast<std::int64_t>(signal.size()))];
        }
        spectrum.compute(mirrored_frame, out.frame(t));
    }
    return out;
}

double hz_to_mel(double hz, MelScale scale) {
    if (scale == MelScale::htk) return 2595 * std::log10(1 + hz / 700);
    if (hz < kSlaneyBreakHz) return hz / kSlaneyHzPerMel;
    return kSlaneyBreakMel + std::log(hz / kSlaneyBreakHz) / slaney_log_step();
}

double mel_to_hz(double mel, MelScale scale) {
    if (scale == MelScale::htk) return 700 * (std::pow(10, mel / 2595) - 1);
    if (mel < kSlaneyBreakMel) return mel * kSlaneyHzPerMel;
    return kSlaneyBreakHz * std::exp((mel - kSlaneyBreakMel) * slaney_log_step());
}

MelFilterbank::MelFilterbank(const MelOptions& options) : bins_(options.n_fft / 2 + 1) {
    ensure(options.bands > 0 && options.n_fft >= 2, "a mel filterbank has no bands or no bins");
    ensure(options.lowest_hz >= 0 && options.lowest_hz < options.highest_hz && options.highest_hz <= options.sample_rate / 2,
           "a mel filterbank has an impossible range");
    const double low = hz_to_mel(options.lowest_hz, options.scale), high = hz_to_mel(options.highest_hz, options.scale);
    std::vector<double> corners(options.bands + 2);
    for (std::size_t i = 0; i < corners.size(); ++i) {
        const double place = static_cast<double>(i) / static_cast<double>(options.bands + 1);
        corners[i] = mel_to_hz(low + (high - low) * place, options.scale);
    }
    const double bin_hz = options.sample_rate / static_cast<double>(options.n_fft);
    filters_.resize(options.bands);
    for (std::size_t b = 0; b < options.bands; ++b) {
        const double left = corners[b], centre = corners[b + 1], right = corners[b + 2];
        Filter& filter = filters_[b];
        filter.centre_hz = centre;
        filter.first = std::min(bins_, static_cast<std::size_t>(left / bin_hz));
        for (std::size_t k = filter.first; k < bins_; ++k) {
            const double hz = static_cast<double>(k) * bin_hz;
            if (hz >= right) break;
            const double weight = std::max(0.0, std::min((hz - left) / (centre - left), (right - hz) / (right - centre)));
            filter.weights.push_back(static_cast<float>(options.equal_area ? weight * 2 / (right - left) : weight));
        }
    }
}

float MelFilterbank::weight(std::size_t band, std::size_t bin) const {
    const Filter& filter = filters_.at(band);
    if (bin < filter.first || bin - filter.first >= filter.weights.size()) return 0;
    return filter.weights[bin - filter.first];
}

void MelFilterbank::apply(std::span<const float> power, std::span<float> out) const {
    ensure(power.size() == bins_ && out.size() == bands(), "a mel filterbank got a spectrum of another size");
    for (std::size_t b = 0; b < bands(); ++b) {
        const Filter& filter = filters_[b];
        float sum = 0;
        for (std::size_t i = 0; i < filter.weights.size(); ++i) sum += filter.weights[i] * power[filter.first + i];
        out[b] = sum;
    }
}

SpectralFrames MelFilterbank::apply(const SpectralFrames& power) const {
    SpectralFrames out{power.frames, bands(), std::vector<float>(power.frames * bands())};
    for (std::size_t t = 0; t < power.frames; ++t) apply(power.frame(t), out.frame(t));
    return out;
}

}  // namespace heart::audio
