#pragma once

#include "engine/transcriber.h"
#include "speech/chunks.h"
#include "text/detokenizer.h"

#include <span>
#include <string>
#include <vector>

namespace heart::engine {

/// Tokens with times put together into words (openai/whisper tokenizer.py, split_to_word_tokens, and timing.py,
/// merge_punctuations): a word begins at a space, or, in a language written without them, at every character; punctuation
/// goes with the word beside it. A word's time is from its first token to its last.
[[nodiscard]] std::vector<TranscribedWord> words_of(std::span<const speech::TimedToken> tokens,
                                                    const text::Detokenizer& detokenizer, const std::string& language);

}  // namespace heart::engine
