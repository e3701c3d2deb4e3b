// Do the parts of a request keep their promises for any bytes?

#include "core/utf8.h"
#include "fuzz_check.h"
#include "server/http/request_parts.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using namespace heart::server::http;

void check_target(std::string_view input) {
    const auto target = parse_target(input);
    if (!target) return;
    const auto sound = [](std::string_view text) {
        return text.find('\0') == std::string_view::npos && heart::find_invalid_utf8(text) == std::string_view::npos;
    };
    const std::string framed = target->path + "/";
    HEART_FUZZ_CHECK(framed.front() == '/' && sound(framed));
    HEART_FUZZ_CHECK(framed.find("/../") == std::string::npos && framed.find("/./") == std::string::npos);
    HEART_FUZZ_CHECK(framed.find('\\') == std::string::npos);
    for (const auto& [name, value] : target->query) HEART_FUZZ_CHECK(sound(name) && sound(value));
    // What it stands for is unchanged by a way through its encoded form.
    std::string again = percent_encoded(target->path);
    for (std::size_t at = 0; (at = again.find("%2F", at)) != std::string::npos;) again.replace(at, 3, "/");
    char separator = '?';
    for (const auto& [name, value] : target->query) {
        again += separator + percent_encoded(name) + "=" + percent_encoded(value);
        separator = '&';
    }
    const auto second = parse_target(again);
    HEART_FUZZ_CHECK(second && second->path == target->path && second->query == target->query);
}

void check_range(std::string_view input, std::uint64_t size) {
    const auto range = parse_range(input, size);
    HEART_FUZZ_CHECK((range.kind == RangeRequest::Kind::satisfiable) == !range.ranges.empty());
    HEART_FUZZ_CHECK(range.ranges.size() <= kMostRanges);
    for (std::size_t i = 0; i < range.ranges.size(); ++i) {
        const auto& a = range.ranges[i];
        HEART_FUZZ_CHECK(a.first <= a.last && a.last < size);
        for (std::size_t j = 0; j < i; ++j) {
            HEART_FUZZ_CHECK(a.last < range.ranges[j].first || range.ranges[j].last < a.first);
        }
    }
}

void check_codings(std::string_view input) {
    const auto encoded = percent_encoded(input);
    HEART_FUZZ_CHECK(percent_decoded(encoded, false) == input && percent_decoded(encoded, true) == input);
    const auto decoded = percent_decoded(input, true);
    HEART_FUZZ_CHECK(!decoded || decoded->size() <= input.size());

    const auto disposition = content_disposition(input);
    HEART_FUZZ_CHECK(disposition.starts_with("attachment; filename"));
    for (const char c : disposition) HEART_FUZZ_CHECK(c >= ' ' && c < 0x7f);
    HEART_FUZZ_CHECK(disposition.find('/') == std::string::npos && disposition.find('\\') == std::string::npos);

    const auto seconds = parse_http_date(input);
    HEART_FUZZ_CHECK(!seconds || input.substr(23, 2) == "60" || http_date(*seconds * 1000) == input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
    std::uint64_t size = 0;
    const std::string_view input(reinterpret_cast<const char*>(data), bytes);
    std::memcpy(&size, data, bytes < sizeof size ? bytes : sizeof size);
    check_target(input);
    check_range(input, 1000);
    check_range(bytes > sizeof size ? input.substr(sizeof size) : input, size);
    check_codings(input);
    HEART_FUZZ_CHECK(!etag_matches(input, "") || trimmed(input) == "*");
    if (etag_matches(input, "\"a\""))
        HEART_FUZZ_CHECK(trimmed(input) == "*" || input.find("\"a\"") != std::string_view::npos);
    HEART_FUZZ_CHECK(!list_has_token(input, "close") || input.size() >= 5);
    return 0;
}
