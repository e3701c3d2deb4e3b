#include "models/heartmula/weights.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <span>

namespace heart::heartmula {

using graph::Published;
using graph::WeightPlan;

namespace {

std::uint64_t u(std::int64_t n) {
    return static_cast<std::uint64_t>(n);
}

void plan_stack(WeightPlan& plan, LlamaWeights& stack, const std::string& name, const LlamaDims& d) {
    stack.layers.resize(u(d.layers));
    for (std::size_t i = 0; i < stack.layers.size(); ++i) {
        LlamaLayer& layer = stack.layers[i];
        const std::string p = fmt::format("{}.layers.{}.", name, i);
        plan.vector(layer.attention_norm, {p + "sa_norm.scale", {u(d.dim)}});
        plan.matrix(layer.qkv, p + "attn.qkv",
                    {{p + "attn.q_proj.weight", {u(d.dim), u(d.dim)}},
                     {p + "attn.k_proj.weight", {u(d.kv_dim()), u(d.dim)}},
                     {p + "attn.v_proj.weight", {u(d.kv_dim()), u(d.dim)}}});
        plan.matrix(layer.attention_out, p + "attn.output", {{p + "attn.output_proj.weight", {u(d.dim), u(d.dim)}}});
        plan.vector(layer.mlp_norm, {p + "mlp_norm.scale", {u(d.dim)}});
        plan.matrix(layer.gate_up, p + "mlp.gate_up",
                    {{p + "mlp.w1.weight", {u(d.hidden), u(d.dim)}}, {p + "mlp.w3.weight", {u(d.hidden), u(d.dim)}}});
        plan.matrix(layer.down, p + "mlp.down", {{p + "mlp.w2.weight", {u(d.dim), u(d.hidden)}}});
    }
    plan.vector(stack.norm, {name + ".norm.scale", {u(d.dim)}});
    plan.derived(stack.rope_factors, name + ".rope_factors", WeightPlan::Use::vector, {d.head_dim() / 2}, {},
                 [d](std::span<const formats::TensorView* const>, std::span<float> out) {
                     const auto factors = rope_factors(d.head_dim(), d.rope_base, d.rope_scale);
                     std::copy(factors.begin(), factors.end(), out.begin());
                 });
}

/// audio_head is published [codebooks - 1, in, out] and used as h @ W; a product wants [in] contiguous.
graph::Derive transposed_head(std::size_t index, std::size_t in, std::size_t out) {
    return [=](std::span<const formats::TensorView* const> sources, std::span<float> head) {
        std::vector<float> w(in * out);
        formats::read_as_f32(*sources[0], index * in * out, w);
        for (std::size_t i = 0; i < in; ++i) {
            for (std::size_t o = 0; o < out; ++o) head[o * in + i] = w[i * out + o];
        }
    };
}

}  // namespace

void Weights::plan(WeightPlan& plan, const Config& c) {
    plan_stack(plan, backbone, "backbone", c.backbone);
    plan_stack(plan, depth, "decoder", c.depth);
    plan.table(audio_embeddings, {"audio_embeddings.weight", {u(c.audio_vocabulary * c.codebooks), u(c.backbone.dim)}});
    plan.matrix(projection, "projection", {{"projection.weight", {u(c.depth.dim), u(c.backbone.dim)}}});
    plan.matrix(codebook0_head, "codebook0_head", {{"codebook0_head.weight", {u(c.audio_vocabulary), u(c.backbone.dim)}}},
                WeightPlan::Use::sensitive);

    audio_heads.resize(u(c.codebooks - 1));
    const Published heads{"audio_head", {u(c.codebooks - 1), u(c.depth.dim), u(c.audio_vocabulary)}};
    for (std::size_t i = 0; i < audio_heads.size(); ++i) {
        plan.derived(audio_heads[i], fmt::format("audio_head.{}", i), WeightPlan::Use::sensitive,
                     {c.depth.dim, c.audio_vocabulary}, {heads}, transposed_head(i, u(c.depth.dim), u(c.audio_vocabulary)));
    }
    plan.in_file({"text_embeddings.weight", {u(c.text_vocabulary), u(c.backbone.dim)}});
    plan.in_file({"unconditional_text_embedding.weight", {1, u(c.backbone.dim)}});
    plan.in_file({"muq_linear.weight", {u(c.backbone.dim), u(c.reference_dim)}});
    plan.in_file({"muq_linear.bias", {u(c.backbone.dim)}});
}

std::vector<float> rope_factors(std::int64_t head_dim, float base, float scale) {
    constexpr float kLowFactor = 1, kHighFactor = 4, kOldContext = 8192;
    std::vector<float> out;
    for (std::int64_t i = 0; i < head_dim / 2; ++i) {
        const double exponent = static_cast<double>(2 * i) / static_cast<double>(head_dim);
        const double exact = std::pow(static_cast<double>(base), -exponent);
        // In f32 from here, as the reference: where it blends, its rounding is larger than what we may differ by.
        const float frequency = 1.0F / std::pow(base, static_cast<float>(exponent));
        const float wavelength = 2 * std::numbers::pi_v<float> / frequency;
        float scaled = frequency;  // short waves turn as trained
        if (wavelength > kOldContext / kLowFactor) {
            scaled = frequency / scale;
        } else if (wavelength >= kOldContext / kHighFactor) {  // in between: blended linearly in frequency
            const float smooth = (kOldContext / wavelength - kLowFactor) / (kHighFactor - kLowFactor);
            scaled = (1 - smooth) * frequency / scale + smooth * frequency;
        }
        out.push_back(static_cast<float>(exact / static_cast<double>(scaled)));
    }
    return out;
}

}  // namespace heart::heartmula
