#include "models/hearttranscriptor/weights.h"

#include <fmt/format.h>

namespace heart::hearttranscriptor {

namespace {

std::uint64_t u(std::int64_t n) {
    return static_cast<std::uint64_t>(n);
}

void plan_layer(graph::WeightPlan& plan, DecoderLayer& layer, const DecoderConfig& d, const std::string& p) {
    nn::plan_layer_norm(plan, layer.self_norm, p + "self_attn_layer_norm", d.dim);
    nn::plan_stacked_linear(plan, layer.self_qkv, p + "self_attn.", {{"q_proj"}, {"k_proj", false}, {"v_proj"}}, d.dim,
                            d.dim);
    nn::plan_linear(plan, layer.self_out, p + "self_attn.out_proj", d.dim, d.dim);
    nn::plan_layer_norm(plan, layer.cross_norm, p + "encoder_attn_layer_norm", d.dim);
    nn::plan_linear(plan, layer.cross_q, p + "encoder_attn.q_proj", d.dim, d.dim);
    nn::plan_stacked_linear(plan, layer.cross_kv, p + "encoder_attn.", {{"k_proj", false}, {"v_proj"}}, d.dim, d.dim);
    nn::plan_linear(plan, layer.cross_out, p + "encoder_attn.out_proj", d.dim, d.dim);
    nn::plan_layer_norm(plan, layer.mlp_norm, p + "final_layer_norm", d.dim);
    nn::plan_linear(plan, layer.up, p + "fc1", d.dim, d.hidden);
    nn::plan_linear(plan, layer.down, p + "fc2", d.hidden, d.dim);
}

}  // namespace

void Weights::plan(graph::WeightPlan& plan, const Config& config) {
    const DecoderConfig& d = config.decoder;
    encoder.plan(plan, config.encoder, "model.encoder.");
    layers.resize(u(d.layers));
    for (std::size_t i = 0; i < layers.size(); ++i) {
        plan_layer(plan, layers[i], d, fmt::format("model.decoder.layers.{}.", i));
    }
    nn::plan_layer_norm(plan, norm, "model.decoder.layer_norm", d.dim);
    const graph::Published tokens{kTokenEmbeddings, {u(d.vocabulary), u(d.dim)}};
    const graph::Published logits{config.tied_head ? kTokenEmbeddings : "proj_out.weight", tokens.shape};
    plan.matrix(head, "head", {logits}, graph::WeightPlan::Use::sensitive);
    if (!config.tied_head) plan.in_file(tokens);
    plan.in_file({kPositionEmbeddings, {u(d.positions), u(d.dim)}});
}

}  // namespace heart::hearttranscriptor
