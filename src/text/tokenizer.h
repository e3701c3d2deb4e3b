#pragma once

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/tokenizer_json.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace heart::text {

/// Largest text that Tokenizer::encode takes, in bytes.
inline constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;

/// The tokenizer of Llama 3 or of Whisper: byte-level BPE as Hugging Face tokenizers reads it from tokenizer.json.
/// Immutable, so that threads may share one.
class Tokenizer {
public:
    /// Reads a tokenizer.json; `name` stands for it in errors.
    /// Throws ErrorCode::malformed for what does not follow the format, ErrorCode::mismatch where parts of the file
    /// contradict each other, ErrorCode::unsupported for components other than theirs, ErrorCode::limit beyond the
    /// limits.
    [[nodiscard]] static Tokenizer from_json(std::string_view text, std::string_view name = "tokenizer.json",
                                             const TokenizerLimits& limits = {});

    /// Ids of a text; with `add_special` those that the post-processor puts around it too (Llama 3: BOS in front).
    /// The literal text of an added token ("<|end_of_text|>") becomes its id, as in the reference.
    /// Throws ErrorCode::limit beyond kMaxTextBytes, ErrorCode::malformed (with the byte offset) when the text is not UTF-8,
    /// ErrorCode::unsupported when it holds a byte that the vocabulary lacks.
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view utf8, bool add_special = true) const;

    /// Number of tokens, added ones included.
    [[nodiscard]] std::size_t vocabulary_size() const noexcept { return vocabulary_size_; }
    /// The largest id that encode can give: an embedding table needs more rows than this.
    [[nodiscard]] std::int32_t largest_id() const noexcept { return largest_id_; }
    /// Id of an added token by its text, or of a model token by its byte-level spelling ("Ġthe" for " the").
    [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;

    /// Tokens of the model in their byte-level spelling, and the added ones: what a Detokenizer is made of.
    [[nodiscard]] const Vocabulary& model_tokens() const noexcept { return bpe_.vocabulary(); }
    [[nodiscard]] const std::vector<AddedToken>& added_tokens() const noexcept { return added_.tokens(); }

private:
    explicit Tokenizer(TokenizerSpec spec);

    SplitPattern pattern_;
    Bpe bpe_;
    AddedTokenSplitter added_;
    IdsAround around_;
    std::size_t vocabulary_size_ = 0;
    std::int32_t largest_id_ = 0;
};

}  // namespace heart::text
