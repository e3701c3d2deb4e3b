#include "models/heartclap/model.h"

#include "core/error.h"

#include <fmt/format.h>

namespace heart::heartclap {

namespace {

graph::TensorLookup lookup_in(const formats::Checkpoint& checkpoint) {
    return [&checkpoint](const std::string& name) { return checkpoint.find(name); };
}

graph::WeightTypes weight_types(graph::Type dtype) {
    return graph::WeightTypes::of(dtype, graph::Type::f16);
}

}  // namespace

void Weights::plan(graph::WeightPlan& plan, const Config& c) {
    const std::string listener = "mulan.audio.model.model.";
    subsampling.plan(plan, c.audio.subsampling, listener + "conv.");
    conformer.plan(plan, c.audio.conformer, listener + "conformer.");
    audio.plan(plan, c.audio.source, c.audio.tower, c.latent_dim, "audio");
    text_encoder.plan(plan, c.text.encoder);
    text.plan(plan, c.text.source, c.text.tower, c.latent_dim, "text");
}

std::unique_ptr<Model> Model::load(formats::Checkpoint checkpoint, const Config& config,
                                   std::shared_ptr<graph::Device> device, graph::Type dtype,
                                   const graph::LoadProgress& progress, const CancelToken& cancel) {
    std::unique_ptr<Model> model(new Model(std::move(checkpoint), config, std::move(device)));
    graph::WeightPlan plan;
    model->weights_.plan(plan, config);
    const formats::Checkpoint& source = model->checkpoint_;
    model->store_ =
        load_weights(plan, lookup_in(source), source.describe(), model->device_, weight_types(dtype), progress, cancel);
    return model;
}

std::vector<float> Model::embed(std::span<const std::int32_t> ids) const {
    const TextEncoderConfig& c = config_.text.encoder;
    if (static_cast<std::int64_t>(ids.size()) > c.most_tokens()) {
        throw Error(ErrorCode::limit, "the text is too long for the embedding model")
            .expected(fmt::format("at most {} tokens", c.most_tokens()))
            .found(fmt::format("{}", ids.size()));
    }
    const auto dim = static_cast<std::size_t>(c.dim);
    std::vector<float> out(ids.size() * dim), row(dim);
    std::int64_t seen = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] < 0 || ids[i] >= c.vocabulary) {
            throw Error(ErrorCode::mismatch, "the tokenizer and the embedding model do not belong together")
                .expected(fmt::format("ids below {}", c.vocabulary))
                .found(fmt::format("id {}", ids[i]));
        }
        const std::int64_t position = ids[i] == c.pad ? c.pad : c.pad + ++seen;
        const auto sum = std::span(out).subspan(i * dim, dim);
        const auto add = [&](const char* table, std::int64_t at) {
            formats::read_as_f32(*checkpoint_.find(table), static_cast<std::uint64_t>(at) * dim, row);
            for (std::size_t d = 0; d < dim; ++d) sum[d] += row[d];
        };
        add(TextEncoderWeights::kTokens, ids[i]);
        add(TextEncoderWeights::kTypes, 0);
        add(TextEncoderWeights::kPositions, position);
    }
    return out;
}

std::uint64_t check_checkpoint(const formats::Checkpoint& checkpoint, const Config& config, graph::Type dtype) {
    Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, config);
    plan.check(lookup_in(checkpoint), checkpoint.describe());
    return planned_bytes(plan, weight_types(dtype), lookup_in(checkpoint));
}

}  // namespace heart::heartclap
