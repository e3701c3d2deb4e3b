#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace heart {

/// One decoded character; `length` is 0 when the bytes at that place are not valid UTF-8 (RFC 3629: no overlong forms,
/// no surrogates, nothing above U+10FFFF).
struct Utf8Char {
    std::uint32_t code = 0;
    std::size_t length = 0;
};

/// Decodes the character that starts at byte `at` (which must be inside `text`).
[[nodiscard]] Utf8Char decode_utf8(std::string_view text, std::size_t at) noexcept;

/// Appends a code point (at most U+10FFFF, not a surrogate) to `out`.
void append_utf8(std::string& out, std::uint32_t code);

/// Byte offset of the first invalid sequence, or npos when all of `text` is valid.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text) noexcept;

}  // namespace heart
