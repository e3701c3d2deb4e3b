#pragma once

#include "audio/waveform.h"
#include "core/cancel.h"
#include "core/progress.h"
#include "engine/checkpoint_set.h"
#include "engine/codes_journal.h"
#include "engine/composer.h"
#include "engine/options.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/language_model.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace heart::engine {

/// Wall-clock seconds of each phase.
struct Timings {
    double load_language_model = 0, prefill = 0, frames = 0, load_codec = 0, decode = 0;
    double at_once = 0;  ///< counted in two of them: a stream composes and renders at the same time

    /// From the first phase's begin to the last one's end.
    [[nodiscard]] double total() const { return load_language_model + prefill + frames + load_codec + decode - at_once; }
};

/// A finished song.
struct Song {
    Composition composition;
    audio::Waveform audio;
};

/// Noise for the codec that is given rather than drawn: [windows][744][256], to reproduce another engine's run.
using GivenNoise = std::vector<float>;

/// Finished audio of a stream.
struct AudioBlock {
    std::span<const float> stereo;  ///< [frames][2]: left, right; nominal range [-1, 1], louder samples as they are
    std::uint32_t sample_rate = 0;  ///< Hz
    std::int64_t position = 0;      ///< frames of the song before this block
};

/// Takes finished audio, block after block, on a thread of its own; may wait, and whatever it throws ends the song.
using AudioBlockSink = std::function<void(const AudioBlock&)>;

/// What a stream left behind.
struct StreamedSong {
    Composition composition;
    std::uint32_t sample_rate = 0;   ///< Hz
    std::int64_t samples = 0;        ///< of each channel, handed on
    double first_audio_seconds = 0;  ///< from the call to the first block, loading included
    double seconds = 0;              ///< from the call to its end
};

/// Makes songs: lyrics and tags -> codes -> sound. Models are loaded when first needed and kept, or, with lazy loading,
/// kept one at a time. Not to be used from two threads at once.
class Generator {
public:
    /// Opens the folder; loads nothing yet. Throws ErrorCode::usage for unknown devices, ErrorCode::not_found for a missing
    /// folder.
    Generator(formats::Folder model_folder, EngineOptions options);

    /// The whole walk. `progress` may be empty.
    [[nodiscard]] Song generate(const SongRequest& request, const ProgressFn& progress, const CancelToken& cancel);

    /// The whole walk with the sound handed on while it is made: windows are rendered on a second thread, and `sink` is
    /// called there, while this one composes. Codes and samples are those of `generate()`. With lazy loading, rendering
    /// begins behind the last frame. `progress` is called on the calling thread. With a `journal`, composing goes on behind
    /// the frames in it and adds the others as they are drawn; the sound begins at its beginning all the same. Defined in
    /// streaming.cpp.
    [[nodiscard]] StreamedSong stream(const SongRequest& request, const AudioBlockSink& sink, const ProgressFn& progress,
                                      const CancelToken& cancel, CodesJournal* journal = nullptr);

    /// Lyrics and tags -> codes. Throws ErrorCode::limit before any work when the prompt leaves no room in the model's
    /// context, and what check_request, loading and the tokenizer throw. `known`: see PreparedSong.
    [[nodiscard]] Composition compose(const SongRequest& request, const ProgressFn& progress, const CancelToken& cancel,
                                      const FrameFn& on_frame = {}, std::vector<heartmula::Frame> known = {});

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
    /// Where the language model is.
    [[nodiscard]] graph::DeviceInfo device() const;
    /// What the devices have free now.
    [[nodiscard]] Room room() const { return room_on(*language_model_device_, *codec_device_); }

private:
    const heartmula::LanguageModel& language_model(const ProgressFn& progress, const CancelToken& cancel);
    const heartcodec::Codec& codec(const ProgressFn& progress, const CancelToken& cancel);
    std::vector<Composition> compose_prepared(const SongPreparer& preparer, std::vector<PreparedSong> songs,
                                              std::int64_t at_once, const ProgressFn& progress, const CancelToken& cancel,
                                              const FrameFn& on_frame);
    void render_to(const heartcodec::AudioSink& sink, const Codes& codes, const SongRequest& request,
                   const GivenNoise* noise, const ProgressFn& progress, const CancelToken& cancel);

    EngineOptions options_;
    CheckpointSet set_;
    std::shared_ptr<graph::Device> language_model_device_, codec_device_;
    std::unique_ptr<heartmula::LanguageModel> language_model_;
    std::unique_ptr<heartcodec::Codec> codec_;
    Timings timings_;
};

/// Every setting of a song by name, in a fixed order: what travels with the song in its file. Those of its reference come
/// last, see `reference_settings`; a song without one has none of them.
[[nodiscard]] Settings song_settings(const Composition& composition, const EngineOptions& options, const std::string& model);

}  // namespace heart::engine
