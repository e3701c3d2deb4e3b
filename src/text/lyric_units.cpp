#include "text/lyric_units.h"

#include "core/error.h"
#include "core/utf8.h"
#include "text/lyrics.h"
#include "text/unicode.h"

#include <cstdint>
#include <cstdlib>
#include <new>
#include <set>
#include <sstream>

#include <utf8proc.h>

namespace heart::text {

namespace {

/// NFKC, lower case.
std::string normal_form(std::string_view utf8) {
    require_utf8(utf8, "the text");
    utf8proc_uint8_t* out = nullptr;
    constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
    const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(utf8.data()),
                                                 static_cast<utf8proc_ssize_t>(utf8.size()), &out, kOptions);
    if (length < 0) throw std::bad_alloc();
    std::string text(reinterpret_cast<const char*>(out), static_cast<std::size_t>(length));
    std::free(out);
    return lower(text);
}

/// A letter, digit or combining mark: what a word is made of.
bool is_word_character(std::uint32_t code) {
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ME:
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO: return true;
        default: return false;
    }
}

bool is_joiner(std::uint32_t code) {
    constexpr std::uint32_t kTypographicApostrophe = 0x2019, kHyphen = 0x2010;
    return code == '\'' || code == '-' || code == kTypographicApostrophe || code == kHyphen;
}

bool is_unspaced_script(std::uint32_t code) {
    const auto in = [code](std::uint32_t first, std::uint32_t last) { return code >= first && code <= last; };
    return in(0x0e00, 0x0eff) || in(0x1000, 0x109f) || in(0x1780, 0x17ff) || in(0x3040, 0x30ff) || in(0x3400, 0x4dbf) ||
           in(0x4e00, 0x9fff) || in(0xf900, 0xfaff) || in(0x20000, 0x323af);
}

template <typename Visit>
void for_each_character(std::string_view text, const Visit& visit) {
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Char c = decode_utf8(text, at);
        visit(c.code, at, c.length);
        at += c.length;
    }
}

}  // namespace

std::vector<std::string> comparable_words(std::string_view utf8) {
    const std::string text = normal_form(utf8);
    std::vector<std::string> out;
    std::string word, joiner;
    const auto end_word = [&] {
        if (!word.empty()) out.push_back(std::move(word));
        word.clear();
        joiner.clear();
    };
    for_each_character(text, [&](std::uint32_t code, std::size_t at, std::size_t length) {
        if (is_word_character(code)) {
            word += joiner;  // of a word only when more of it follows
            word.append(text, at, length);
            joiner.clear();
        } else if (is_joiner(code) && !word.empty() && joiner.empty()) {
            joiner = code == '-' || code == 0x2010 ? "-" : "'";
        } else if (is_space(code) || is_joiner(code)) {
            end_word();
        } else {
            joiner.clear();
            if (!word.empty()) end_word();
        }
    });
    end_word();
    return out;
}

std::vector<std::string> comparable_characters(std::string_view utf8) {
    const std::string text = normal_form(utf8);
    std::vector<std::string> out;
    for_each_character(text, [&](std::uint32_t code, std::size_t at, std::size_t length) {
        if (is_word_character(code)) out.emplace_back(text, at, length);
    });
    return out;
}

bool is_written_without_spaces(std::string_view utf8) {
    const std::string text = normal_form(utf8);
    std::size_t letters = 0, unspaced = 0;
    for_each_character(text, [&](std::uint32_t code, std::size_t, std::size_t) {
        letters += is_letter(code) ? 1 : 0;
        unspaced += is_unspaced_script(code) ? 1 : 0;
    });
    return 2 * unspaced > letters;
}

std::vector<std::string> sung_lines(std::string_view lyrics) {
    std::set<std::size_t> markers;
    for (const Section& s : find_sections(lyrics)) markers.insert(s.line);
    std::vector<std::string> out;
    std::istringstream in{std::string(lyrics)};
    std::size_t number = 0;
    for (std::string line; std::getline(in, line); ++number) {
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first == std::string::npos || markers.contains(number)) continue;
        out.push_back(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
    }
    return out;
}

}  // namespace heart::text
