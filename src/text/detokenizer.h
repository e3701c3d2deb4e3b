#pragma once

#include "text/tokenizer.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace heart::text {

/// Turns ids back into text (the ByteLevel decoder of Hugging Face tokenizers). Immutable, so that threads may share one.
class Detokenizer {
public:
    explicit Detokenizer(const Tokenizer& tokenizer);

    /// The bytes that a token stands for: not always whole characters. Empty for an id that no token has.
    [[nodiscard]] std::string_view bytes_of(std::int32_t id) const;
    /// Whether the token is marked as no part of the text.
    [[nodiscard]] bool is_special(std::int32_t id) const;

    /// All bytes joined, with U+FFFD in place of each sequence that is no character. Special tokens are spelled out, as in
    /// the reference: leave them out of `ids` where they are not wanted.
    [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

private:
    struct Token {
        std::string bytes;
        bool special = false;
    };
    std::unordered_map<std::int32_t, Token> tokens_;
};

/// `bytes` with U+FFFD in place of every maximal part of a broken character (Unicode 15, section 3.9, table 3-8), as most
/// decoders do.
[[nodiscard]] std::string replace_invalid_utf8(std::string_view bytes);

/// Takes away the spaces before English punctuation and contractions (" ." -> ".", " n't" -> "n't", ...): what transformers'
/// tokenizers do to decoded text where tokenizer_config.json says `clean_up_tokenization_spaces`
/// (tokenization_utils_base.py, clean_up_tokenization).
[[nodiscard]] std::string clean_up_spaces(std::string text);

}  // namespace heart::text
