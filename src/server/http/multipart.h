#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::http {

/// One part of a form; `data` lies in the body that was parsed.
struct FormPart {
    std::string name;                     ///< valid UTF-8 without control characters, never empty
    std::optional<std::string> filename;  ///< of a file: as the sender wrote it, so never a path to trust
    std::string_view data;
};

inline constexpr std::size_t kMostFormParts = 32;
inline constexpr std::size_t kMostPartHeader = std::size_t{4} << 10;  ///< bytes

/// The boundary that a Content-Type of multipart/form-data names; none for any other type, and for a boundary outside of the
/// grammar (RFC 2046, 5.1.1).
[[nodiscard]] std::optional<std::string> form_boundary(std::string_view content_type);

/// The parts of a form (RFC 7578), in their order. None for whatever is not exactly one: text before or behind it, a missing
/// end, a line that begins like a boundary and is none, a part without a name or encoded for mail, more than kMostFormParts.
[[nodiscard]] std::optional<std::vector<FormPart>> parse_form(std::string_view body, std::string_view boundary);

}  // namespace heart::server::http
