#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heart::text {

/// The words of a text as they are compared: compatibility forms made one (NFKC), lower case, without punctuation and
/// symbols but for apostrophes and hyphens inside a word, cut at white space. Combining marks stay.
/// Throws ErrorCode::malformed when the text is not UTF-8.
[[nodiscard]] std::vector<std::string> comparable_words(std::string_view utf8);

/// Its characters, of the same normal form, without white space. Throws likewise.
[[nodiscard]] std::vector<std::string> comparable_characters(std::string_view utf8);

/// Whether most letters are of scripts whose words stand without spaces: Han, Hiragana, Katakana, Thai, Lao, Khmer,
/// Myanmar. Then characters are compared rather than words. Throws likewise.
[[nodiscard]] bool is_written_without_spaces(std::string_view utf8);

/// The lines that are sung, without section markers and empty ones. Throws likewise.
[[nodiscard]] std::vector<std::string> sung_lines(std::string_view lyrics);

}  // namespace heart::text
