#pragma once

#include "audio/waveform.h"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace heart::music {

/// Is it music? What can be measured about a song without listening to it.
struct MusicAnalysis {
    double seconds = 0;
    double peak = 0;          ///< largest |sample| of all channels
    double rms = 0;           ///< standard deviation of all samples of all channels together
    double silent_share = 0;  ///< share of the 50 ms stretches of the mono mix whose rms is below 0.004

    /// Level of left minus right against the whole, dB: 20 log10(std(left - right) / (2 rms)); -180 for equal channels
    /// and for mono.
    double stereo_difference_db = -180;

    /// Energy of all spectral peaks between 70 and 2000 Hz by pitch class, shares of 1; [0] is 300 Hz and its octaves (the
    /// demonstration model's D), [1] a semitone above. All 0 when there are no peaks.
    std::array<double, 12> pitch_classes{};

    /// Share of that energy within 30 cents of a tone of the major scale on 300 Hz (equal temperament; a just-tuned tone is
    /// at most 16 cents away); 0 when there are no peaks.
    double in_scale_share = 0;
};

/// Measures `wave`, which must be at least 16384 samples long. Mono is the mean of the channels.
[[nodiscard]] MusicAnalysis analyse_music(const audio::Waveform& wave);

/// How much louder the spectrum of the mono mix got, every 10 ms: the sum over frequency of the increases of
/// log(1 + 50 |X|), X being spectra of 1024 samples. Notes and drums make it jump.
[[nodiscard]] std::vector<double> spectral_flux(const audio::Waveform& wave);

/// Autocorrelation of a flux without its mean, at a lag in seconds (rounded to 10 ms): 1 is a perfect repetition, near 0
/// none. 0 when the lag does not fit or nothing happens.
[[nodiscard]] double onset_autocorrelation(std::span<const double> flux, double lag_seconds);

/// A lag in seconds and the autocorrelation there.
struct OnsetPeriod {
    double seconds = 0, correlation = 0;
};

/// The local maxima of the autocorrelation at lags from 0.08 to 2 s, strongest first, at most `most`.
[[nodiscard]] std::vector<OnsetPeriod> onset_periods(std::span<const double> flux, std::size_t most);

}  // namespace heart::music
