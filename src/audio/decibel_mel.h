#pragma once

#include "audio/mel.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace heart::audio {

/// The spectrograms of MuQ and of the models built on it (MuQ muq/muq/modules/features.py; torchaudio MelSpectrogram and
/// AmplitudeToDB): Hann windows, power spectra with mirrored ends, triangles of height 1 on the HTK scale from 0 Hz to half
/// the rate, 10 log10(max(energy, 1e-10)).
class DecibelMel {
public:
    struct Options {
        std::uint32_t sample_rate = 24'000;
        std::size_t n_fft = 2048, hop = 240, bands = 128;
    };
    explicit DecibelMel(const Options& options);

    /// Least length of a signal: its ends are mirrored by half a window.
    [[nodiscard]] std::size_t least_samples() const noexcept { return options_.n_fft / 2 + 1; }

    /// samples.size() / hop frames: the one centred behind them is dropped, as the reference does. ErrorCode::internal for
    /// less than `least_samples`.
    [[nodiscard]] SpectralFrames compute(std::span<const float> samples) const;

    [[nodiscard]] const MelFilterbank& filters() const noexcept { return filters_; }

private:
    Options options_;
    MelFilterbank filters_;
};

}  // namespace heart::audio
