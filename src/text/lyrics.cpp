#include "text/lyrics.h"

#include "core/utf8.h"
#include "text/unicode.h"

#include <algorithm>

namespace heart::text {

namespace {

/// Without white space at both ends.
std::string_view trim(std::string_view text) noexcept {
    std::size_t first = text.size(), end = 0;  // of the characters that are not white space
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Char c = decode_utf8(text, at);
        if (!is_space(c.code)) {
            first = std::min(first, at);
            end = at + c.length;
        }
        at += c.length;
    }
    return first < end ? text.substr(first, end - first) : std::string_view{};
}

/// The name in a marker line, empty when the line is none.
std::string_view section_name(std::string_view line) noexcept {
    const std::string_view marker = trim(line);
    if (marker.size() < 2 || marker.front() != '[' || marker.back() != ']') return {};
    const std::string_view name = marker.substr(1, marker.size() - 2);
    return name.find_first_of("[]") == std::string_view::npos ? trim(name) : std::string_view{};
}

}  // namespace

std::vector<Section> find_sections(std::string_view lyrics) {
    require_utf8(lyrics, "the text of the lyrics");
    std::vector<Section> sections;
    std::size_t line = 0;
    for (std::size_t at = 0; at < lyrics.size(); ++line) {
        const std::size_t end = std::min(lyrics.find_first_of("\r\n", at), lyrics.size());
        if (const std::string_view name = section_name(lyrics.substr(at, end - at)); !name.empty()) {
            sections.push_back({std::string(name), line});
        }
        at = end + (lyrics.substr(end, 2) == "\r\n" ? 2 : 1);
    }
    return sections;
}

}  // namespace heart::text
