#include "models/heartcodec/estimator.h"

#include "nn/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace heart::heartcodec {

using graph::Graph;
using graph::Tensor;
using graph::Type;

namespace {

constexpr float kBlockNormEps = 1e-6F;
constexpr float kRopeBase = 10000.0F;

/// 1 where the modulation vectors hold a scale (they are used as 1 + scale), else 0.
std::vector<float> ones_at_scales(std::int64_t dim, std::int64_t vectors) {
    std::vector<float> out(static_cast<std::size_t>(dim * vectors), 0.0F);
    for (std::int64_t v = 1; v < vectors; v += 3) std::fill_n(out.begin() + v * dim, dim, 1.0F);
    return out;
}

Tensor linear(Graph& g, const Linear& l, Tensor x) {
    return nn::linear(g, l.w, x, l.b);
}

}  // namespace

std::vector<float> time_sinusoid(float t) {
    constexpr std::int64_t half = kTimeChannels / 2;
    std::vector<float> out(kTimeChannels);
    const auto minus_log = static_cast<float>(-std::log(10000.0));
    for (std::int64_t i = 0; i < half; ++i) {
        const float frequency = std::exp(minus_log * static_cast<float>(i) / static_cast<float>(half));
        const float angle = t * frequency * 1000.0F;
        out[static_cast<std::size_t>(i)] = std::cos(angle);
        out[static_cast<std::size_t>(half + i)] = std::sin(angle);
    }
    return out;
}

TimeTable::TimeTable(const std::shared_ptr<graph::Device>& device, const EstimatorWeights& weights, const Config& config,
                     std::span<const float> times, graph::GraphOptions options)
    : store_(device), graph_(device, options), steps_(static_cast<std::int64_t>(times.size())) {
    const std::int64_t dims[2] = {config.inner(), config.inner_2()};
    const std::size_t blocks[2] = {weights.stage_1.blocks.size(), weights.stage_2.blocks.size()};
    const Tensor sinusoid = store_.add("t_sinusoid", Type::f32, {kTimeChannels, steps_});
    for (int s = 0; s < 2; ++s) {
        for (std::size_t i = 0; i < blocks[s]; ++i) {
            stages_[s].blocks.push_back(store_.add(fmt::format("modulation{}.{}", s, i), Type::f32, {6 * dims[s], steps_}));
        }
        stages_[s].out = store_.add(fmt::format("modulation{}.out", s), Type::f32, {2 * dims[s], steps_});
        ones_[s][0] = store_.add("ones", Type::f32, {6 * dims[s]});
        ones_[s][1] = store_.add("ones", Type::f32, {2 * dims[s]});
    }
    store_.allocate();
    for (int s = 0; s < 2; ++s) {
        upload(ones_[s][0], ones_at_scales(dims[s], 6));
        upload(ones_[s][1], ones_at_scales(dims[s], 2));
    }
    for (std::size_t i = 0; i < times.size(); ++i) upload_f32_part(sinusoid, i * kTimeChannels, time_sinusoid(times[i]));

    build_stage(weights.stage_1, dims[0], stages_[0], sinusoid, "");
    build_stage(weights.stage_2, dims[1], stages_[1], sinusoid, "_2");
    graph_.compile();
    graph_.run();
}

void TimeTable::build_stage(const StageWeights& w, std::int64_t dim, Stage& stage, Tensor sinusoid,
                            const std::string& suffix) {
    Graph& g = graph_;
    const bool first = &stage == &stages_[0];
    const Tensor embedded = linear(g, w.time.linear_2, g.silu(linear(g, w.time.linear_1, sinusoid)));  // [dim, times]
    g.named(embedded, "t_emb" + suffix);
    const Tensor modulation = linear(g, w.time.modulation, g.silu(embedded));  // [6 dim, times]
    g.named(modulation, "t_mod" + suffix);
    const Tensor shared = g.add(modulation, ones_[first ? 0 : 1][0]);
    for (std::size_t i = 0; i < w.blocks.size(); ++i) {
        const Tensor table = g.reshape(w.blocks[i].modulation, {6 * dim});
        g.effect(g.copy_into(g.add(shared, table), stage.blocks[i]));
    }
    const Tensor twice = g.concat(embedded, embedded, 0);  // [2 dim, times]
    const Tensor out = g.add(g.add(twice, ones_[first ? 0 : 1][1]), g.reshape(w.out_modulation, {2 * dim}));
    g.effect(g.copy_into(out, stage.out));
}

Tensor TimeTable::block(Graph& g, int stage, std::size_t index, Tensor step) const {
    return g.get_rows(stages_[stage].blocks[index], step);
}

Tensor TimeTable::out(Graph& g, int stage, Tensor step) const {
    return g.get_rows(stages_[stage].out, step);
}

namespace {

/// x * (1 + scale) + shift
Tensor modulate(Graph& g, Tensor x, Tensor shift, Tensor one_plus_scale) {
    return g.add(g.mul(x, one_plus_scale), shift);
}

/// A convolution over three frames as one product, then a linear layer: [in, frames, rows] -> [out, frames * rows].
Tensor project(Graph& g, const ProjectWeights& w, const EstimatorInputs& in, Tensor x) {
    const std::int64_t channels = x.dim(0), frames = x.dim(1), rows = x.dim(2);
    const Tensor zero = g.slice(in.padding, 0, 0, channels);        // [in, 1, rows]
    const Tensor padded = g.concat(g.concat(zero, x, 1), zero, 1);  // [in, frames + 2, rows]
    const Tensor before = g.slice(padded, 1, 0, frames), after = g.slice(padded, 1, 2, frames);
    const Tensor three = g.concat(g.concat(before, x, 0), after, 0);  // [3 in, frames, rows]
    const Tensor columns = g.reshape(three, {3 * channels, frames * rows});
    return linear(g, w.linear, nn::linear(g, w.conv, columns, w.conv_b));
}

/// Attention in both directions over all frames of a row. x [dim, frames * rows]
Tensor self_attention(Graph& g, const BlockWeights& w, const nn::Rotary& rotary, std::int64_t heads, std::int64_t frames,
                      std::int64_t rows, Tensor x) {
    const std::int64_t dim = x.dim(0), columns = frames * rows, head_dim = dim / heads;
    const Tensor qkv = nn::linear(g, w.qkv, x);  // [3 dim, columns]
    const auto part = [&](std::int64_t i) { return g.split_heads(g.slice(qkv, 0, i * dim, dim), heads, columns, 1); };
    const auto by_row = [&](Tensor t) { return g.reshape(t, {head_dim, heads, frames, rows}); };
    const Tensor q = by_row(rotary(g, part(0)));  // [head_dim, heads, frames, rows]
    const Tensor k = by_row(rotary(g, part(1)));
    const Tensor v = g.split_heads(g.slice(qkv, 0, 2 * dim, dim), heads, frames, rows);
    const Tensor mixed = nn::attention(g, q, g.permute(k, 0, 2, 1, 3), g.permute(v, 0, 2, 1, 3), {});
    return nn::linear(g, w.attention_out, mixed);  // [dim, columns]
}

/// One stage: its blocks, then the modulated norm behind them. x [dim, frames * rows]
Tensor stage(Graph& g, const StageWeights& w, const TimeTable& times, int index, const EstimatorInputs& in,
             std::int64_t heads, std::int64_t frames, std::int64_t rows, Tensor x) {
    const std::int64_t dim = x.dim(0);
    const nn::Rotary rotary{in.positions, {}, kRopeBase};
    const std::string prefix = index == 0 ? "block" : "block2_";
    for (std::size_t i = 0; i < w.blocks.size(); ++i) {
        const BlockWeights& b = w.blocks[i];
        const Tensor modulation = times.block(g, index, i, in.step);  // [6 dim]
        const auto m = [&](std::int64_t j) { return g.slice(modulation, 0, j * dim, dim); };
        const Tensor a = modulate(g, nn::rms_norm(g, x, b.attention_norm, kBlockNormEps), m(0), m(1));  // [dim, columns]
        const Tensor attended = self_attention(g, b, rotary, heads, frames, rows, a);
        g.named(attended, fmt::format("{}{}.attn", prefix, i));
        x = g.add(x, g.mul(attended, m(2)));
        const Tensor f = modulate(g, nn::rms_norm(g, x, b.mlp_norm, kBlockNormEps), m(3), m(4));
        x = g.add(x, g.mul(nn::swiglu_mlp(g, b.gate_up, b.down, f), m(5)));
        g.named(x, fmt::format("{}{}", prefix, i));
    }
    const Tensor normed = g.named(g.layer_norm(x, kBlockNormEps), index == 0 ? "norm_out" : "norm_out_2");
    const Tensor out = times.out(g, index, in.step);  // [2 dim]
    return modulate(g, normed, g.slice(out, 0, 0, dim), g.slice(out, 0, dim, dim));
}

}  // namespace

std::int64_t widest_projection(const Config& c) {
    return std::max(c.in_channels + c.inner(), c.inner_2());
}

Tensor estimator(Graph& g, const EstimatorWeights& w, const Config& c, const TimeTable& times, const EstimatorInputs& in,
                 Tensor x) {
    const std::int64_t frames = x.dim(1), rows = x.dim(2);
    Tensor s = g.named(project(g, w.proj_in, in, x), "proj_in");                  // [inner, frames * rows]
    s = stage(g, w.stage_1, times, 0, in, c.heads, frames, rows, s);              // [inner, frames * rows]
    const Tensor both = g.concat(x, g.reshape(s, {c.inner(), frames, rows}), 0);  // [in + inner, frames, rows]
    Tensor h = g.named(project(g, w.connection, in, both), "connection_proj");    // [inner_2, frames * rows]
    h = stage(g, w.stage_2, times, 1, in, c.heads, frames, rows, h);              // [inner_2, frames * rows]
    const Tensor out = project(g, w.proj_out, in, g.reshape(h, {c.inner_2(), frames, rows}));
    return g.named(g.reshape(out, {c.latent_channels, frames, rows}), "out");
}

}  // namespace heart::heartcodec
