#pragma once

#include "audio/png.h"
#include "audio/waveform.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace heart::audio {

/// Where a part of a song begins.
struct SectionMark {
    std::string name;
    double seconds = 0;
};

/// Widest and narrowest spectrogram, pixels.
inline constexpr std::size_t kMaxPictureWidth = 2000, kMinPictureWidth = 800;

/// The place of the spectrogram inside its picture: pixels from the top left.
struct PlotArea {
    std::size_t left = 0, top = 0, width = 0, height = 0;

    /// The picture row in which `hz` lies when the top edge is at `highest_hz` (mel scale, HTK).
    [[nodiscard]] double row_of(double hz, double highest_hz) const;
    /// The picture column in which `at` lies when the right edge is at `seconds`.
    [[nodiscard]] double column_of(double at, double seconds) const;
};

struct Spectrogram {
    Image image;
    PlotArea plot;
};

/// A picture of a sound: time to the right, frequency upwards on a mel scale, colour for level in dB below the loudest
/// place, over a range of 80 dB. The power of all channels is averaged, which, unlike mixing the samples, loses nothing
/// that is in opposite phase. Sections are vertical lines with their names on top; marks outside the sound are left out.
/// The built-in font has ASCII only: a character beyond it is drawn as '?'. At most kMaxPictureWidth pixels wide, whatever
/// the length, and at least kMinPictureWidth. Throws ErrorCode::usage without frames, and ErrorCode::internal for samples
/// that are not finite or channels of different length.
[[nodiscard]] Spectrogram draw_spectrogram(const Waveform& wave, const std::vector<SectionMark>& sections,
                                           std::string_view title);

/// The same as a PNG file, whole or not at all; throws also like replace_file().
void write_spectrogram(const std::filesystem::path& path, const Waveform& wave, const std::vector<SectionMark>& sections,
                       std::string_view title);

}  // namespace heart::audio
