#pragma once

#include "audio/read_file.h"
#include "audio/resample.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace heart::audio {

/// An audio file as one channel at one sample rate, whatever it has: the mean of its channels, resampled. Block by block, so
/// that memory does not depend on the length.
class MonoReader {
public:
    /// Throws like AudioReader.
    MonoReader(const std::filesystem::path& path, std::uint32_t sample_rate, const ReadLimits& limits = {});

    /// The next samples, as many as there happen to be; valid until the next call. Empty at the end. Throws like
    /// AudioReader::read().
    [[nodiscard]] std::span<const float> read();

    /// See AudioReader.
    [[nodiscard]] double seconds_stated() const noexcept { return reader_.seconds_stated(); }

private:
    AudioReader reader_;
    Resampler resampler_;
    std::vector<float> mono_, out_;
    bool ended_ = false;
};

}  // namespace heart::audio
