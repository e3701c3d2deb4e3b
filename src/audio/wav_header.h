#pragma once

#include "audio/write_file.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace heart::audio {

/// Everything in front of the samples of a WAV file: the chunks and bytes that libsndfile writes, so that a finished stream
/// is the file that write_audio() makes. `frames`: none while the length is not known; both sizes are then 0xFFFFFFFF, which
/// players take for "until the end". `behind`: bytes of other chunks behind the samples.
[[nodiscard]] std::vector<char> wav_header(std::uint32_t sample_rate, std::size_t channels, SampleFormat format,
                                           std::optional<std::uint64_t> frames, std::uint64_t behind = 0);

}  // namespace heart::audio
