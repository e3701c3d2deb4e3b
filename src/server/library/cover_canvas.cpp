#include "server/library/cover_canvas.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace heart::server::library::covers {

namespace {

struct Lab {
    double l = 0, a = 0, b = 0;
};

double to_linear(double c) {
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}

double from_linear(double c) {
    c = std::clamp(c, 0.0, 1.0);
    return c <= 0.0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - 0.055;
}

// Björn Ottosson's OKLab: the matrices are its definition.
Lab to_lab(const Colour& c) {
    const double r = to_linear(c.red), g = to_linear(c.green), b = to_linear(c.blue);
    const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s, 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

Colour from_lab(const Lab& lab) {
    const auto cube = [](double x) { return x * x * x; };
    const double l = cube(lab.l + 0.3963377774 * lab.a + 0.2158037573 * lab.b);
    const double m = cube(lab.l - 0.1055613458 * lab.a - 0.0638541728 * lab.b);
    const double s = cube(lab.l - 0.0894841775 * lab.a - 1.2914855480 * lab.b);
    return {from_linear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
            from_linear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
            from_linear(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

std::uint64_t scramble(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

double to_unit(std::uint64_t bits) {
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

double lattice(std::uint64_t seed, std::int64_t at) {
    return 2 * to_unit(scramble(seed + 0x9e3779b97f4a7c15U * static_cast<std::uint64_t>(at + 1'000'003))) - 1;
}

/// 0..255.
std::uint32_t to_byte(double value) {
    return static_cast<std::uint32_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

}  // namespace

Colour colour(std::uint32_t rgb) {
    return {static_cast<double>(rgb >> 16 & 0xFF) / 255, static_cast<double>(rgb >> 8 & 0xFF) / 255,
            static_cast<double>(rgb & 0xFF) / 255};
}

Colour mix(const Colour& a, const Colour& b, double t) {
    t = std::clamp(t, 0.0, 1.0);
    const Lab from = to_lab(a), to = to_lab(b);
    return from_lab({std::lerp(from.l, to.l, t), std::lerp(from.a, to.a, t), std::lerp(from.b, to.b, t)});
}

double lightness(const Colour& c) {
    return to_lab(c).l;
}

std::uint64_t Random::next() {
    state_ += 0x9e3779b97f4a7c15U;
    return scramble(state_);
}

double Random::uniform() {
    return to_unit(next());
}

double noise(std::uint64_t seed, double x, int octaves) {
    double sum = 0, weight = 1, all = 0;
    for (int octave = 0; octave < octaves; ++octave) {
        const double floor = std::floor(x), t = x - floor;
        const auto at = static_cast<std::int64_t>(floor);
        const double eased = t * t * t * (t * (6 * t - 15) + 10);
        sum += weight * std::lerp(lattice(seed, at), lattice(seed, at + 1), eased);
        all += weight;
        weight *= 0.5;
        x = 2 * x + 17.3;
    }
    return sum / all;
}

double Curve::at(double t) const {
    const double place = std::clamp(t, 0.0, 1.0) * static_cast<double>(values_.size() - 1);
    const auto left = static_cast<std::size_t>(place);
    const std::size_t right = std::min(left + 1, values_.size() - 1);
    return std::lerp(values_[left], values_[right], place - static_cast<double>(left));
}

double Curve::mean(double from, double to) const {
    constexpr int kSamples = 16;
    double sum = 0;
    for (int i = 0; i < kSamples; ++i) sum += at(std::lerp(from, to, (i + 0.5) / kSamples));
    return sum / kSamples;
}

Curve Curve::smooth(double reach) const {
    const auto count = static_cast<std::ptrdiff_t>(values_.size());
    const auto radius = static_cast<std::ptrdiff_t>(std::lround(reach * static_cast<double>(count)));
    std::vector<double> now = values_;
    for (int pass = 0; pass < 2; ++pass) {  // twice a box: no corners stay
        std::vector<double> next(now.size());
        for (std::ptrdiff_t i = 0; i < count; ++i) {
            double sum = 0;
            for (std::ptrdiff_t k = -radius; k <= radius; ++k) {
                sum += now[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(i + k, 0, count - 1))];
            }
            next[static_cast<std::size_t>(i)] = sum / static_cast<double>(2 * radius + 1);
        }
        now = std::move(next);
    }
    return Curve(std::move(now));
}

Canvas::Canvas(int pixels)
    : pixels_(pixels),
      surface_(cairo_image_surface_create(CAIRO_FORMAT_RGB24, pixels, pixels)),
      pen_(cairo_create(surface_.get())) {
    if (cairo_status(pen_.get()) != CAIRO_STATUS_SUCCESS) {
        throw Error(ErrorCode::memory, "a picture could not be begun")
            .found(cairo_status_to_string(cairo_status(pen_.get())));
    }
    cairo_scale(pen_.get(), pixels, pixels);
    cairo_set_line_cap(pen_.get(), CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(pen_.get(), CAIRO_LINE_JOIN_ROUND);
}

void Canvas::ground(const std::function<Colour(Point)>& paint, std::uint64_t seed) {
    Random random(seed);
    cairo_surface_flush(surface_.get());
    unsigned char* const data = cairo_image_surface_get_data(surface_.get());
    const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface_.get()));
    for (int y = 0; y < pixels_; ++y) {
        for (int x = 0; x < pixels_; ++x) {
            const Colour c = paint({(x + 0.5) / pixels_, (y + 0.5) / pixels_});
            const double dither = random.uniform() - 0.5;
            std::uint32_t word = 0;
            for (const double part : {c.red, c.green, c.blue}) word = word << 8 | to_byte(255 * part + dither);
            std::memcpy(data + static_cast<std::size_t>(y) * stride + 4 * static_cast<std::size_t>(x), &word, sizeof word);
        }
    }
    cairo_surface_mark_dirty(surface_.get());
}

void Canvas::use(const Colour& c, double alpha) const {
    cairo_set_source_rgba(pen(), c.red, c.green, c.blue, alpha);
}

void Canvas::use(const Pattern& pattern, std::initializer_list<Stop> stops) const {
    for (const Stop& s : stops) {
        cairo_pattern_add_color_stop_rgba(pattern.get(), s.at, s.colour.red, s.colour.green, s.colour.blue, s.alpha);
    }
    cairo_set_source(pen(), pattern.get());
}

void Canvas::use_line(Point from, Point to, std::initializer_list<Stop> stops) const {
    use(Pattern(cairo_pattern_create_linear(from.x, from.y, to.x, to.y)), stops);
}

void Canvas::use_circle(Point centre, double radius, std::initializer_list<Stop> stops) const {
    use(Pattern(cairo_pattern_create_radial(centre.x, centre.y, 0, centre.x, centre.y, radius)), stops);
}

void Canvas::disc(Point centre, double radius) const {
    cairo_new_path(pen());
    cairo_arc(pen(), centre.x, centre.y, radius, 0, 2 * std::numbers::pi);
    cairo_fill(pen());
}

void Canvas::glow(Point centre, double radius, const Colour& c, double alpha) const {
    Pattern pattern(cairo_pattern_create_radial(centre.x, centre.y, 0, centre.x, centre.y, radius));
    constexpr int kStops = 12;
    for (int i = 0; i <= kStops; ++i) {
        const double t = static_cast<double>(i) / kStops;
        const double bell = (std::exp(-4.5 * t * t) - std::exp(-4.5)) / (1 - std::exp(-4.5));
        cairo_pattern_add_color_stop_rgba(pattern.get(), t, c.red, c.green, c.blue, alpha * bell);
    }
    cairo_set_source(pen(), pattern.get());
    disc(centre, radius);
}

void Canvas::path(const std::vector<Point>& points) const {
    cairo_new_path(pen());
    for (const Point& p : points) cairo_line_to(pen(), p.x, p.y);
}

void Canvas::fill_below(const std::vector<Point>& line) const {
    path(line);
    cairo_line_to(pen(), line.back().x, 1.5);
    cairo_line_to(pen(), line.front().x, 1.5);
    cairo_close_path(pen());
    cairo_fill(pen());
}

void Canvas::stroke(double width) const {
    cairo_set_line_width(pen(), width);
    cairo_stroke(pen());
}

audio::Image Canvas::image(double vignette, double grain, std::uint64_t seed) const {
    Random random(seed);
    cairo_surface_flush(surface_.get());
    const unsigned char* const data = cairo_image_surface_get_data(surface_.get());
    const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface_.get()));
    const auto side = static_cast<std::size_t>(pixels_);
    audio::Image image(side, side, {});
    for (std::size_t y = 0; y < side; ++y) {
        for (std::size_t x = 0; x < side; ++x) {
            std::uint32_t word = 0;
            std::memcpy(&word, data + y * stride + 4 * x, sizeof word);
            const double across = (2 * static_cast<double>(x) + 1) / pixels_ - 1;
            const double down = (2 * static_cast<double>(y) + 1) / pixels_ - 1;
            const double far = (across * across + down * down) / 2, lit = 1 - vignette * far * far;
            const double speck = grain * (random.uniform() + random.uniform() - 1);  // small ones are more frequent
            const auto part = [&](int shift) {
                return static_cast<std::uint8_t>(to_byte(static_cast<double>(word >> shift & 0xFF) * lit + speck));
            };
            image.at(x, y) = {part(16), part(8), part(0)};
        }
    }
    return image;
}

}  // namespace heart::server::library::covers
