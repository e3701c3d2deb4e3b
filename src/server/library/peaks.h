#pragma once

#include "audio/waveform.h"
#include "core/cancel.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::library {

/// A song's course, for drawing it.
struct Peaks {
    static constexpr std::size_t kPeaks = 800, kLoudness = 200;

    double seconds = 0;
    std::vector<float> peaks;     ///< largest |sample| in each part, 0..1
    std::vector<float> loudness;  ///< root mean square in each part, 1 where it is largest
};

/// Of samples turned by `gain`.
[[nodiscard]] Peaks measure_peaks(const audio::Waveform& wave, double gain);
/// Of a file, in little memory. Throws like audio::AudioReader, and ErrorCode::malformed when it has no sound.
[[nodiscard]] Peaks measure_peaks(const std::filesystem::path& file, const CancelToken& cancel);

/// As a JSON object, three decimals.
[[nodiscard]] std::string to_json(const Peaks& peaks);
/// None for anything that to_json() does not write.
[[nodiscard]] std::optional<Peaks> parse_peaks(std::string_view json);

}  // namespace heart::server::library
