#include "server/http/multipart.h"

#include "core/utf8.h"
#include "server/http/request_parts.h"

#include <algorithm>
#include <utility>

namespace heart::server::http {
namespace {

constexpr std::size_t kLongestBoundary = 70;

bool is_boundary(std::string_view text) noexcept {
    constexpr std::string_view kMarks = "'()+_,-./:=? ";
    const auto allowed = [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kMarks.find(c) != std::string_view::npos;
    };
    return !text.empty() && text.size() <= kLongestBoundary && text.back() != ' ' &&
           std::all_of(text.begin(), text.end(), allowed);
}

bool is_sound(std::string_view text) noexcept {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    return std::none_of(text.begin(), text.end(), control) && find_invalid_utf8(text) == std::string_view::npos;
}

/// Takes "=value" off the front, the value as a token or in quotes, where a backslash keeps a quote or a backslash.
std::optional<std::string> take_value(std::string_view& rest) {
    if (rest.empty() || rest.front() != '=') return std::nullopt;
    rest.remove_prefix(1);
    std::string value;
    if (rest.empty() || rest.front() != '"') {
        const auto end = std::min(rest.find(';'), rest.size());
        value = trimmed(rest.substr(0, end));
        rest.remove_prefix(end);
        if (value.empty() || value.find_first_of("\" \t") != std::string::npos) return std::nullopt;
        return value;
    }
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == '"') {
            rest.remove_prefix(i + 1);
            return value;
        }
        if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\')) ++i;
        value += rest[i];
    }
    return std::nullopt;
}

/// The parameters behind a header's first word, "; name=value" each; none when they are malformed or one is there twice.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_parameters(std::string_view rest) {
    std::vector<std::pair<std::string, std::string>> out;
    for (rest = trimmed(rest); !rest.empty(); rest = trimmed(rest)) {
        if (rest.front() != ';') return std::nullopt;
        rest = trimmed(rest.substr(1));
        const auto end = std::min(rest.find_first_of("=;"), rest.size());
        std::string name(rest.substr(0, end));
        rest.remove_prefix(end);
        auto value = take_value(rest);
        const auto same = [&](const auto& other) { return equal_ignoring_case(other.first, name); };
        if (name.empty() || !value || std::any_of(out.begin(), out.end(), same)) return std::nullopt;
        out.emplace_back(std::move(name), std::move(*value));
    }
    return out;
}

/// What a Content-Disposition says of a part. False when it does not name it.
bool name_part(std::string_view disposition, FormPart& part) {
    const auto end = std::min(disposition.find(';'), disposition.size());
    if (!equal_ignoring_case(trimmed(disposition.substr(0, end)), "form-data")) return false;
    auto parameters = parse_parameters(disposition.substr(end));
    if (!parameters) return false;
    for (auto& [name, value] : *parameters) {
        if (!is_sound(value)) return false;
        if (equal_ignoring_case(name, "name")) part.name = std::move(value);
        else if (equal_ignoring_case(name, "filename")) part.filename = std::move(value);
    }
    return !part.name.empty();
}

/// Reads the header of a part, without the empty line that ends it.
bool read_header(std::string_view header, FormPart& part) {
    bool named = false;
    while (!header.empty()) {
        const auto end = std::min(header.find("\r\n"), header.size());
        const auto line = header.substr(0, end);
        header.remove_prefix(std::min(end + 2, header.size()));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || line.find_first_of("\r\n") != std::string_view::npos) return false;
        const auto name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
        if (equal_ignoring_case(name, "Content-Disposition")) {
            if (named || !name_part(value, part)) return false;
            named = true;
        } else if (equal_ignoring_case(name, "Content-Transfer-Encoding")) {
            if (!equal_ignoring_case(value, "binary") && !equal_ignoring_case(value, "8bit") &&
                !equal_ignoring_case(value, "7bit")) {
                return false;
            }
        }
    }
    return named;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
    const auto end = std::min(content_type.find(';'), content_type.size());
    if (!equal_ignoring_case(trimmed(content_type.substr(0, end)), "multipart/form-data")) return std::nullopt;
    const auto parameters = parse_parameters(content_type.substr(end));
    if (!parameters) return std::nullopt;
    for (const auto& [name, value] : *parameters) {
        if (equal_ignoring_case(name, "boundary") && is_boundary(value)) return value;
    }
    return std::nullopt;
}

std::optional<std::vector<FormPart>> parse_form(std::string_view body, std::string_view boundary) {
    const std::string delimiter = "\r\n--" + std::string(boundary);
    const std::string_view first = std::string_view(delimiter).substr(2);
    if (!body.starts_with(first)) return std::nullopt;
    std::vector<FormPart> parts;
    std::string_view rest = body.substr(first.size());
    while (!rest.starts_with("--")) {
        if (!rest.starts_with("\r\n") || parts.size() == kMostFormParts) return std::nullopt;
        rest.remove_prefix(2);
        const auto header = rest.substr(0, kMostPartHeader).find("\r\n\r\n");
        FormPart part;
        if (header == std::string_view::npos || !read_header(rest.substr(0, header), part)) return std::nullopt;
        rest.remove_prefix(header + 4);
        const auto end = rest.find(delimiter);
        if (end == std::string_view::npos) return std::nullopt;
        part.data = rest.substr(0, end);
        rest.remove_prefix(end + delimiter.size());
        parts.push_back(std::move(part));
    }
    if (rest != "--" && rest != "--\r\n") return std::nullopt;
    return parts;
}

}  // namespace heart::server::http
