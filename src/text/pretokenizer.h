#pragma once

#include <string_view>
#include <vector>

namespace heart::text {

/// The split pattern of Llama 3's tokenizer.json.
inline constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// Cuts `utf8` into the successive matches of kLlama3Pattern. Every character belongs to exactly one piece, so the pieces
/// concatenate to the text; they point into it. Time is linear in the text.
/// Throws ErrorCode::malformed when the text is not UTF-8.
[[nodiscard]] std::vector<std::string_view> split_llama3(std::string_view utf8);

/// The split pattern of GPT-2, which a ByteLevel pre-tokenizer with `use_regex` applies: Whisper's.
inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// The same for kGpt2Pattern.
[[nodiscard]] std::vector<std::string_view> split_gpt2(std::string_view utf8);

/// Which of the two a tokenizer.json asks for.
enum class SplitPattern { llama3, gpt2 };

[[nodiscard]] std::vector<std::string_view> split(SplitPattern pattern, std::string_view utf8);

}  // namespace heart::text
