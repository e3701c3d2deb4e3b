#include "kernels/winograd.h"

#include "kernels/float_products_kernels.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace heart::kernels {

namespace {

constexpr std::int64_t kAtInfinity = kWinogradPoints - 1;

/// Taps at the points, for the last of which see above.
constexpr double kTapsAt[kWinogradPoints - 1][4] = {{1, 0, 0, 0},
                                                    {-1.0 / 3, -1.0 / 3, -1.0 / 3, -1.0 / 3},
                                                    {1.0 / 3, -1.0 / 3, 1.0 / 3, -1.0 / 3},
                                                    {1.0 / 15, 2.0 / 15, 4.0 / 15, 8.0 / 15},
                                                    {-16.0 / 15, 8.0 / 15, -4.0 / 15, 2.0 / 15}};

/// Places are computed together so far as what is known of them stays in the second-level cache.
constexpr std::int64_t kFewestPlaces = 48, kMostPlaces = 96, kPlaceFloats = 8192;

/// The matrix of a point: of both parts of the taps, one behind the other in each strip, but at infinity.
InterleavedMatrix matrix_of(const FloatProduct& p, std::int64_t point) noexcept {
    const std::int64_t inputs = p.inputs();
    const float* data = static_cast<const float*>(p.w.data) + point * 2 * inputs * p.w.rows;
    return {WeightType::f32, data, p.w.rows, point == kAtInfinity ? inputs : 2 * inputs};
}

/// One thread's part. Outputs are numbered by places: place q * shift + c is the first of three, column 3 * q * shift + c.
class Filter {
public:
    explicit Filter(const FloatProduct& p)
        : p_(p), kernels_(float_kernels()), zeros_(static_cast<std::size_t>(p.inputs())) {}

    void compute(Piece places) {
        const std::int64_t inputs = p_.inputs(), seen = places.size() + p_.tap_shift;
        signal_.resize(static_cast<std::size_t>(kWinogradPoints * seen * inputs));
        products_.resize(static_cast<std::size_t>(kWinogradPoints * places.size() * p_.w.rows));
        for (std::int64_t i = 0; i < seen; ++i) combine_signal(places.first + i, signal_.data() + i * inputs, seen * inputs);
        for (std::int64_t point = 0; point < kWinogradPoints; ++point) multiply_at(point, places.size(), seen);
        for (std::int64_t place = places.first; place < places.last; ++place)
            combine_outputs(place, products_.data() + (place - places.first) * p_.w.rows, places.size() * p_.w.rows);
    }

private:
    [[nodiscard]] std::int64_t first_column(std::int64_t place) const noexcept {
        return place / p_.tap_shift * kWinogradOutputs * p_.tap_shift + place % p_.tap_shift;
    }

    /// Column i of the signal, which begins with its context; zeros behind its end.
    [[nodiscard]] const float* column(std::int64_t i) const noexcept {
        if (i >= p_.columns + p_.context()) return zeros_.data();
        if (p_.past == nullptr) return p_.x + i * p_.x_stride;
        return i < p_.context() ? p_.past + i * p_.inputs() : p_.x + (i - p_.context()) * p_.x_stride;
    }

    void combine_signal(std::int64_t place, float* out, std::int64_t stride) const {
        WinogradSignal s{};
        for (std::int64_t j = 0; j < kWinogradPoints; ++j) s.x[j] = column(first_column(place) + j * p_.tap_shift);
        s.out = out, s.stride = stride, s.channels = p_.inputs();
        kernels_.winograd_signal(s);
    }

    /// The signal at a point is convolved with its two parts of the taps: the later one's place is one group further.
    void multiply_at(std::int64_t point, std::int64_t places, std::int64_t seen) {
        const bool later_only = point == kAtInfinity;
        FloatProduct product;
        product.w = matrix_of(p_, point);
        product.taps = later_only ? 1 : 2, product.tap_shift = p_.tap_shift;
        product.x = signal_.data() + (point * seen + (later_only ? p_.tap_shift : 0)) * p_.inputs();
        product.x_stride = p_.inputs(), product.columns = places;
        product.y = products_.data() + point * places * p_.w.rows, product.y_stride = p_.w.rows;
        multiply(product, {});
    }

    void combine_outputs(std::int64_t place, const float* products, std::int64_t stride) const {
        const Epilogue& e = p_.epilogue;
        WinogradOutputs o{};
        o.products = products, o.stride = stride, o.channels = p_.w.rows;
        o.bias = e.bias, o.prelu = e.prelu, o.slope = e.slope;
        for (std::int64_t i = 0; i < kWinogradOutputs; ++i) {
            const std::int64_t n = first_column(place) + i * p_.tap_shift;
            if (n >= p_.columns) break;
            o.y[i] = p_.y + n * p_.y_stride;
            if (e.residual != nullptr) o.residual[i] = e.residual + n * e.residual_stride;
        }
        kernels_.winograd_outputs(o);
    }

    const FloatProduct& p_;
    const FloatKernels& kernels_;
    std::vector<float> zeros_;
    static thread_local std::vector<float> signal_;    // [points][places + shift][inputs]
    static thread_local std::vector<float> products_;  // [points][places][outputs]
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
    const std::int64_t group = kWinogradOutputs * p.tap_shift;
    const std::int64_t places = (p.columns + group - 1) / group * p.tap_shift;
    const std::int64_t step = std::clamp(kPlaceFloats / p.inputs(), kFewestPlaces, kMostPlaces);
    Filter share(p);
    share_out(me, places, step, [&](std::int64_t first, std::int64_t last) {
        for (; first < last; first += step) share.compute({first, std::min(first + step, last)});
    });
}

}  // namespace heart::kernels
