#pragma once

#include "audio/waveform.h"
#include "audio/write_file.h"
#include "core/cancel.h"

#include <vector>

namespace heart::audio {

/// The bytes of a whole audio file without tags. Every sample is multiplied by `gain`, after which it must fit into
/// [-1, 1) unless `format` is f32 in WAV; shape, rate and channels must have been checked against `container`.
/// Throws ErrorCode::cancelled, ErrorCode::memory, and ErrorCode::unsupported or ErrorCode::internal with libsndfile's
/// words.
[[nodiscard]] std::vector<char> encode(const Waveform& wave, Container container, SampleFormat format, double gain,
                                       const CancelToken* cancel);

}  // namespace heart::audio
