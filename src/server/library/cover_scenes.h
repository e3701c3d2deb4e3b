#pragma once

#include "server/library/cover_canvas.h"
#include "server/library/cover_palette.h"

#include <cstdint>
#include <numbers>
#include <vector>

namespace heart::server::library::covers {

constexpr double kTurn = 2 * std::numbers::pi;  ///< a whole turn, in radians

/// A part of the song, as its lyrics name them.
struct Section {
    double from = 0, to = 1;  ///< shares of the song
    bool chorus = false;
};

/// All that a scene is drawn from.
struct Plan {
    std::uint64_t seed = 0;
    Palette palette;
    Curve loudness;  ///< over the song, 0..1
    std::vector<Section> sections;
};

/// A scene draws the whole picture but its grain.
using Scene = void (*)(Canvas&, const Plan&);

// Landscapes (cover_land.cpp): the loudness is a line of the land.
void draw_ridges(Canvas& canvas, const Plan& plan);
void draw_waves(Canvas& canvas, const Plan& plan);
void draw_dunes(Canvas& canvas, const Plan& plan);
void draw_sea(Canvas& canvas, const Plan& plan);
void draw_aurora(Canvas& canvas, const Plan& plan);

// Forms (cover_forms.cpp): the song goes round a centre or through a pattern.
void draw_rings(Canvas& canvas, const Plan& plan);
void draw_burst(Canvas& canvas, const Plan& plan);
void draw_ribbons(Canvas& canvas, const Plan& plan);
void draw_mosaic(Canvas& canvas, const Plan& plan);
void draw_planet(Canvas& canvas, const Plan& plan);
void draw_bloom(Canvas& canvas, const Plan& plan);

/// The palette's ground as a gradient from above to below, leaning by `lean`, lighter around `glow`.
void paint_sky(Canvas& canvas, const Plan& plan, double lean, Point glow, double glow_radius, double glow_strength);
/// Small stars above `horizon`, only where the sky is dark.
void paint_stars(Canvas& canvas, const Plan& plan, Random& random, double horizon, int count);

}  // namespace heart::server::library::covers
