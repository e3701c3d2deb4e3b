#pragma once

#include <cstddef>
#include <string_view>

namespace heart::audio {

/// A fixed-width font of 5 x 7 pixels for printable ASCII, so that pictures need no font file. Letters that go below the
/// line (g j p q y) use up to two rows more.
inline constexpr std::size_t kGlyphWidth = 5, kGlyphHeight = 7, kGlyphDescent = 2;
/// From one glyph's left edge to the next one's.
inline constexpr std::size_t kGlyphAdvance = 6;

/// Whether the pixel in `column` (0 ... 4) and `row` (0 ... 8 from the top of capitals) is set. Bytes outside printable
/// ASCII look like '?'.
[[nodiscard]] bool glyph_pixel(char c, std::size_t column, std::size_t row) noexcept;

/// Width of a line of text in font pixels, without the gap after the last glyph.
[[nodiscard]] constexpr std::size_t text_width(std::string_view text) noexcept {
    return text.empty() ? 0 : text.size() * kGlyphAdvance - (kGlyphAdvance - kGlyphWidth);
}

}  // namespace heart::audio
