#include "engine/embedder_benchmark.h"

#include "audio/decibel_mel.h"
#include "core/elapsed.h"
#include "core/error.h"
#include "engine/process_memory.h"
#include "engine/range.h"
#include "graph/device.h"
#include "models/heartclap/session.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <vector>

namespace heart::engine {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMostClips = 64;

/// A clip of something: tones that come and go.
std::vector<float> any_sound(const heartclap::Config& c) {
    std::vector<float> out(static_cast<std::size_t>(c.clip_samples()));
    for (std::size_t i = 0; i < out.size(); ++i) {
        const double t = static_cast<double>(i) / static_cast<double>(c.audio.mel.sample_rate);
        out[i] = static_cast<float>(0.3 * std::sin(1500 * t) * std::sin(3 * t));
    }
    return out;
}

kernels::MachineSpeed machine_speed(const graph::Device& device, const CancelToken& cancel) {
    if (device.is_cpu()) return kernels::measure_machine({.threads = device.threads()}, cancel);
    const cuda::DeviceSpeed s = device.measure();
    return {s.read_gbps, s.f32_gflops, 0, s.f16_gflops};
}

void check(const EmbedderBenchmarkRequest& r, const heartclap::Config& config) {
    check_range<std::int64_t>("the tokens of the text", r.tokens, 1, config.text.encoder.most_tokens());
    check_range("--clips", r.clips, std::int64_t{1}, kMostClips);
    check_range("--repeat", r.repeat, 1, 1000);
}

}  // namespace

double audio_tower_flops(const heartclap::Config& config, std::int64_t mel_frames) {
    const auto& s = config.audio.subsampling;
    const auto& c = config.audio.conformer;
    const auto d = [](std::int64_t n) { return static_cast<double>(n); };
    const std::int64_t bands = s.halved(s.mel_bands), frames = s.halved(mel_frames);
    const std::int64_t rows = s.halved(bands), places = s.halved(frames);
    const double image = d(bands * frames), small = d(rows * places), t = d(places);
    const double convolution = 9 * d(s.channels) * d(s.channels);
    double products = 2 * 9 * d(s.channels) * image;                // from one channel, twice
    products += convolution * image;                                // the first module's second convolution
    products += 3 * convolution * small;                            // all of the second module
    products += d(s.channels * rows) * d(s.dim) * t;                // linear
    const double layer = 4 * d(c.dim) * d(c.hidden)                 // two feed-forwards
                         + 4 * d(c.dim) * d(c.dim)                  // q, k, v, out
                         + 3 * d(c.dim) * d(c.dim)                  // the pointwise convolutions
                         + 2 * t * d(c.dim) + d(c.kernel * c.dim);  // scores, mixing, depthwise
    products += d(config.audio.source.state) * layer * t;
    if (config.audio.source.projected) products += d(c.dim) * d(config.audio.tower.dim) * t;
    return 2 * products;
}

EmbedderSpeed benchmark_embedder(const formats::Checkpoint& checkpoint, const heartclap::Config& config,
                                 const EmbedderBenchmarkRequest& r, const ProgressFn& progress, const CancelToken& cancel) {
    check(r, config);
    const auto device = graph::Device::open(r.device, r.threads);
    EmbedderSpeed out{r.type, device->name(), device->threads(), config.clip_seconds, r.tokens, r.clips};
    out.machine = machine_speed(*device, cancel);
    const auto model = heartclap::Model::load(
        checkpoint, config, device, r.type,
        [&](std::uint64_t done, std::uint64_t total) {
            if (progress) progress({Phase::load_embedder, static_cast<double>(done), static_cast<double>(total), 0});
        },
        cancel);
    const heartclap::MelConfig& m = config.audio.mel;
    const audio::DecibelMel mel({static_cast<std::uint32_t>(m.sample_rate), static_cast<std::size_t>(m.n_fft),
                                 static_cast<std::size_t>(m.hop), static_cast<std::size_t>(m.bands)});
    const std::vector<float> sound = any_sound(config);
    const std::vector<std::int32_t> ids(static_cast<std::size_t>(r.tokens), 5);
    heartclap::Session session(*model);
    std::vector<double> mel_ms, clip_ms, text_ms;
    for (int round = 0; round <= r.repeat; ++round) {  // the first, which builds the graphs, does not count
        cancel.check();
        if (progress) progress({Phase::embed, static_cast<double>(round), static_cast<double>(r.repeat + 1), 0});
        auto start = Clock::now();
        const audio::SpectralFrames frames = mel.compute(sound);
        const double mel_time = ms_since(start);
        std::vector<float> clips;
        for (std::int64_t i = 0; i < r.clips; ++i) {
            for (const float x : frames.values) clips.push_back(static_cast<float>((x - m.mean) / m.deviation));
        }
        start = Clock::now();
        (void)session.listen(clips, r.clips);
        const double clip_time = ms_since(start) / static_cast<double>(r.clips);
        start = Clock::now();
        (void)session.read(ids);
        if (round == 0) continue;
        text_ms.push_back(ms_since(start));
        mel_ms.push_back(mel_time);
        clip_ms.push_back(clip_time);
    }
    out.machine = better_of(out.machine, machine_speed(*device, cancel));
    out.mel_ms = spread_of(mel_ms), out.clip_ms = spread_of(clip_ms), out.text_ms = spread_of(text_ms);
    out.clip_flops = audio_tower_flops(config, static_cast<std::int64_t>(sound.size()) / m.hop);
    out.weight_bytes = model->weight_bytes();
    out.resident_bytes = process_memory("VmRSS:");
    out.peak_bytes = process_memory("VmHWM:");
    return out;
}

}  // namespace heart::engine
