#pragma once

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace heart::text {

/// Bounds on a tokenizer.json from a stranger. Llama 3 has 9 MB, 128000 tokens, 280147 merges and 256 added tokens.
struct TokenizerLimits {
    std::size_t max_file_bytes = std::size_t{128} << 20;
    std::size_t max_vocabulary = 2'000'000;
    std::size_t max_merges = 4'000'000;
    std::size_t max_added_tokens = 65'536;
    std::size_t max_added_token_bytes = 256;                        ///< of one token
    std::size_t max_all_added_tokens_bytes = std::size_t{1} << 20;  ///< of all of them together
    std::size_t max_template_ids = 1'024;                           ///< that the post-processor adds
};

/// Ids that a post-processor puts around a single text.
struct IdsAround {
    std::vector<std::int32_t> prefix, suffix;
};

/// What a tokenizer.json says, checked: all ids are from 0 to 2^31 - 1 and belong to one token each, all merges refer to
/// tokens that exist.
struct TokenizerSpec {
    SplitPattern pattern = SplitPattern::llama3;
    Vocabulary vocabulary;
    MergeTable merges;
    bool ignore_merges = false;
    std::vector<AddedToken> added_tokens;
    IdsAround around;
};

/// Reads the format of Hugging Face tokenizers, version "1.0", as far as the tokenizers of Llama 3 and of Whisper use it.
/// Errors as in Tokenizer::from_json; each names the place in the file ("model.vocab['a']").
[[nodiscard]] TokenizerSpec read_tokenizer_json(std::string_view text, std::string_view name, const TokenizerLimits& limits);

}  // namespace heart::text
