#include "models/listeners/conformer.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace heart::listeners {

using graph::Graph;
using graph::Published;
using graph::Tensor;
using graph::WeightPlan;

namespace {

constexpr float kBatchNormEps = 1e-5F;

std::size_t u(std::int64_t n) {
    return static_cast<std::size_t>(n);
}

// --- weights ------------------------------------------------------------------------------------------------------------

using Sources = std::span<const formats::TensorView* const>;

void plan_feed_forward(WeightPlan& plan, ConformerFeedForward& f, const std::string& name, const ConformerConfig& c) {
    nn::plan_linear(plan, f.up, name + ".intermediate_dense", c.dim, c.hidden);
    nn::plan_linear(plan, f.down, name + ".output_dense", c.hidden, c.dim);
}

/// A convolution with one tap is published as [out, in, 1].
void plan_pointwise(WeightPlan& plan, nn::Linear& linear, const std::string& name, std::int64_t in, std::int64_t out) {
    plan.derived(linear.weight, name, WeightPlan::Use::product, {in, out}, {{name + ".weight", {u(out), u(in), 1}}},
                 [](Sources sources, std::span<float> to) { formats::read_as_f32(*sources[0], 0, to); });
}

/// The depthwise convolution with its batch norm folded in.
void plan_depthwise(WeightPlan& plan, ConformerLayer& layer, const std::string& p, const ConformerConfig& c) {
    const std::string norm = p + "batch_norm.";
    const std::uint64_t dim = u(c.dim);
    const std::vector<Published> sources{{p + "depthwise_conv.weight", {dim, 1, u(c.kernel)}},
                                         {norm + "weight", {dim}},
                                         {norm + "bias", {dim}},
                                         {norm + "running_mean", {dim}},
                                         {norm + "running_var", {dim}}};
    const auto factors = [](Sources s) {
        auto out = graph::read_all(*s[1]);
        const auto variance = graph::read_all(*s[4]);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] /= std::sqrt(variance[i] + kBatchNormEps);
        return out;
    };
    layer.depthwise.resize(u(c.kernel));
    for (std::size_t tap = 0; tap < layer.depthwise.size(); ++tap) {
        plan.derived(layer.depthwise[tap], fmt::format("{}depthwise{}", p, tap), WeightPlan::Use::vector, {c.dim}, sources,
                     [factors, tap, taps = u(c.kernel)](Sources s, std::span<float> to) {
                         const auto w = graph::read_all(*s[0]), factor = factors(s);
                         for (std::size_t i = 0; i < to.size(); ++i) to[i] = factor[i] * w[i * taps + tap];
                     });
    }
    plan.derived(layer.depthwise_bias, p + "depthwise_bias", WeightPlan::Use::vector, {c.dim}, sources,
                 [factors](Sources s, std::span<float> to) {
                     const auto bias = graph::read_all(*s[2]), mean = graph::read_all(*s[3]), factor = factors(s);
                     for (std::size_t i = 0; i < to.size(); ++i) to[i] = bias[i] - mean[i] * factor[i];
                 });
}

void plan_layer(WeightPlan& plan, ConformerLayer& layer, const std::string& p, const ConformerConfig& c) {
    nn::plan_layer_norm(plan, layer.before_norm, p + "ffn1_layer_norm", c.dim);
    plan_feed_forward(plan, layer.before, p + "ffn1", c);
    nn::plan_layer_norm(plan, layer.attention_norm, p + "self_attn_layer_norm", c.dim);
    nn::plan_stacked_linear(plan, layer.qk, p + "self_attn.", {{"linear_q"}, {"linear_k"}}, c.dim, c.dim);
    nn::plan_linear(plan, layer.v, p + "self_attn.linear_v", c.dim, c.dim);
    nn::plan_linear(plan, layer.attention_out, p + "self_attn.linear_out", c.dim, c.dim);
    nn::plan_layer_norm(plan, layer.conv_norm, p + "conv_module.layer_norm", c.dim);
    plan_pointwise(plan, layer.gate, p + "conv_module.pointwise_conv1", c.dim, 2 * c.dim);
    plan_depthwise(plan, layer, p + "conv_module.", c);
    plan_pointwise(plan, layer.conv_out, p + "conv_module.pointwise_conv2", c.dim, c.dim);
    nn::plan_layer_norm(plan, layer.after_norm, p + "ffn2_layer_norm", c.dim);
    plan_feed_forward(plan, layer.after, p + "ffn2", c);
    nn::plan_layer_norm(plan, layer.norm, p + "final_layer_norm", c.dim);
}

}  // namespace

void ConformerWeights::plan(WeightPlan& plan, const ConformerConfig& c, const std::string& prefix) {
    layers.resize(u(c.layers));
    for (std::size_t i = 0; i < layers.size(); ++i) plan_layer(plan, layers[i], fmt::format("{}layers.{}.", prefix, i), c);
    nn::plan_layer_norm(plan, norm, prefix + "layer_norm", c.dim);
}

std::pair<std::vector<float>, std::vector<float>> rotation_tables(const ConformerConfig& c, std::int64_t frames) {
    const std::int64_t pairs = c.head_dim() / 2;
    std::vector<float> cosines, sines;
    for (std::int64_t t = 0; t < frames; ++t) {
        for (std::int64_t i = 0; i < pairs; ++i) {
            // As the reference has it: the frequency and the angle are rounded to float on the way.
            const auto exponent = static_cast<float>(2 * i) / static_cast<float>(c.head_dim());
            const float angle = static_cast<float>(t) * (1.0F / std::pow(c.rotary_base, exponent));
            cosines.push_back(std::cos(angle));
            sines.push_back(std::sin(angle));
        }
    }
    return {std::move(cosines), std::move(sines)};
}

// --- the graph ----------------------------------------------------------------------------------------------------------

namespace {

/// A layer being built: what its parts share. "frames" below are those of a clip.
struct Builder {
    Graph& g;
    const ConformerConfig& c;
    const Rotation& rotation;
    Tensor zero;
    std::int64_t clips, frames;
    std::string prefix;

    Tensor named(Tensor t, const char* part) const { return g.named(t, prefix + part); }

    /// x + half of a feed-forward of it.
    Tensor feed_forward(const nn::LayerNorm& norm, const ConformerFeedForward& f, Tensor x, const char* name) const {
        const Tensor up = g.silu(f.up(g, norm(g, x, c.norm_eps)));  // [hidden, frames * clips]
        const Tensor y = named(f.down(g, up), name);                // [dim, frames * clips]
        return g.add(x, g.scale(y, 0.5F));
    }

    /// Each head's first half turned with its second: the positions go into the states before the products of q and k.
    Tensor rotate(Tensor x) const {
        const std::int64_t half = c.head_dim() / 2;
        const Tensor heads = g.reshape(x, {c.head_dim(), c.heads, frames, clips});  // [head_dim, heads, frames, clips]
        const Tensor a = g.slice(heads, 0, 0, half), b = g.slice(heads, 0, half, half);
        const Tensor first = g.sub(g.mul(a, rotation.cos), g.mul(b, rotation.sin));
        const Tensor second = g.add(g.mul(b, rotation.cos), g.mul(a, rotation.sin));
        return g.reshape(g.concat(first, second, 0), {c.dim, frames * clips});  // [dim, frames * clips]
    }

    Tensor attend(const ConformerLayer& w, Tensor x) const {
        const Tensor states = w.attention_norm(g, x, c.norm_eps);     // [dim, frames * clips]
        const Tensor qk = w.qk(g, named(rotate(states), "rotated"));  // [2 dim, frames * clips]
        const auto split = [&](Tensor t) {
            return g.split_heads(t, c.heads, frames, clips);  // [head_dim, heads, frames, clips]
        };
        const Tensor q = split(g.slice(qk, 0, 0, c.dim));
        const Tensor k = g.permute(split(g.slice(qk, 0, c.dim, c.dim)), 0, 2, 1, 3);
        const Tensor v = g.permute(split(w.v(g, states)), 0, 2, 1, 3);
        const Tensor mixed = nn::attention(g, q, k, v, {});  // [dim, frames * clips]
        return g.add(x, named(w.attention_out(g, mixed), "self_attn"));
    }

    /// Pointwise with a gate, depthwise over time, pointwise.
    Tensor convolve(const ConformerLayer& w, Tensor x) const {
        const Tensor gated = w.gate(g, w.conv_norm(g, x, c.norm_eps));  // [2 dim, frames * clips]
        const Tensor open = g.sigmoid(g.contiguous(g.slice(gated, 0, c.dim, c.dim)));
        const Tensor y = g.reshape(g.mul(g.slice(gated, 0, 0, c.dim), open), {c.dim, frames, clips});
        const Tensor zeros = g.repeat_to(g.slice(zero, 0, 0, c.dim), {c.dim, c.kernel / 2, clips});
        const Tensor padded = g.concat(g.concat(zeros, y, 1), zeros, 1);  // [dim, frames + kernel - 1, clips]
        Tensor sum;
        for (std::size_t tap = 0; tap < w.depthwise.size(); ++tap) {
            const Tensor part = g.mul(g.slice(padded, 1, static_cast<std::int64_t>(tap), frames), w.depthwise[tap]);
            sum = g.add(sum ? sum : part, sum ? part : w.depthwise_bias);  // [dim, frames, clips]
        }
        const Tensor mixed = g.reshape(g.silu(sum), {c.dim, frames * clips});
        return g.add(x, named(w.conv_out(g, mixed), "conv_module"));
    }

    Tensor layer(const ConformerLayer& w, Tensor x) const {
        x = feed_forward(w.before_norm, w.before, x, "ffn1");
        x = attend(w, x);
        x = convolve(w, x);
        x = feed_forward(w.after_norm, w.after, x, "ffn2");
        return w.norm(g, x, c.norm_eps);  // [dim, frames * clips]
    }
};

}  // namespace

Tensor conformer(Graph& g, const ConformerWeights& w, const ConformerConfig& c, const Rotation& rotation, Tensor zero,
                 Tensor x, std::int64_t clips, std::int64_t states) {
    ensure(clips > 0 && x.dim(1) % clips == 0, "clips of one length");
    const std::int64_t frames = x.dim(1) / clips;
    g.named(x, "hidden_states.0");
    for (std::int64_t i = 0; i < states; ++i) {
        x = Builder{g, c, rotation, zero, clips, frames, fmt::format("layer{}.", i)}.layer(w.layers[u(i)], x);
        if (i + 1 == c.layers) x = w.norm(g, x, c.norm_eps);
        g.named(x, fmt::format("hidden_states.{}", i + 1));
    }
    return x;
}

}  // namespace heart::listeners
