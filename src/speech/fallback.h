#pragma once

#include "speech/decoding.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace heart::speech {

/// When a text is not believed and decoded again (Whisper's paper, section 4.5, as transformers generation_whisper.py,
/// generate_with_fallback). Defaults are those of heartlib's examples/run_lyrics_transcription.py.
struct Fallback {
    std::vector<double> temperatures{0.0, 0.1, 0.2, 0.4};  ///< tried in this order; from the first above 0 on without beams
    std::optional<double> compression_ratio = 1.8;         ///< a text that compresses better repeats itself
    std::optional<double> log_probability = -1.0;          ///< a text that is less likely on average was guessed
    std::optional<double> no_speech = 0.4;                 ///< such a text where silence is likelier than this is dropped
    std::size_t beams = 2;
    std::int64_t max_new_tokens = 256;
    std::uint64_t seed = 0;
};

/// What came of it.
struct Attempt {
    Decoded text;
    double temperature = 0;
    double compression_ratio = 0;
    double average_log_probability = 0;
    double no_speech_probability = 0;
    int tries = 1;
    bool skipped = false;  ///< there is nothing but silence: the text counts for nothing
};

/// Decodes behind a prompt, whose token number `start` is the start of the transcript, until a text is believed or no
/// temperature is left. `sound` tells the draws of one sound from those of others.
[[nodiscard]] Attempt decode_with_fallback(TokenModel& model, const LogitRules& rules, const Fallback& fallback,
                                           std::span<const std::int32_t> prompt, std::size_t start, std::int32_t no_speech,
                                           std::uint32_t sound, const CancelToken& cancel);

/// Bytes of the ids (as many for each as the vocabulary needs) by bytes of their zlib compression; 0 for no ids.
[[nodiscard]] double compression_ratio(std::span<const std::int32_t> ids, std::size_t vocabulary);

}  // namespace heart::speech
