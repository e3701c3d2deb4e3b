#include "kernels/winograd.h"

#include "kernels/float_products_kernels.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace heart::kernels {

namespace {

constexpr std::int64_t kAtInfinity = kWinogradPoints - 1;

/// Taps at the points; at infinity they are the last of four alone.
constexpr double kTapsAt[kWinogradPoints - 1][4] = {{1, 0, 0, 0},
                                                    {-1.0 / 3, -1.0 / 3, -1.0 / 3, -1.0 / 3},
                                                    {1.0 / 3, -1.0 / 3, 1.0 / 3, -1.0 / 3},
                                                    {1.0 / 15, 2.0 / 15, 4.0 / 15, 8.0 / 15},
                                                    {-16.0 / 15, 8.0 / 15, -4.0 / 15, 2.0 / 15}};

/// Places are computed together so far as what is known of them stays in the second-level cache; where there are few, and
/// matrices are large, all at once, so that weights are read once.
constexpr std::int64_t kFewestPlaces = 48, kMostPlaces = 96, kPlaceFloats = 8192;
/// Where there are few places, threads share rows out too: so many pieces for each thread, of so many strips at least.
constexpr std::int64_t kPiecesPerThread = 2, kLeastStrips = 4;

/// What threads share out: places, and of each of their pieces all rows in turn.
struct Division {
    Piece places, strips;
    std::int64_t place_parts, strip_parts;

    Division(const FloatProduct& p, int threads) {
        const std::int64_t group = kWinogradOutputs * p.tap_shift;
        const std::int64_t step = std::clamp(kPlaceFloats / p.inputs(), kFewestPlaces, kMostPlaces);
        places = {0, (p.columns + group - 1) / group * p.tap_shift};
        strips = {0, p.w.rows / kStripRows};
        place_parts = places.size() <= kMostPlaces ? 1 : (places.size() + step - 1) / step;
        const std::int64_t wanted = threads == 1 ? 1 : (kPiecesPerThread * threads + place_parts - 1) / place_parts;
        strip_parts = std::clamp<std::int64_t>(strips.size() / kLeastStrips, 1, wanted);
    }
};

/// One thread's part. Outputs are numbered by places: place q * shift + c is the first of three, column 3 * q * shift + c.
class Filter {
public:
    explicit Filter(const FloatProduct& p)
        : p_(p), kernels_(float_kernels()), zeros_(static_cast<std::size_t>(p.inputs())) {}

    void compute(Piece places, Piece strips) {
        const std::int64_t inputs = p_.inputs(), seen = places.size() + p_.tap_shift;
        const std::int64_t rows = strips.size() * kStripRows, first_row = strips.first * kStripRows;
        if (combined_.first != places.first || combined_.last != places.last) {
            signal_.resize(static_cast<std::size_t>(kWinogradPoints * seen * inputs));
            for (std::int64_t i = 0; i < seen; ++i)
                combine_signal(first_column(places.first + i), signal_.data() + i * inputs, seen * inputs);
            combined_ = places;
        }
        products_.resize(static_cast<std::size_t>(kWinogradPoints * places.size() * rows));
        for (std::int64_t point = 0; point < kWinogradPoints; ++point) multiply_at(point, places.size(), strips);
        for (std::int64_t i = 0; i < places.size(); ++i) {
            const float* products = products_.data() + i * rows;
            combine_outputs(first_column(places.first + i), {first_row, first_row + rows}, products, places.size() * rows);
        }
    }

private:
    [[nodiscard]] std::int64_t first_column(std::int64_t place) const noexcept {
        const std::int64_t group = place / p_.tap_shift;
        return place + group * (kWinogradOutputs - 1) * p_.tap_shift;
    }

    /// Column i of the signal, which begins with its context; zeros behind its end.
    [[nodiscard]] const float* column(std::int64_t i) const noexcept {
        if (i >= p_.columns + p_.context()) return zeros_.data();
        if (p_.past == nullptr) return p_.x + i * p_.x_stride;
        return i < p_.context() ? p_.past + i * p_.inputs() : p_.x + (i - p_.context()) * p_.x_stride;
    }

    void combine_signal(std::int64_t first, float* out, std::int64_t stride) const {
        WinogradSignal s{};
        for (std::int64_t j = 0; j < kWinogradPoints; ++j) s.x[j] = column(first + j * p_.tap_shift);
        s.out = out, s.stride = stride, s.channels = p_.inputs();
        kernels_.winograd_signal(s);
    }

    /// The signal at a point is convolved with its two parts of the taps: the later one's place is one group further. Each
    /// strip of the matrix holds both, but at infinity.
    void multiply_at(std::int64_t point, std::int64_t places, Piece strips) {
        const bool later_only = point == kAtInfinity;
        const std::int64_t inputs = p_.inputs(), cols = later_only ? inputs : 2 * inputs;
        const std::int64_t rows = strips.size() * kStripRows;
        const float* matrix = static_cast<const float*>(p_.w.data) + point * 2 * inputs * p_.w.rows;
        FloatProduct product;
        product.w = {WeightType::f32, matrix + strips.first * kStripRows * cols, rows, cols};
        product.taps = later_only ? 1 : 2, product.tap_shift = p_.tap_shift;
        product.x = signal_.data() + (point * (places + p_.tap_shift) + (later_only ? p_.tap_shift : 0)) * inputs;
        product.x_stride = inputs, product.columns = places;
        product.y = products_.data() + point * places * rows, product.y_stride = rows;
        multiply(product, {});
    }

    void combine_outputs(std::int64_t first, Piece rows, const float* products, std::int64_t stride) const {
        const Epilogue& e = p_.epilogue;
        WinogradOutputs o{};
        o.products = products, o.stride = stride, o.channels = rows.size();
        o.bias = e.bias != nullptr ? e.bias + rows.first : nullptr;
        o.prelu = e.prelu, o.slope = e.slope;
        for (std::int64_t i = 0; i < kWinogradOutputs; ++i) {
            const std::int64_t n = first + i * p_.tap_shift;
            if (n >= p_.columns) break;
            o.y[i] = p_.y + n * p_.y_stride + rows.first;
            if (e.residual != nullptr) o.residual[i] = e.residual + n * e.residual_stride + rows.first;
        }
        kernels_.winograd_outputs(o);
    }

    const FloatProduct& p_;
    const FloatKernels& kernels_;
    std::vector<float> zeros_;
    Piece combined_{0, 0};                             // the places whose signal is in `signal_`
    static thread_local std::vector<float> signal_;    // [points][places + shift][inputs]
    static thread_local std::vector<float> products_;  // [points][places][rows]
};

thread_local std::vector<float> Filter::signal_;
thread_local std::vector<float> Filter::products_;

}  // namespace

void winograd_taps(const float* taps, std::int64_t inputs, std::int64_t outputs, float* out) {
    constexpr std::int64_t kParts[2][2] = {{0, 3}, {3, 4}};  // the first tap of each part, and how many there are
    const auto write_strip = [&](std::int64_t strip, const auto& value) {
        for (std::int64_t row = strip * kStripRows; row < (strip + 1) * kStripRows; ++row) {
            for (std::int64_t i = 0; i < inputs; ++i) *out++ = value(taps + row * kWinogradTaps * inputs + i);
        }
    };
    for (const auto& at : kTapsAt) {
        for (std::int64_t strip = 0; strip < outputs / kStripRows; ++strip) {
            for (const auto& [first, count] : kParts) {
                write_strip(strip, [&](const float* tap) {
                    double sum = 0;
                    for (std::int64_t k = 0; k < count; ++k) sum += at[k] * static_cast<double>(tap[(first + k) * inputs]);
                    return static_cast<float>(sum);
                });
            }
        }
    }
    for (std::int64_t strip = 0; strip < outputs / kStripRows; ++strip)
        write_strip(strip, [&](const float* tap) { return tap[(kWinogradTaps - 1) * inputs]; });
}

void multiply_winograd(const FloatProduct& p, const Worker& me) {
    const Division all(p, me.nth);
    Filter filter(p);
    share_out(me, all.place_parts * all.strip_parts, 1, [&](std::int64_t first, std::int64_t last) {
        for (; first < last; ++first) {
            filter.compute(all.places.part(first / all.strip_parts, all.place_parts),
                           all.strips.part(first % all.strip_parts, all.strip_parts));
        }
    });
}

}  // namespace heart::kernels
