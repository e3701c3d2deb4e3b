#pragma once

#include "text/added_tokens.h"
#include "text/json_node.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace heart::text {

/// Largest text that a tokenizer encodes, in bytes.
inline constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;

/// Throws ErrorCode::limit beyond kMaxTextBytes, ErrorCode::malformed (with the byte offset) when the text is not UTF-8.
void require_encodable(std::string_view text);

/// Bounds on a tokenizer.json from a stranger. Llama 3 has 9 MB, 128000 tokens, 280147 merges and 256 added tokens;
/// XLM-RoBERTa has 9 MB, 250002 tokens, none longer than 50 bytes, and a character map of 0.3 MB.
struct TokenizerLimits {
    std::size_t max_file_bytes = std::size_t{128} << 20;
    std::size_t max_vocabulary = 2'000'000;
    std::size_t max_token_bytes = 512;                         ///< of one token of a Unigram model
    std::size_t max_all_tokens_bytes = std::size_t{32} << 20;  ///< of all of them together
    std::size_t max_character_map_bytes = std::size_t{4} << 20;
    std::size_t max_merges = 4'000'000;
    std::size_t max_added_tokens = 65'536;
    std::size_t max_added_token_bytes = 256;                        ///< of one token
    std::size_t max_all_added_tokens_bytes = std::size_t{1} << 20;  ///< of all of them together
    std::size_t max_template_ids = 1'024;                           ///< that the post-processor adds
};

/// The tokens of a file's model, as far as what stands around the model refers to them.
struct ModelTokens {
    std::function<std::optional<std::int32_t>(std::string_view)> id_of;
    std::function<std::optional<std::string_view>(std::int32_t)> token_of;
};

/// The part of a tokenizer.json that is the same for every kind of model: what is cut out of the text before the model sees
/// it, and what is put around the model's ids.
struct TokenizerFrame {
    std::vector<AddedToken> added_tokens;
    std::vector<std::int32_t> prefix, suffix;  ///< ids that the post-processor puts around a single text
};

/// Refuses another version than "1.0", truncation and padding.
void check_frame_options(const JsonNode& root);

/// Reads "added_tokens" and "post_processor" of the whole file `root`. Errors as in Tokenizer::from_json.
[[nodiscard]] TokenizerFrame read_frame(const JsonNode& root, const TokenizerLimits& limits, const ModelTokens& model);

}  // namespace heart::text
