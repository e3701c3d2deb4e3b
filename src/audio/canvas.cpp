#include "audio/canvas.h"

#include "audio/bitmap_font.h"
#include "core/utf8.h"

#include <algorithm>
#include <cmath>

namespace heart::audio {

void Canvas::set(std::int64_t x, std::int64_t y, Rgb colour) {
    if (x < 0 || y < 0 || x >= width() || y >= height()) return;
    image_.at(static_cast<std::size_t>(x), static_cast<std::size_t>(y)) = colour;
}

void Canvas::fill(std::int64_t x, std::int64_t y, std::int64_t columns, std::int64_t rows, Rgb colour, double opacity) {
    const auto mix = [opacity](std::uint8_t below, std::uint8_t above) {
        return static_cast<std::uint8_t>(std::lround(below + opacity * (above - below)));
    };
    const std::int64_t right = std::min(x + columns, width()), bottom = std::min(y + rows, height());
    for (std::int64_t row = std::max<std::int64_t>(y, 0); row < bottom; ++row) {
        for (std::int64_t column = std::max<std::int64_t>(x, 0); column < right; ++column) {
            Rgb& pixel = image_.at(static_cast<std::size_t>(column), static_cast<std::size_t>(row));
            pixel = {mix(pixel.red, colour.red), mix(pixel.green, colour.green), mix(pixel.blue, colour.blue)};
        }
    }
}

void Canvas::text(std::int64_t x, std::int64_t y, std::string_view line, Rgb colour, std::int64_t scale) {
    for (const char c : line) {
        for (std::size_t row = 0; row < kGlyphHeight + kGlyphDescent; ++row) {
            for (std::size_t column = 0; column < kGlyphWidth; ++column) {
                if (!glyph_pixel(c, column, row)) continue;
                fill(x + static_cast<std::int64_t>(column) * scale, y + static_cast<std::int64_t>(row) * scale, scale, scale,
                     colour);
            }
        }
        x += static_cast<std::int64_t>(kGlyphAdvance) * scale;
    }
}

std::int64_t drawn_width(std::string_view line, std::int64_t scale) {
    return static_cast<std::int64_t>(text_width(line)) * scale;
}

std::string ascii_text(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Char c = decode_utf8(text, at);
        out += c.length == 1 && c.code >= 0x20 && c.code < 0x7f ? static_cast<char>(c.code) : '?';
        at += std::max<std::size_t>(c.length, 1);
    }
    return out;
}

std::string fit_text(std::string_view line, std::int64_t pixels, std::int64_t scale) {
    if (drawn_width(line, scale) <= pixels) return std::string(line);
    const std::int64_t glyphs = pixels / (static_cast<std::int64_t>(kGlyphAdvance) * scale);
    if (glyphs <= 2) return "";
    return std::string(line.substr(0, static_cast<std::size_t>(glyphs - 2))) + "..";
}

}  // namespace heart::audio
