#pragma once

#include "core/cancel.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heart::speech {

/// Which tokens may follow which (transformers generation/logits_process.py: SuppressTokens, SuppressTokensAtBegin,
/// WhisperTimeStampLogitsProcessor).
struct LogitRules {
    std::int32_t end_of_text = 0;
    std::int32_t no_timestamps = 0;                 ///< tokens behind it are timestamps, 20 ms apart
    std::vector<std::int32_t> suppressed;           ///< never generated
    std::vector<std::int32_t> suppressed_at_begin;  ///< nor as the first token
    bool timestamps = false;                  ///< segments of text stand between pairs of timestamps that never go back
    std::int32_t max_initial_timestamp = 50;  ///< most steps of 20 ms before the first text

    [[nodiscard]] std::int32_t first_timestamp() const noexcept { return no_timestamps + 1; }
    [[nodiscard]] bool is_timestamp(std::int32_t token) const noexcept { return timestamps && token > no_timestamps; }

    /// Puts -inf in place of the scores (logits or log-probabilities) of tokens that may not follow `generated`.
    void apply(std::span<const std::int32_t> generated, std::span<float> scores) const;
};

/// What a search decodes with: a language model that hears the sound.
class TokenModel {
public:
    virtual ~TokenModel() = default;

    /// Reads a prompt as the only sequence. Both spans [vocabulary] are valid until the next call.
    struct PromptLogits {
        std::span<const float> at_start;  ///< behind the prompt's token number `start`
        std::span<const float> behind;    ///< behind its last token
    };
    virtual PromptLogits begin(std::span<const std::int32_t> prompt, std::size_t start) = 0;

    /// Sequence i of this step is sequence `parent` of the step before and a token. Returns logits
    /// [next.size()][vocabulary].
    struct Continuation {
        std::size_t parent = 0;
        std::int32_t token = 0;
    };
    virtual std::span<const float> step(std::span<const Continuation> next) = 0;

    /// Most tokens that may follow a prompt of this length.
    [[nodiscard]] virtual std::int64_t room_behind(std::size_t prompt) const = 0;
};

/// A decoded token and how likely it was among those that were allowed.
struct ScoredToken {
    std::int32_t id = 0;
    float log_probability = 0;
};

/// Text that a search found.
struct Decoded {
    std::vector<ScoredToken> tokens;  ///< without the end of text
    bool ended = false;               ///< by the end of text, not by the limit
    float end_log_probability = 0;    ///< of that end

    /// Mean over the tokens and the end, where there was one; 0 for nothing at all.
    [[nodiscard]] double average_log_probability() const noexcept;
    [[nodiscard]] std::vector<std::int32_t> ids() const;
};

/// Sampling of one sound: temperature 0 takes the likeliest token each time.
struct Sampling {
    double temperature = 0;
    int top_k = 50;  ///< transformers' default, which holds for Whisper too
    std::uint64_t seed = 0;
    std::uint32_t sound = 0;    ///< which of the sounds with this seed
    std::uint32_t attempt = 0;  ///< at most 255
};

/// Token by token, behind `logits` of the prompt's last token. At most `max_tokens`.
[[nodiscard]] Decoded decode_one_by_one(TokenModel& model, const LogitRules& rules, std::span<const float> logits,
                                        std::int64_t max_tokens, const Sampling& sampling, const CancelToken& cancel);

/// Beam search as transformers does it (generation/utils.py, _beam_search with length_penalty 1, early_stopping false): of
/// all continuations of `beams` sequences the best 2 * beams are looked at; those among the first `beams` that end are kept
/// with their mean log-probability, and the search stops when no sequence can come before the worst of `beams` kept ones.
[[nodiscard]] Decoded decode_by_beams(TokenModel& model, const LogitRules& rules, std::span<const float> logits,
                                      std::int64_t max_tokens, std::size_t beams, const CancelToken& cancel);

/// log softmax in place; -inf stays.
void log_softmax(std::span<float> scores);

}  // namespace heart::speech
