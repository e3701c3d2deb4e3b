#pragma once

#include "audio/png.h"

#include <array>

namespace heart::audio {

/// 256 colours from near black over violet and orange to pale yellow, for showing levels. Their CIE L* rises in equal
/// steps, so that equal differences of level look equally large, also in grey and to most colour-blind eyes.
[[nodiscard]] const std::array<Rgb, 256>& level_colours();

/// CIE 1976 lightness of an sRGB colour under D65, 0 ... 100 (IEC 61966-2-1 and CIE 15).
[[nodiscard]] double lightness(double red, double green, double blue);

}  // namespace heart::audio
