#include "core/error.h"
#include "engine/checkpoint_set.h"
#include "engine/generator.h"
#include "graph/device.h"
#include "hub/demo_model.h"
#include "interrupt.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/language_model.h"
#include "output.h"
#include "verbs.h"

#include <fmt/format.h>

#include <memory>
#include <set>

namespace heart::app {

namespace {

using Json = nlohmann::ordered_json;

Json device_report() {
    Json out = Json::array();
    for (const graph::DeviceInfo& d : graph::Device::list()) {
        out.push_back({{"name", d.name},
                       {"description", d.description},
                       {"memory_gb", static_cast<double>(d.memory_total) / 1e9},
                       {"threads", d.name == "cpu" ? graph::Device::default_threads() : 0}});
    }
    return out;
}

/// What one model folder holds, and whether it is whole.
template <typename Check>
Json checkpoint_report(const char* name, const std::function<formats::Checkpoint()>& open, const Check& check) {
    Json out{{"name", name}};
    try {
        const formats::Checkpoint c = open();
        std::set<std::string> types;
        std::uint64_t numbers = 0;
        for (const auto& [key, tensor] : c.tensors()) {
            types.insert(std::string(formats::dtype_name(tensor.dtype)));
            numbers += tensor.elements();
        }
        out["tensors"] = c.tensors().size();
        out["parameters"] = numbers;
        out["gigabytes"] = static_cast<double>(c.bytes()) / 1e9;
        out["types"] = types;
        if (const std::string* recipe = formats::find_text(c.metadata(), "heart.recipe")) out["recipe"] = printable(*recipe);
        check(c, out);
        out["whole"] = true;
    } catch (const Error& e) {
        out["whole"] = false;
        out["problem"] = e.what();
    }
    return out;
}

Json model_report(const engine::CheckpointSet& set, const engine::EngineOptions& options) {
    Json out{{"path", set.root().describe()}};
    out["models"] = Json::array();
    out["models"].push_back(checkpoint_report(
        "HeartMuLa", [&] { return set.language_model(); },
        [&](const formats::Checkpoint& c, Json& row) {
            const auto config = heartmula::Config::parse(c.config(), c.describe() + "/config.json");
            row["backbone"] = config.backbone_flavor;
            row["depth_decoder"] = config.depth_flavor;
            row["context"] = config.backbone.max_length;
            row["loaded_gb"] = static_cast<double>(heartmula::check_checkpoint(c, options.language_model_type)) / 1e9;
        }));
    out["models"].push_back(checkpoint_report(
        "HeartCodec", [&] { return set.codec(); },
        [&](const formats::Checkpoint& c, Json& row) {
            const auto config = heartcodec::Config::parse(c.config(), c.describe() + "/config.json");
            row["sample_rate"] = config.sample_rate;
            row["codebooks"] = config.quantizers;
            row["loaded_gb"] = static_cast<double>(heartcodec::check_checkpoint(c, options.codec_type)) / 1e9;
        }));
    Json words{{"name", "tokenizer"}};
    try {
        words["entries"] = set.tokenizer().vocabulary_size();
        (void)set.generation_config();
        words["whole"] = true;
    } catch (const Error& e) {
        words["whole"] = false;
        words["problem"] = e.what();
    }
    out["models"].push_back(words);
    return out;
}

/// What a song of the default length takes.
Json plan_report(const engine::CheckpointSet& set, const engine::EngineOptions& options) {
    const engine::MemoryPlan plan = engine::plan_memory(set, {.language_model_type = options.language_model_type,
                                                              .codec_type = options.codec_type,
                                                              .cache_type = engine::cache_type_of(options),
                                                              .positions = 3500,
                                                              .lazy_load = options.lazy_load});
    const auto gb = [](std::uint64_t n) { return static_cast<double>(n) / 1e9; };
    const std::uint64_t free = engine::available_memory();
    return {{"language_model_gb", gb(plan.language_model)},
            {"kv_cache_gb", gb(plan.kv_cache)},
            {"codec_gb", gb(plan.codec)},
            {"scratch_gb", gb(plan.scratch)},
            {"peak_gb", gb(plan.peak())},
            {"available_gb", gb(free)},
            {"fits", free == 0 || plan.peak() <= free}};
}

void print_for_people(const Json& all) {
    fmt::print("Heart {}\n\nDevices\n", HEART_VERSION);
    for (const Json& d : all.at("devices")) {
        fmt::print("  {}: {}, {:.1f} GB, {} threads\n", d.at("name").get<std::string>(),
                   d.at("description").get<std::string>(), d.at("memory_gb").get<double>(), d.at("threads").get<int>());
    }
    fmt::print("\nCheckpoint: {}\n", all.at("checkpoint").at("path").get<std::string>());
    for (const Json& m : all.at("checkpoint").at("models")) {
        const bool whole = m.at("whole").get<bool>();
        fmt::print("  {:<11} {}\n", m.at("name").get<std::string>(), whole ? "whole" : m.at("problem").get<std::string>());
        for (const auto& [key, value] : m.items()) {
            if (key != "name" && key != "whole" && key != "problem") fmt::print("    {:<14} {}\n", key, value.dump());
        }
    }
    if (!all.contains("memory")) return;
    fmt::print("\nMemory for a song of 240 s\n");
    for (const auto& [key, value] : all.at("memory").items()) {
        if (value.is_number()) fmt::print("  {:<18} {:8.2f}\n", key, value.get<double>());
    }
    fmt::print("  {}\n",
               all.at("memory").at("fits").get<bool>() ? "It fits." : "It does not fit: try --lazy-load or a smaller type.");
}

int info(const CommonOptions& o) {
    const engine::EngineOptions options = o.engine_options();
    const engine::CheckpointSet set(o.model_folder(), options.version);
    Json out{{"heart", HEART_VERSION}, {"devices", device_report()}, {"checkpoint", model_report(set, options)}};
    bool whole = true;
    for (const Json& m : out.at("checkpoint").at("models")) whole = whole && m.at("whole").get<bool>();
    out["whole"] = whole;
    if (whole) out["memory"] = plan_report(set, options);
    if (o.json) {
        print_json(out);
    } else {
        print_for_people(out);
    }
    return whole ? kExitDone : kExitFailed;
}

}  // namespace

void add_info(CLI::App& app, Action& action) {
    auto o = std::make_shared<CommonOptions>();
    CLI::App* verb = app.add_subcommand("info", "Show devices, what a checkpoint holds, and what fits");
    o->add_model(*verb);
    o->add_engine(*verb);
    o->add_output(*verb);
    verb->callback([o, &action] { action = [o] { return info(*o); }; });
}

}  // namespace heart::app
