#pragma once

#include "core/cancel.h"
#include "core/progress.h"
#include "engine/sound_source.h"
#include "formats/bytes.h"
#include "graph/tensor.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::engine {

/// Where and how an embedding model runs.
struct EmbedderOptions {
    std::string folder = "MuQ-MuLan";  ///< of the checkpoint, inside the folder of models
    std::string device = "auto";
    graph::Type type = graph::Type::f32;  ///< of matrices; f32 is what the model was published for
    int threads = 0;                      ///< 0: one per core
    /// Clips of a sound that are heard in one pass. 0: one on a CPU, which one fills, and 8 on a GPU.
    int clips_at_once = 0;
};

/// What a sound is in the space.
struct SoundEmbedding {
    /// The plain mean of its clips' latents, as the reference has it: shorter than 1 where the clips differ.
    std::vector<float> values;
    std::vector<std::vector<float>> clips;  ///< latents of unit length, one for each clip
    double seconds = 0;                     ///< of the sound
};

/// Puts sounds and texts into one space with MuQ-MuLan, or with HeartCLAP, whose checkpoint has the same layout: a dot
/// product of two embeddings says how well they go together. The model is loaded when first needed and kept. Memory does not
/// grow with the length of a sound. Not to be used from two threads at once.
class Embedder {
public:
    /// `models` holds the checkpoint's folder and those that its config.json names (of MuQ and of XLM-RoBERTa). Reads the
    /// configurations and the tokenizer, no weights. ErrorCode::not_found for a missing folder or file, what
    /// heartclap::Config::parse and the tokenizer throw, ErrorCode::usage or ::not_found for unknown devices.
    Embedder(const formats::Folder& models, const EmbedderOptions& options);
    ~Embedder();
    Embedder(const Embedder&) = delete;
    Embedder& operator=(const Embedder&) = delete;

    /// Numbers of an embedding.
    [[nodiscard]] std::size_t dimension() const;
    /// Hz of the sounds that `embed` takes.
    [[nodiscard]] std::uint32_t sample_rate() const;
    /// Seconds of a clip.
    [[nodiscard]] double clip_seconds() const;

    /// `sound` has `sample_rate` Hz. `progress` counts seconds, of `seconds` where that is known; it may be empty.
    /// ErrorCode::malformed for a sound of fewer than 513 samples, which the model's windows cannot see; what the source and
    /// loading throw.
    [[nodiscard]] SoundEmbedding embed(const SoundSource& sound, const ProgressFn& progress, const CancelToken& cancel,
                                       double seconds = 0);
    /// The same for an audio file, see open_sound.
    [[nodiscard]] SoundEmbedding embed(const std::filesystem::path& file, const ProgressFn& progress,
                                       const CancelToken& cancel);

    /// A text as the model reads it, alone: of unit length. ErrorCode::malformed for what is not UTF-8, ErrorCode::limit for
    /// more tokens than the model has positions (512 in the published one).
    [[nodiscard]] std::vector<float> embed_text(std::string_view text, const ProgressFn& progress,
                                                const CancelToken& cancel);

    /// Ids of a text, those of its start and end among them.
    [[nodiscard]] std::vector<std::int32_t> ids_of(std::string_view text) const;

private:
    struct Files;
    struct Loaded;
    Loaded& loaded(const ProgressFn& progress, const CancelToken& cancel);

    EmbedderOptions options_;
    std::unique_ptr<Files> files_;
    std::unique_ptr<Loaded> loaded_;
};

/// Seconds [start, start + seconds) of a sound of `sample_rate` Hz, as a source. ErrorCode::usage, when it is read, for a
/// sound that ends before `start`.
[[nodiscard]] SoundSource excerpt(SoundSource sound, std::uint32_t sample_rate, double start, double seconds);

/// Scaled to unit length; as it is where that is 0.
[[nodiscard]] std::vector<float> normalised(std::vector<float> values);

/// The dot product, in double.
[[nodiscard]] double similarity(std::span<const float> a, std::span<const float> b);

}  // namespace heart::engine
