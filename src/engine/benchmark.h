#pragma once

#include "core/cancel.h"
#include "core/progress.h"
#include "formats/checkpoint.h"
#include "graph/tensor.h"
#include "kernels/machine.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace heart::engine {

/// Where the models that are measured come from; each is opened when its turn comes.
struct BenchmarkModels {
    std::function<formats::Checkpoint()> language_model, codec;
};

/// Random weights of a size that `synthetic_language_model` knows, with the codec at published sizes, or tiny for tiny.
/// ErrorCode::usage for other sizes.
[[nodiscard]] BenchmarkModels random_models(const std::string& size);

struct BenchmarkRequest {
    enum class Part { all, language_model, codec, song };
    Part part = Part::all;
    graph::Type language_model_type = graph::Type::bf16, codec_type = graph::Type::f32;
    std::string device = "auto";
    int threads = 0;             ///< 0: one per core
    std::int64_t frames = 8;     ///< that are timed, behind one or two that are not
    std::int64_t context = 500;  ///< positions before them
    std::int64_t prompt = 64;    ///< positions that are read to time the prompt
    int repeat = 2;              ///< rounds of everything
    double song_seconds = 20;
    std::vector<std::int64_t> songs;  ///< frames of so many songs together are timed, of each number here
    /// Measures what would take minutes at the published sizes instead of working it out from parts: the whole flow
    /// transformer, and a whole song.
    bool full = false;
};

/// Throws ErrorCode::usage naming the first number that is out of range.
void check_request(const BenchmarkRequest& request);

struct Spread {
    double median = 0, least = 0, most = 0;
};
[[nodiscard]] Spread spread_of(std::vector<double> values);

/// How long something takes, and what the machine could do just then: measured between the timings, so that what else it
/// does slows down both. `limit` is all 0 on devices that are measured before and after everything only.
struct Paced {
    Spread time;
    Spread limit;  ///< 1e9 bytes or operations a second
};

/// One frame of the language model: how long it takes, and how fast that reads memory.
struct LanguageModelSpeed {
    graph::Type type = graph::Type::bf16;
    std::int64_t context = 0;
    Paced frame_ms, backbone_ms, depth_ms;  ///< beside reading. The halves are timed apart; heads belong to depth
    double gb_per_frame = 0, backbone_gb = 0, depth_gb = 0;
    Spread prefill_tokens_per_second;  ///< prompt positions, with guidance
};

/// One frame of several songs together.
struct BatchSpeed {
    std::int64_t songs = 1;
    Spread frame_ms;
};

/// One evaluation of the flow transformer: 2 rows of 744 frames, 29.76 s of audio.
struct EstimatorSpeed {
    graph::Type type = graph::Type::f32;
    Paced ms;  ///< beside the arithmetic of the type
    double flops = 0;
    /// Blocks of both stages that were timed when not all were; `ms` is worked out from the time that they and everything
    /// around them take.
    std::optional<std::pair<std::int64_t, std::int64_t>> extrapolated_from_blocks;
};

/// The scalar decoder, stereo.
struct ScalarDecoderSpeed {
    Paced seconds_per_second;  ///< of computing, of audio; beside the arithmetic of f32
    /// What a plain convolution takes; minimal filtering (kernels/winograd.h) takes less, and passes the machine's peak.
    double flops_per_second = 0;
};

struct SongSpeed {
    double seconds = 0;  ///< prompt, frames and sound; without loading
    double audio_seconds = 0;
    bool composed = false;  ///< worked out from the parts
};

struct BenchmarkReport {
    std::string machine;
    std::string instructions;
    std::string device;
    int threads = 0;
    kernels::MachineSpeed speed;  ///< the best of before and after the models
    std::optional<LanguageModelSpeed> language_model;
    std::vector<BatchSpeed> batch;
    std::optional<EstimatorSpeed> estimator;
    std::optional<ScalarDecoderSpeed> scalar_decoder;
    std::optional<SongSpeed> song;
    /// Of the process while a model was loaded: random weights in memory add what they are loaded from.
    std::uint64_t resident_bytes = 0, peak_bytes = 0;
    std::uint64_t device_bytes = 0;  ///< of a GPU's memory, at most at the moments when models were loaded; 0 on the CPU
};

/// Measures. Models are held one at a time. Throws what loading throws, ErrorCode::memory before loading what does not fit,
/// ErrorCode::unsupported for a number type that cannot be loaded, ErrorCode::limit when context and frames are longer than
/// the model's.
[[nodiscard]] BenchmarkReport benchmark(const BenchmarkModels& models, const BenchmarkRequest& request,
                                        const ProgressFn& progress, const CancelToken& cancel);

/// Operations a second that a model of this matrix type could do at most: f32, or 8-bit integers for quantised matrices.
[[nodiscard]] double peak_gops(const kernels::MachineSpeed& speed, graph::Type type) noexcept;

}  // namespace heart::engine
