#include "core/error.h"
#include "engine/benchmark.h"
#include "engine/checkpoint_set.h"
#include "engine/embedder_benchmark.h"
#include "engine/synthetic_checkpoint.h"
#include "engine/synthetic_embedder.h"
#include "engine/transcriber_benchmark.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>

namespace heart::app {

namespace {

using engine::BenchmarkReport;
using engine::BenchmarkRequest;
using engine::Spread;
using Json = nlohmann::ordered_json;

struct BenchOptions {
    CommonOptions common;  // --model-path, --version, --json, --quiet
    BenchmarkRequest request;
    std::string synthetic, only, type, codec_type = "f32";
    std::int64_t clips = 1;
};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

std::string short_name(graph::Type type) {
    return lower(graph::type_name(type));
}

/// Any type that weights can be stored in, by its short name or as `generate` spells it.
BenchmarkRequest::Part part_named(const std::string& only) {
    using Part = BenchmarkRequest::Part;
    if (only.empty()) return Part::all;
    if (only == "lm") return Part::language_model;
    if (only == "codec") return Part::codec;
    if (only == "song") return Part::song;
    throw Error(ErrorCode::usage, fmt::format("--only does not know '{}'", printable(only, 40)))
        .expected("lm, codec, song, transcriptor or embedder");
}

engine::BenchmarkModels models_of(const BenchOptions& o) {
    if (o.common.model_path.empty()) return engine::random_models(o.synthetic.empty() ? "3B" : o.synthetic);
    if (!o.synthetic.empty()) {
        throw Error(ErrorCode::usage, "--synthetic and --model-path exclude each other").hint("give one of them");
    }
    const engine::CheckpointSet set(o.common.model_folder(), o.common.version);
    return {[set] { return set.language_model(); }, [set] { return set.codec(); }};
}

// --- what was measured, for programs ----------------------------------------------------------------------------------

void add_spread(Json& out, const std::string& name, const Spread& s) {
    out[name] = s.median;
    out[name + "_min"] = s.least;
    out[name + "_max"] = s.most;
}

double percent(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

/// Of `amount` (1e9 bytes or operations) in the median time: what the machine could do at the median just then; `at_best`
/// where it was not measured then.
double share_just_then(double amount, double seconds, const Spread& limit, double at_best) {
    return percent(amount / seconds, limit.median > 0 ? limit.median : at_best);
}

/// The fastest frame beside the fastest pass of reading, too.
void add_share_of_reading(Json& out, const std::string& part, double gb, const engine::Paced& frame_ms,
                          const kernels::MachineSpeed& machine) {
    const auto& [ms, reading] = frame_ms;
    out[part + "read_gbps"] = reading.median > 0 ? reading.median : machine.read_gbps;
    out[part + "percent_of_read"] = share_just_then(gb, ms.median / 1e3, reading, machine.read_gbps);
    out[part + "percent_of_read_max"] = percent(gb / (ms.least / 1e3), std::max(reading.most, machine.read_gbps));
}

Json language_model_json(const engine::LanguageModelSpeed& lm, const kernels::MachineSpeed& machine) {
    Json out{{"type", short_name(lm.type)}, {"context", lm.context}};
    add_spread(out, "ms_per_frame", lm.frame_ms.time);
    out["gb_per_frame"] = lm.gb_per_frame;
    out["gbps"] = lm.gb_per_frame / (lm.frame_ms.time.median / 1e3);
    add_share_of_reading(out, "", lm.gb_per_frame, lm.frame_ms, machine);
    add_spread(out, "backbone_ms", lm.backbone_ms.time);
    add_spread(out, "depth_ms", lm.depth_ms.time);
    out["backbone_gb"] = lm.backbone_gb;
    out["depth_gb"] = lm.depth_gb;
    add_share_of_reading(out, "backbone_", lm.backbone_gb, lm.backbone_ms, machine);
    add_share_of_reading(out, "depth_", lm.depth_gb, lm.depth_ms, machine);
    add_spread(out, "prefill_tokens_per_second", lm.prefill_tokens_per_second);
    return out;
}

/// Against one song of the same kind, timed in the same round where that was asked for.
Json batch_json(const BenchmarkReport& r) {
    double one = r.language_model->frame_ms.time.median;
    for (const engine::BatchSpeed& b : r.batch) {
        if (b.songs == 1) one = b.frame_ms.median;
    }
    Json out = Json::array();
    for (const engine::BatchSpeed& b : r.batch) {
        Json entry{{"songs", b.songs}};
        add_spread(entry, "ms_per_frame", b.frame_ms);
        entry["frames_per_second"] = static_cast<double>(b.songs) * 1e3 / b.frame_ms.median;
        entry["ratio_to_one"] = b.frame_ms.median / one;
        out.push_back(entry);
    }
    return out;
}

Json estimator_json(const engine::EstimatorSpeed& e, const kernels::MachineSpeed& machine) {
    const auto& [ms, peak] = e.ms;
    Json out{{"type", short_name(e.type)}};
    add_spread(out, "ms", ms);
    out["gflops"] = e.flops / (ms.median / 1e3) / 1e9;
    out["percent_of_peak"] = share_just_then(e.flops / 1e9, ms.median / 1e3, peak, engine::peak_gops(machine, e.type));
    out["extrapolated_from_blocks"] = nullptr;
    if (e.extrapolated_from_blocks) {
        out["extrapolated_from_blocks"] = {e.extrapolated_from_blocks->first, e.extrapolated_from_blocks->second};
    }
    return out;
}

Json scalar_decoder_json(const engine::ScalarDecoderSpeed& s, graph::Type type, const kernels::MachineSpeed& machine) {
    Json out = Json::object();
    const auto& [seconds, peak] = s.seconds_per_second;
    add_spread(out, "seconds_per_second", seconds);
    out["gflops"] = s.flops_per_second / 1e9;
    const graph::Type arithmetic = graph::is_quantised(type) ? graph::Type::f32 : type;  // convolutions are not quantised
    out["percent_of_peak"] = share_just_then(s.flops_per_second / 1e9, 1, peak, engine::peak_gops(machine, arithmetic));
    return out;
}

Json report_json(const BenchmarkReport& r, const BenchOptions& o) {
    const std::string size = o.synthetic.empty() ? "3B" : o.synthetic;
    Json out{{"heart", HEART_VERSION}, {"model", o.common.model_path.empty() ? "random " + size : o.common.model_label()}};
    out["machine"] = {{"name", r.machine},
                      {"threads", r.threads},
                      {"device", r.device},
                      {"instructions", r.instructions},
                      {"read_gbps", r.speed.read_gbps},
                      {"f32_gflops", r.speed.f32_gflops},
                      {"int8_gops", r.speed.int8_gops},
                      {"f16_gflops", r.speed.f16_gflops}};
    if (r.language_model) out["lm"] = language_model_json(*r.language_model, r.speed);
    if (!r.batch.empty()) out["batch"] = batch_json(r);
    if (r.estimator) out["estimator"] = estimator_json(*r.estimator, r.speed);
    if (r.scalar_decoder) out["sq_decoder"] = scalar_decoder_json(*r.scalar_decoder, o.request.codec_type, r.speed);
    if (r.song) {
        out["song"] = {{"seconds", r.song->seconds},
                       {"audio_seconds", r.song->audio_seconds},
                       {"rtf", r.song->seconds / r.song->audio_seconds},
                       {"composed", r.song->composed}};
    }
    out["memory"] = {{"resident_mb", static_cast<double>(r.resident_bytes) / 1e6},
                     {"peak_mb", static_cast<double>(r.peak_bytes) / 1e6}};
    if (r.device_bytes > 0) out["memory"]["device_gb"] = static_cast<double>(r.device_bytes) / 1e9;
    return out;
}

// --- and for people ---------------------------------------------------------------------------------------------------

void row(const char* name, const std::string& text) {
    fmt::print("  {:<18} {}\n", name, text);
}

std::string spread_text(const Json& of, const std::string& name, const char* unit) {
    return fmt::format("{:9.1f} {} ({:.1f} to {:.1f})", of.at(name).get<double>(), unit, of.at(name + "_min").get<double>(),
                       of.at(name + "_max").get<double>());
}

/// Nothing where the device does not tell its limit.
std::string share_text(double percent, const char* limit) {
    return percent > 0 ? fmt::format("  {:3.0f} % of {}", percent, limit) : "";
}

void print_language_model(const Json& lm) {
    const auto number = [&](const char* name) { return lm.at(name).get<double>(); };
    const auto share = [&](const char* ms, const char* gb, const std::string& of_read) {
        const std::string part = share_text(lm.at(of_read).get<double>(), "reading");
        return fmt::format("{}  {:6.3f} GB{}{}", spread_text(lm, ms, "ms"), number(gb), part,
                           part.empty() ? "" : fmt::format(" ({:.0f} at best)", lm.at(of_read + "_max").get<double>()));
    };
    fmt::print("\nLanguage model ({}, {} positions before)\n", lm.at("type").get<std::string>(),
               lm.at("context").get<std::int64_t>());
    row("frame", share("ms_per_frame", "gb_per_frame", "percent_of_read"));
    row("  backbone", share("backbone_ms", "backbone_gb", "backbone_percent_of_read"));
    row("  depth decoder", share("depth_ms", "depth_gb", "depth_percent_of_read"));
    row("prompt", spread_text(lm, "prefill_tokens_per_second", "tokens/s"));
}

void print_batches(const Json& batches) {
    fmt::print("\nSongs together\n");
    for (const Json& b : batches) {
        const auto songs = b.at("songs").get<std::int64_t>();
        row(fmt::format("{} song{}", songs, songs == 1 ? "" : "s").c_str(),
            fmt::format("{}  {:7.2f} frames/s  {:5.2f} times one song's time", spread_text(b, "ms_per_frame", "ms"),
                        b.at("frames_per_second").get<double>(), b.at("ratio_to_one").get<double>()));
    }
}

void print_codec(const Json& all) {
    const Json &e = all.at("estimator"), &s = all.at("sq_decoder");
    const auto speed = [](const Json& j) {
        return fmt::format("{:8.1f} GFLOP/s{}", j.at("gflops").get<double>(),
                           share_text(j.at("percent_of_peak").get<double>(), "peak"));
    };
    fmt::print("\nCodec ({})\n", e.at("type").get<std::string>());
    row("flow transformer", spread_text(e, "ms", "ms") + speed(e));
    const Json& blocks = e.at("extrapolated_from_blocks");
    if (!blocks.is_null()) {
        row("", fmt::format("worked out from {} + {} blocks; --full times all", blocks.at(0).get<int>(),
                            blocks.at(1).get<int>()));
    }
    row("scalar decoder", fmt::format("{:9.3f} s for 1 s of audio{}", s.at("seconds_per_second").get<double>(), speed(s)));
}

void print_for_people(const Json& all) {
    const Json& m = all.at("machine");
    fmt::print("Heart {}, {}\n\nMachine: {}, {} threads, {}\n", HEART_VERSION, all.at("model").get<std::string>(),
               m.at("name").get<std::string>(), m.at("threads").get<int>(), m.at("instructions").get<std::string>());
    for (const auto& [name, key, unit] :
         {std::tuple{"reading memory", "read_gbps", "GB/s"}, std::tuple{"f32", "f32_gflops", "GFLOP/s"},
          std::tuple{"f16", "f16_gflops", "GFLOP/s"}, std::tuple{"int8", "int8_gops", "GOP/s"}}) {
        if (m.at(key).get<double>() > 0) row(name, fmt::format("{:9.1f} {}", m.at(key).get<double>(), unit));
    }
    if (all.contains("lm")) print_language_model(all.at("lm"));
    if (all.contains("batch")) print_batches(all.at("batch"));
    if (all.contains("estimator")) print_codec(all);
    fmt::print("\n");
    if (all.contains("song")) {
        const Json& s = all.at("song");
        fmt::print("Song of {:.1f} s: {:.1f} s (RTF {:.3f}){}\n", s.at("audio_seconds").get<double>(),
                   s.at("seconds").get<double>(), s.at("rtf").get<double>(),
                   s.at("composed").get<bool>() ? ", worked out from the parts" : "");
    }
    if (all.at("memory").contains("device_gb")) {
        fmt::print("Memory of the device: {:.1f} GB\n", all.at("memory").at("device_gb").get<double>());
    }
    fmt::print("Memory: {:.0f} MB with a model loaded, {:.0f} MB at most\n",
               all.at("memory").at("resident_mb").get<double>(), all.at("memory").at("peak_mb").get<double>());
}

// --- the transcriptor ---------------------------------------------------------------------------------------------------

formats::Checkpoint transcriptor_of(const BenchOptions& o) {
    if (!o.common.model_path.empty()) return engine::CheckpointSet(o.common.model_folder(), o.common.version).transcriptor();
    return engine::synthetic_transcriptor(o.synthetic.empty() ? "medium" : o.synthetic, formats::DType::f16);
}

Json transcriptor_json(const engine::TranscriberSpeed& t) {
    Json out{{"type", short_name(t.type)}, {"device", t.device}, {"threads", t.threads}, {"context", t.context}};
    add_spread(out, "mel_ms", t.mel_ms);
    add_spread(out, "encoder_ms", t.encoder_ms);
    out["steps"] = Json::array();
    for (const auto& step : t.steps) {
        Json entry{{"beams", step.beams}};
        add_spread(entry, "ms_per_token", step.ms);
        out["steps"].push_back(entry);
    }
    out["weights_mb"] = static_cast<double>(t.weight_bytes) / 1e6;
    return out;
}

int bench_transcriptor(BenchOptions& o) {
    engine::TranscriberBenchmarkRequest r;
    r.type = o.type.empty() ? r.type : engine::parse_type(o.type);
    r.device = o.request.device;
    r.threads = o.common.threads;
    r.repeat = o.request.repeat;
    ProgressBar bar(!o.common.quiet);
    const formats::Checkpoint checkpoint = transcriptor_of(o);
    const engine::TranscriberSpeed speed = benchmark_transcriber(checkpoint, r, bar.callback(), interrupt_token());
    bar.finish();
    Json all{{"heart", HEART_VERSION}, {"model", checkpoint.describe()}, {"transcriptor", transcriptor_json(speed)}};
    all["memory"] = {{"resident_mb", static_cast<double>(speed.resident_bytes) / 1e6},
                     {"peak_mb", static_cast<double>(speed.peak_bytes) / 1e6}};
    if (o.common.json) {
        print_json(all);
        return kExitDone;
    }
    const Json& t = all.at("transcriptor");
    fmt::print("Heart {}, {}\n\nTranscriptor ({}, {} tokens before, {} threads)\n", HEART_VERSION, checkpoint.describe(),
               t.at("type").get<std::string>(), speed.context, speed.threads);
    row("mel of 30 s", spread_text(t, "mel_ms", "ms"));
    row("encoder of 30 s", spread_text(t, "encoder_ms", "ms"));
    for (const Json& step : t.at("steps")) {
        const auto beams = step.at("beams").get<std::int64_t>();
        row(fmt::format("token, {} beam{}", beams, beams == 1 ? "" : "s").c_str(), spread_text(step, "ms_per_token", "ms"));
    }
    fmt::print("Memory: {:.0f} MB with the model loaded, {:.0f} MB at most\n",
               all.at("memory").at("resident_mb").get<double>(), all.at("memory").at("peak_mb").get<double>());
    return kExitDone;
}

// --- the embedding model ------------------------------------------------------------------------------------------------

Json embedder_json(const engine::EmbedderSpeed& e) {
    Json out{{"type", short_name(e.type)}, {"device", e.device}, {"threads", e.threads}, {"clip_seconds", e.clip_seconds}};
    add_spread(out, "mel_ms", e.mel_ms);
    add_spread(out, "clip_ms", e.clip_ms);
    out["clips"] = e.clips;
    out["clip_gflop"] = e.clip_flops / 1e9;
    out["gflops"] = e.clip_gflops();
    out["percent_of_peak"] = percent(e.clip_gflops(), e.machine.f32_gflops);
    out["text_tokens"] = e.tokens;
    add_spread(out, "text_ms", e.text_ms);
    out["weights_mb"] = static_cast<double>(e.weight_bytes) / 1e6;
    return out;
}

int bench_embedder(BenchOptions& o) {
    engine::EmbedderBenchmarkRequest r;
    r.type = o.type.empty() ? r.type : engine::parse_type(o.type);
    r.device = o.request.device;
    r.threads = o.common.threads;
    r.repeat = o.request.repeat;
    r.clips = o.clips;
    const std::string size = o.synthetic.empty() ? "full" : o.synthetic;
    ProgressBar bar(!o.common.quiet);
    const formats::Checkpoint checkpoint = engine::synthetic_embedder(size);
    const engine::EmbedderSpeed speed =
        benchmark_embedder(checkpoint, engine::embedder_configs(size).parse(), r, bar.callback(), interrupt_token());
    bar.finish();
    Json all{{"heart", HEART_VERSION}, {"model", checkpoint.describe()}, {"embedder", embedder_json(speed)}};
    all["machine"] = {{"read_gbps", speed.machine.read_gbps}, {"f32_gflops", speed.machine.f32_gflops}};
    all["memory"] = {{"resident_mb", static_cast<double>(speed.resident_bytes) / 1e6},
                     {"peak_mb", static_cast<double>(speed.peak_bytes) / 1e6}};
    if (o.common.json) {
        print_json(all);
        return kExitDone;
    }
    const Json& e = all.at("embedder");
    fmt::print("Heart {}, {}\n\nEmbedding model ({}, {} threads; the machine does {:.0f} GFLOP/s)\n", HEART_VERSION,
               checkpoint.describe(), e.at("type").get<std::string>(), speed.threads, speed.machine.f32_gflops);
    row(fmt::format("mel of {:.0f} s", speed.clip_seconds).c_str(), spread_text(e, "mel_ms", "ms"));
    const std::string clip = speed.clips == 1 ? "clip" : fmt::format("each of {} clips", speed.clips);
    row(fmt::format("{} of {:.0f} s", clip, speed.clip_seconds).c_str(),
        fmt::format("{}  {:.0f} GFLOP/s{}", spread_text(e, "clip_ms", "ms"), speed.clip_gflops(),
                    share_text(e.at("percent_of_peak").get<double>(), "peak")));
    row(fmt::format("text of {} tokens", speed.tokens).c_str(), spread_text(e, "text_ms", "ms"));
    fmt::print("Memory: {:.0f} MB with the model loaded, {:.0f} MB at most\n",
               all.at("memory").at("resident_mb").get<double>(), all.at("memory").at("peak_mb").get<double>());
    return kExitDone;
}

int bench(BenchOptions& o) {
    interrupt_token();
    if (o.only == "embedder") return bench_embedder(o);
    if (o.only == "transcriptor") return bench_transcriptor(o);
    o.request.part = part_named(o.only);
    o.request.language_model_type = engine::parse_type(o.type.empty() ? "bf16" : o.type);
    o.request.codec_type = engine::parse_type(o.codec_type);
    o.request.threads = o.common.threads;
    const engine::BenchmarkModels models = models_of(o);
    ProgressBar bar(!o.common.quiet);
    const BenchmarkReport report = engine::benchmark(models, o.request, bar.callback(), interrupt_token());
    bar.finish();
    const Json all = report_json(report, o);
    if (o.common.json) {
        print_json(all);
    } else {
        print_for_people(all);
    }
    return kExitDone;
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
    auto o = std::make_shared<BenchOptions>();
    CLI::App* verb = app.add_subcommand("bench", "Measure the models against what the machine can do");
    BenchmarkRequest& r = o->request;
    verb->add_option(
        "--synthetic", o->synthetic,
        "Random weights in memory: 3B (the default), 7B, 1B or tiny; of a transcriptor tiny, base, small, medium (the "
        "default), large-v3 or turbo; of an embedding model full (the default) or mini");
    o->common.add_model(*verb);
    verb->add_option("--only", o->only, "lm, codec, song, transcriptor or embedder");
    verb->add_option(
        "--type", o->type,
        "Matrices of the language model (bf16 where not given), the transcriptor (f16) or the embedding model (f32): f32, "
        "f16, bf16, q8_0, q4_0, q4_k, q5_k or q6_k");
    verb->add_option("--codec-type", o->codec_type, "Matrices of the codec")->capture_default_str();
    verb->add_option("--frames", r.frames, "Frames that are timed in a round")->capture_default_str();
    verb->add_option("--context", r.context, "Positions before them")->capture_default_str();
    verb->add_option("--prompt", r.prompt, "Positions of the prompt that is timed")->capture_default_str();
    verb->add_option("--seconds", r.song_seconds, "Length of the song")->capture_default_str();
    verb->add_option("--songs", r.songs, "Time frames of so many songs together too, such as 1,2,4,8")->delimiter(',');
    verb->add_option("--clips", o->clips, "Clips that the embedding model hears in one pass")->capture_default_str();
    verb->add_option("--repeat", r.repeat, "Rounds")->capture_default_str();
    verb->add_flag("--full", r.full, "Time the whole flow transformer and a whole song, whatever it takes");
    verb->add_option("--device", r.device, "auto, cpu, or cpu-ggml: by ggml's own operators, for comparison")
        ->capture_default_str();
    verb->add_option("--threads", o->common.threads, "CPU threads; 0 means one per core")->capture_default_str();
    o->common.add_output(*verb);
    verb->callback([o, &action] { action = [o] { return bench(*o); }; });
}

}  // namespace heart::app
