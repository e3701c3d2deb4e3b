#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace heart::audio {

struct Rgb {
    std::uint8_t red = 0, green = 0, blue = 0;
    friend bool operator==(const Rgb&, const Rgb&) = default;
};

/// A picture, row after row from the top, sRGB.
struct Image {
    std::size_t width = 0, height = 0;
    std::vector<Rgb> pixels;

    Image() = default;
    Image(std::size_t columns, std::size_t rows, Rgb colour)
        : width(columns), height(rows), pixels(columns * rows, colour) {}

    [[nodiscard]] Rgb& at(std::size_t x, std::size_t y) { return pixels[y * width + x]; }
    [[nodiscard]] const Rgb& at(std::size_t x, std::size_t y) const { return pixels[y * width + x]; }
};

/// The picture as a PNG file in memory (RFC 2083; 8 bits per colour, no time stamp: the same picture, the same bytes).
/// Throws ErrorCode::internal with libpng's words.
[[nodiscard]] std::vector<char> encode_png(const Image& image);

/// Writes it to `path`, whole or not at all; throws like replace_file().
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace heart::audio
