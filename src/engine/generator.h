#pragma once

#include "audio/waveform.h"
#include "core/cancel.h"
#include "core/progress.h"
#include "engine/checkpoint_set.h"
#include "engine/options.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/language_model.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace heart::engine {

/// Wall-clock seconds of each phase.
struct Timings {
    double load_language_model = 0, prefill = 0, frames = 0, load_codec = 0, decode = 0;
};

/// Codes as the language model composed them.
struct Composition {
    Codes codes;
    SongRequest request;  ///< as asked, with the seed that was used
    std::int64_t prompt_length = 0;
    std::int64_t frame_limit = 0;     ///< most frames it could have had
    bool limited_by_context = false;  ///< the model's context, not the request, set that limit
    bool ended_by_itself = false;
};

/// A finished song.
struct Song {
    Composition composition;
    audio::Waveform audio;
};

/// Noise for the codec that is given rather than drawn: [windows][744][256], to reproduce another engine's run.
using GivenNoise = std::vector<float>;

/// Makes songs: lyrics and tags -> codes -> sound. Models are loaded when first needed and kept, or, with lazy loading,
/// kept one at a time. One song at a time; not to be used from two threads at once.
class Generator {
public:
    /// Opens the folder; loads nothing yet. Throws ErrorCode::usage for unknown devices, ErrorCode::not_found for a missing
    /// folder.
    Generator(formats::Folder model_folder, EngineOptions options);

    /// The whole walk. `progress` may be empty.
    [[nodiscard]] Song generate(const SongRequest& request, const ProgressFn& progress, const CancelToken& cancel);

    /// Lyrics and tags -> codes. Throws ErrorCode::limit before any work when the prompt leaves no room in the model's
    /// context, and what check_request, loading and the tokenizer throw.
    [[nodiscard]] Composition compose(const SongRequest& request, const ProgressFn& progress, const CancelToken& cancel);

    /// Codes -> sound. Noise is drawn from the request's seed and take, or given.
    [[nodiscard]] audio::Waveform render(const Codes& codes, const SongRequest& request, const GivenNoise* noise,
                                         const ProgressFn& progress, const CancelToken& cancel);

    [[nodiscard]] const Timings& timings() const noexcept { return timings_; }
    [[nodiscard]] const CheckpointSet& checkpoints() const noexcept { return set_; }
    [[nodiscard]] const EngineOptions& options() const noexcept { return options_; }

private:
    const heartmula::LanguageModel& language_model(const ProgressFn& progress, const CancelToken& cancel);
    const heartcodec::Codec& codec(const ProgressFn& progress, const CancelToken& cancel);

    EngineOptions options_;
    CheckpointSet set_;
    std::shared_ptr<graph::Device> language_model_device_, codec_device_;
    std::unique_ptr<heartmula::LanguageModel> language_model_;
    std::unique_ptr<heartcodec::Codec> codec_;
    Timings timings_;
};

/// Every setting of a song by name, in a fixed order: what travels with the song in its file.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> song_settings(const Composition& composition,
                                                                             const EngineOptions& options,
                                                                             const std::string& model);

}  // namespace heart::engine
