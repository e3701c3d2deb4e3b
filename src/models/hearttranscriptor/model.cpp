#include "models/hearttranscriptor/model.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

namespace heart::hearttranscriptor {

namespace {

graph::TensorLookup lookup_in(const formats::Checkpoint& checkpoint) {
    return [&checkpoint](const std::string& name) { return checkpoint.find(name); };
}

graph::WeightTypes weight_types(graph::Type dtype) {
    return graph::WeightTypes::of(dtype, graph::Type::f16);
}

std::string config_path(const formats::Checkpoint& checkpoint) {
    return checkpoint.describe() + "/config.json";
}

}  // namespace

std::unique_ptr<Model> Model::load(formats::Checkpoint checkpoint, std::shared_ptr<graph::Device> device, graph::Type dtype,
                                   const graph::LoadProgress& progress, const CancelToken& cancel) {
    std::unique_ptr<Model> model(new Model(std::move(checkpoint), std::move(device), dtype));
    const formats::Checkpoint& source = model->checkpoint_;
    model->config_ = Config::parse(source.config(), config_path(source));
    graph::WeightPlan plan;
    model->weights_.plan(plan, model->config_);
    model->store_ =
        load_weights(plan, lookup_in(source), source.describe(), model->device_, weight_types(dtype), progress, cancel);
    return model;
}

graph::Type Model::cache_type() const noexcept {
    return dtype_ == graph::Type::f32 ? graph::Type::f32 : graph::Type::f16;
}

void Model::embed(std::int32_t token, std::int64_t position, std::span<float> out) const {
    const DecoderConfig& d = config_.decoder;
    if (token < 0 || token >= d.vocabulary) {
        throw Error(ErrorCode::mismatch, "the tokenizer and the transcriptor do not belong together")
            .expected(fmt::format("ids below {}", d.vocabulary))
            .found(fmt::format("id {}", token));
    }
    ensure(position >= 0 && position < d.positions, "a token stands outside the decoder's positions");
    std::vector<float> place(out.size());
    formats::read_as_f32(*checkpoint_.find(Weights::kTokenEmbeddings), static_cast<std::uint64_t>(token * d.dim), out);
    formats::read_as_f32(*checkpoint_.find(Weights::kPositionEmbeddings), static_cast<std::uint64_t>(position * d.dim),
                         place);
    const float factor = config_.scale_embedding ? std::sqrt(static_cast<float>(d.dim)) : 1.0F;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = out[i] * factor + place[i];
}

std::uint64_t check_checkpoint(const formats::Checkpoint& checkpoint, graph::Type dtype) {
    const Config config = Config::parse(checkpoint.config(), config_path(checkpoint));
    Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, config);
    plan.check(lookup_in(checkpoint), checkpoint.describe());
    return planned_bytes(plan, weight_types(dtype), lookup_in(checkpoint));
}

}  // namespace heart::hearttranscriptor
