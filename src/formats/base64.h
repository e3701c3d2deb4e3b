#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::formats {

/// Base64 as RFC 4648, section 4 has it: padded, on one line. At most 1 GiB.
[[nodiscard]] std::string to_base64(std::span<const std::byte> bytes);

/// The bytes; none for what `to_base64` would not have written: other characters, white space, missing padding, bits left
/// over.
[[nodiscard]] std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace heart::formats
