#include "core/error.h"
#include "engine/checkpoint_set.h"
#include "engine/generator.h"
#include "graph/device.h"
#include "hub/demo_model.h"
#include "hub/licence.h"
#include "interrupt.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/language_model.h"
#include "models/hearttranscriptor/model.h"
#include "output.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

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

/// Under which licence each checkpoint of the folder stands; null where nothing tells.
Json licence_report(const engine::CheckpointSet& set) {
    Json out = Json::array();
    for (const hub::FoundLicence& found : hub::licences_in(set.root(), set.version())) {
        const hub::Licence licence = hub::licence_named(found.licence);
        const bool known = !found.licence.empty();
        out.push_back({{"folder", found.folder},
                       {"licence", known ? Json(found.licence) : Json(nullptr)},
                       {"recorded", found.recorded},
                       {"note", known && !licence.is_free() ? Json(licence.note()) : Json(nullptr)}});
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
    if (set.has_transcriptor()) {
        out["models"].push_back(checkpoint_report(
            "HeartTranscriptor", [&] { return set.transcriptor(); },
            [&](const formats::Checkpoint& c, Json& row) {
                const auto config = hearttranscriptor::Config::parse(c.config(), c.describe() + "/config.json");
                row["vocabulary"] = config.decoder.vocabulary;
                row["loaded_gb"] = static_cast<double>(hearttranscriptor::check_checkpoint(c, graph::Type::f16)) / 1e9;
            }));
    }
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
    out["licences"] = licence_report(set);
    return out;
}

struct InfoOptions {
    CommonOptions common;
    bool plan_only = false;
    std::int64_t max_audio_length_ms = engine::SongRequest{}.max_audio_length_ms;
};

/// What a song takes, by stage.
Json plan_report(const engine::CheckpointSet& set, const engine::EngineOptions& options, std::int64_t audio_ms) {
    constexpr std::int64_t kPrompt = 500;  // positions of tags and lyrics of an ordinary song

    const engine::MemoryPlan plan = engine::plan_memory(set, {.language_model_type = options.language_model_type,
                                                              .codec_type = options.codec_type,
                                                              .cache_type = engine::cache_type_of(options),
                                                              .positions = kPrompt + audio_ms / 80,
                                                              .lazy_load = options.lazy_load});
    const auto gb = [](std::uint64_t n) { return static_cast<double>(n) / 1e9; };
    const engine::Room room =
        engine::room_on(*graph::Device::open(options.language_model_device), *graph::Device::open(options.codec_device));
    return {{"audio_seconds", static_cast<double>(audio_ms) / 1000},
            {"language_model_gb", gb(plan.language_model)},
            {"kv_cache_gb", gb(plan.kv_cache)},
            {"codec_gb", gb(plan.codec)},
            {"scratch_gb", gb(plan.scratch)},
            {"composing_gb", gb(plan.composing())},
            {"rendering_gb", gb(plan.rendering())},
            {"peak_gb", gb(plan.peak())},
            {"available_gb", gb(room.language_model)},
            {"codec_available_gb", gb(room.codec)},
            {"fits", engine::fits(plan, room)}};
}

void print_plan(const Json& memory) {
    fmt::print("\nMemory in GB for a song of {:.0f} s\n", memory.at("audio_seconds").get<double>());
    for (const auto& [key, value] : memory.items()) {
        if (key.ends_with("_gb")) fmt::print("  {:<18} {:8.2f}\n", key.substr(0, key.size() - 3), value.get<double>());
    }
    fmt::print("  {}\n",
               memory.at("fits").get<bool>() ? "It fits." : "It does not fit: try --lazy-load true or a smaller type.");
}

void print_licences(const Json& licences) {
    if (licences.empty()) return;
    fmt::print("\nLicences\n");
    for (const Json& row : licences) {
        const std::string id = row.at("licence").is_null() ? "" : row.at("licence").get<std::string>();
        const hub::Licence licence = hub::licence_named(id);
        fmt::print("  {:<24} {}{}\n", row.at("folder").get<std::string>(), id.empty() ? "not recorded" : id,
                   id.empty() || licence.is_free() ? "" : fmt::format(": {}", licence.in_short));
    }
}

void print_info(const Json& all) {
    fmt::print("Heart {}\n\nDevices\n", HEART_VERSION);
    for (const Json& d : all.at("devices")) {
        const int threads = d.at("threads").get<int>();
        fmt::print("  {}: {}, {:.1f} GB{}\n", d.at("name").get<std::string>(), d.at("description").get<std::string>(),
                   d.at("memory_gb").get<double>(), threads == 0 ? "" : fmt::format(", {} threads", threads));
    }
    fmt::print("\nCheckpoint: {}\n", all.at("checkpoint").at("path").get<std::string>());
    for (const Json& m : all.at("checkpoint").at("models")) {
        const bool whole = m.at("whole").get<bool>();
        fmt::print("  {:<17} {}\n", m.at("name").get<std::string>(), whole ? "whole" : m.at("problem").get<std::string>());
        for (const auto& [key, value] : m.items()) {
            if (key != "name" && key != "whole" && key != "problem") fmt::print("    {:<14} {}\n", key, value.dump());
        }
    }
    print_licences(all.at("checkpoint").at("licences"));
    if (all.contains("memory")) print_plan(all.at("memory"));
}

int info(const InfoOptions& o) {
    const engine::EngineOptions options = o.common.engine_options();
    const engine::CheckpointSet set(o.common.model_folder(), options.version);
    engine::SongRequest song;
    song.max_audio_length_ms = o.max_audio_length_ms;
    check_request(song);
    if (o.plan_only) {
        const Json plan = plan_report(set, options, o.max_audio_length_ms);
        o.common.json ? print_json(plan) : print_plan(plan);
        return plan.at("fits").get<bool>() ? kExitDone : kExitFailed;
    }
    Json out{{"heart", HEART_VERSION}, {"devices", device_report()}, {"checkpoint", model_report(set, options)}};
    bool whole = true;
    for (const Json& m : out.at("checkpoint").at("models")) whole = whole && m.at("whole").get<bool>();
    out["whole"] = whole;
    if (whole) out["memory"] = plan_report(set, options, o.max_audio_length_ms);
    o.common.json ? print_json(out) : print_info(out);
    return whole ? kExitDone : kExitFailed;
}

}  // namespace

void add_info(CLI::App& app, Action& action) {
    auto o = std::make_shared<InfoOptions>();
    CLI::App* verb = app.add_subcommand("info", "Show devices, what a checkpoint holds, and what fits");
    verb->add_flag("--plan", o->plan_only,
                   "Only the memory that a song takes, stage by stage; exit code 1 if it does not fit");
    verb->add_option("--max-audio-length-ms", o->max_audio_length_ms, "Length of the song that is planned for")
        ->capture_default_str();
    o->common.add_model(*verb);
    o->common.add_engine(*verb);
    o->common.add_output(*verb);
    verb->callback([o, &action] { action = [o] { return info(*o); }; });
}

}  // namespace heart::app
