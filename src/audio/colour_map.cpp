#include "audio/colour_map.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace heart::audio {

namespace {

using Colour = std::array<double, 3>;  // red, green, blue, 0 ... 255

/// Corners of the path through colour space; each is lighter than the one before it.
constexpr std::array<Colour, 9> kPath{{{2, 1, 8},
                                       {24, 14, 58},
                                       {72, 18, 112},
                                       {126, 32, 130},
                                       {182, 48, 122},
                                       {230, 78, 98},
                                       {250, 136, 92},
                                       {254, 196, 132},
                                       {253, 252, 200}}};

double linear_light(double value) {
    const double v = value / 255;
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}

/// The colour at `place` (0 ... 1) of the path.
Colour on_path(double place) {
    const double scaled = std::clamp(place, 0.0, 1.0) * static_cast<double>(kPath.size() - 1);
    const std::size_t corner = std::min(static_cast<std::size_t>(scaled), kPath.size() - 2);
    const double share = scaled - static_cast<double>(corner);
    Colour out{};
    for (std::size_t i = 0; i < 3; ++i) out[i] = kPath[corner][i] + share * (kPath[corner + 1][i] - kPath[corner][i]);
    return out;
}

double lightness_on_path(double place) {
    const Colour colour = on_path(place);
    return lightness(colour[0], colour[1], colour[2]);
}

/// The place where the path has this lightness, by bisection: lightness rises along it.
double place_of_lightness(double wanted) {
    double low = 0, high = 1;
    for (int i = 0; i < 40; ++i) {
        const double middle = (low + high) / 2;
        (lightness_on_path(middle) < wanted ? low : high) = middle;
    }
    return low;
}

std::array<Rgb, 256> make_level_colours() {
    const double darkest = lightness_on_path(0), lightest = lightness_on_path(1);
    const auto byte = [](double value) { return static_cast<std::uint8_t>(std::lround(value)); };
    std::array<Rgb, 256> colours{};
    for (std::size_t i = 0; i < colours.size(); ++i) {
        const double wanted = darkest + (lightest - darkest) * static_cast<double>(i) / 255;
        const Colour colour = on_path(place_of_lightness(wanted));
        colours[i] = {byte(colour[0]), byte(colour[1]), byte(colour[2])};
    }
    return colours;
}

}  // namespace

double lightness(double red, double green, double blue) {
    const double luminance = 0.2126 * linear_light(red) + 0.7152 * linear_light(green) + 0.0722 * linear_light(blue);
    return luminance > 216.0 / 24389 ? 116 * std::cbrt(luminance) - 16 : luminance * 24389 / 27;
}

const std::array<Rgb, 256>& level_colours() {
    static const std::array<Rgb, 256> kColours = make_level_colours();
    return kColours;
}

}  // namespace heart::audio
