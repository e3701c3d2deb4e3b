#include "nn/conv.h"

#include <cmath>
#include <cstddef>
#include <span>

namespace heart::nn {

using graph::Graph;
using graph::Published;
using graph::Tensor;

Tensor conv1d_valid(Graph& g, const Conv1d& conv, Tensor x, std::int64_t lanes, const After& after) {
    return g.convolve(conv.taps, x, {conv.kernel, conv.dilation * lanes, conv.bias, {}, after.add, after.slope});
}

Tensor conv1d_causal(Graph& g, const Conv1d& conv, Tensor memory, Tensor x, std::int64_t lanes, const After& after) {
    if (!memory) return conv1d_valid(g, conv, x, lanes, after);
    const std::int64_t context = memory.dim(1);
    Tensor y, newest;
    if (x.dim(1) >= context) {
        y = g.convolve(conv.taps, x, {conv.kernel, conv.dilation * lanes, conv.bias, memory, after.add, after.slope});
        newest = g.slice(x, 1, x.dim(1) - context, context);
    } else {
        const Tensor whole = g.concat(memory, x, 1);  // [in, context + t * lanes]
        y = conv1d_valid(g, conv, whole, lanes, after);
        newest = g.contiguous(g.slice(whole, 1, x.dim(1), context));
    }
    g.effect(y);  // the memory is read before it is written
    g.effect(g.copy_into(newest, memory));
    return y;
}

Tensor upsample(Graph& g, const Upsample& up, Tensor memory, Tensor x, std::int64_t lanes) {
    const std::int64_t columns = x.dim(1), out = up.blocks.bias.dim(0) / up.stride;
    const Tensor blocks = conv1d_causal(g, up.blocks, memory, x, lanes);  // [out * stride, columns]
    if (lanes == 1) return g.reshape(blocks, {out, up.stride * columns});
    const Tensor split = g.reshape(blocks, {out, up.stride, lanes, columns / lanes});
    const Tensor in_time = g.contiguous(g.permute(split, 0, 2, 1, 3));  // [out, lanes, stride, t]
    return g.reshape(in_time, {out, up.stride * columns});
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
    conv.in = in;
    conv.kernel = kernel;
    conv.dilation = dilation;
    const auto reorder = [=](Sources sources, std::span<float> taps) {
        const std::vector<float> w = weight_of(sources);  // [out][in][kernel] -> [out][kernel][in]
        for (std::size_t o = 0; o < u(out); ++o) {
            for (std::size_t i = 0; i < u(in); ++i) {
                for (std::size_t k = 0; k < u(kernel); ++k) {
                    taps[(o * u(kernel) + k) * u(in) + i] = w[(o * u(in) + i) * u(kernel) + k];
                }
            }
        }
    };
    plan.convolution(conv.taps, name + ".taps", kernel, in, out, weight_sources(name, norm, out, in, kernel), reorder);
    plan.vector(conv.bias, {name + ".bias", {u(out)}});
}

void plan_halving_conv1d(graph::WeightPlan& plan, Conv1d& conv, const std::string& name, std::int64_t in, std::int64_t out) {
    conv.in = 2 * in;
    conv.kernel = 2;
    const auto reorder = [=](Sources sources, std::span<float> taps) {
        const std::vector<float> w = weight_of(sources);  // [out][in][3] -> [out][4][in], the last of the four 0
        for (std::size_t o = 0; o < u(out); ++o) {
            for (std::size_t i = 0; i < u(in); ++i) {
                for (std::size_t k = 0; k < 4; ++k) {
                    taps[(o * 4 + k) * u(in) + i] = k < 3 ? w[(o * u(in) + i) * 3 + k] : 0.0F;
                }
            }
        }
    };
    plan.derived(conv.taps, name + ".taps", graph::WeightPlan::Use::sensitive, {4 * in, out},
                 weight_sources(name, Norm::none, out, in, 3), reorder);
    plan.vector(conv.bias, {name + ".bias", {u(out)}});
}

void plan_upsample(graph::WeightPlan& plan, Upsample& up, const std::string& name, std::int64_t in, std::int64_t out,
                   std::int64_t stride) {
    up.stride = stride;
    up.blocks.in = in;
    up.blocks.kernel = 2;
    const auto reorder = [=](Sources sources, std::span<float> taps) {
        const std::vector<float> w = weight_of(sources);  // [in][out][2 * stride] -> [stride][out][before, now][in]
        for (std::size_t i = 0; i < u(in); ++i) {
            for (std::size_t o = 0; o < u(out); ++o) {
                for (std::size_t phase = 0; phase < u(stride); ++phase) {
                    const std::size_t from = (i * u(out) + o) * 2 * u(stride) + phase;
                    const std::size_t to = (phase * u(out) + o) * 2 * u(in) + i;
                    taps[to] = w[from + u(stride)];
                    taps[to + u(in)] = w[from];
                }
            }
        }
    };
    const auto for_each_output = [](Sources sources, std::span<float> bias) {
        const std::vector<float> once = graph::read_all(*sources[0]);  // [out] -> [stride][out]
        for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = once[i % once.size()];
    };
    plan.derived(up.blocks.taps, name + ".taps", graph::WeightPlan::Use::sensitive, {2 * in, out * stride},
                 weight_sources(name, Norm::weight, in, out, 2 * stride), reorder);
    plan.derived(up.blocks.bias, name + ".block_bias", graph::WeightPlan::Use::vector, {out * stride},
                 {{name + ".bias", {u(out)}}}, for_each_output);
}

}  // namespace heart::nn
