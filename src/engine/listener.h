#pragma once

#include "audio/log_mel.h"
#include "core/cancel.h"
#include "engine/transcriber.h"
#include "models/hearttranscriptor/session.h"
#include "speech/chunks.h"
#include "speech/decoding.h"
#include "speech/time_warping.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace heart::engine {

/// Everything that stands in the model's folder but the weights.
struct TranscriptorFiles {
    hearttranscriptor::Config config;
    hearttranscriptor::GenerationConfig generation;
    text::Tokenizer tokenizer;
    text::Detokenizer detokenizer;
    bool clean_up_spaces = false;  ///< as tokenizer_config.json asks

    [[nodiscard]] static TranscriptorFiles read(const formats::Folder& folder, const formats::Json& config);

    /// The text of ids as the reference's tokenizer decodes it.
    [[nodiscard]] std::string text_of(std::span<const std::int32_t> ids) const;
};

/// A language and how likely it is among all that the model knows.
struct HeardLanguage {
    std::string code;
    double probability = 1;
};

/// Hears up to 30 seconds at a time and says what can be said about them.
class Listener {
public:
    Listener(const hearttranscriptor::Model& model, const TranscriptorFiles& files, std::size_t beams);

    /// At most LogMel::kSamples at 16 kHz; silence follows.
    void listen(std::span<const float> samples);

    /// The likeliest language token behind the start of the transcript. ErrorCode::usage for a model of one language.
    [[nodiscard]] HeardLanguage detect_language();

    /// What the model is asked: start, language, task, and that no timestamps follow unless they are wanted.
    /// ErrorCode::usage for a task or language that the model does not know.
    [[nodiscard]] std::vector<std::int32_t> prompt(const std::string& language, const std::string& task,
                                                   bool timestamps) const;

    [[nodiscard]] speech::Attempt decode(std::span<const std::int32_t> prompt, const speech::Fallback& fallback,
                                         bool timestamps, std::uint32_t sound, const CancelToken& cancel);

    /// How each of `ids`, and the end behind them, goes with the 20 ms places of what was heard, `seconds` of it:
    /// [ids.size() + 1][places]. The text fits the decoder behind the prompt.
    [[nodiscard]] speech::Matrix alignment(std::span<const std::int32_t> prompt, std::span<const std::int32_t> ids,
                                           double seconds);

    /// Probability of silence behind the start of the transcript.
    [[nodiscard]] double no_speech_probability();

    /// Most tokens that `alignment` takes behind a prompt.
    [[nodiscard]] std::size_t room_behind(std::size_t prompt) const;

private:
    class Tokens;

    const TranscriptorFiles& files_;
    audio::LogMel mel_;
    hearttranscriptor::Session session_;
};

}  // namespace heart::engine
