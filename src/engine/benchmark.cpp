#include "engine/benchmark.h"

#include "core/elapsed.h"
#include "core/error.h"
#include "core/philox.h"
#include "engine/benchmark_work.h"
#include "engine/checkpoint_set.h"
#include "engine/process_memory.h"
#include "engine/range.h"
#include "engine/synthetic_checkpoint.h"
#include "graph/device.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/song_batch.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <span>

namespace heart::engine {

namespace {

using Clock = std::chrono::steady_clock;
using heartcodec::WindowPlan;
using heartmula::FramePart;
using heartmula::Sampling;
using heartmula::SongBatch;
using Part = BenchmarkRequest::Part;

constexpr int kEulerSteps = 10;                     // of a window, as `heart generate` has them
constexpr std::uint64_t kSmallModel = 200'000'000;  // bytes of a language model with which a song is measured at once
constexpr std::int64_t kFlowRows = 2;               // with guidance
constexpr std::int64_t kWarmUpFrames = 2;           // not timed
constexpr double kMs = 1e3, kGiga = 1e9;

void forget_peak_memory() {
    std::ofstream("/proc/self/clear_refs") << "5";
}

/// Loading, with an error that says what can be done about it here.
template <typename Load>
auto load_as(graph::Type type, const char* option, const Load& load) {
    try {
        return load();
    } catch (Error& e) {
        if (e.code() == ErrorCode::memory) throw Error(e).hint(fmt::format("try a smaller {} or --synthetic", option));
        if (e.code() != ErrorCode::internal) throw;
        throw Error(ErrorCode::unsupported, fmt::format("{} {} cannot be loaded", option, graph::type_name(type)))
            .hint(e.message());
    }
}

/// A codec's checkpoint with fewer blocks in both stages of its flow transformer.
formats::Checkpoint with_blocks(const formats::Checkpoint& whole, std::int64_t stage_1, std::int64_t stage_2) {
    formats::Json config = whole.config();
    config["num_layers"] = stage_1;
    config["num_layers_2"] = stage_2;
    return formats::Checkpoint::in_memory(std::move(config), whole.tensors(), whole.describe());
}

/// Timings, and what the machine could do between them.
struct Timings {
    std::vector<double> times, limits;

    void add(const Timings& more) {
        times.insert(times.end(), more.times.begin(), more.times.end());
        limits.insert(limits.end(), more.limits.begin(), more.limits.end());
    }
    [[nodiscard]] Paced paced() const { return {spread_of(times), spread_of(limits)}; }
};

kernels::MachineLimit arithmetic_of(graph::Type type) {
    return graph::is_quantised(type) ? kernels::MachineLimit::int8 : kernels::MachineLimit::f32;
}

/// a + factor * (b - a): from what surrounds the blocks and a share of the blocks to all of them.
Spread extrapolated(const Spread& around, const Spread& some, double factor) {
    const auto all = [factor](double a, double b) { return a + factor * (b - a); };
    return {all(around.median, some.median), all(around.least, some.least), all(around.most, some.most)};
}

/// One run of the benchmark.
class Benchmark {
public:
    Benchmark(const BenchmarkModels& models, const BenchmarkRequest& request, const ProgressFn& progress,
              const CancelToken& cancel)
        : models_(models),
          request_(request),
          progress_(progress),
          cancel_(cancel),
          device_(graph::Device::open(request.device, request.threads)) {}

    BenchmarkReport run();

private:
    void measure_machine();
    void measure_language_model(const formats::Checkpoint& checkpoint);
    void time_prompt(const heartmula::LanguageModel& model, std::vector<double>& tokens_per_second);
    Timings time_frames(const heartmula::LanguageModel& model, FramePart part, std::int64_t songs = 1);
    void compose_song(const heartmula::LanguageModel& model);
    void measure_codec(const formats::Checkpoint& checkpoint);
    void measure_estimator(const heartcodec::Codec& codec, std::int64_t share);
    Timings time_evaluations(const heartcodec::Codec& codec, bool with_blocks);
    void measure_scalar_decoder(const heartcodec::Codec& codec);
    void render_song(const heartcodec::Codec& codec);
    void work_out_song();

    void begin(Phase phase, double total) {
        phase_ = phase;
        done_ = 0;
        total_ = total;
        advance(0);
    }
    void advance(double by = 1) {
        done_ += by;
        if (progress_) progress_({phase_, done_, total_, 0});
        cancel_.check();
    }
    graph::LoadProgress loading(Phase phase) {
        return [this, phase](std::uint64_t done, std::uint64_t total) {
            if (progress_) progress_({phase, static_cast<double>(done), static_cast<double>(total), 0});
        };
    }
    void note_memory() {
        const std::uint64_t meter = meter_ ? meter_->buffer_bytes() : 0;
        report_.resident_bytes = std::max(report_.resident_bytes, process_memory("VmRSS:") - meter);
        report_.peak_bytes = process_memory("VmHWM:") - meter;
        if (!device_->is_cpu()) report_.device_bytes = std::max(report_.device_bytes, free_before_ - device_->memory_free());
    }
    /// What the machine can do just now.
    void look_at_machine(kernels::MachineLimit limit, std::vector<double>& out) {
        if (!meter_) return;
        const std::vector<double> now = meter_->now(limit);
        out.insert(out.end(), now.begin(), now.end());
    }
    [[nodiscard]] bool wants(Part part) const { return request_.part == Part::all || request_.part == part; }
    [[nodiscard]] std::int64_t song_frames() const {
        return std::max<std::int64_t>(std::llround(request_.song_seconds * heartcodec::kCodesPerSecond), 1);
    }

    const BenchmarkModels& models_;
    const BenchmarkRequest& request_;
    const ProgressFn& progress_;
    const CancelToken& cancel_;
    std::shared_ptr<graph::Device> device_;
    std::uint64_t free_before_ = device_->memory_free();
    std::optional<kernels::MachineMeter> meter_;  // of the CPU
    BenchmarkReport report_;
    bool measures_song_ = false;
    double song_seconds_ = 0;
    std::vector<std::int32_t> song_codes_;
    Phase phase_ = Phase::measure_machine;
    double done_ = 0, total_ = 0;
};

BenchmarkReport Benchmark::run() {
    for (const graph::DeviceInfo& d : graph::Device::list()) {
        if (d.name == (device_->is_cpu() ? "cpu" : device_->name())) report_.machine = d.description;
    }
    report_.threads = device_->threads();
    report_.device = device_->name();
    report_.instructions = kernels::name_of(kernels::instruction_set());
    if (device_->is_cpu()) meter_.emplace(kernels::MachineTest{.threads = device_->threads()}, cancel_);
    measure_machine();
    forget_peak_memory();

    const bool song = wants(Part::song);
    if (wants(Part::language_model) || song) measure_language_model(models_.language_model());
    if (wants(Part::codec) || song) measure_codec(models_.codec());
    if (song && !measures_song_) work_out_song();
    if (measures_song_) {
        report_.song = SongSpeed{song_seconds_, static_cast<double>(song_frames()) / heartcodec::kCodesPerSecond, false};
    }
    measure_machine();
    return report_;
}

void Benchmark::measure_machine() {
    begin(Phase::measure_machine, 1);
    if (meter_) {
        report_.speed = better_of(report_.speed, meter_->best());
    } else {
        const cuda::DeviceSpeed s = device_->measure();
        report_.speed = better_of(report_.speed, {s.read_gbps, s.f32_gflops, 0, s.f16_gflops});
    }
    advance();
}

// --- the language model ---------------------------------------------------------------------------------------------

void Benchmark::measure_language_model(const formats::Checkpoint& checkpoint) {
    const graph::Type type = request_.language_model_type;
    const auto model = load_as(type, "--type", [&] {
        const std::int64_t behind = request_.context + kWarmUpFrames + request_.frames;
        const MemoryPlan plan =
            plan_memory(&checkpoint, nullptr,
                        {.language_model_type = type, .positions = std::max(behind, request_.prompt + song_frames())});
        measures_song_ = wants(Part::song) && (request_.full || plan.language_model < kSmallModel);
        const Room room = room_on(*device_, *device_);
        check_fits(plan, room);
        for (const std::int64_t songs : request_.songs) {
            check_fits(plan_memory(&checkpoint, nullptr, {.language_model_type = type, .songs = songs, .positions = behind}),
                       room);
        }
        return heartmula::LanguageModel::load(checkpoint, device_, type, loading(Phase::load_language_model), cancel_);
    });
    std::vector<double> prompt;
    Timings whole, backbone, depth;
    std::vector<Timings> together(request_.songs.size());
    const auto timings = static_cast<std::int64_t>(3 + together.size());
    begin(Phase::measure_frames, static_cast<double>(request_.repeat * (timings * (request_.frames + kWarmUpFrames) + 1)));
    for (int round = 0; round < request_.repeat; ++round) {
        time_prompt(*model, prompt);
        whole.add(time_frames(*model, FramePart::whole));
        backbone.add(time_frames(*model, FramePart::backbone));
        depth.add(time_frames(*model, FramePart::depth));
        for (std::size_t i = 0; i < together.size(); ++i) {
            together[i].add(time_frames(*model, FramePart::whole, request_.songs[i]));
        }
    }
    for (std::size_t i = 0; i < together.size(); ++i) {
        report_.batch.push_back({request_.songs[i], spread_of(together[i].times)});
    }
    const FrameBytes bytes =
        frame_bytes(model->weights(), model->config(), request_.context, Sampling{}.cfg_scale, request_.language_model_type);
    report_.language_model = LanguageModelSpeed{type,
                                                request_.context,
                                                whole.paced(),
                                                backbone.paced(),
                                                depth.paced(),
                                                static_cast<double>(bytes.all()) / kGiga,
                                                static_cast<double>(bytes.backbone) / kGiga,
                                                static_cast<double>(bytes.depth) / kGiga,
                                                spread_of(prompt)};
    if (measures_song_) compose_song(*model);
    note_memory();
}

/// A prompt of `length` positions of any words.
struct AnyPrompt {
    AnyPrompt(const heartmula::Config& config, std::int64_t length)
        : words(static_cast<std::size_t>(length - 2)), ids{std::span(&tag, 1), words} {
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] =
                static_cast<std::int32_t>(i % static_cast<std::size_t>(std::min<std::int64_t>(config.text_vocabulary, 256)));
        }
    }
    AnyPrompt(const AnyPrompt&) = delete;
    AnyPrompt& operator=(const AnyPrompt&) = delete;

    std::int32_t tag = 0;
    std::vector<std::int32_t> words;
    heartmula::PromptIds ids;
};

void gumbel_noise(std::int64_t frame, std::int64_t codebook, std::span<float> out) {
    fill_gumbel({0, 0, Draw::token, static_cast<std::uint32_t>(frame), static_cast<std::uint32_t>(codebook)}, out);
}

void Benchmark::time_prompt(const heartmula::LanguageModel& model, std::vector<double>& tokens_per_second) {
    const AnyPrompt prompt(model.config(), request_.prompt);
    SongBatch batch(model, {1, request_.prompt, true}, {.part = FramePart::backbone});
    const auto start = Clock::now();
    (void)batch.join({prompt.ids, {}, {}, {}}, cancel_);
    tokens_per_second.push_back(static_cast<double>(request_.prompt) / seconds_since(start));
    advance();
}

/// Milliseconds of each frame of so many songs together.
Timings Benchmark::time_frames(const heartmula::LanguageModel& model, FramePart part, std::int64_t songs) {
    SongBatch batch(model, {songs, request_.context + kWarmUpFrames + request_.frames, true}, {.part = part});
    while (batch.has_room()) (void)batch.join_pretended({}, gumbel_noise, request_.context);
    Timings out;
    for (std::int64_t i = 0; i < kWarmUpFrames + request_.frames; ++i) {
        const auto start = Clock::now();
        batch.step();
        if (i >= kWarmUpFrames) {
            out.times.push_back(ms_since(start));
            look_at_machine(kernels::MachineLimit::reading, out.limits);
        }
        advance();
    }
    return out;
}

/// The whole length, whatever end tokens are drawn.
void Benchmark::compose_song(const heartmula::LanguageModel& model) {
    const heartmula::Config& c = model.config();
    const AnyPrompt prompt(c, request_.prompt);
    const std::int64_t frames = song_frames();
    begin(Phase::frames, static_cast<double>(frames));
    const auto start = Clock::now();
    SongBatch batch(model, {1, request_.prompt + frames, true});
    const SongBatch::Slot slot = batch.join({prompt.ids, {}, gumbel_noise, {}}, cancel_);
    song_codes_.assign(static_cast<std::size_t>(c.codebooks * frames), 0);
    for (std::int64_t i = 0; i < frames; ++i) {
        if (i > 0) batch.step();
        const heartmula::Frame& frame = batch.latest(slot);
        for (std::size_t q = 0; q < frame.size(); ++q) {
            song_codes_[q * static_cast<std::size_t>(frames) + static_cast<std::size_t>(i)] = frame[q];
        }
        advance();
    }
    song_seconds_ += seconds_since(start);
}

// --- the codec ------------------------------------------------------------------------------------------------------

void Benchmark::measure_codec(const formats::Checkpoint& checkpoint) {
    const auto config = heartcodec::Config::parse(checkpoint.config(), checkpoint.describe() + "/config.json");
    // The same share of both stages: then all blocks take as much longer than these as there are more of them.
    const std::int64_t share = request_.full ? 1 : std::gcd(config.layers, config.layers_2);
    const graph::Type type = request_.codec_type;
    const auto codec = load_as(type, "--codec-type", [&] {
        const formats::Checkpoint source =
            share == 1 ? checkpoint : with_blocks(checkpoint, config.layers / share, config.layers_2 / share);
        check_fits(plan_memory(nullptr, &source, {.codec_type = type}), room_on(*device_, *device_));
        return heartcodec::Codec::load(source, device_, type, loading(Phase::load_codec), cancel_);
    });
    measure_estimator(*codec, share);
    measure_scalar_decoder(*codec);
    if (measures_song_) render_song(*codec);
    note_memory();
}

void Benchmark::measure_estimator(const heartcodec::Codec& codec, std::int64_t share) {
    EstimatorSpeed out;
    out.type = request_.codec_type;
    begin(Phase::measure_codec, static_cast<double>((share == 1 ? 1 : 2) * (1 + request_.repeat)));
    const Timings some = time_evaluations(codec, true);
    out.ms = some.paced();
    heartcodec::Config all = codec.config();
    if (share > 1) {
        out.extrapolated_from_blocks = {all.layers, all.layers_2};
        const Spread around = spread_of(time_evaluations(codec, false).times);
        out.ms.time = extrapolated(around, out.ms.time, static_cast<double>(share));
        all.layers *= share;
        all.layers_2 *= share;
    }
    out.flops = estimator_flops(all, WindowPlan::kWindowLatents, kFlowRows);
    report_.estimator = out;
}

/// Milliseconds of one evaluation, with all blocks that are loaded or with what surrounds them alone.
Timings Benchmark::time_evaluations(const heartcodec::Codec& codec, bool with_blocks) {
    heartcodec::Weights weights = codec.weights();
    if (!with_blocks) {
        weights.estimator.stage_1.blocks.clear();
        weights.estimator.stage_2.blocks.clear();
    }
    const heartcodec::Config& c = codec.config();
    heartcodec::FlowSolver flow(device_, weights, c, WindowPlan::kWindowCodes, {.steps = 1 + request_.repeat});
    flow.condition(std::vector<std::int32_t>(static_cast<std::size_t>(c.quantizers * WindowPlan::kWindowCodes), 1));
    std::vector<float> noise(static_cast<std::size_t>(WindowPlan::kWindowLatents * c.latent_channels));
    fill_normal({0, 0, Draw::latent, 0, 0}, noise);
    Timings out;
    auto start = Clock::now();
    (void)flow.solve(noise, {}, cancel_, [&](int step) {
        if (step > 1) out.times.push_back(ms_since(start));  // the first warms up
        look_at_machine(arithmetic_of(request_.codec_type), out.limits);
        advance();
        start = Clock::now();
    });
    return out;
}

void Benchmark::measure_scalar_decoder(const heartcodec::Codec& codec) {
    const int tiles = 1 + request_.repeat;
    const heartcodec::Config& c = codec.config();
    heartcodec::ScalarDecoder decoder(device_, codec.weights().decoder, c);
    std::vector<float> latents(static_cast<std::size_t>(tiles * decoder.tile() * c.latent_channels));
    fill_normal({0, 0, Draw::latent, 1, 0}, latents);
    decoder.start(latents);
    std::vector<float> stereo(static_cast<std::size_t>(2 * decoder.samples_per_tile()));
    const double tile_seconds = static_cast<double>(decoder.samples_per_tile()) / static_cast<double>(c.sample_rate);
    begin(Phase::measure_codec, tiles);
    Timings timings;
    for (int i = 0; i < tiles; ++i) {
        const auto start = Clock::now();
        decoder.decode_tile(stereo);
        if (i > 0) timings.times.push_back(seconds_since(start) / tile_seconds);  // the first warms up
        look_at_machine(kernels::MachineLimit::f32, timings.limits);              // convolutions are not quantised
        advance();
    }
    ScalarDecoderSpeed out{timings.paced(), 0};
    out.flops_per_second = scalar_decoder_flops(c, decoder.tile()) / (out.seconds_per_second.time.median * tile_seconds);
    report_.scalar_decoder = out;
}

void Benchmark::render_song(const heartcodec::Codec& codec) {
    const auto noise = [](std::int64_t window, std::span<float> out) {
        fill_normal({0, 0, Draw::latent, static_cast<std::uint32_t>(window), 0}, out);
    };
    const auto start = Clock::now();
    codec.decode(
        song_codes_, noise, {.steps = kEulerSteps}, [](std::span<const float>) {}, cancel_,
        [&](std::int64_t done, std::int64_t total, std::int64_t) {
            if (progress_) progress_({Phase::decode, static_cast<double>(done), static_cast<double>(total), 0});
        });
    song_seconds_ += seconds_since(start);
}

void Benchmark::work_out_song() {
    const LanguageModelSpeed& lm = *report_.language_model;
    const WindowPlan plan = WindowPlan::of(song_frames());
    double latents = 0;
    for (std::int64_t w = 0; w < plan.windows; ++w) latents += static_cast<double>(plan.heard_latents(w));
    const double decoded = latents / (heartcodec::kCodesPerSecond * heartcodec::kLatentsPerCode);
    SongSpeed song;
    song.composed = true;
    song.audio_seconds = static_cast<double>(plan.codes) / heartcodec::kCodesPerSecond;
    song.seconds = static_cast<double>(request_.prompt) / lm.prefill_tokens_per_second.median +
                   static_cast<double>(plan.codes) * lm.frame_ms.time.median / kMs +
                   static_cast<double>(plan.windows * kEulerSteps) * report_.estimator->ms.time.median / kMs +
                   decoded * report_.scalar_decoder->seconds_per_second.time.median;
    report_.song = song;
}

}  // namespace

BenchmarkModels random_models(const std::string& size) {
    if (size != "3B" && size != "7B" && size != "1B" && size != "tiny") {
        throw Error(ErrorCode::usage, fmt::format("no random model of size '{}'", printable(size, 40)))
            .expected("3B, 7B, 1B or tiny");
    }
    return {[size] { return synthetic_language_model(size, formats::DType::bf16); },
            [size] { return synthetic_codec(size == "tiny" ? "tiny" : "full"); }};
}

void check_request(const BenchmarkRequest& r) {
    check_range<std::int64_t>("--frames", r.frames, 1, 10'000);
    check_range<std::int64_t>("--context", r.context, 1, 1 << 20);
    check_range<std::int64_t>("--prompt", r.prompt, 3, 1 << 20);
    check_range("--repeat", r.repeat, 1, 100);
    for (const std::int64_t songs : r.songs) check_range<std::int64_t>("--songs", songs, 1, 64);
    check_range("--seconds", r.song_seconds, 0.08, 600.0);
}

Spread spread_of(std::vector<double> values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    const double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
    return {median, values.front(), values.back()};
}

BenchmarkReport benchmark(const BenchmarkModels& models, const BenchmarkRequest& request, const ProgressFn& progress,
                          const CancelToken& cancel) {
    check_request(request);
    return Benchmark(models, request, progress, cancel).run();
}

double peak_gops(const kernels::MachineSpeed& speed, graph::Type type) noexcept {
    if (type == graph::Type::f16 && speed.f16_gflops > 0) return speed.f16_gflops;
    return graph::is_quantised(type) ? speed.int8_gops : speed.f32_gflops;
}

}  // namespace heart::engine
