#include "server/library/cover_scenes.h"

#include <algorithm>
#include <cmath>

namespace heart::server::library::covers {

namespace {

constexpr int kLinePoints = 384;

/// A line from the left edge to the right one, a bit beyond both.
template <typename Height>
std::vector<Point> line_over(Height height) {
    std::vector<Point> line;
    line.reserve(kLinePoints + 1);
    for (int i = 0; i <= kLinePoints; ++i) {
        const double x = -0.02 + 1.04 * i / kLinePoints;
        line.push_back({x, height(x)});
    }
    return line;
}

/// Sun or moon: light around it, and a disc that is a little darker below.
void paint_sun(const Canvas& canvas, const Palette& palette, Point at, double radius) {
    canvas.glow(at, radius * 4, palette.light, palette.dark() ? 0.38 : 0.6);
    canvas.use_line({at.x, at.y - radius}, {at.x, at.y + radius},
                    {{0, palette.light}, {1, mix(palette.light, palette.shape[0], palette.dark() ? 0.3 : 0.75)}});
    canvas.disc(at, radius);
}

/// How far layer `i` of `count` is: 0 the farthest, 1 the nearest.
double nearness(int i, int count) {
    return count < 2 ? 1 : static_cast<double>(i) / (count - 1);
}

}  // namespace

void paint_sky(Canvas& canvas, const Plan& plan, double lean, Point glow, double glow_radius, double glow_strength) {
    const auto& [above, middle, below] = plan.palette.ground;
    constexpr int kSteps = 512;  // colours are mixed once for each step, not for each pixel
    std::vector<Colour> steps;
    for (int i = 0; i <= kSteps; ++i) {
        const double t = static_cast<double>(i) / kSteps;
        steps.push_back(t < 0.55 ? mix(above, middle, t / 0.55) : mix(middle, below, (t - 0.55) / 0.45));
    }
    canvas.ground(
        [&](Point p) {
            const double along = std::clamp(p.y + lean * (p.x - 0.5), 0.0, 1.0) * kSteps;
            const auto step = static_cast<std::size_t>(along);
            const Colour& a = steps[step];
            const Colour& b = steps[std::min<std::size_t>(step + 1, kSteps)];
            const double part = along - static_cast<double>(step);
            const double far = std::hypot(p.x - glow.x, p.y - glow.y) / glow_radius;
            const double lit = glow_strength * std::exp(-3 * far * far);
            const auto blend = [&](double Colour::*c) {
                return std::lerp(std::lerp(a.*c, b.*c, part), plan.palette.light.*c, lit);
            };
            return Colour{blend(&Colour::red), blend(&Colour::green), blend(&Colour::blue)};
        },
        plan.seed);
}

void paint_stars(Canvas& canvas, const Plan& plan, Random& random, double horizon, int count) {
    if (lightness(plan.palette.ground[0]) > 0.35) return;
    for (int i = 0; i < count; ++i) {
        const double depth = random.uniform();
        const Point at{random.uniform(), horizon * random.uniform()};
        const double fade = 1 - at.y / horizon;
        canvas.use(plan.palette.light, (0.25 + 0.65 * depth * depth) * (0.25 + 0.75 * fade));
        canvas.disc(at, 0.0008 + 0.0018 * depth * depth * depth);
    }
}

void draw_ridges(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    const Point sun{random.between(0.22, 0.78), random.between(0.22, 0.36)};
    paint_sky(canvas, plan, random.between(-0.15, 0.15), sun, 0.8, p.dark() ? 0.22 : 0.35);
    paint_stars(canvas, plan, random, 0.5, 160);
    paint_sun(canvas, p, sun, random.between(0.055, 0.105));

    const int count = 5 + random.below(2);
    const Curve calm = plan.loudness.smooth(0.03);
    const bool mirrored = random.chance(0.5);
    for (int i = 0; i < count; ++i) {
        const double near = nearness(i, count);
        const std::uint64_t rough = random.next();
        const double shift = random.between(-0.3, 0.3), stretch = random.between(0.6, 1.0);
        const double base = std::lerp(0.50, 0.99, near), height = std::lerp(0.20, 0.26, near);
        const auto line = line_over([&](double x) {
            const double t = (mirrored ? 1 - x : x) * stretch + shift;
            const double song = calm.at(t - std::floor(t));  // every ridge is a piece of the song
            // Ridged noise: its folds are the crests.
            const double crest = 1 - std::abs(noise(rough, x * std::lerp(5.0, 2.6, near), 6)) * 1.6;
            return base - height * (0.45 * song + 0.75 * crest - 0.15);
        });
        const Colour haze = mix(p.ground[2], p.light, 0.25);
        const Colour rock = mix(mix(p.ground[2], p.shape[1], 0.55), p.shape[2], std::pow(near, 0.8));
        canvas.use_line({0, base - height}, {0, base + 0.16},
                        {{0, rock}, {0.35, rock}, {1, mix(rock, haze, 0.62 * (1 - near))}});
        canvas.fill_below(line);
    }
}

void draw_waves(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    const Point sun{random.between(0.25, 0.75), random.between(0.2, 0.32)};
    paint_sky(canvas, plan, random.between(-0.3, 0.3), sun, 0.75, 0.3);
    paint_sun(canvas, p, sun, random.between(0.07, 0.14));

    cairo_save(canvas.pen());
    cairo_translate(canvas.pen(), 0.5, 0.5);
    cairo_rotate(canvas.pen(), random.between(-0.16, 0.16));
    cairo_scale(canvas.pen(), 1.35, 1.35);
    cairo_translate(canvas.pen(), -0.5, -0.5);
    const int count = 7 + random.below(3);
    const Curve swell = plan.loudness.smooth(0.07);
    for (int i = 0; i < count; ++i) {
        const double near = nearness(i, count);
        const double phase = random.between(0, kTurn), turns = random.between(1.1, 2.1);
        const double shift = random.uniform(), base = std::lerp(0.46, 0.97, near);
        const auto line = line_over([&](double x) {
            const double song = swell.at(std::abs(std::fmod(x + shift, 2.0) - 1));
            return base - (0.015 + 0.085 * song) * std::sin(turns * kTurn * x + phase) -
                   0.02 * std::sin(turns * 5.3 * x + 2 * phase);
        });
        const Colour bright = i % 2 == 0 ? p.shape[0] : p.shape[1];
        const Colour water = mix(mix(p.ground[2], bright, 0.35 + 0.5 * near), p.shape[2], std::pow(near, 1.7) * 0.92);
        canvas.use_line({0, base - 0.1}, {0, base + 0.17},
                        {{0, mix(water, p.light, 0.22)}, {0.5, water}, {1, mix(water, p.shape[2], 0.45)}});
        canvas.fill_below(line);
        canvas.path(line);
        canvas.use(p.light, 0.42 * (1 - 0.6 * near));
        canvas.stroke(0.0022);
    }
    cairo_restore(canvas.pen());
}

void draw_dunes(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    const bool from_left = random.chance(0.5);
    const Point sun{from_left ? random.between(0.2, 0.4) : random.between(0.6, 0.8), random.between(0.24, 0.36)};
    paint_sky(canvas, plan, 0, sun, 0.9, 0.35);
    paint_stars(canvas, plan, random, 0.4, 60);
    paint_sun(canvas, p, sun, random.between(0.09, 0.16));

    const int count = 4;
    const Curve wind = plan.loudness.smooth(0.1);
    double peak = random.between(0.3, 0.7);
    for (int i = 0; i < count; ++i) {
        const double near = nearness(i, count);
        peak = std::fmod(peak + random.between(0.35, 0.65), 1.0);  // never one behind the other
        const double summit = 0.1 + 0.8 * peak, base = std::lerp(0.66, 1.02, near);
        const double height = std::lerp(0.12, 0.30, near), shift = random.uniform();
        const std::uint64_t bend = random.next();
        const auto crest = [&](double x) {
            const double away = std::abs(x - summit) / std::lerp(0.32, 0.55, near);
            const double song = wind.at(std::abs(std::fmod(0.7 * x + shift, 2.0) - 1));
            return base - height * std::exp(-1.3 * std::pow(away, 1.25)) - 0.06 * song + 0.02 * noise(bend, 2.2 * x, 2);
        };
        const Colour sand = mix(mix(p.ground[2], p.shape[0], 0.35 + 0.3 * near), p.shape[1], near * 0.75);
        const Colour lit = mix(sand, p.light, 0.42 - 0.15 * near), shade = mix(sand, p.shape[2], 0.4 + 0.4 * near);
        canvas.use_line({0, base - height}, {0, base + 0.3}, {{0, lit}, {0.5, sand}, {1, mix(sand, shade, 0.6)}});
        canvas.fill_below(line_over(crest));

        // The slope that looks away from the sun: along the crest, and back up to the summit in an S.
        constexpr int kSteps = 100;
        const double side = from_left ? 1 : -1, lean = random.between(0.04, 0.12), far = 1.15;
        std::vector<Point> slope;
        for (int k = 0; k <= kSteps; ++k) {
            const double x = summit + side * far * k / kSteps;
            slope.push_back({x, crest(x)});
        }
        for (int k = kSteps; k >= 0; --k) {
            const double t = static_cast<double>(k) / kSteps;
            slope.push_back({summit + side * (0.42 * t * t - lean * std::sin(kTurn * t)), crest(summit) + 0.7 * t});
        }
        canvas.path(slope);
        cairo_close_path(canvas.pen());
        canvas.use_line({summit, 0}, {summit + side * 0.7, 0}, {{0, shade, 0.95}, {0.45, shade, 0.7}, {1, shade, 0.1}});
        cairo_fill(canvas.pen());
    }
}

void draw_sea(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    const double horizon = random.between(0.52, 0.62), radius = random.between(0.17, 0.27);
    const Point sun{random.between(0.38, 0.62), horizon - radius * random.between(0.15, 0.75)};
    paint_sky(canvas, plan, 0, {sun.x, horizon}, 0.75, 0.3);
    paint_stars(canvas, plan, random, horizon * 0.8, 130);

    canvas.glow(sun, radius * 2.6, mix(p.light, p.shape[0], 0.4), 0.5);
    canvas.use_line({0, sun.y - radius}, {0, horizon}, {{0, p.light}, {1, p.shape[0]}});
    canvas.disc(sun, radius);

    const Colour far = mix(p.ground[2], p.shape[2], 0.35), deep = mix(p.ground[0], p.shape[2], 0.75);
    cairo_rectangle(canvas.pen(), 0, horizon, 1, 1 - horizon);
    canvas.use_line({0, horizon}, {0, 1}, {{0, far}, {0.45, mix(far, deep, 0.65)}, {1, deep}});
    cairo_fill(canvas.pen());

    // The song runs down the water: what is loud glitters wide.
    const Curve glitter = plan.loudness.smooth(0.008);
    constexpr int kRows = 46;
    for (int row = 0; row < kRows; ++row) {
        const double t = (row + 0.5) / kRows, deeper = std::pow(t, 1.5);
        const double y = horizon + 0.006 + (1 - horizon) * deeper;
        const double half =
            (0.35 + 0.95 * glitter.at(t)) * radius * (1 - 0.35 * t) * (row == 0 ? 0.9 : random.between(0.55, 1.05));
        const int pieces = 1 + random.below(3);
        for (int piece = 0; piece < pieces; ++piece) {
            const double middle = sun.x + (pieces == 1 ? 0 : random.between(-0.8, 0.8) * half);
            const double reach = half * (pieces == 1 ? 1 : random.between(0.25, 0.6));
            cairo_move_to(canvas.pen(), middle - reach, y);
            cairo_line_to(canvas.pen(), middle + reach, y);
            canvas.use(mix(p.light, p.shape[0], 0.25 + 0.75 * t), 0.9 - 0.6 * t);
            canvas.stroke(0.0022 + 0.007 * deeper);
        }
    }
}

void draw_aurora(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    paint_sky(canvas, plan, random.between(-0.2, 0.2), {0.5, 0.95}, 0.7, 0.12);
    paint_stars(canvas, plan, random, 0.75, 220);

    const Curve tall = plan.loudness.smooth(0.012);
    const int curtains = 3;
    cairo_set_line_cap(canvas.pen(), CAIRO_LINE_CAP_BUTT);
    cairo_set_operator(canvas.pen(), CAIRO_OPERATOR_SCREEN);
    for (int c = 0; c < curtains; ++c) {
        const std::uint64_t fold = random.next();
        const double foot = 0.46 + 0.14 * c + random.between(-0.04, 0.04), slope = random.between(-0.22, 0.22);
        const Colour low = c % 2 == 0 ? p.shape[0] : p.shape[1], high = c % 2 == 0 ? p.shape[1] : p.shape[0];
        constexpr int kRays = 300;
        for (int ray = 0; ray < kRays; ++ray) {
            const double t = (ray + 0.5) / kRays;
            const double wave = noise(fold, 2.4 * t, 2), x = -0.05 + 1.1 * t + 0.07 * noise(fold + 1, 3 * t);
            const double y = foot + 0.13 * wave + slope * (t - 0.5);
            const double height = (0.12 + 0.48 * tall.at(c % 2 == 0 ? t : 1 - t)) * (0.8 + 0.2 * noise(fold + 2, 60 * t));
            const double alpha = (0.10 + 0.14 * std::abs(noise(fold + 3, 9 * t, 3))) * 1.5;
            cairo_move_to(canvas.pen(), x, y + 0.03);
            cairo_line_to(canvas.pen(), x + 0.03 * wave, y - height);
            canvas.use_line({x, y + 0.03}, {x, y - height},
                            {{0, low, 0}, {0.08, low, alpha * 1.6}, {0.4, mix(low, high, 0.5), alpha}, {1, high, 0}});
            canvas.stroke(0.009);
        }
    }
    cairo_set_operator(canvas.pen(), CAIRO_OPERATOR_OVER);
    cairo_set_line_cap(canvas.pen(), CAIRO_LINE_CAP_ROUND);

    for (int i = 0; i < 2; ++i) {
        const std::uint64_t rough = random.next();
        canvas.use(mix(p.shape[2], p.ground[1], i == 0 ? 0.3 : 0.0));
        canvas.fill_below(
            line_over([&](double x) { return 0.84 + 0.08 * i - 0.09 * (1 - std::abs(noise(rough, 2.5 * x, 5)) * 1.6); }));
    }
}

}  // namespace heart::server::library::covers
