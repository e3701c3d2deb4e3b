#include "server/library/cover_scenes.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace heart::server::library::covers {

namespace {

/// What glows on a dark ground and stains a light one.
cairo_operator_t blending(const Palette& palette) {
    return palette.dark() ? CAIRO_OPERATOR_SCREEN : CAIRO_OPERATOR_MULTIPLY;
}

Point around(Point centre, double angle, double radius) {
    return {centre.x + radius * std::cos(angle), centre.y + radius * std::sin(angle)};
}

/// The strong colour of a section: choruses share one.
Colour section_colour(const Palette& p, const Section& section, std::size_t number) {
    if (section.chorus) return p.shape[0];
    const double t = static_cast<double>(number % 3) / 3;
    return mix(p.shape[1], p.dark() ? p.light : p.shape[2], t);
}

}  // namespace

void draw_rings(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    const Point centre{random.between(0.42, 0.58), random.between(0.42, 0.58)};
    paint_sky(canvas, plan, random.between(-0.5, 0.5), centre, 0.6, 0.16);

    // One band for each section, from the middle outwards; each goes round as far as the song is loud there.
    const std::size_t count = std::clamp<std::size_t>(plan.sections.size(), 4, 9);
    const double inner = 0.085, outer = 0.43, step = (outer - inner) / static_cast<double>(count);
    const double start = random.between(0, kTurn), way = random.chance(0.5) ? 1 : -1;
    for (std::size_t i = 0; i < count; ++i) {
        const Section section = i < plan.sections.size()
                                    ? plan.sections[i]
                                    : Section{static_cast<double>(i) / static_cast<double>(count),
                                              static_cast<double>(i + 1) / static_cast<double>(count), i % 3 == 1};
        const double loud = plan.loudness.mean(section.from, section.to);
        const double radius = inner + step * (static_cast<double>(i) + 0.5), width = step * (0.34 + 0.38 * loud);
        const double sweep = kTurn * std::clamp(0.28 + 0.6 * loud + random.between(-0.1, 0.1), 0.2, 0.93);
        const double from = start + way * kTurn * section.from * 1.5;
        const Colour c = section_colour(p, section, i);
        canvas.use(c, 0.13);
        cairo_new_path(canvas.pen());
        cairo_arc(canvas.pen(), centre.x, centre.y, radius, 0, kTurn);
        canvas.stroke(width * 0.5);
        const double last = from + way * sweep;
        canvas.use_line(around(centre, from, radius), around(centre, last, radius), {{0, mix(c, p.light, 0.3)}, {1, c}});
        cairo_new_path(canvas.pen());
        if (way > 0) cairo_arc(canvas.pen(), centre.x, centre.y, radius, from, last);
        else cairo_arc_negative(canvas.pen(), centre.x, centre.y, radius, from, last);
        canvas.stroke(width);
        canvas.use(p.light);
        canvas.disc(around(centre, last, radius), width * 0.2);
    }
    canvas.glow(centre, 0.22, p.light, p.dark() ? 0.4 : 0.7);
    canvas.use(p.light);
    canvas.disc(centre, 0.042);
}

void draw_burst(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    const Point centre{0.5 + random.between(-0.05, 0.05), 0.5 + random.between(-0.05, 0.05)};
    paint_sky(canvas, plan, random.between(-0.6, 0.6), centre, 0.55, p.dark() ? 0.18 : 0.35);

    const int bars = 96 + 12 * random.below(4);
    const Curve loud = plan.loudness.smooth(0.004);
    const double inner = random.between(0.13, 0.18), start = random.uniform() * kTurn;
    const double width = kTurn * inner / bars * 0.62;
    for (int i = 0; i < bars; ++i) {
        const double t = (i + 0.5) / bars, angle = start + kTurn * t;
        const double length = 0.02 + 0.27 * std::pow(loud.at(t), 1.3) * random.between(0.72, 1.0);
        // There and back through the colours, so that the end of the song meets its beginning.
        const double tint = 1 - std::abs(2 * t - 1);
        const Colour c = mix(p.shape[0], p.shape[1], tint);
        const Point from = around(centre, angle, inner), to = around(centre, angle, inner + length);
        cairo_new_path(canvas.pen());
        cairo_move_to(canvas.pen(), from.x, from.y);
        cairo_line_to(canvas.pen(), to.x, to.y);
        canvas.use_line(from, to, {{0, mix(c, p.light, 0.5)}, {0.35, c}, {1, c, 0.85}});
        canvas.stroke(width * (1 + 1.1 * length / 0.3));
        canvas.use(p.dark() ? p.light : p.shape[2], 0.7);
        canvas.disc(around(centre, angle, inner + length + 0.035), width * 0.3);
    }
    canvas.glow(centre, inner * 1.9, mix(p.shape[0], p.light, 0.4), p.dark() ? 0.55 : 0.35);
    canvas.use_line({centre.x - inner, centre.y - inner}, {centre.x + inner, centre.y + inner},
                    {{0, p.dark() ? p.light : mix(p.shape[2], p.shape[0], 0.3)}, {1, p.dark() ? p.shape[0] : p.shape[2]}});
    canvas.disc(centre, inner * 0.78);
}

void draw_ribbons(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    paint_sky(canvas, plan, random.between(-0.7, 0.7), {0.5, 0.5}, 0.7, 0.1);
    const Curve swell = plan.loudness.smooth(0.05);

    cairo_save(canvas.pen());
    cairo_translate(canvas.pen(), 0.5, 0.5);
    cairo_rotate(canvas.pen(), random.between(-0.6, 0.6));
    cairo_scale(canvas.pen(), 1.5, 1.5);
    cairo_translate(canvas.pen(), -0.5, -0.5);
    cairo_set_operator(canvas.pen(), blending(p));
    constexpr int kBundles = 3, kStrands = 32, kPoints = 160;
    for (int b = 0; b < kBundles; ++b) {
        const double phase = random.between(0, kTurn), turns = random.between(0.7, 1.35), twist = random.between(1.2, 2.6);
        const double height = random.between(0.12, 0.2), middle = 0.5 + 0.1 * (b - 1) + random.between(-0.04, 0.04);
        const std::array<Colour, 3> colours{p.shape[0], p.shape[1], mix(p.shape[0], p.light, 0.5)};
        const Colour from = colours[static_cast<std::size_t>(b)], to = colours[static_cast<std::size_t>((b + 1) % 3)];
        for (int s = 0; s < kStrands; ++s) {
            const double across = static_cast<double>(s) / (kStrands - 1);
            std::vector<Point> line;
            for (int i = 0; i <= kPoints; ++i) {
                const double x = static_cast<double>(i) / kPoints, loud = 0.25 + 0.9 * swell.at(x);
                const double spine = middle + height * loud * std::sin(turns * kTurn * x + phase);
                const double width = 0.14 * loud * std::cos(twist * kTurn * 0.5 * x + phase * 1.7);
                line.push_back({x, spine + width * (across - 0.5) + 0.02 * std::sin(kTurn * (x * 2.2 + across))});
            }
            canvas.path(line);
            const Colour c = mix(from, to, across);
            const double edge = 0.22 + 0.5 * std::pow(std::abs(2 * across - 1), 3);
            canvas.use(c, edge * (p.dark() ? 0.8 : 0.55));
            canvas.stroke(0.0046);
        }
    }
    cairo_restore(canvas.pen());
}

namespace {

/// One tile of the mosaic, in a square from (0, 0) to (1, 1).
void draw_tile(const Canvas& canvas, int kind, const Colour& first, const Colour& second) {
    cairo_t* const pen = canvas.pen();
    const auto wedge = [pen](double radius) {
        cairo_new_path(pen);
        cairo_move_to(pen, 0, 0);
        cairo_arc(pen, 0, 0, radius, 0, kTurn / 4);
        cairo_close_path(pen);
        cairo_fill(pen);
    };
    canvas.use(first);
    switch (kind) {
        case 0: wedge(1); break;
        case 1:
            wedge(1);
            canvas.use(second);
            wedge(0.5);
            break;
        case 2: canvas.disc({0.5, 0.5}, 0.36); break;
        case 3:
            cairo_new_path(pen);
            cairo_arc(pen, 0.5, 0, 0.5, 0, kTurn / 2);
            cairo_fill(pen);
            canvas.use(second);
            cairo_new_path(pen);
            cairo_arc(pen, 0.5, 1, 0.5, kTurn / 2, kTurn);
            cairo_fill(pen);
            break;
        case 4:
            cairo_new_path(pen);
            cairo_move_to(pen, 0, 0);
            cairo_line_to(pen, 1, 0);
            cairo_line_to(pen, 0, 1);
            cairo_close_path(pen);
            cairo_fill(pen);
            break;
        default:
            for (int ring = 0; ring < 4; ++ring) {
                canvas.use(ring % 2 == 0 ? first : second);
                wedge(1 - 0.25 * ring);
            }
    }
}

}  // namespace

void draw_mosaic(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    paint_sky(canvas, plan, 0.4, {0.3, 0.2}, 0.9, 0.1);
    const int count = 4 + random.below(3), cells = count * count;
    const Curve loud = plan.loudness.smooth(0.5 / cells);
    const std::array<Colour, 6> colours{p.shape[0], p.shape[1],  p.light,
                                        p.shape[2], p.ground[1], mix(p.shape[0], p.ground[2], 0.5)};
    // The song is read like a page: quiet cells have one still form, loud ones several and strong colours.
    for (int cell = 0; cell < cells; ++cell) {
        const double level = loud.at((cell + 0.5) / cells);
        const double size = 1.0 / count;
        const int row = cell / count;
        cairo_save(canvas.pen());
        cairo_translate(canvas.pen(), (cell % count + 0.5) * size, (row + 0.5) * size);
        cairo_scale(canvas.pen(), size, size);
        cairo_rotate(canvas.pen(), kTurn / 4 * random.below(4));
        cairo_translate(canvas.pen(), -0.5, -0.5);
        const int ground = 3 + random.below(3);
        canvas.use(colours[static_cast<std::size_t>(ground)]);
        cairo_rectangle(canvas.pen(), -0.003, -0.003, 1.006, 1.006);
        cairo_fill(canvas.pen());
        static constexpr std::array<int, 3> kStill{2, 0, 4}, kLively{1, 3, 5};
        const int pick = random.below(3);
        const int kind =
            random.chance(level) ? kLively[static_cast<std::size_t>(pick)] : kStill[static_cast<std::size_t>(pick)];
        const int first = random.below(3), second = (first + 1 + random.below(2)) % 3;
        const double strength = 0.55 + 0.45 * level;
        const auto tint = [&](int i) {
            return mix(colours[static_cast<std::size_t>(ground)], colours[static_cast<std::size_t>(i)], strength);
        };
        draw_tile(canvas, kind, tint(first), tint(second));
        cairo_restore(canvas.pen());
    }
    // One light over all, so that it is one picture.
    canvas.use_line({0, 0}, {1, 1}, {{0, p.light, 0.14}, {0.5, p.light, 0}, {1, p.shape[2], 0.3}});
    cairo_paint(canvas.pen());
}

void draw_planet(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    paint_sky(canvas, plan, random.between(-0.5, 0.5), {0.2, 0.2}, 0.9, 0.12);
    paint_stars(canvas, plan, random, 1.2, 260);
    const Point centre{0.5 + random.between(-0.06, 0.06), 0.5 + random.between(-0.06, 0.06)};
    const double radius = random.between(0.26, 0.33), tilt = random.between(-0.55, 0.55);
    const double ring = radius * random.between(1.55, 1.75), flat = random.between(0.2, 0.32);
    cairo_t* const pen = canvas.pen();

    // The song as a ring: its loudness in fine grooves.
    const auto draw_ring = [&](double from, double to) {
        cairo_save(pen);
        cairo_translate(pen, centre.x, centre.y);
        cairo_rotate(pen, tilt);
        cairo_scale(pen, 1, flat);
        constexpr int kGrooves = 42;
        for (int g = 0; g < kGrooves; ++g) {
            const double t = (g + 0.5) / kGrooves;
            cairo_new_path(pen);
            cairo_arc(pen, 0, 0, std::lerp(radius * 1.22, ring, t), from, to);
            canvas.use(mix(p.light, p.dark() ? p.shape[1] : p.shape[2], t), 0.12 + 0.8 * plan.loudness.at(t));
            canvas.stroke((ring - radius * 1.22) / kGrooves * 0.85);
        }
        cairo_restore(pen);
    };
    cairo_set_line_cap(pen, CAIRO_LINE_CAP_BUTT);
    canvas.glow(centre, radius * 2.0, mix(p.shape[0], p.light, 0.3), p.dark() ? 0.35 : 0.5);
    draw_ring(kTurn / 2, kTurn);

    cairo_save(pen);
    cairo_new_path(pen);
    cairo_arc(pen, centre.x, centre.y, radius, 0, kTurn);
    cairo_clip(pen);
    canvas.use(p.shape[0]);
    cairo_paint(pen);
    cairo_translate(pen, centre.x, centre.y);
    cairo_rotate(pen, tilt);
    const std::uint64_t clouds = random.next();
    for (std::size_t i = 0; i < plan.sections.size(); ++i) {  // a belt of clouds for each section
        const Section& s = plan.sections[i];
        std::vector<Point> belt;
        for (int k = 0; k <= 80; ++k) {
            const double x = -1 + k / 40.0;
            belt.push_back({x * radius, radius * (2 * s.from - 1) + 0.012 * noise(clouds + i, 4 * x, 3)});
        }
        const Colour c = mix(section_colour(p, s, i), p.shape[0], 0.25);
        canvas.use(mix(c, p.shape[2], 0.25 * (1 - plan.loudness.mean(s.from, s.to))), 0.92);
        canvas.fill_below(belt);
    }
    cairo_restore(pen);
    const Point lit{centre.x - radius * 0.45, centre.y - radius * 0.5};
    canvas.use_circle(lit, radius * 1.75,
                      {{0, p.light, 0.5}, {0.35, p.light, 0.06}, {0.6, p.shape[2], 0.25}, {1, p.shape[2], 0.9}});
    canvas.disc(centre, radius);
    draw_ring(0, kTurn / 2);
    cairo_set_line_cap(pen, CAIRO_LINE_CAP_ROUND);

    const int moons = 1 + random.below(3);
    for (int i = 0; i < moons; ++i) {
        const Point at = around(centre, tilt + random.between(0.15, 0.35) * kTurn * (i % 2 == 0 ? 1 : -1),
                                radius * random.between(1.35, 1.6));
        const double size = random.between(0.014, 0.034);
        canvas.use_circle({at.x - size * 0.4, at.y - size * 0.4}, size * 1.7,
                          {{0, p.light}, {0.5, p.shape[1]}, {1, p.shape[2]}});
        canvas.disc(at, size);
    }
}

void draw_bloom(Canvas& canvas, const Plan& plan) {
    Random random(plan.seed);
    const Palette& p = plan.palette;
    const Point centre{0.5 + random.between(-0.04, 0.04), 0.5 + random.between(-0.04, 0.04)};
    paint_sky(canvas, plan, random.between(-0.5, 0.5), centre, 0.6, p.dark() ? 0.14 : 0.4);
    cairo_t* const pen = canvas.pen();

    const int layers = 4, petals = 7 + random.below(6);
    const double spin = random.uniform() * kTurn;
    const Curve loud = plan.loudness.smooth(0.02);
    cairo_set_operator(pen, blending(p));
    for (int layer = 0; layer < layers; ++layer) {  // large ones first
        const double reach = std::lerp(0.44, 0.15, static_cast<double>(layer) / (layers - 1));
        const Colour c = layer % 2 == 0 ? p.shape[0] : p.shape[1];
        for (int i = 0; i < petals; ++i) {
            const double t = (i + 0.5 * (layer % 2)) / petals;
            const double length = reach * (0.62 + 0.45 * loud.at((i + static_cast<double>(layer) / layers) / petals));
            const double width = length * std::min(0.42, 2.6 / petals);
            cairo_save(pen);
            cairo_translate(pen, centre.x, centre.y);
            cairo_rotate(pen, spin + kTurn * t);
            cairo_new_path(pen);
            cairo_move_to(pen, 0, 0);
            cairo_curve_to(pen, length * 0.3, -width, length * 0.8, -width * 0.9, length, 0);
            cairo_curve_to(pen, length * 0.8, width * 0.9, length * 0.3, width, 0, 0);
            canvas.use_line({0, 0}, {length, 0},
                            {{0, mix(c, p.light, 0.3), 0.25}, {0.7, c, 0.5}, {1, mix(c, p.light, 0.2), 0.72}});
            cairo_fill_preserve(pen);
            canvas.use(mix(c, p.light, 0.6), p.dark() ? 0.3 : 0.5);
            canvas.stroke(0.0016);
            cairo_restore(pen);
        }
    }
    cairo_set_operator(pen, CAIRO_OPERATOR_OVER);
    canvas.glow(centre, 0.13, p.light, 0.9);
    // Stamens: the song once around.
    constexpr int kStamens = 48;
    for (int i = 0; i < kStamens; ++i) {
        const double t = static_cast<double>(i) / kStamens;
        canvas.use(p.dark() ? p.light : p.shape[2], 0.85);
        canvas.disc(around(centre, spin + kTurn * t, 0.045 + 0.045 * loud.at(t)), 0.0035);
    }
}

}  // namespace heart::server::library::covers
