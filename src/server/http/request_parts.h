#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::server::http {

/// Percent-decoding (RFC 3986, 2.1); `plus_is_space` as in forms. None for a broken escape.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);
/// Everything but unreserved characters as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);

struct Target {
    std::string path;
    std::vector<std::pair<std::string, std::string>> query;
};
/// The two parts of a request's target. None for one that is not an absolute path, has a broken escape, a NUL, invalid
/// UTF-8, a backslash, or a "." or ".." segment, encoded or not.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

/// Bytes first..last of a file (RFC 9110, 14.1.2).
struct ByteRange {
    std::uint64_t first = 0, last = 0;
};
struct RangeRequest {
    enum class Kind {
        ignored,        ///< of another unit than bytes: the whole file, as if nothing had been asked
        malformed,      ///< 400: no range of the grammar, or more than kMostRanges
        unsatisfiable,  ///< 416: nothing in it lies inside of the file
        satisfiable,    ///< 206: `ranges` holds one or more
    };
    Kind kind = Kind::ignored;
    std::vector<ByteRange> ranges;  ///< in the order asked for; if any overlap, sorted and joined
};
inline constexpr std::size_t kMostRanges = 8;
/// What a Range header asks of a file of `size` bytes. Every range that it returns lies inside of the file.
[[nodiscard]] RangeRequest parse_range(std::string_view header, std::uint64_t size);

/// Whether an If-None-Match (or If-Match) list names this entity tag, weakly compared; "*" names any.
[[nodiscard]] bool etag_matches(std::string_view list, std::string_view etag);

/// "attachment; filename=..." for any title (RFC 6266): plain where it can be, else filename*=utf-8''...
[[nodiscard]] std::string content_disposition(std::string_view filename, bool attachment = true);

/// "Sat, 28 Nov 2026 00:23:40 GMT".
[[nodiscard]] std::string http_date(std::int64_t unix_ms);
/// Seconds since 1970 of a date as http_date writes it; none for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

/// Whether two names of fields or two tokens are the same: ASCII letters compare without regard to case.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// Without spaces and tabs at its ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
/// Whether a list of tokens, like Connection's, names this one.
[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token) noexcept;

}  // namespace heart::server::http
