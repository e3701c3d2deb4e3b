#pragma once

#include "audio/mel.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace heart::audio {

/// What Whisper hears (openai/whisper audio.py, transformers feature_extraction_whisper.py): 30 seconds at 16 kHz as 3000
/// frames, one every 10 ms, of log mel energies.
class LogMel {
public:
    static constexpr std::uint32_t kSampleRate = 16'000;
    static constexpr std::size_t kSamples = 480'000;  ///< of 30 seconds
    static constexpr std::size_t kFrames = 3000;

    /// `bands`: 80, or 128 as large-v3 has them.
    explicit LogMel(std::size_t bands);

    [[nodiscard]] std::size_t bands() const noexcept { return filters_.bands(); }

    /// Frames of `samples`, at most kSamples of them, with silence behind. In each frame (Hann window of 400 samples, power
    /// spectrum, triangular filters on Slaney's mel scale with equal areas): log10(max(energy, 1e-10)), at least the
    /// largest of all frames minus 8, plus 4, divided by 4. Throws ErrorCode::internal for more samples.
    [[nodiscard]] SpectralFrames compute(std::span<const float> samples) const;

private:
    MelFilterbank filters_;
};

}  // namespace heart::audio
