#include "audio/log_mel.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>

namespace heart::audio {

namespace {

constexpr std::size_t kFft = 400, kHop = 160;

MelOptions mel_options(std::size_t bands) {
    return {LogMel::kSampleRate, kFft, bands, 0, LogMel::kSampleRate / 2.0, MelScale::slaney, true};
}

}  // namespace

LogMel::LogMel(std::size_t bands) : filters_(mel_options(bands)) {}

SpectralFrames LogMel::compute(std::span<const float> samples) const {
    constexpr float kLeastEnergy = 1e-10F, kRange = 8;
    ensure(samples.size() <= kSamples, "more than 30 seconds for one set of mel frames");
    std::vector<float> padded(kSamples, 0.0F);
    std::copy(samples.begin(), samples.end(), padded.begin());
    SpectralFrames power = stft_power(padded, kFft, kHop, FrameEdges::reflect);
    power.frames = kFrames;  // the one behind the end is dropped, as in the reference
    power.values.resize(power.frames * power.bins);
    SpectralFrames mel = filters_.apply(power);
    float largest = std::log10(kLeastEnergy);
    for (float& x : mel.values) {
        x = std::log10(std::max(x, kLeastEnergy));
        largest = std::max(largest, x);
    }
    for (float& x : mel.values) x = (std::max(x, largest - kRange) + 4) / 4;
    return mel;
}

}  // namespace heart::audio
