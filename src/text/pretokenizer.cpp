#include "text/pretokenizer.h"

#include "core/utf8.h"
#include "text/unicode.h"

#include <cstddef>
#include <cstdint>

namespace heart::text {

namespace {

enum class CharClass { letter, number, newline, space, other, end };

struct Char {
    CharClass cls = CharClass::end;
    std::uint32_t code = 0;
    std::size_t length = 0;  ///< bytes; 0 at the end of the text
};

constexpr std::uint32_t kLongS = 0x017f;  // the only character outside ASCII that folds to a letter of the contractions

/// Looks at runs of characters of one class, for patterns whose alternatives are functions from a position to the length of
/// their match there (0: no match).
///
/// A backtracking engine takes the first alternative that matches at all, and each of them can be decided by looking at runs
/// of one class: no alternative has two neighbouring repetitions that could share characters, but for `\s*[\r\n]+`, whose
/// longest match ends at the last line break of the white-space run, and `\s+(?!\S)`, which gives back one character.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

protected:
    [[nodiscard]] Char char_at(std::size_t at) const noexcept {
        if (at >= text_.size()) return {};
        const Utf8Char c = decode_utf8(text_, at);
        CharClass cls = CharClass::other;
        if (c.code == '\r' || c.code == '\n') cls = CharClass::newline;
        else if (is_space(c.code)) cls = CharClass::space;
        else if (is_letter(c.code)) cls = CharClass::letter;
        else if (is_number(c.code)) cls = CharClass::number;
        return {cls, c.code, c.length};
    }

    /// First position from `at` on whose character is not of class `cls`.
    [[nodiscard]] std::size_t skip(std::size_t at, CharClass cls) const noexcept {
        for (Char c = char_at(at); c.cls == cls; c = char_at(at)) at += c.length;
        return at;
    }

    /// A run of white space, line breaks among it.
    struct WhiteSpace {
        std::size_t end, last_character, behind_newline;  ///< the last is the run's start where no line breaks in it
    };
    [[nodiscard]] WhiteSpace white_space_run(std::size_t at) const noexcept {
        WhiteSpace run{at, at, at};
        for (Char c = char_at(at); c.cls == CharClass::space || c.cls == CharClass::newline; c = char_at(run.end)) {
            run.last_character = run.end;
            run.end += c.length;
            if (c.cls == CharClass::newline) run.behind_newline = run.end;
        }
        return run;
    }

    /// \s+(?!\S)|\s+: before a visible character the last space of the run is left over, for the word that follows to take.
    [[nodiscard]] std::size_t but_for_the_last(std::size_t at, const WhiteSpace& run) const noexcept {
        if (run.end < text_.size() && run.last_character > at) return run.last_character - at;
        return run.end - at;
    }

    std::string_view text_;
};

/// kLlama3Pattern.
class Llama3Scanner : public Scanner {
public:
    using Scanner::Scanner;

    [[nodiscard]] std::size_t piece_at(std::size_t at) const {
        if (const std::size_t n = contraction(at)) return n;
        if (const std::size_t n = word(at)) return n;
        if (const std::size_t n = digits(at)) return n;
        if (const std::size_t n = symbols(at)) return n;
        return white_space(at);
    }

private:
    /// (?i:'s|'t|'re|'ve|'m|'ll|'d)
    [[nodiscard]] std::size_t contraction(std::size_t at) const noexcept {
        if (text_[at] != '\'') return 0;
        const Char first = char_at(at + 1);
        const auto second_is = [&](char wanted) {
            const std::size_t place = at + 1 + first.length;
            return place < text_.size() && (text_[place] == wanted || text_[place] == wanted - ('a' - 'A'));
        };
        const std::uint32_t folded = first.code >= 'A' && first.code <= 'Z' ? first.code + ('a' - 'A') : first.code;
        switch (folded) {
            case 's':
            case kLongS:
            case 't':
            case 'm':
            case 'd': return 1 + first.length;
            case 'r':
            case 'v': return second_is('e') ? 3 : 0;
            case 'l': return second_is('l') ? 3 : 0;
            default: return 0;
        }
    }

    /// [^\r\n\p{L}\p{N}]?\p{L}+
    [[nodiscard]] std::size_t word(std::size_t at) const noexcept {
        const Char first = char_at(at);
        const bool prefix = first.cls == CharClass::space || first.cls == CharClass::other;
        const std::size_t letters = prefix ? at + first.length : at;
        const std::size_t end = skip(letters, CharClass::letter);
        return end == letters ? 0 : end - at;
    }

    /// \p{N}{1,3}
    [[nodiscard]] std::size_t digits(std::size_t at) const noexcept {
        std::size_t end = at;
        for (int i = 0; i < 3; ++i) {
            const Char c = char_at(end);
            if (c.cls != CharClass::number) break;
            end += c.length;
        }
        return end - at;
    }

    /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`
    [[nodiscard]] std::size_t symbols(std::size_t at) const noexcept {
        const std::size_t first = text_[at] == ' ' ? at + 1 : at;
        const std::size_t end = skip(first, CharClass::other);
        return end == first ? 0 : skip(end, CharClass::newline) - at;
    }

    /// \s*[\r\n]+|\s+(?!\S)|\s+
    [[nodiscard]] std::size_t white_space(std::size_t at) const noexcept {
        const WhiteSpace run = white_space_run(at);
        return run.behind_newline > at ? run.behind_newline - at : but_for_the_last(at, run);
    }
};

/// kGpt2Pattern.
class Gpt2Scanner : public Scanner {
public:
    using Scanner::Scanner;

    [[nodiscard]] std::size_t piece_at(std::size_t at) const {
        for (const std::string_view end : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
            if (text_.substr(at, end.size()) == end) return end.size();
        }
        const std::size_t first = text_[at] == ' ' ? at + 1 : at;
        for (const CharClass cls : {CharClass::letter, CharClass::number, CharClass::other}) {
            if (const std::size_t end = skip(first, cls); end > first) return end - at;
        }
        return but_for_the_last(at, white_space_run(at));
    }
};

template <typename PatternScanner>
std::vector<std::string_view> split_with(std::string_view utf8) {
    require_utf8(utf8, "the text");
    const PatternScanner scanner(utf8);
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < utf8.size();) {
        const std::size_t length = scanner.piece_at(at);
        pieces.push_back(utf8.substr(at, length));
        at += length;
    }
    return pieces;
}

}  // namespace

std::vector<std::string_view> split_llama3(std::string_view utf8) {
    return split_with<Llama3Scanner>(utf8);
}

std::vector<std::string_view> split_gpt2(std::string_view utf8) {
    return split_with<Gpt2Scanner>(utf8);
}

std::vector<std::string_view> split(SplitPattern pattern, std::string_view utf8) {
    return pattern == SplitPattern::gpt2 ? split_gpt2(utf8) : split_llama3(utf8);
}

}  // namespace heart::text
