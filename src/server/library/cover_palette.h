#pragma once

#include "server/library/cover_canvas.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace heart::server::library::covers {

/// Colours that go together.
struct Palette {
    std::array<Colour, 3> ground;  ///< the sky, from above to the horizon
    std::array<Colour, 3> shape;   ///< what stands in front of it: strong, second, deep
    Colour light;                  ///< sun, moon, highlights
    [[nodiscard]] bool dark() const { return lightness(ground[0]) < 0.5; }
};

/// One that suits what the tags say ("sad, piano": rather blue than neon); which of those, `hash` decides.
[[nodiscard]] Palette choose_palette(std::string_view tags, std::uint64_t hash);

}  // namespace heart::server::library::covers
