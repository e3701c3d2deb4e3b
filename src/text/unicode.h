#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace heart::text {

/// The character classes of the Llama-3 pre-tokenizer, by the Unicode version of the linked utf8proc. A letter that a later
/// Unicode version adds counts as "other" here; the reference behaves the same way with the tables of its own version.
[[nodiscard]] bool is_letter(std::uint32_t code) noexcept;  ///< \p{L}
[[nodiscard]] bool is_number(std::uint32_t code) noexcept;  ///< \p{N}
[[nodiscard]] bool is_space(std::uint32_t code) noexcept;   ///< \s: Unicode White_Space

/// Start of the white space that ends at byte `at` of a valid UTF-8 text, but not before byte `least`.
[[nodiscard]] std::size_t space_start(std::string_view text, std::size_t at, std::size_t least) noexcept;
/// End of the white space that starts at byte `at`.
[[nodiscard]] std::size_t space_end(std::string_view text, std::size_t at) noexcept;

/// Lower case exactly as Python's str.lower(): the simple mapping of every code point, except U+0130, which becomes two code
/// points, and the capital sigma, whose form depends on its neighbours. Throws ErrorCode::malformed when the text is not
/// UTF-8.
[[nodiscard]] std::string lower(std::string_view utf8);

/// Throws ErrorCode::malformed with the byte offset of the first invalid sequence; `what` names the text in the message.
void require_utf8(std::string_view text, std::string_view what);

}  // namespace heart::text
