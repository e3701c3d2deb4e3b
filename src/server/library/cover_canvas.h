#pragma once

#include "audio/png.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include <cairo.h>

namespace heart::server::library::covers {

/// sRGB, each part 0..1.
struct Colour {
    double red = 0, green = 0, blue = 0;
};

/// From 0xRRGGBB.
[[nodiscard]] Colour colour(std::uint32_t rgb);
/// From `a` (t = 0) to `b` (t = 1) in the OKLab space, where the way between two colours is not grey.
[[nodiscard]] Colour mix(const Colour& a, const Colour& b, double t);
/// How light it looks, 0..1 (OKLab's L).
[[nodiscard]] double lightness(const Colour& c);

/// A row of numbers that depends on its seed alone (splitmix64).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    double uniform();  ///< [0, 1)
    double between(double low, double high) { return low + (high - low) * uniform(); }
    int below(int count) { return static_cast<int>(next() % static_cast<std::uint64_t>(count)); }  ///< 0 .. count - 1
    bool chance(double share) { return uniform() < share; }

private:
    std::uint64_t state_;
};

/// Smooth noise in -1..1 with features of size 1, and of halves of that for each further octave.
[[nodiscard]] double noise(std::uint64_t seed, double x, int octaves = 1);

/// Values over 0..1, read between its points.
class Curve {
public:
    explicit Curve(std::vector<double> values) : values_(std::move(values)) {}
    [[nodiscard]] double at(double t) const;  ///< t is taken into 0..1
    [[nodiscard]] double mean(double from, double to) const;
    /// Each point is the mean of what is nearer than `reach` (a share of the whole).
    [[nodiscard]] Curve smooth(double reach) const;

private:
    std::vector<double> values_;
};

struct Point {
    double x = 0, y = 0;
};

struct Stop {
    double at = 0;
    Colour colour;
    double alpha = 1;
};

/// A square picture in the making. All lengths are shares of its side, (0, 0) is the upper left corner.
class Canvas {
public:
    explicit Canvas(int pixels);
    [[nodiscard]] cairo_t* pen() const { return pen_.get(); }

    /// Colours every pixel by `paint`, finely enough that soft gradients show no steps.
    void ground(const std::function<Colour(Point)>& paint, std::uint64_t seed);

    void use(const Colour& c, double alpha = 1) const;
    void use_line(Point from, Point to, std::initializer_list<Stop> stops) const;  ///< a linear gradient
    void use_circle(Point centre, double radius, std::initializer_list<Stop> stops) const;

    void disc(Point centre, double radius) const;  ///< filled
    /// Light that fades outwards as a bell curve does.
    void glow(Point centre, double radius, const Colour& c, double alpha) const;
    void path(const std::vector<Point>& points) const;  ///< straight pieces; begins a new path
    void fill_below(const std::vector<Point>& line) const;
    void stroke(double width) const;

    /// The picture with corners darkened by `vignette` and grain of `grain` steps of 255.
    [[nodiscard]] audio::Image image(double vignette, double grain, std::uint64_t seed) const;

private:
    struct Destroy {
        void operator()(cairo_surface_t* surface) const noexcept { cairo_surface_destroy(surface); }
        void operator()(cairo_t* pen) const noexcept { cairo_destroy(pen); }
        void operator()(cairo_pattern_t* pattern) const noexcept { cairo_pattern_destroy(pattern); }
    };
    using Pattern = std::unique_ptr<cairo_pattern_t, Destroy>;
    void use(const Pattern& pattern, std::initializer_list<Stop> stops) const;
    int pixels_;
    std::unique_ptr<cairo_surface_t, Destroy> surface_;
    std::unique_ptr<cairo_t, Destroy> pen_;
};

}  // namespace heart::server::library::covers
