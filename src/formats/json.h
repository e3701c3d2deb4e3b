#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string_view>

namespace heart::formats {

using Json = nlohmann::json;

/// Bounds on a JSON text from a stranger.
struct JsonLimits {
    std::size_t max_bytes = std::size_t{256} << 20;  ///< a Llama-3 tokenizer.json has 9 MB
    std::size_t max_depth = 32;
};

/// Parses one JSON text (RFC 8259, UTF-8). `what` names it in errors ("config.json").
/// Throws ErrorCode::malformed for anything that is not JSON or repeats a key in one object, ErrorCode::limit beyond the
/// limits.
[[nodiscard]] Json parse_json(std::string_view text, std::string_view what, const JsonLimits& limits = {});

}  // namespace heart::formats
