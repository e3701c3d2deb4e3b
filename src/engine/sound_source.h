#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace heart::engine {

/// One channel at the rate that its reader asks for, as it comes: gives the next samples, in [-1, 1] nominally, valid until
/// the next call, and nothing at the end. May throw.
using SoundSource = std::function<std::span<const float>()>;

/// An audio file as a source.
struct SoundFile {
    SoundSource source;
    double seconds_stated = 0;  ///< as the file says; 0 where it does not
};

/// What audio::AudioReader reads, M4A and others with the program ffmpeg, at most a day long: the mean of the channels at
/// `sample_rate` Hz. Throws as audio::MonoReader, and so does the source.
[[nodiscard]] SoundFile open_sound(const std::filesystem::path& file, std::uint32_t sample_rate);

}  // namespace heart::engine
