#include "engine/quantise_plan.h"

#include "core/error.h"
#include "engine/options.h"
#include "formats/gguf.h"
#include "graph/weights.h"
#include "models/heartcodec/codec.h"
#include "models/heartcodec/weights.h"
#include "models/heartmula/language_model.h"
#include "models/heartmula/weights.h"
#include "models/hearttranscriptor/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

namespace heart::engine {

namespace {

using formats::DType;
using formats::TensorView;
using graph::Type;

constexpr std::array<std::pair<Type, DType>, 8> kTypes{{{Type::f32, DType::f32},
                                                        {Type::f16, DType::f16},
                                                        {Type::bf16, DType::bf16},
                                                        {Type::q8_0, DType::q8_0},
                                                        {Type::q4_0, DType::q4_0},
                                                        {Type::q4_k, DType::q4_k},
                                                        {Type::q5_k, DType::q5_k},
                                                        {Type::q6_k, DType::q6_k}}};

DType file_type(Type type) {
    return std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == type; })->second;
}

std::int64_t row_length(const TensorView& tensor) {
    return tensor.shape.empty() ? 1 : static_cast<std::int64_t>(tensor.shape.back());
}

Type next_type(Type type) {
    if (type == Type::q4_k) return Type::q4_0;
    return type == Type::q5_k || type == Type::q6_k ? Type::q8_0 : Type::f16;
}

/// A tensor in the type that is asked for, or the next one that its rows fit.
PlannedTensor planned(const std::string& name, const TensorView& source, std::optional<Type> type) {
    PlannedTensor out{name, &source, type, {}};
    while (out.type && row_length(source) % graph::block_size(*out.type) != 0) out.type = next_type(*out.type);
    if (out.type != type) out.asked = type;
    if (out.type && out.dtype() == source.dtype) out.type.reset();
    return out;
}

/// Gives each published tensor of a weight plan its type; nothing for those that stay as they are.
using Choose = std::function<std::optional<Type>(const graph::WeightPlan::Entry&, const graph::Published&)>;

/// All tensors of the checkpoint. Those that the plan does not ask for stay as they are, where GGUF has a type for them.
void plan_tensors(QuantisePlan& out, const formats::Checkpoint& checkpoint, const graph::WeightPlan& weights,
                  const std::string& prefix, const Choose& choose) {
    std::map<std::string, std::optional<Type>> types;
    for (const graph::WeightPlan::Entry& entry : weights.entries()) {
        for (const graph::Published& p : entry.sources) {
            types[prefix + p.name] = choose(entry, p);
        }
    }
    for (const auto& [name, view] : checkpoint.tensors()) {
        const auto known = types.find(name);
        PlannedTensor tensor = planned(name, view, known == types.end() ? std::nullopt : known->second);
        if (formats::has_gguf_type(tensor.dtype())) {
            out.tensors.push_back(std::move(tensor));
        } else {
            out.left_out.push_back(name);  // never one that the plan asks for: those hold numbers we can read
        }
    }
}

}  // namespace

Type parse_weight_type(const std::string& name) {
    for (const auto& [type, dtype] : kTypes) {
        if (name == weight_type_label(dtype)) return type;
    }
    try {
        return parse_type(name);
    } catch (const Error& e) {
        throw Error(e.code(), e.message()).expected("q8_0, q6_k, q5_k, q4_k, q4_0, bfloat16, float16 or float32");
    }
}

std::string weight_type_label(DType type) {
    std::string out(formats::dtype_name(type));
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

std::string weight_type_label(Type type) {
    return weight_type_label(file_type(type));
}

DType PlannedTensor::dtype() const {
    return type ? file_type(*type) : source->dtype;
}

std::uint64_t PlannedTensor::bytes() const {
    return formats::tensor_bytes(dtype(), source->shape, fmt::format("tensor '{}'", printable(name)));
}

std::uint64_t QuantisePlan::bytes() const {
    std::uint64_t sum = 0;
    for (const PlannedTensor& t : tensors) sum += t.bytes() + formats::gguf_padding(t.bytes());
    return sum;
}

QuantisePlan plan_language_model(const formats::Checkpoint& checkpoint, const QuantiseRecipe& recipe) {
    (void)heartmula::check_checkpoint(checkpoint, recipe.type);
    heartmula::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, heartmula::Config::parse(checkpoint.config(), checkpoint.describe() + "/config.json"));

    // What is not quantised keeps 16 bits: bfloat16, in which the checkpoint is published, unless it came as float16.
    const bool half = checkpoint.find("codebook0_head.weight")->dtype == DType::f16;
    const Type rest = !graph::is_quantised(recipe.type) ? recipe.type : half ? Type::f16 : Type::bf16;
    QuantisePlan out;
    out.architecture = "heartmula";
    out.recipe = {{"backbone", weight_type_label(recipe.backbone.value_or(recipe.type))},
                  {"depth", weight_type_label(recipe.depth.value_or(recipe.type))},
                  {"head", weight_type_label(recipe.head.value_or(rest))},
                  {"embedding", weight_type_label(recipe.embedding.value_or(rest))}};
    plan_tensors(out, checkpoint, plan, "",
                 [&](const graph::WeightPlan::Entry& entry, const graph::Published& p) -> std::optional<Type> {
                     if (p.shape.size() < 2) return Type::f32;
                     const bool in_file = entry.slot == nullptr;
                     if (in_file || p.name.starts_with("audio_embeddings.")) return recipe.embedding.value_or(rest);
                     if (p.name.starts_with("backbone.")) return recipe.backbone.value_or(recipe.type);
                     const bool depth = p.name.starts_with("decoder.") || p.name.starts_with("projection.");
                     return depth ? recipe.depth.value_or(recipe.type) : recipe.head.value_or(rest);
                 });
    return out;
}

QuantisePlan plan_codec(const formats::Checkpoint& checkpoint, const QuantiseRecipe& recipe) {
    if (recipe.codec == Type::bf16) {
        throw Error(ErrorCode::usage, "--codec-type bfloat16")
            .expected("float32, float16 or a quantised type")
            .hint("the codec's latents are rounded to ninths, and bfloat16 moves them across the edges");
    }
    (void)heartcodec::check_checkpoint(checkpoint, Type::f32);
    heartcodec::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, heartcodec::Config::parse(checkpoint.config(), checkpoint.describe() + "/config.json"));
    const bool nested = checkpoint.find(plan.published().front().name) == nullptr;  // as Codec::load finds them

    QuantisePlan out;
    out.architecture = "heartcodec";
    out.recipe = {{"flow", weight_type_label(recipe.codec)}};
    plan_tensors(out, checkpoint, plan, nested ? "decoder." : "",
                 [&](const graph::WeightPlan::Entry& entry, const graph::Published&) -> std::optional<Type> {
                     const bool flow = entry.use == graph::WeightPlan::Use::product;
                     return flow && recipe.codec != Type::f32 ? std::optional(recipe.codec) : std::nullopt;
                 });
    return out;
}

QuantisePlan plan_transcriptor(const formats::Checkpoint& checkpoint, const QuantiseRecipe& recipe) {
    (void)hearttranscriptor::check_checkpoint(checkpoint, recipe.type);
    hearttranscriptor::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, hearttranscriptor::Config::parse(checkpoint.config(), checkpoint.describe() + "/config.json"));
    const Type rest = graph::is_quantised(recipe.type) ? Type::f16 : recipe.type;
    QuantisePlan out;
    out.architecture = "whisper";
    out.recipe = {{"layers", weight_type_label(recipe.type)}, {"embedding", weight_type_label(rest)}};
    plan_tensors(out, checkpoint, plan, "",
                 [&](const graph::WeightPlan::Entry& entry, const graph::Published& p) -> std::optional<Type> {
                     // Positions of the encoder are added as they are; everything small stays exact.
                     const bool vector = entry.slot != nullptr && entry.use == graph::WeightPlan::Use::vector;
                     if (p.shape.size() < 2 || vector) return Type::f32;
                     return entry.use == graph::WeightPlan::Use::product ? recipe.type : rest;
                 });
    return out;
}

}  // namespace heart::engine
