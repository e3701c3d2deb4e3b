#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heart::audio {

/// Sound as samples in memory.
struct Waveform {
    std::uint32_t sample_rate = 48000;         ///< samples per second and channel, Hz
    std::vector<std::vector<float>> channels;  ///< planar, all of one length; nominal range [-1, 1]

    /// Samples per channel; 0 without channels.
    [[nodiscard]] std::size_t frames() const { return channels.empty() ? 0 : channels.front().size(); }
    /// Length in seconds; 0 when the rate is 0.
    [[nodiscard]] double seconds() const {
        return sample_rate == 0 ? 0.0 : static_cast<double>(frames()) / static_cast<double>(sample_rate);
    }
};

/// The level to which a song that is too loud for its container is turned down. Just below 1, because +1 itself has no
/// integer sample, and so that one quantisation step of 16 bits stays free.
inline constexpr float kFullScale = 0.999F;

/// Throws ErrorCode::internal unless the rate is positive, there is a channel, and all channels have one length.
void check_shape(const Waveform& wave);

/// Largest |sample|; 0 for an empty waveform. Throws ErrorCode::internal with channel and frame of the first sample that
/// is not finite: such a sample is a defect upstream and must not reach a file.
[[nodiscard]] float peak(const Waveform& wave);

/// The linear factor in (0, 1] that brings `wave` to a peak of at most kFullScale; 1 when it fits already. Integer and
/// lossy formats cannot hold |x| > 1, and clipping single samples is audible, so that the whole song is turned down
/// instead. It is never turned up: the level is the model's. Throws like peak().
[[nodiscard]] double full_scale_gain(const Waveform& wave);

/// Applies full_scale_gain() to every sample. Returns the gain in dB, at most 0; exactly 0 when nothing was changed.
/// Doing it twice changes nothing more. Throws like peak(), before any sample is changed.
double scale_into_full_scale(Waveform& wave);

/// 20 log10(gain), and exactly 0 for a gain of 1.
[[nodiscard]] double gain_in_db(double gain);

}  // namespace heart::audio
