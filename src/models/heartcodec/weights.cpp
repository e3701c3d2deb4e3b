#include "models/heartcodec/weights.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>

namespace heart::heartcodec {

using graph::Published;
using graph::Tensor;
using graph::WeightPlan;

namespace {

constexpr std::array<std::int64_t, 5> kDilations{1, 3, 5, 7, 9};

using Sources = std::span<const formats::TensorView* const>;

std::uint64_t u(std::int64_t n) {
    return static_cast<std::uint64_t>(n);
}

/// Few, small, and each output depends on all of them: not quantised.
void plan_linear(WeightPlan& plan, Linear& l, const std::string& name, std::int64_t in, std::int64_t out) {
    plan.matrix(l.w, name + ".weight", {{name + ".weight", {u(out), u(in)}}}, WeightPlan::Use::sensitive);
    plan.vector(l.b, {name + ".bias", {u(out)}});
}

void plan_quantizer(WeightPlan& plan, QuantizerWeights& w, const Config& c) {
    const std::string vq = "flow_matching.vq_embed.";
    w.codebooks.resize(u(c.quantizers));
    for (std::size_t i = 0; i < w.codebooks.size(); ++i) {
        plan.derived(w.codebooks[i], fmt::format("codebook{}", i), WeightPlan::Use::vector,
                     {c.codebook_dim, c.codebook_size},
                     {{fmt::format("{}layers.{}._codebook.embed", vq, i), {1, u(c.codebook_size), u(c.codebook_dim)}}},
                     [](Sources sources, std::span<float> out) { formats::read_as_f32(*sources[0], 0, out); });
    }
    plan_linear(plan, w.project_out, vq + "project_out", c.codebook_dim, c.dim);
    plan_linear(plan, w.condition, "flow_matching.cond_feature_emb", c.dim, c.dim);
}

void plan_project(WeightPlan& plan, ProjectWeights& w, const std::string& name, std::int64_t in, std::int64_t out) {
    const auto factor = static_cast<float>(1 / std::sqrt(3.0));  // kernel_size ** -0.5 behind the convolution
    const auto reorder = [=](Sources sources, std::span<float> matrix) {
        const std::vector<float> conv = graph::read_all(*sources[0]);  // [out][in][3] -> [out][3][in]
        for (std::size_t o = 0; o < u(out); ++o) {
            for (std::size_t i = 0; i < u(in); ++i) {
                for (std::size_t k = 0; k < 3; ++k) matrix[(o * 3 + k) * u(in) + i] = factor * conv[(o * u(in) + i) * 3 + k];
            }
        }
    };
    const auto scaled = [=](Sources sources, std::span<float> bias) {
        formats::read_as_f32(*sources[0], 0, bias);
        for (float& x : bias) x *= factor;
    };
    plan.derived(w.conv, name + ".conv", WeightPlan::Use::sensitive, {3 * in, out},
                 {{name + ".ffn_1.weight", {u(out), u(in), 3}}}, reorder);
    plan.derived(w.conv_b, name + ".conv_bias", WeightPlan::Use::vector, {out}, {{name + ".ffn_1.bias", {u(out)}}}, scaled);
    plan_linear(plan, w.linear, name + ".ffn_2", out, out);
}

void plan_stage(WeightPlan& plan, StageWeights& w, const std::string& prefix, const std::string& suffix, std::int64_t layers,
                std::int64_t dim) {
    const std::int64_t width = mlp_width(dim);
    w.blocks.resize(u(layers));
    for (std::size_t i = 0; i < w.blocks.size(); ++i) {
        BlockWeights& b = w.blocks[i];
        const std::string p = fmt::format("{}transformer_blocks{}.{}.", prefix, suffix, i);
        plan.vector(b.attention_norm, {p + "attn_norm.weight", {u(dim)}});
        plan.matrix(b.qkv, p + "attn.qkv",
                    {{p + "attn.q_proj.weight", {u(dim), u(dim)}},
                     {p + "attn.k_proj.weight", {u(dim), u(dim)}},
                     {p + "attn.v_proj.weight", {u(dim), u(dim)}}});
        plan.matrix(b.attention_out, p + "attn.o_proj", {{p + "attn.o_proj.weight", {u(dim), u(dim)}}});
        plan.vector(b.mlp_norm, {p + "mlp_norm.weight", {u(dim)}});
        plan.matrix(b.gate_up, p + "mlp.gate_up",
                    {{p + "mlp.gate.weight", {u(width), u(dim)}}, {p + "mlp.up.weight", {u(width), u(dim)}}});
        plan.matrix(b.down, p + "mlp.down", {{p + "mlp.down.weight", {u(dim), u(width)}}});
        plan.vector(b.modulation, {p + "scale_shift_table", {6, u(dim)}});
    }
    const std::string adaln = prefix + "adaln_single" + suffix;
    plan_linear(plan, w.time.linear_1, adaln + ".emb.timestep_embedder.linear_1", kTimeChannels, dim);
    plan_linear(plan, w.time.linear_2, adaln + ".emb.timestep_embedder.linear_2", dim, dim);
    plan_linear(plan, w.time.modulation, adaln + ".linear", dim, 6 * dim);
    plan.vector(w.out_modulation, {prefix + "scale_shift_table" + suffix, {2, u(dim)}});
}

void plan_estimator(WeightPlan& plan, EstimatorWeights& w, const Config& c) {
    const std::string p = "flow_matching.estimator.";
    plan_project(plan, w.proj_in, p + "proj_in", c.in_channels, c.inner());
    plan_stage(plan, w.stage_1, p, "", c.layers, c.inner());
    plan_project(plan, w.connection, p + "connection_proj", c.in_channels + c.inner(), c.inner_2());
    plan_stage(plan, w.stage_2, p, "_2", c.layers_2, c.inner_2());
    plan_project(plan, w.proj_out, p + "proj_out", c.inner_2(), c.latent_channels);
}

void plan_scalar_decoder(WeightPlan& plan, ScalarDecoderWeights& w, const Config& c) {
    const std::string p = "scalar_model.decoder.";
    const auto name = [&](std::size_t i, const std::string& rest) { return fmt::format("{}{}{}", p, i, rest); };
    std::int64_t channels = c.decoder_channels();
    plan_conv1d(plan, w.first, name(0, ""), nn::Norm::weight, c.latent_hidden, channels, c.delay_kernel, 1);
    w.blocks.resize(c.up_factors.size());
    for (std::size_t i = 0; i < w.blocks.size(); ++i) {
        DecoderBlockWeights& b = w.blocks[i];
        const std::int64_t out = channels / 2;
        plan_upsample(plan, b.up, name(i + 1, ".up_conv.layer"), channels, out, c.up_factors[i]);
        b.residuals.resize(kDilations.size());
        for (std::size_t j = 0; j < kDilations.size(); ++j) {
            ResidualWeights& r = b.residuals[j];
            const std::string q = name(i + 1, fmt::format(".convs.{}.", j));
            plan_conv1d(plan, r.conv1, q + "conv1", nn::Norm::weight, out, out, c.residual_kernel, kDilations[j]);
            plan_conv1d(plan, r.conv2, q + "conv2", nn::Norm::weight, out, out, 1, 1);
            plan.scalar(r.slope1, {q + "activation1.weight", {1}});
            plan.scalar(r.slope2, {q + "activation2.weight", {1}});
        }
        channels = out;
    }
    std::size_t next = w.blocks.size() + 1;
    if (c.repeat > 1) {
        plan_conv1d(plan, w.post, name(next, ".conv"), nn::Norm::none, channels, channels, c.default_kernel, 1);
        plan.scalar(w.post_slope, {name(next, ".activation.weight"), {1}});
        ++next;
    }
    plan_conv1d(plan, w.last, name(next, ""), nn::Norm::weight, channels, 1, c.default_kernel, 1);
}

void add_conv(std::vector<Published>& out, const std::string& name, nn::Norm norm, std::int64_t a, std::int64_t b,
              std::int64_t k, std::int64_t bias) {
    out.push_back({name + ".bias", {u(bias)}});
    if (norm == nn::Norm::none) {
        out.push_back({name + ".weight", {u(a), u(b), u(k)}});
    } else {
        out.push_back({name + ".parametrizations.weight.original0", {u(a), 1, 1}});
        out.push_back({name + ".parametrizations.weight.original1", {u(a), u(b), u(k)}});
    }
}

void add_scalar_encoder(std::vector<Published>& out, const Config& c) {
    const std::string p = "scalar_model.encoder.";
    const auto name = [&](std::size_t i, const std::string& rest) { return fmt::format("{}{}{}", p, i, rest); };
    std::int64_t channels = c.init_channels;
    add_conv(out, name(0, ""), nn::Norm::weight, channels, 1, c.default_kernel, channels);
    std::size_t next = 1;
    if (c.repeat > 1) {
        add_conv(out, name(next, ".conv"), nn::Norm::none, channels, channels, c.default_kernel, channels);
        out.push_back({name(next, ".activation.weight"), {1}});
        ++next;
    }
    for (std::size_t i = 0; i < c.down_factors.size(); ++i, ++next) {
        for (std::size_t j = 0; j < kDilations.size(); ++j) {
            const std::string q = name(next, fmt::format(".convs.{}.", j));
            add_conv(out, q + "conv1", nn::Norm::weight, channels, channels, c.residual_kernel, channels);
            add_conv(out, q + "conv2", nn::Norm::weight, channels, channels, 1, channels);
            out.push_back({q + "activation1.weight", {1}});
            out.push_back({q + "activation2.weight", {1}});
        }
        add_conv(out, name(next, ".down_conv.layer"), nn::Norm::weight, 2 * channels, channels, c.down_kernels[i],
                 2 * channels);
        out.push_back({name(next, ".down_conv.activation.weight"), {1}});
        channels *= 2;
    }
    add_conv(out, name(next, ""), nn::Norm::weight, c.latent_hidden, channels, c.default_kernel, c.latent_hidden);
}

}  // namespace

void Weights::plan(WeightPlan& plan, const Config& config) {
    plan_quantizer(plan, quantizer, config);
    plan_estimator(plan, estimator, config);
    plan_scalar_decoder(plan, decoder, config);
}

std::vector<Published> published_tensors(const Config& c) {
    Weights weights;
    WeightPlan plan;
    weights.plan(plan, c);
    std::vector<Published> out = plan.published();

    const std::string vq = "flow_matching.vq_embed.";
    out.push_back({vq + "project_in.weight", {u(c.codebook_dim), u(c.dim)}});
    out.push_back({vq + "project_in.bias", {u(c.codebook_dim)}});
    for (std::int64_t i = 0; i < c.quantizers; ++i) {
        const std::string p = fmt::format("{}layers.{}._codebook.", vq, i);
        out.push_back({p + "initted", {1}});
        out.push_back({p + "cluster_size", {1, u(c.codebook_size)}});
        out.push_back({p + "embed_avg", {1, u(c.codebook_size), u(c.codebook_dim)}});
    }
    out.push_back({"flow_matching.zero_cond_embedding1", {u(c.dim)}});
    add_scalar_encoder(out, c);
    return out;
}

}  // namespace heart::heartcodec
