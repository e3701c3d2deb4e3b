#pragma once

#include "core/cancel.h"
#include "core/progress.h"
#include "engine/benchmark.h"
#include "formats/checkpoint.h"
#include "graph/tensor.h"
#include "models/heartclap/config.h"

#include <cstdint>
#include <string>

namespace heart::engine {

struct EmbedderBenchmarkRequest {
    graph::Type type = graph::Type::f32;
    std::string device = "auto";
    int threads = 0;           ///< 0: one per core
    std::int64_t tokens = 32;  ///< of the text that is timed
    std::int64_t clips = 1;    ///< of sound, in one pass
    int repeat = 2;            ///< rounds of everything
};

/// A clip of sound, or several in one pass, and one text, and what they take.
struct EmbedderSpeed {
    graph::Type type = graph::Type::f32;
    std::string device;
    int threads = 0;
    double clip_seconds = 0;
    std::int64_t tokens = 0, clips = 0;
    kernels::MachineSpeed machine;
    Spread mel_ms;          ///< the clip's spectrogram
    Spread clip_ms;         ///< the audio tower on it: a clip's share of the pass
    double clip_flops = 0;  ///< a multiplication and an addition are two; products only
    Spread text_ms;
    std::uint64_t weight_bytes = 0, resident_bytes = 0, peak_bytes = 0;

    /// 1e9 a second, at the median.
    [[nodiscard]] double clip_gflops() const noexcept { return clip_flops / clip_ms.median / 1e6; }
};

/// Multiplications and additions in the products of the audio tower, for so many mel frames.
[[nodiscard]] double audio_tower_flops(const heartclap::Config& config, std::int64_t mel_frames);

/// Measures an embedding model. Throws what loading throws.
[[nodiscard]] EmbedderSpeed benchmark_embedder(const formats::Checkpoint& checkpoint, const heartclap::Config& config,
                                               const EmbedderBenchmarkRequest& request, const ProgressFn& progress,
                                               const CancelToken& cancel);

}  // namespace heart::engine
