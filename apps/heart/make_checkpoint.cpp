#include "core/error.h"
#include "engine/synthetic_checkpoint.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>

namespace heart::app {

namespace {

struct MakeOptions {
    CommonOptions common;  // --json, --quiet
    engine::SyntheticCheckpoint what;
    std::string output, dtype = "bfloat16";
};

formats::DType file_type(const std::string& name) {
    switch (engine::parse_type(name)) {
        case graph::Type::f16: return formats::DType::f16;
        case graph::Type::bf16: return formats::DType::bf16;
        default: return formats::DType::f32;
    }
}

int make(MakeOptions& o) {
    o.what.dtype = file_type(o.dtype);
    ProgressBar bar(!o.common.quiet);
    const std::uint64_t bytes = engine::write_synthetic_checkpoint(
        o.output, o.what,
        [&](std::uint64_t done, std::uint64_t total) {
            bar.show({Phase::write_checkpoint, static_cast<double>(done), static_cast<double>(total), 0});
        },
        interrupt_token());
    bar.finish();
    note(o.common, fmt::format("Checkpoint: {} ({:.2f} GB of random weights)", o.output, static_cast<double>(bytes) / 1e9));
    if (o.common.json) print_json({{"path", o.output}, {"bytes", bytes}, {"seed", o.what.seed}});
    return kExitDone;
}

}  // namespace

void add_make_checkpoint(CLI::App& app, Action& action) {
    auto o = std::make_shared<MakeOptions>();
    CLI::App* verb = app.add_subcommand("make-checkpoint", "Write a checkpoint of the published format with random weights");
    verb->add_option("--output", o->output, "New folder to write")->required()->type_name("DIR");
    verb->add_option("--lm", o->what.language_model, "Language model: 3B, 7B, 1B, tiny or none")->capture_default_str();
    verb->add_option("--codec", o->what.codec, "Codec: full, tiny or none")->capture_default_str();
    verb->add_option("--transcriptor", o->what.transcriptor,
                     "Transcriptor: tiny, base, small, medium, large-v3, turbo (Whisper's sizes), mini or none")
        ->capture_default_str();
    verb->add_option("--version", o->what.version, "Names the folder HeartMuLa-oss-<version>")->capture_default_str();
    verb->add_option("--dtype", o->dtype,
                     "Type of the weights of language model and transcriptor: bfloat16, float16 or float32")
        ->capture_default_str();
    verb->add_option("--seed", o->what.seed, "Seed of the weights")->capture_default_str();
    verb->add_option("--shard-bytes", o->what.shard_bytes, "Largest file before a model is cut into shards")
        ->capture_default_str();
    o->common.add_output(*verb);
    verb->callback([o, &action] { action = [o] { return make(*o); }; });
}

}  // namespace heart::app
