#pragma once

#include "text/bpe.h"
#include "text/pretokenizer.h"
#include "text/tokenizer_frame.h"

#include <string_view>

namespace heart::text {

/// What a tokenizer.json says, checked: all ids are from 0 to 2^31 - 1 and belong to one token each, all merges refer to
/// tokens that exist.
struct TokenizerSpec {
    SplitPattern pattern = SplitPattern::llama3;
    Vocabulary vocabulary;
    MergeTable merges;
    bool ignore_merges = false;
    TokenizerFrame frame;
};

/// Reads the format of Hugging Face tokenizers, version "1.0", as far as the tokenizers of Llama 3 and of Whisper use it.
/// Errors as in Tokenizer::from_json; each names the place in the file ("model.vocab['a']").
[[nodiscard]] TokenizerSpec read_tokenizer_json(std::string_view text, std::string_view name, const TokenizerLimits& limits);

}  // namespace heart::text
