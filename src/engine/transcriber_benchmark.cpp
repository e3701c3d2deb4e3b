#include "engine/transcriber_benchmark.h"

#include "audio/log_mel.h"
#include "core/elapsed.h"
#include "core/error.h"
#include "engine/process_memory.h"
#include "engine/range.h"
#include "graph/device.h"
#include "models/hearttranscriptor/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace heart::engine {

namespace {

using Clock = std::chrono::steady_clock;
using hearttranscriptor::Session;

constexpr std::int64_t kWarmUpTokens = 2;

void check(const TranscriberBenchmarkRequest& r, std::int64_t positions) {
    check_range("--repeat", r.repeat, 1, 1000);
    check_range<std::int64_t>("--frames", r.tokens, 1, positions - kWarmUpTokens - 1);
    check_range<std::int64_t>("--context", r.context, 1, positions - kWarmUpTokens - r.tokens);
    for (const std::int64_t beams : r.beams) check_range<std::int64_t>("beams", beams, 1, 32);
}

/// 30 seconds of something: tones that come and go.
std::vector<float> any_sound() {
    std::vector<float> out(audio::LogMel::kSamples);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const double t = static_cast<double>(i) / audio::LogMel::kSampleRate;
        out[i] = static_cast<float>(0.3 * std::sin(1500 * t) * std::sin(3 * t));
    }
    return out;
}

/// Milliseconds of each of `tokens` steps of so many sequences, behind a prompt of `context` tokens.
std::vector<double> time_steps(Session& session, const TranscriberBenchmarkRequest& r, std::int64_t beams,
                               const CancelToken& cancel) {
    const std::vector<std::int32_t> prompt(static_cast<std::size_t>(r.context), 1);
    const std::array<std::int32_t, 1> last{static_cast<std::int32_t>(r.context) - 1};
    (void)session.start(prompt, last);
    std::vector<double> out;
    for (std::int64_t i = 0; i < kWarmUpTokens + r.tokens; ++i) {
        cancel.check();
        std::vector<Session::Continuation> next;
        for (std::int64_t b = 0; b < beams; ++b) {
            next.push_back({i == 0 ? 0 : static_cast<std::size_t>(b), static_cast<std::int32_t>(2 + b)});
        }
        const auto start = Clock::now();
        (void)session.step(next);
        if (i >= kWarmUpTokens) out.push_back(ms_since(start));
    }
    return out;
}

}  // namespace

TranscriberSpeed benchmark_transcriber(const formats::Checkpoint& checkpoint, const TranscriberBenchmarkRequest& r,
                                       const ProgressFn& progress, const CancelToken& cancel) {
    const auto config = hearttranscriptor::Config::parse(checkpoint.config(), checkpoint.describe() + "/config.json");
    check(r, config.decoder.positions);
    const auto device = graph::Device::open(r.device, r.threads);
    const auto model = hearttranscriptor::Model::load(
        checkpoint, device, r.type,
        [&](std::uint64_t done, std::uint64_t total) {
            if (progress) progress({Phase::load_transcriptor, static_cast<double>(done), static_cast<double>(total), 0});
        },
        cancel);
    const std::int64_t most = r.beams.empty() ? 1 : *std::max_element(r.beams.begin(), r.beams.end());
    Session session(*model, most);
    const audio::LogMel mel(static_cast<std::size_t>(config.encoder.mel_bands));
    const std::vector<float> sound = any_sound();
    std::vector<double> mel_ms, encoder_ms;
    std::vector<std::vector<double>> steps(r.beams.size());
    for (int round = 0; round < r.repeat; ++round) {
        cancel.check();
        if (progress) progress({Phase::measure_transcriptor, static_cast<double>(round), static_cast<double>(r.repeat), 0});
        const auto start = Clock::now();
        const audio::SpectralFrames frames = mel.compute(sound);
        mel_ms.push_back(ms_since(start));
        const auto encoding = Clock::now();
        session.listen(frames.values);
        encoder_ms.push_back(ms_since(encoding));
        for (std::size_t i = 0; i < r.beams.size(); ++i) {
            const auto ms = time_steps(session, r, r.beams[i], cancel);
            steps[i].insert(steps[i].end(), ms.begin(), ms.end());
        }
    }
    TranscriberSpeed out{r.type, device->name(), device->threads(), r.context, spread_of(mel_ms), spread_of(encoder_ms)};
    for (std::size_t i = 0; i < r.beams.size(); ++i) out.steps.push_back({r.beams[i], spread_of(steps[i])});
    out.weight_bytes = model->weight_bytes();
    out.resident_bytes = process_memory("VmRSS:");
    out.peak_bytes = process_memory("VmHWM:");
    return out;
}

}  // namespace heart::engine
