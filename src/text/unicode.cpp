#include "text/unicode.h"

#include "core/error.h"
#include "core/utf8.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace heart::text {

namespace {

constexpr std::uint32_t kCapitalSigma = 0x03a3, kSmallSigma = 0x03c3, kFinalSigma = 0x03c2;
constexpr std::uint32_t kCapitalDottedI = 0x0130, kCombiningDotAbove = 0x0307;

struct Range {
    std::uint32_t first, last;
};

/// Other_Lowercase and Other_Uppercase (PropList.txt) as far as they are not case-ignorable as well: ordinal indicators,
/// Roman numerals, circled and squared letters.
constexpr std::array<Range, 7> kOtherCased{{{0x00aa, 0x00aa},
                                            {0x00ba, 0x00ba},
                                            {0x2160, 0x217f},
                                            {0x24b6, 0x24e9},
                                            {0x1f130, 0x1f149},
                                            {0x1f150, 0x1f169},
                                            {0x1f170, 0x1f189}}};

/// Word_Break = MidLetter, MidNumLet or Single_Quote (WordBreakProperty.txt): the part of Case_Ignorable that no general
/// category implies.
constexpr std::array<std::uint32_t, 17> kMidWord{0x0027, 0x002e, 0x003a, 0x00b7, 0x0387, 0x055f, 0x05f4, 0x2018, 0x2019,
                                                 0x2024, 0x2027, 0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};

utf8proc_category_t category(std::uint32_t code) noexcept {
    return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

/// The property Case_Ignorable (Unicode Standard, D136).
bool is_case_ignorable(std::uint32_t code) noexcept {
    switch (category(code)) {
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_ME:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_SK: return true;
        default: return std::binary_search(kMidWord.begin(), kMidWord.end(), code);
    }
}

/// The property Cased (Unicode Standard, D135) of a code point that is not case-ignorable.
bool is_cased(std::uint32_t code) noexcept {
    switch (category(code)) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT: return true;
        default:
            return std::any_of(kOtherCased.begin(), kOtherCased.end(),
                               [&](const Range& r) { return code >= r.first && code <= r.last; });
    }
}

/// Whether a cased letter stands before byte `at`, with nothing but case-ignorable characters between.
bool cased_before(std::string_view text, std::size_t at) noexcept {
    while (at > 0) {
        --at;
        while ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;  // back to the lead byte; the text is valid
        const std::uint32_t code = decode_utf8(text, at).code;
        if (!is_case_ignorable(code)) return is_cased(code);
    }
    return false;
}

/// The same behind byte `at`.
bool cased_after(std::string_view text, std::size_t at) noexcept {
    while (at < text.size()) {
        const Utf8Char c = decode_utf8(text, at);
        if (!is_case_ignorable(c.code)) return is_cased(c.code);
        at += c.length;
    }
    return false;
}

}  // namespace

bool is_letter(std::uint32_t code) noexcept {
    const utf8proc_category_t c = category(code);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool is_number(std::uint32_t code) noexcept {
    const utf8proc_category_t c = category(code);
    return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool is_space(std::uint32_t code) noexcept {
    // White_Space has not changed since Unicode 6.3; the categories alone would miss the control characters.
    return (code >= 0x09 && code <= 0x0d) || code == 0x20 || code == 0x85 || code == 0xa0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
           code == 0x3000;
}

std::size_t space_start(std::string_view text, std::size_t at, std::size_t least) noexcept {
    while (at > least) {
        std::size_t previous = at - 1;
        while (previous > least && (static_cast<unsigned char>(text[previous]) & 0xc0) == 0x80) --previous;
        if (!is_space(decode_utf8(text, previous).code)) break;
        at = previous;
    }
    return at;
}

std::size_t space_end(std::string_view text, std::size_t at) noexcept {
    while (at < text.size()) {
        const Utf8Char c = decode_utf8(text, at);
        if (!is_space(c.code)) break;
        at += c.length;
    }
    return at;
}

void require_utf8(std::string_view text, std::string_view what) {
    if (const std::size_t bad = find_invalid_utf8(text); bad != std::string_view::npos) {
        throw Error(ErrorCode::malformed, fmt::format("{} is not UTF-8", what))
            .expected("UTF-8 text")
            .found(fmt::format("an invalid byte 0x{:02x} at offset {}", static_cast<unsigned char>(text[bad]), bad));
    }
}

std::string lower(std::string_view utf8) {
    require_utf8(utf8, "the text");
    std::string out;
    out.reserve(utf8.size());
    for (std::size_t at = 0; at < utf8.size();) {
        const Utf8Char c = decode_utf8(utf8, at);
        const std::size_t next = at + c.length;
        if (c.code < 0x80) {
            out += static_cast<char>(c.code >= 'A' && c.code <= 'Z' ? c.code + ('a' - 'A') : c.code);
        } else if (c.code == kCapitalDottedI) {
            append_utf8(out, 'i');
            append_utf8(out, kCombiningDotAbove);
        } else if (c.code == kCapitalSigma) {
            append_utf8(out, cased_before(utf8, at) && !cased_after(utf8, next) ? kFinalSigma : kSmallSigma);
        } else {
            append_utf8(out, static_cast<std::uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code))));
        }
        at = next;
    }
    return out;
}

}  // namespace heart::text
