#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace heart::speech {

/// The code that Whisper's tokens have ("de") for a code or an English name in any case ("German"); nothing for others.
/// (openai/whisper tokenizer.py, LANGUAGES and TO_LANGUAGE_CODE)
[[nodiscard]] std::optional<std::string> language_code(std::string_view name);

/// The first `count` languages that Whisper knows, code and English name, in the order of its tokens.
[[nodiscard]] std::span<const std::pair<std::string_view, std::string_view>> languages(std::size_t count);

/// Whether words of this language stand without spaces between them: their characters are its words here.
[[nodiscard]] bool is_written_without_spaces(std::string_view code) noexcept;

}  // namespace heart::speech
