#pragma once

#include "text/character_map.h"
#include "text/tokenizer_frame.h"
#include "text/unigram.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace heart::text {

/// What happens to a text before it is cut into words.
struct PieceNormalizer {
    CharacterMap map;
    /// Whether white space at the end is taken away and every run of spaces becomes one U+2581, as newer files want it.
    bool tidy_spaces = false;

    /// Throws ErrorCode::limit where more than kMaxNormalizedBytes come out.
    [[nodiscard]] std::string apply(std::string_view utf8) const;
};

/// Largest normalised text, in bytes: NFKC makes at most 11 times kMaxTextBytes.
inline constexpr std::size_t kMaxNormalizedBytes = 16 * kMaxTextBytes;

/// What a tokenizer.json with a Unigram model says, checked.
struct SentencePieceSpec {
    PieceNormalizer normalizer;
    bool split_white_space = false;  ///< at all white space, which is taken away; otherwise only spaces separate words
    bool begin_words = true;         ///< every word begins with U+2581, also one that follows no space
    Unigram model;
    TokenizerFrame frame;  ///< contents of `normalized` tokens are normalised
    std::int32_t pad_id = 0;
};

/// The character that stands for a space in pieces, U+2581.
inline constexpr std::string_view kSpaceMark = "\u2581";

/// Reads the format of Hugging Face tokenizers, version "1.0", as far as the tokenizer of XLM-RoBERTa uses it.
/// Errors as in SentencePieceTokenizer::from_json; each names the place in the file ("model.vocab[5]").
[[nodiscard]] SentencePieceSpec read_sentence_pieces_json(std::string_view text, std::string_view name,
                                                          const TokenizerLimits& limits);

}  // namespace heart::text
