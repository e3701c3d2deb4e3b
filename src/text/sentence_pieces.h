#pragma once

#include "text/added_tokens.h"
#include "text/sentence_pieces_json.h"
#include "text/tokenizer_frame.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace heart::text {

/// The tokenizer of XLM-RoBERTa: SentencePiece's Unigram model as Hugging Face tokenizers reads it from tokenizer.json.
/// Immutable, so that threads may share one.
class SentencePieceTokenizer {
public:
    /// Reads a tokenizer.json; `name` stands for it in errors.
    /// Throws ErrorCode::malformed for what does not follow the format, ErrorCode::mismatch where parts of the file
    /// contradict each other, ErrorCode::unsupported for components other than its own, ErrorCode::limit beyond the limits.
    [[nodiscard]] static SentencePieceTokenizer from_json(std::string_view text, std::string_view name = "tokenizer.json",
                                                          const TokenizerLimits& limits = {});

    /// Ids of a text, which keeps its case; with `add_special` those that the post-processor puts around it too (<s> in
    /// front and </s> behind). The literal text of an added token ("<mask>") becomes its id, as in the reference. Nothing is
    /// cut: the model's longest input is for the caller to hold to. Throws ErrorCode::limit beyond kMaxTextBytes,
    /// ErrorCode::malformed (with the byte offset) when the text is not UTF-8.
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view utf8, bool add_special = true) const;

    /// Id of <pad>.
    [[nodiscard]] std::int32_t pad_id() const noexcept { return pad_id_; }
    /// The largest id that encode can give: an embedding table needs more rows than this.
    [[nodiscard]] std::int32_t largest_id() const noexcept { return largest_id_; }

private:
    explicit SentencePieceTokenizer(SentencePieceSpec spec);

    void encode_words(std::string_view text, std::vector<std::int32_t>& ids) const;
    void encode_word(std::string_view word, std::vector<std::int32_t>& ids) const;

    PieceNormalizer normalizer_;
    bool split_white_space_, begin_words_;
    Unigram model_;
    AddedTokenSplitter added_;
    std::vector<std::int32_t> prefix_, suffix_;
    std::int32_t pad_id_, largest_id_;
};

}  // namespace heart::text
