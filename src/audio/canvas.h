#pragma once

#include "audio/png.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace heart::audio {

/// Draws on a picture; whatever lies outside it is left out.
class Canvas {
public:
    Canvas(std::size_t width, std::size_t height, Rgb background) : image_(width, height, background) {}

    [[nodiscard]] const Image& image() const noexcept { return image_; }
    [[nodiscard]] std::int64_t width() const noexcept { return static_cast<std::int64_t>(image_.width); }
    [[nodiscard]] std::int64_t height() const noexcept { return static_cast<std::int64_t>(image_.height); }

    void set(std::int64_t x, std::int64_t y, Rgb colour);
    /// Mixes `colour` into what is there; `opacity` 0 ... 1.
    void fill(std::int64_t x, std::int64_t y, std::int64_t columns, std::int64_t rows, Rgb colour, double opacity = 1);
    /// One line in the built-in font, every font pixel `scale` pixels large; (x, y) is the top left of the capitals.
    void text(std::int64_t x, std::int64_t y, std::string_view line, Rgb colour, std::int64_t scale);

private:
    Image image_;
};

/// Width in pixels of what Canvas::text() draws.
[[nodiscard]] std::int64_t drawn_width(std::string_view line, std::int64_t scale);

/// `text` with one '?' for every character outside printable ASCII, of which the font has no glyph.
[[nodiscard]] std::string ascii_text(std::string_view text);

/// `line` (printable ASCII), or as much of its start as fits into `pixels` at this scale, then with ".." at its end.
[[nodiscard]] std::string fit_text(std::string_view line, std::int64_t pixels, std::int64_t scale);

}  // namespace heart::audio
