#include "models/heartmula/language_model.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace heart::heartmula {

namespace {

graph::TensorLookup lookup_in(const formats::Checkpoint& checkpoint) {
    return [&checkpoint](const std::string& name) { return checkpoint.find(name); };
}

graph::WeightTypes weight_types(graph::Type dtype) {
    return graph::WeightTypes::of(dtype, graph::Type::bf16);
}

std::string config_path(const formats::Checkpoint& checkpoint) {
    return checkpoint.describe() + "/config.json";
}

}  // namespace

void check_reference(std::span<const float> embedding, std::int64_t dim) {
    constexpr float kMost = 1e6F;
    if (std::cmp_not_equal(embedding.size(), dim)) {
        throw Error(ErrorCode::mismatch, "the reference embedding does not fit the language model")
            .expected(fmt::format("{} numbers", dim))
            .found(fmt::format("{} numbers", embedding.size()))
            .hint("HeartMuLa takes embeddings of MuQ-MuLan");
    }
    for (std::size_t i = 0; i < embedding.size(); ++i) {
        if (std::abs(embedding[i]) <= kMost) continue;  // never true of NaN
        const bool finite = std::isfinite(embedding[i]);
        throw Error(finite ? ErrorCode::limit : ErrorCode::malformed, "the reference embedding is not usable")
            .expected(finite ? fmt::format("numbers of at most {} in size", kMost) : "finite numbers")
            .found(fmt::format("{} as number {}", embedding[i], i));
    }
}

std::unique_ptr<LanguageModel> LanguageModel::load(formats::Checkpoint checkpoint, std::shared_ptr<graph::Device> device,
                                                   graph::Type dtype, const graph::LoadProgress& progress,
                                                   const CancelToken& cancel) {
    std::unique_ptr<LanguageModel> model(new LanguageModel(std::move(checkpoint), std::move(device), dtype));
    const formats::Checkpoint& source = model->checkpoint_;
    model->config_ = Config::parse(source.config(), config_path(source));
    graph::WeightPlan plan;
    model->weights_.plan(plan, model->config_);
    model->store_ =
        load_weights(plan, lookup_in(source), source.describe(), model->device_, weight_types(dtype), progress, cancel);
    return model;
}

void LanguageModel::read_row(const formats::TensorView& table, std::uint64_t row, std::span<float> out) const {
    formats::read_as_f32(table, row * out.size(), out);
    const graph::Type wide = weight_types(dtype_).wide;
    for (float& x : out) {
        if (wide == graph::Type::bf16) x = formats::bf16_to_f32(formats::f32_to_bf16(x));
        if (wide == graph::Type::f16) x = formats::f16_to_f32(formats::f32_to_f16(x));
    }
}

void LanguageModel::embed_reference(std::span<const float> reference, std::span<float> out) const {
    read_row(*checkpoint_.find("muq_linear.bias"), 0, out);
    if (reference.empty()) return;
    check_reference(reference, config_.reference_dim);
    const formats::TensorView& weight = *checkpoint_.find("muq_linear.weight");
    std::vector<float> row(reference.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        read_row(weight, i, row);
        // In double a product of two floats is exact: fused or not, the sum is the same on every machine.
        double sum = out[i];
        for (std::size_t k = 0; k < row.size(); ++k) sum += static_cast<double>(row[k]) * static_cast<double>(reference[k]);
        out[i] = static_cast<float>(sum);
    }
}

std::vector<float> LanguageModel::embed_prompt(const PromptIds& prompt, bool guided) const {
    const auto dim = static_cast<std::size_t>(config_.backbone.dim);
    const auto length = static_cast<std::size_t>(prompt.length());
    const formats::TensorView& text = *checkpoint_.find("text_embeddings.weight");
    std::vector<float> out(dim * (length + (guided ? 1 : 0)));
    const auto column = [&](std::size_t i) { return std::span(out).subspan(i * dim, dim); };
    const auto embed = [&](std::span<const std::int32_t> ids, std::size_t start) {
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (ids[i] < 0 || ids[i] >= config_.text_vocabulary) {
                throw Error(ErrorCode::mismatch, "the tokenizer and the language model do not belong together")
                    .expected(fmt::format("text ids below {}", config_.text_vocabulary))
                    .found(fmt::format("id {}", ids[i]));
            }
            read_row(text, static_cast<std::uint64_t>(ids[i]), column(start + i));
        }
    };
    embed(prompt.tags, 0);
    embed_reference(prompt.reference, column(prompt.tags.size()));
    embed(prompt.lyrics, prompt.tags.size() + 1);
    if (guided) read_row(*checkpoint_.find("unconditional_text_embedding.weight"), 0, column(length));
    return out;
}

std::uint64_t check_checkpoint(const formats::Checkpoint& checkpoint, graph::Type dtype) {
    const Config config = Config::parse(checkpoint.config(), config_path(checkpoint));
    Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, config);
    plan.check(lookup_in(checkpoint), checkpoint.describe());
    return planned_bytes(plan, weight_types(dtype), lookup_in(checkpoint));
}

}  // namespace heart::heartmula
