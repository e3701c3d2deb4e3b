#pragma once

#include "text/added_tokens.h"
#include "text/character_map.h"
#include "text/tokenizer_json.h"
#include "text/unigram.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heart::text {

/// How a text becomes pieces before the model cuts them.
struct PieceRules {
    CharacterMap characters;
    bool strips_right = false;     ///< white space at the end goes
    bool joins_spaces = false;     ///< two spaces and more become one "▁"
    bool splits_at_space = false;  ///< at any white space, which goes
};

/// The tokenizer of XLM-RoBERTa: SentencePiece's unigram model as Hugging Face tokenizers reads it from tokenizer.json.
/// Immutable, so that threads may share one.
class SentencePieceTokenizer {
public:
    /// Reads a tokenizer.json; `name` stands for it in errors, which are those of Tokenizer::from_json. Of normalizers
    /// Precompiled is known, alone or in a Sequence with Strip (right) and Replace (" {2,}" by "▁"), and none; of
    /// pre-tokenizers Metaspace that always puts "▁" in front, alone or behind WhitespaceSplit; of post-processors
    /// TemplateProcessing.
    [[nodiscard]] static SentencePieceTokenizer from_json(std::string_view text, std::string_view name = "tokenizer.json",
                                                          const TokenizerLimits& limits = {});

    /// Ids of a text; with `add_special` those around it too (<s> ... </s>). The literal text of an added token becomes its
    /// id, as in the reference. Throws ErrorCode::limit beyond kMaxTextBytes, ErrorCode::malformed (with the byte offset)
    /// when the text is not UTF-8.
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view utf8, bool add_special = true) const;

    /// The largest id that encode can give: an embedding table needs more rows than this.
    [[nodiscard]] std::int32_t largest_id() const noexcept { return largest_id_; }

private:
    SentencePieceTokenizer(PieceRules rules, Unigram model, std::vector<AddedToken> added, IdsAround around);

    void encode_segment(std::string_view text, std::vector<std::int32_t>& ids) const;
    void encode_word(std::string_view word, std::vector<std::int32_t>& ids) const;

    PieceRules rules_;
    Unigram model_;
    AddedTokenSplitter added_;
    IdsAround around_;
    std::int32_t largest_id_ = 0;
};

}  // namespace heart::text
