#include "nn/conv.h"

#include <cmath>
#include <cstddef>
#include <span>

namespace heart::nn {

using graph::Graph;
using graph::Published;
using graph::Tensor;

Tensor conv1d_valid(Graph& g, const Conv1d& conv, Tensor x, std::int64_t lanes) {
    const std::int64_t columns = x.dim(1) - conv.context() * lanes;
    Tensor sum;
    for (std::int64_t k = 0; k < conv.kernel(); ++k) {
        const Tensor tap = g.slice(conv.taps, 2, k, 1);                            // [in, out]
        const Tensor shifted = g.slice(x, 1, k * conv.dilation * lanes, columns);  // [in, columns]
        const Tensor part = g.mul_mat(tap, shifted);                               // [out, columns]
        sum = sum ? g.add(sum, part) : part;
    }
    return g.add(sum, conv.bias);
}

Tensor with_past(Graph& g, Tensor memory, Tensor x) {
    const Tensor whole = g.concat(memory, x, 1);  // [channels, samples * lanes + columns]
    const Tensor newest = g.slice(whole, 1, x.dim(1), memory.dim(1));
    g.effect(g.copy_into(newest, memory));
    return whole;
}

Tensor upsample(Graph& g, const Upsample& up, Tensor memory, Tensor x, std::int64_t lanes) {
    const std::int64_t columns = x.dim(1), out = up.bias.dim(0);
    const Tensor past = g.slice(with_past(g, memory, x), 1, 0, columns);            // x[t-1]: [in, columns]
    const Tensor blocks = g.add(g.mul_mat(up.now, x), g.mul_mat(up.before, past));  // [out * stride, columns]
    if (lanes == 1) return g.add(g.reshape(blocks, {out, up.stride * columns}), up.bias);
    const Tensor split = g.reshape(blocks, {out, up.stride, lanes, columns / lanes});
    const Tensor in_time = g.contiguous(g.permute(split, 0, 2, 1, 3));  // [out, lanes, stride, t]
    return g.add(g.reshape(in_time, {out, up.stride * columns}), up.bias);
}

namespace {

std::uint64_t u(std::int64_t n) {
    return static_cast<std::uint64_t>(n);
}

/// w = g v / |v| for each index of the first axis, in place in a copy of v.
std::vector<float> fold_weight_norm(std::span<const float> gain, std::span<const float> v) {
    std::vector<float> w(v.begin(), v.end());
    const std::size_t width = v.size() / gain.size();
    for (std::size_t i = 0; i < gain.size(); ++i) {
        const std::span row(w.data() + i * width, width);
        double squares = 0;
        for (const float x : row) squares += static_cast<double>(x) * x;
        const double factor = squares > 0 ? gain[i] / std::sqrt(squares) : 0.0;
        for (float& x : row) x = static_cast<float>(x * factor);
    }
    return w;
}

std::vector<Published> weight_sources(const std::string& name, Norm norm, std::int64_t a, std::int64_t b, std::int64_t c) {
    if (norm == Norm::none) return {{name + ".weight", {u(a), u(b), u(c)}}};
    return {{name + ".parametrizations.weight.original0", {u(a), 1, 1}},
            {name + ".parametrizations.weight.original1", {u(a), u(b), u(c)}}};
}

using Sources = std::span<const formats::TensorView* const>;

std::vector<float> weight_of(Sources sources) {
    if (sources.size() == 1) return graph::read_all(*sources[0]);
    return fold_weight_norm(graph::read_all(*sources[0]), graph::read_all(*sources[1]));
}

}  // namespace

void plan_conv1d(graph::WeightPlan& plan, Conv1d& conv, const std::string& name, Norm norm, std::int64_t in,
                 std::int64_t out, std::int64_t kernel, std::int64_t dilation) {
    conv.dilation = dilation;
    const auto reorder = [=](Sources sources, std::span<float> taps) {
        const std::vector<float> w = weight_of(sources);  // [out][in][kernel]
        for (std::size_t o = 0; o < u(out); ++o) {
            for (std::size_t i = 0; i < u(in); ++i) {
                for (std::size_t k = 0; k < u(kernel); ++k) {
                    taps[(k * u(out) + o) * u(in) + i] = w[(o * u(in) + i) * u(kernel) + k];
                }
            }
        }
    };
    plan.derived(conv.taps, name + ".taps", true, {in, out, kernel}, weight_sources(name, norm, out, in, kernel), reorder);
    plan.vector(conv.bias, {name + ".bias", {u(out)}});
}

void plan_upsample(graph::WeightPlan& plan, Upsample& up, const std::string& name, std::int64_t in, std::int64_t out,
                   std::int64_t stride) {
    up.stride = stride;
    const auto half = [=](std::int64_t first_tap) {
        return [=](Sources sources, std::span<float> block) {
            const std::vector<float> w = weight_of(sources);  // [in][out][2 * stride]
            for (std::size_t i = 0; i < u(in); ++i) {
                for (std::size_t o = 0; o < u(out); ++o) {
                    for (std::size_t k = 0; k < u(stride); ++k) {
                        block[(k * u(out) + o) * u(in) + i] = w[(i * u(out) + o) * 2 * u(stride) + u(first_tap) + k];
                    }
                }
            }
        };
    };
    const auto sources = weight_sources(name, Norm::weight, in, out, 2 * stride);
    plan.derived(up.now, name + ".now", true, {in, out * stride}, sources, half(0));
    plan.derived(up.before, name + ".before", true, {in, out * stride}, sources, half(stride));
    plan.vector(up.bias, {name + ".bias", {u(out)}});
}

}  // namespace heart::nn
