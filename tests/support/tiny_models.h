#pragma once

#include "formats/bytes.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/song_batch.h"
#include "support/golden.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace heart::test {

/// The tiny language model of the goldens, in the exact mode unless another type is asked for.
[[nodiscard]] std::unique_ptr<heartmula::LanguageModel> tiny_language_model(const std::string& folder = "HeartMuLa-oss-3B",
                                                                            int threads = 1,
                                                                            graph::Type type = graph::Type::f32);

/// The tiny codec of the goldens.
[[nodiscard]] std::unique_ptr<heartcodec::Codec> tiny_codec(const std::string& folder = "HeartCodec-oss", int threads = 1);

/// A prompt's text column as the golden stores it: `prompt<index>.tokens`, split at the reference position.
struct GoldenPrompt {
    std::vector<std::int32_t> tags, lyrics;
    [[nodiscard]] heartmula::PromptIds ids() const { return {tags, lyrics}; }
};
[[nodiscard]] GoldenPrompt golden_prompt(const Golden& golden, int index);

/// Composes `frames` frames greedily (top-k 1) or with the sampling given, as [frames][codebooks]; stops before a frame
/// that holds a token at or above `audio_eos`, except at frame 0.
struct ComposeOptions {
    heartmula::Sampling sampling{.topk = 1, .temperature = 1.0F, .cfg_scale = 1.5F};
    int frames = 24;
    std::int32_t audio_eos = 1 << 30;
    std::vector<float> noise;  ///< [frames][codebooks][vocabulary]; empty: none
    heartmula::BatchOptions batch;
    /// Called behind every frame, to look at its graph.
    std::function<void(int frame, const heartmula::SongBatch&)> look;
};
[[nodiscard]] std::vector<heartmula::Frame> compose(const heartmula::LanguageModel& model,
                                                    const heartmula::PromptIds& prompt, const ComposeOptions& options);

/// [frames][codebooks] -> [codebooks][frames], as the goldens store frames.
[[nodiscard]] std::vector<std::int32_t> by_codebook(const std::vector<heartmula::Frame>& frames);

}  // namespace heart::test
