#pragma once

#include "engine/generator.h"

#include <cstdint>

namespace heart::engine {

/// What the codec is asked for by a song's request.
[[nodiscard]] heartcodec::DecodeOptions decode_options(const SongRequest& request);

/// The codec's noise as it is drawn from the request's seed and take.
[[nodiscard]] heartcodec::NoiseSource drawn_noise(const SongRequest& request);

/// Noise that was given, which must outlive the source. Throws ErrorCode::mismatch when there is less than these codes take.
[[nodiscard]] heartcodec::NoiseSource given_noise(const GivenNoise& noise, const Codes& codes,
                                                  const heartcodec::Config& config,
                                                  const heartcodec::DecodeOptions& options);

/// Throws ErrorCode::mismatch when codes of so many codebooks do not belong to this codec.
void check_codebooks(std::int64_t codebooks, const heartcodec::Config& config);

}  // namespace heart::engine
