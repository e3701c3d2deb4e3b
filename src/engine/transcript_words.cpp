#include "engine/transcript_words.h"

#include "core/utf8.h"
#include "speech/languages.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

namespace heart::engine {

namespace {

/// A word on its way: its bytes and the tokens that they come from.
struct Piece {
    std::string bytes;
    double start = 0, end = 0, log_probability = 0;
    std::size_t tokens = 0;

    void add(const Piece& more) {
        if (tokens == 0) start = more.start;
        bytes += more.bytes;
        end = more.end;
        log_probability += more.log_probability;
        tokens += more.tokens;
    }
};

/// Tokens joined until they are whole characters.
std::vector<Piece> whole_characters(std::span<const speech::TimedToken> tokens, const text::Detokenizer& detokenizer) {
    std::vector<Piece> out;
    Piece open;
    for (const speech::TimedToken& t : tokens) {
        open.add({std::string(detokenizer.bytes_of(t.id)), t.start, t.end, static_cast<double>(t.log_probability), 1});
        if (find_invalid_utf8(open.bytes) != std::string::npos) continue;
        out.push_back(std::exchange(open, {}));
    }
    if (open.tokens > 0) out.push_back(std::move(open));
    return out;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

template <std::size_t kCount>
bool is_one_of(std::string_view text, const std::array<std::string_view, kCount>& all) {
    return std::find(all.begin(), all.end(), text) != all.end();
}

bool opens(std::string_view text) {
    constexpr std::array<std::string_view, 12> kMarks{"\"", "'", "“", "¿", "(", "[", "{", "-", "「", "『", "（", "《"};
    return is_one_of(text, kMarks);
}

bool closes(std::string_view text) {
    constexpr std::array<std::string_view, 26> kMarks{"\"",  "'", ".",  "。", ",",  "，", "!",  "！", "?",
                                                      "？",  ":", "：", "”",  ")",  "]",  "}",  "、", ";",
                                                      "...", "…", "」", "』", "）", "》", "～", "-"};
    return is_one_of(text, kMarks);
}

}  // namespace

std::vector<TranscribedWord> words_of(std::span<const speech::TimedToken> tokens, const text::Detokenizer& detokenizer,
                                      const std::string& language) {
    const bool characters = speech::is_written_without_spaces(language);
    std::vector<Piece> words;
    for (Piece& piece : whole_characters(tokens, detokenizer)) {
        const std::string_view text = trimmed(piece.bytes);
        const bool closing = closes(text) && !(piece.bytes.starts_with(' ') && opens(text));
        const bool after_opening = !words.empty() && opens(trimmed(words.back().bytes));
        const bool begins = words.empty() || (!closing && !after_opening && (characters || piece.bytes.starts_with(' ')));
        if (begins) words.push_back(std::move(piece));
        else words.back().add(piece);
    }
    std::vector<TranscribedWord> out;
    for (const Piece& w : words) {
        const double mean = w.tokens == 0 ? 0 : w.log_probability / static_cast<double>(w.tokens);
        out.push_back({text::replace_invalid_utf8(w.bytes), w.start, w.end, std::exp(mean)});
    }
    return out;
}

}  // namespace heart::engine
