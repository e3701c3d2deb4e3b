#include "engine/quantise.h"

#include "core/error.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "verbs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <optional>

namespace heart::app {

namespace {

using Json = nlohmann::ordered_json;

struct QuantizeOptions {
    CommonOptions common;  // --model-path, --version, --json, --quiet
    std::string output, type, backbone, depth, head, embedding, codec = "float32", only;
    int threads = 0;
};

engine::QuantiseRequest request_of(const QuantizeOptions& o) {
    constexpr int kMaxThreads = 512;
    const auto part = [](const std::string& name) {
        return name.empty() ? std::nullopt : std::optional(engine::parse_weight_type(name));
    };
    engine::QuantiseRequest out;
    out.recipe = {.type = engine::parse_weight_type(o.type),
                  .backbone = part(o.backbone),
                  .depth = part(o.depth),
                  .head = part(o.head),
                  .embedding = part(o.embedding),
                  .codec = engine::parse_weight_type(o.codec)};
    if (!o.only.empty() && o.only != "lm" && o.only != "codec" && o.only != "transcriptor") {
        throw Error(ErrorCode::usage, "--only").expected("lm, codec or transcriptor").found(o.only);
    }
    out.language_model = o.only.empty() || o.only == "lm";
    out.codec = o.only.empty() || o.only == "codec";
    out.transcriptor = o.only == "transcriptor";
    if (o.threads < 0 || o.threads > kMaxThreads) {
        throw Error(ErrorCode::usage, "--threads")
            .expected(fmt::format("0 to {}", kMaxThreads))
            .found(std::to_string(o.threads));
    }
    out.threads = o.threads;
    return out;
}

std::string recipe_text(const engine::QuantisedModel& model) {
    std::vector<std::string> parts;
    parts.reserve(model.recipe.size());
    for (const auto& [part, type] : model.recipe) parts.push_back(fmt::format("{} {}", part, type));
    return fmt::format("{}", fmt::join(parts, ", "));
}

Json report_of(const engine::QuantisedModel& model) {
    Json out{{"folder", model.folder}, {"source_bytes", model.source_bytes}, {"bytes", model.bytes}};
    for (const auto& [part, type] : model.recipe) out["recipe"][part] = type;
    for (const auto& [type, share] : model.types) {
        out["types"][type] = {{"tensors", share.tensors}, {"parameters", share.parameters}, {"bytes", share.bytes}};
    }
    out["fallbacks"] = Json::array();
    for (const auto& f : model.fallbacks) {
        out["fallbacks"].push_back({{"asked", f.asked}, {"taken", f.taken}, {"tensors", f.tensors}});
    }
    out["left_out"] = model.left_out;
    return out;
}

void note_model(const QuantizeOptions& o, const engine::QuantisedModel& model) {
    const auto gb = [](std::uint64_t n) { return static_cast<double>(n) / 1e9; };
    note(o.common, fmt::format("{}: {:.3f} GB -> {:.3f} GB ({})", model.folder, gb(model.source_bytes), gb(model.bytes),
                               recipe_text(model)));
    for (const auto& f : model.fallbacks) {
        note(o.common, fmt::format("  {} tensors took {}: their rows are no whole blocks of {} (first: {})",
                                   f.tensors.size(), f.taken, f.asked, printable(f.tensors.front())));
    }
    if (!model.left_out.empty()) {
        note(o.common, fmt::format("  {} tensors that are never read were left out: GGUF has no type for them",
                                   model.left_out.size()));
    }
}

int quantize(const QuantizeOptions& o) {
    const engine::QuantiseRequest request = request_of(o);
    const engine::CheckpointSet source(o.common.model_folder(), o.common.version);
    ProgressBar bar(!o.common.quiet);
    const auto models = engine::quantise_checkpoint(
        source, o.output, request,
        [&](std::uint64_t done, std::uint64_t total) {
            bar.show({Phase::write_checkpoint, static_cast<double>(done), static_cast<double>(total), 0});
        },
        interrupt_token());
    bar.finish();
    Json report{{"path", o.output}, {"models", Json::array()}};
    for (const engine::QuantisedModel& model : models) {
        note_model(o, model);
        report["models"].push_back(report_of(model));
    }
    if (o.common.json) print_json(report);
    return kExitDone;
}

}  // namespace

void add_quantize(CLI::App& app, Action& action) {
    auto o = std::make_shared<QuantizeOptions>();
    CLI::App* verb = app.add_subcommand("quantize", "Write a smaller copy of a checkpoint, as GGUF files");
    o->common.add_model(*verb);
    verb->add_option("--output", o->output, "New folder to write")->required()->type_name("DIR");
    verb->add_option("--type", o->type,
                     "Type of the language model's layers: q8_0, q6_k, q5_k, q4_k, q4_0, bfloat16, float16 or float32")
        ->required();
    const std::string group = "Other types for parts";
    verb->add_option("--backbone-type", o->backbone, "Layers of the backbone")->group(group);
    verb->add_option("--depth-type", o->depth, "Layers of the depth decoder")->group(group);
    verb->add_option("--head-type", o->head, "Audio heads; default: 16 bits")->group(group);
    verb->add_option("--embedding-type", o->embedding, "Audio and text embeddings; default: 16 bits")->group(group);
    verb->add_option("--codec-type", o->codec, "Flow transformer of the codec; float32 keeps it as it is")
        ->capture_default_str()
        ->group(group);
    verb->add_option("--only", o->only, "Write one of the models: lm, codec or transcriptor; lm and codec where not given");
    verb->add_option("--threads", o->threads, "CPU threads; 0 means one per core")->capture_default_str();
    o->common.add_output(*verb);
    verb->callback([o, &action] { action = [o] { return quantize(*o); }; });
}

}  // namespace heart::app
