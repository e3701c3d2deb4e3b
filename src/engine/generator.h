#pragma once

#include "audio/waveform.h"
#include "core/cancel.h"
#include "core/progress.h"
#include "engine/checkpoint_set.h"
#include "engine/composer.h"
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

/// A finished song.
struct Song {
    Composition composition;
    audio::Waveform audio;
};

/// Noise for the codec that is given rather than drawn: [windows][744][256], to reproduce another engine's run.
using GivenNoise = std::vector<float>;

/// Makes songs: lyrics and tags -> codes -> sound. Models are loaded when first needed and kept, or, with lazy loading,
/// kept one at a time. Not to be used from two threads at once.
class Generator {
public:
    /// Opens the folder; loads nothing yet. Throws ErrorCode::usage for unknown devices, ErrorCode::not_found for a missing
    /// folder.
    Generator(formats::Folder model_folder, EngineOptions options);

    /// The whole walk. `progress` may be empty.
    [[nodiscard]] Song generate(const SongRequest& request, const ProgressFn& progress, const CancelToken& cancel);

    /// Lyrics and tags -> codes. Throws ErrorCode::limit before any work when the prompt leaves no room in the model's
    /// context, and what check_request, loading and the tokenizer throw.
    [[nodiscard]] Composition compose(const SongRequest& request, const ProgressFn& progress, const CancelToken& cancel,
                                      const FrameFn& on_frame = {});

    /// Several songs, `at_once` of which share the work of their frames (see Composer). The same codes as one by one, in the
    /// order of the requests; progress counts the frames of all.
    [[nodiscard]] std::vector<Composition> compose_together(std::span<const SongRequest> requests, std::int64_t at_once,
                                                            const ProgressFn& progress, const CancelToken& cancel,
                                                            const FrameFn& on_frame = {});

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
