#pragma once

#include "core/cancel.h"
#include "core/progress.h"
#include "engine/benchmark.h"
#include "formats/checkpoint.h"
#include "graph/tensor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace heart::engine {

struct TranscriberBenchmarkRequest {
    graph::Type type = graph::Type::f16;
    std::string device = "auto";
    int threads = 0;                        ///< 0: one per core
    std::int64_t tokens = 32;               ///< that are timed, behind two that are not
    std::int64_t context = 64;              ///< tokens before them
    std::vector<std::int64_t> beams{1, 2};  ///< numbers of sequences that are continued at once
    int repeat = 2;                         ///< rounds of everything
};

/// The encoder on 30 seconds of sound, the decoder a step, and what both take.
struct TranscriberSpeed {
    graph::Type type = graph::Type::f16;
    std::string device;
    int threads = 0;
    std::int64_t context = 0;
    Spread mel_ms;      ///< log-mel frames of 30 s
    Spread encoder_ms;  ///< with the keys and values of cross-attention
    struct Step {
        std::int64_t beams = 1;
        Spread ms;
    };
    std::vector<Step> steps;
    std::uint64_t weight_bytes = 0, resident_bytes = 0, peak_bytes = 0;
};

/// Measures a transcriptor; of `checkpoint` the weights and config.json. Throws what loading throws, ErrorCode::usage naming
/// the first number that is out of range.
[[nodiscard]] TranscriberSpeed benchmark_transcriber(const formats::Checkpoint& checkpoint,
                                                     const TranscriberBenchmarkRequest& request, const ProgressFn& progress,
                                                     const CancelToken& cancel);

}  // namespace heart::engine
