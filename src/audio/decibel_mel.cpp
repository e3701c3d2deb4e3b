#include "audio/decibel_mel.h"

#include <algorithm>
#include <cmath>

namespace heart::audio {

DecibelMel::DecibelMel(const Options& o)
    : options_(o),
      filters_({static_cast<double>(o.sample_rate), o.n_fft, o.bands, 0, o.sample_rate / 2.0, MelScale::htk, false}) {}

SpectralFrames DecibelMel::compute(std::span<const float> samples) const {
    constexpr float kLeastEnergy = 1e-10F;
    SpectralFrames power = stft_power(samples, options_.n_fft, options_.hop, FrameEdges::reflect);
    power.frames = samples.size() / options_.hop;
    power.values.resize(power.frames * power.bins);
    SpectralFrames mel = filters_.apply(power);
    for (float& x : mel.values) x = 10 * std::log10(std::max(x, kLeastEnergy));
    return mel;
}

}  // namespace heart::audio
