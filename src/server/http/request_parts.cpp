#include "server/http/request_parts.h"

#include "core/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace heart::server::http {
namespace {

bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Text that programs downstream may take for what it says: no NUL, valid UTF-8.
bool is_sound_text(std::string_view text) noexcept {
    return text.find('\0') == std::string_view::npos && find_invalid_utf8(text) == std::string_view::npos;
}

/// Whether a path leaves its place: "." or ".." between slashes.
bool has_dot_segment(std::string_view path) noexcept {
    for (std::size_t start = 0; start <= path.size();) {
        const auto end = std::min(path.find('/', start), path.size());
        const auto segment = path.substr(start, end - start);
        if (segment == "." || segment == "..") return true;
        start = end + 1;
    }
    return false;
}

bool parse_query(std::string_view text, std::vector<std::pair<std::string, std::string>>& out) {
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find('&', start), text.size());
        const auto part = text.substr(start, end - start);
        start = end + 1;
        if (part.empty()) continue;
        const auto equals = std::min(part.find('='), part.size());
        auto name = percent_decoded(part.substr(0, equals), true);
        auto value = percent_decoded(part.substr(std::min(equals + 1, part.size())), true);
        if (!name || !value || !is_sound_text(*name) || !is_sound_text(*value)) return false;
        out.emplace_back(std::move(*name), std::move(*value));
    }
    return true;
}

std::optional<std::uint64_t> parse_digits(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || stopped != end) return std::nullopt;
    // A number beyond 64 bits is still a number: it lies past the end of every file.
    if (error == std::errc::result_out_of_range) return UINT64_MAX;
    return error == std::errc() ? std::optional(value) : std::nullopt;
}

/// One "first-last", "first-" or "-count". False when it is malformed; adds nothing when it lies outside of the file.
bool parse_one_range(std::string_view text, std::uint64_t size, std::vector<ByteRange>& out) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return false;
    const auto before = text.substr(0, dash), after = text.substr(dash + 1);
    if (before.empty()) {
        const auto count = parse_digits(after);
        if (!count) return false;
        if (*count > 0 && size > 0) out.push_back({size - std::min(*count, size), size - 1});
        return true;
    }
    const auto first = parse_digits(before);
    const auto last = after.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : parse_digits(after);
    if (!first || !last || *last < *first) return false;
    if (*first < size) out.push_back({*first, std::min(*last, size - 1)});
    return true;
}

/// Overlapping ranges would make a small request send a file many times over.
void join_overlapping(std::vector<ByteRange>& ranges) {
    auto sorted = ranges;
    std::sort(sorted.begin(), sorted.end(), [](const ByteRange& a, const ByteRange& b) { return a.first < b.first; });
    std::vector<ByteRange> joined;
    for (const auto& range : sorted) {
        if (!joined.empty() && range.first <= joined.back().last) {
            joined.back().last = std::max(joined.back().last, range.last);
        } else {
            joined.push_back(range);
        }
    }
    if (joined.size() < ranges.size()) ranges = std::move(joined);
}

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// A title as a file name: what file systems or terminals would take for something else becomes '_'.
std::string safe_filename(std::string_view title) {
    std::string out;
    for (std::size_t at = 0; at < title.size();) {
        const auto character = decode_utf8(title, at);
        const bool bad = character.length == 0 || character.code < 0x20 ||
                         (character.code >= 0x7f && character.code < 0xa0) || character.code == '/' ||
                         character.code == '\\';
        if (bad) {
            out += '_';
        } else {
            out += title.substr(at, character.length);
        }
        at += std::max<std::size_t>(character.length, 1);
    }
    return out;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::string percent_encoded(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    return out;
}

std::optional<Target> parse_target(std::string_view target) {
    if (!target.starts_with('/') || target.find('#') != std::string_view::npos) return std::nullopt;
    const auto question = std::min(target.find('?'), target.size());
    auto path = percent_decoded(target.substr(0, question), false);
    if (!path || !is_sound_text(*path) || path->find('\\') != std::string::npos || has_dot_segment(*path))
        return std::nullopt;
    Target out;
    out.path = std::move(*path);
    if (!parse_query(target.substr(std::min(question + 1, target.size())), out.query)) return std::nullopt;
    return out;
}

RangeRequest parse_range(std::string_view header, std::uint64_t size) {
    RangeRequest malformed{RangeRequest::Kind::malformed, {}};
    const auto equals = header.find('=');
    if (equals == std::string_view::npos) return malformed;
    if (!equal_ignoring_case(trimmed(header.substr(0, equals)), "bytes")) return {};
    RangeRequest out;
    std::size_t count = 0;
    const auto list = header.substr(equals + 1);
    for (std::size_t start = 0; start <= list.size();) {
        const auto end = std::min(list.find(',', start), list.size());
        const auto item = trimmed(list.substr(start, end - start));
        start = end + 1;
        if (item.empty()) continue;  // RFC 9110, 5.6.1: lists may have empty elements
        if (++count > kMostRanges || !parse_one_range(item, size, out.ranges)) return malformed;
    }
    if (count == 0) return malformed;
    join_overlapping(out.ranges);
    out.kind = out.ranges.empty() ? RangeRequest::Kind::unsatisfiable : RangeRequest::Kind::satisfiable;
    return out;
}

bool etag_matches(std::string_view list, std::string_view etag) {
    const auto opaque = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
    if (trimmed(list) == "*") return true;
    if (etag.empty()) return false;
    for (std::size_t at = 0; at < list.size();) {
        const char c = list[at];
        if (c == ' ' || c == '\t' || c == ',') {
            ++at;
            continue;
        }
        const auto quote = list.substr(at).starts_with("W/") ? at + 2 : at;  // commas may stand inside of the quotes
        if (quote >= list.size() || list[quote] != '"') return false;
        const auto end = list.find('"', quote + 1);
        if (end == std::string_view::npos) return false;
        if (list.substr(quote, end + 1 - quote) == opaque(etag)) return true;
        at = end + 1;
    }
    return false;
}

std::string content_disposition(std::string_view filename, bool attachment) {
    const std::string_view kind = attachment ? "attachment" : "inline";
    const auto name = safe_filename(filename);
    const auto encoded = percent_encoded(name);
    return encoded == name ? fmt::format("{}; filename=\"{}\"", kind, name)
                           : fmt::format("{}; filename*=utf-8''{}", kind, encoded);
}

std::string http_date(std::int64_t unix_ms) {
    using namespace std::chrono;
    // Years of four digits: what is before 1970 or after 9999 is a broken clock.
    const auto second =
        floor<seconds>(sys_time<milliseconds>(milliseconds(std::clamp<std::int64_t>(unix_ms, 0, 253402300799999))));
    const auto day = floor<days>(second);
    const year_month_day date(day);
    const hh_mm_ss time(second - day);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[weekday(day).c_encoding()],
                       static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                       static_cast<int>(date.year()), time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
    using namespace std::chrono;
    if (text.size() != 29) return std::nullopt;
    const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
    const auto number = [&](std::size_t at, std::size_t digits) {
        return parse_digits(text.substr(at, digits)).value_or(10'000);
    };
    if (month == kMonths.end()) return std::nullopt;
    const auto d = number(5, 2), y = number(12, 4), h = number(17, 2), m = number(20, 2), s = number(23, 2);
    if (d > 31 || y > 9999 || h > 23 || m > 59 || s > 60) return std::nullopt;
    const year_month_day date(year(static_cast<int>(y)),
                              std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
                              day(static_cast<unsigned>(d)));
    if (!date.ok()) return std::nullopt;
    const auto seconds_since = sys_days(date).time_since_epoch() + hours(static_cast<int>(h)) +
                               minutes(static_cast<int>(m)) + seconds(static_cast<int>(s));
    const auto unix_seconds = duration_cast<seconds>(seconds_since).count();
    // The rest of the text (day of the week, spaces, colons, GMT) has one right form only.
    if (s < 60 && http_date(unix_seconds * 1000) != text) return std::nullopt;
    return unix_seconds;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool list_has_token(std::string_view list, std::string_view token) noexcept {
    for (std::size_t start = 0; start <= list.size();) {
        const auto end = std::min(list.find(',', start), list.size());
        if (equal_ignoring_case(trimmed(list.substr(start, end - start)), token)) return true;
        start = end + 1;
    }
    return false;
}

}  // namespace heart::server::http
