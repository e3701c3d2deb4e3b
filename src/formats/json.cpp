#include "formats/json.h"

#include "core/error.h"
#include "core/utf8.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <vector>

namespace heart::formats {

namespace {

/// Deepest nesting of arrays and objects, found without building anything.
std::size_t nesting_depth(std::string_view text) {
    std::size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            deepest = std::max(deepest, ++depth);
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return deepest;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what, const JsonLimits& limits) {
    if (text.size() > limits.max_bytes) {
        throw Error(ErrorCode::limit, fmt::format("{} is too large", what))
            .expected(fmt::format("at most {} bytes", limits.max_bytes))
            .found(fmt::format("{} bytes", text.size()));
    }
    if (const std::size_t bad = find_invalid_utf8(text); bad != std::string_view::npos) {
        throw Error(ErrorCode::malformed, fmt::format("{} is not JSON", what))
            .expected("UTF-8 text")
            .found(fmt::format("an invalid byte at offset {}", bad));
    }
    if (const std::size_t depth = nesting_depth(text); depth > limits.max_depth) {
        throw Error(ErrorCode::limit, fmt::format("{} is nested too deeply", what))
            .expected(fmt::format("at most {} levels", limits.max_depth))
            .found(fmt::format("{} levels", depth));
    }
    std::vector<std::set<std::string>> keys;  // of the objects that are open at this point
    const auto refuse_repeated_keys = [&](int /*depth*/, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) keys.emplace_back();
        if (event == Json::parse_event_t::object_end) keys.pop_back();
        if (event == Json::parse_event_t::key && !keys.back().insert(value.get_ref<const std::string&>()).second) {
            throw Error(ErrorCode::malformed,
                        fmt::format("{} repeats the key '{}'", what, value.get_ref<const std::string&>()));
        }
        return true;
    };
    try {
        return Json::parse(text.begin(), text.end(), refuse_repeated_keys);
    } catch (const Json::exception& e) {
        throw Error(ErrorCode::malformed, fmt::format("{} is not valid JSON", what)).found(e.what());
    }
}

}  // namespace heart::formats
