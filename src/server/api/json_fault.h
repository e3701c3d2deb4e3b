#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace heart::server::api {

/// Where a text stops being JSON, in the words that clients of the Python studio know ("Expecting value").
struct JsonFault {
    std::size_t offset = 0;  ///< characters
    std::string message;
};

/// The first fault of a text; none when it follows the grammar. Must be nested no deeper than a caller's stack allows.
[[nodiscard]] std::optional<JsonFault> find_json_fault(std::string_view text);

}  // namespace heart::server::api
