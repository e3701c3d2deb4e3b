#include "audio/waveform.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace heart::audio {

void check_shape(const Waveform& wave) {
    ensure(wave.sample_rate > 0, "a waveform has the sample rate 0");
    ensure(!wave.channels.empty(), "a waveform has no channels");
    for (const auto& channel : wave.channels) {
        ensure(channel.size() == wave.frames(), "the channels of a waveform differ in length");
    }
}

float peak(const Waveform& wave) {
    float largest = 0;
    for (std::size_t c = 0; c < wave.channels.size(); ++c) {
        const auto& samples = wave.channels[c];
        for (std::size_t i = 0; i < samples.size(); ++i) {
            if (!std::isfinite(samples[i])) {
                throw Error(ErrorCode::internal, "a sample is not a finite number")
                    .found(std::to_string(samples[i]) + " in channel " + std::to_string(c) + " at frame " +
                           std::to_string(i));
            }
            largest = std::max(largest, std::abs(samples[i]));
        }
    }
    return largest;
}

double full_scale_gain(const Waveform& wave) {
    const float loudest = peak(wave);
    return loudest <= kFullScale ? 1.0 : static_cast<double>(kFullScale) / static_cast<double>(loudest);
}

double scale_into_full_scale(Waveform& wave) {
    const double gain = full_scale_gain(wave);
    if (gain == 1.0) return 0;
    // In double, so that the loudest sample rounds to kFullScale itself and a second call finds nothing to do.
    for (auto& channel : wave.channels) {
        for (float& sample : channel) sample = static_cast<float>(static_cast<double>(sample) * gain);
    }
    return gain_in_db(gain);
}

double gain_in_db(double gain) {
    return gain == 1.0 ? 0.0 : 20 * std::log10(gain);
}

}  // namespace heart::audio
