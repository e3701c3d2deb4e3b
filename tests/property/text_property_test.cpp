#include "core/utf8.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace heart::text {
namespace {

using nlohmann::json;

// --- random texts -----------------------------------------------------------------------------------------------------

/// A character that the split pattern treats specially, with its class written down by hand: L letter, N number,
/// S white space, R line break, O anything else.
struct Tricky {
    const char* utf8;
    char cls;
};

const std::vector<Tricky>& tricky() {
    static const std::vector<Tricky> all{
        {"a", 'L'},          {"s", 'L'},          {"S", 'L'},          {"t", 'L'},      {"r", 'L'},      {"E", 'L'},
        {"v", 'L'},          {"e", 'L'},          {"m", 'L'},          {"l", 'L'},      {"L", 'L'},      {"D", 'L'},
        {"\u017f", 'L'},     {"\u00df", 'L'},     {"\ufb05", 'L'},     {"\u02bc", 'L'}, {"\u6625", 'L'}, {"\u05d0", 'L'},
        {"\U00010400", 'L'}, {"0", 'N'},          {"9", 'N'},          {"\u0663", 'N'}, {"\u2167", 'N'}, {"\u00bd", 'N'},
        {" ", 'S'},          {" ", 'S'},          {"\t", 'S'},         {"\u00a0", 'S'}, {"\u3000", 'S'}, {"\u0085", 'S'},
        {"\u2028", 'S'},     {"\x0b", 'S'},       {"\r", 'R'},         {"\n", 'R'},     {"\n", 'R'},     {"'", 'O'},
        {"'", 'O'},          {"'", 'O'},          {"\u2019", 'O'},     {"!", 'O'},      {"[", 'O'},      {"\u0301", 'O'},
        {"\u200d", 'O'},     {"\u200b", 'O'},     {"\U0001f3b5", 'O'}, {"\x01", 'O'},   {"\u093e", 'O'}, {"\u24b6", 'O'},
        {"\ue000", 'O'},     {"\U0010ffff", 'O'}, {"\ufeff", 'O'},     {"\x1c", 'O'}};
    return all;
}

rc::Gen<std::vector<Tricky>> tricky_text() {
    return rc::gen::container<std::vector<Tricky>>(rc::gen::elementOf(tricky()));
}

std::string join(const std::vector<Tricky>& text) {
    std::string out;
    for (const Tricky& c : text) out += c.utf8;
    return out;
}

/// Any valid UTF-8.
rc::Gen<std::string> any_text() {
    const auto code =
        rc::gen::map(rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 0x80), rc::gen::inRange<std::uint32_t>(0, 0x3000),
                                    rc::gen::inRange<std::uint32_t>(0, 0x110000)),
                     [](std::uint32_t c) { return c >= 0xd800 && c <= 0xdfff ? c - 0x800 : c; });
    return rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(code), [](const std::vector<std::uint32_t>& codes) {
        std::string out;
        for (const std::uint32_t c : codes) append_utf8(out, c);
        return out;
    });
}

// --- a slow, obvious backtracking matcher -------------------------------------------------------------------------------

using Text = std::vector<Tricky>;
using End = std::optional<std::size_t>;
using Rest = std::function<End(std::size_t)>;
/// Matches at a place and asks the rest of the pattern to go on from there; the first way that works wins.
using Pattern = std::function<End(const Text&, std::size_t, const Rest&)>;

Pattern one(std::function<bool(const Tricky&)> accepts) {
    return [=](const Text& t, std::size_t at, const Rest& rest) -> End {
        return at < t.size() && accepts(t[at]) ? rest(at + 1) : std::nullopt;
    };
}

Pattern cls(const std::string& classes, bool negated = false) {
    return one([=](const Tricky& c) { return (classes.find(c.cls) != std::string::npos) != negated; });
}

Pattern then(Pattern a, Pattern b) {
    return [=](const Text& t, std::size_t at, const Rest& rest) -> End {
        return a(t, at, [&](std::size_t middle) { return b(t, middle, rest); });
    };
}

/// Between `least` and `most` times, as often as possible first.
Pattern greedy(Pattern p, int least, int most) {
    return [=](const Text& t, std::size_t at, const Rest& rest) -> End {
        if (most > 0) {
            if (const End end = then(p, greedy(p, std::max(0, least - 1), most - 1))(t, at, rest)) return end;
        }
        return least <= 0 ? rest(at) : std::nullopt;
    };
}

Pattern not_before(Pattern p) {
    return [=](const Text& t, std::size_t at, const Rest& rest) -> End {
        return p(t, at, [](std::size_t end) { return End(end); }) ? std::nullopt : rest(at);
    };
}

Pattern any_of(std::vector<Pattern> alternatives) {
    return [=](const Text& t, std::size_t at, const Rest& rest) -> End {
        for (const Pattern& p : alternatives) {
            if (const End end = p(t, at, rest)) return end;
        }
        return std::nullopt;
    };
}

/// ASCII letters in either case; an "s" also matches the long s, which Unicode folds to it.
Pattern ignoring_case(const std::string& word) {
    Pattern all = [](const Text&, std::size_t at, const Rest& rest) { return rest(at); };
    for (const char wanted : word) {
        all = then(all, one([=](const Tricky& c) {
                       const std::string found = c.utf8;
                       return found == std::string(1, wanted) ||
                              (wanted != '\'' && found == std::string(1, static_cast<char>(wanted - 32))) ||
                              (wanted == 's' && found == "\u017f");
                   }));
    }
    return all;
}

const Pattern& reference_pattern() {
    constexpr int kMany = 1 << 20;
    static const Pattern pattern = any_of({
        any_of({ignoring_case("'s"), ignoring_case("'t"), ignoring_case("'re"), ignoring_case("'ve"), ignoring_case("'m"),
                ignoring_case("'ll"), ignoring_case("'d")}),
        then(greedy(cls("RLN", true), 0, 1), greedy(cls("L"), 1, kMany)),
        greedy(cls("N"), 1, 3),
        then(then(greedy(one([](const Tricky& c) { return std::string(c.utf8) == " "; }), 0, 1),
                  greedy(cls("SRLN", true), 1, kMany)),
             greedy(cls("R"), 0, kMany)),
        then(greedy(cls("SR"), 0, kMany), greedy(cls("R"), 1, kMany)),
        then(greedy(cls("SR"), 1, kMany), not_before(cls("SR", true))),
        greedy(cls("SR"), 1, kMany),
    });
    return pattern;
}

std::vector<std::string> reference_split(const Text& text) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
        const End end = reference_pattern()(text, at, [](std::size_t e) { return End(e); });
        RC_ASSERT(end.has_value());
        std::string piece;
        for (; at < *end; ++at) piece += text[at].utf8;
        pieces.push_back(piece);
    }
    return pieces;
}

// --- the tokenizer's file, read a second time ----------------------------------------------------------------------------

struct TinyFile {
    std::string text;
    std::map<std::string, std::int32_t> ids;
    std::map<std::int32_t, std::string> tokens;
    std::map<std::pair<std::string, std::string>, std::size_t> ranks;
};

const TinyFile& tiny_file() {
    static const TinyFile file = [] {
        std::ifstream in(std::string(HEART_TEST_DATA) + "/tokenizer/tiny.json", std::ios::binary);
        TinyFile f{{std::istreambuf_iterator<char>(in), {}}, {}, {}, {}};
        const json j = json::parse(f.text);
        for (const auto& [token, id] : j.at("model").at("vocab").items()) {
            f.ids[token] = id.get<std::int32_t>();
            f.tokens[id.get<std::int32_t>()] = token;
        }
        for (const json& m : j.at("model").at("merges")) f.ranks.emplace(std::pair{m[0], m[1]}, f.ranks.size());
        return f;
    }();
    return file;
}

const Tokenizer& tiny() {
    static const Tokenizer tokenizer = Tokenizer::from_json(tiny_file().text);
    return tokenizer;
}

std::string byte_level(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) append_utf8(out, byte_level_character(static_cast<unsigned char>(c)));
    return out;
}

/// Byte-pair encoding as it is defined: join the neighbours of lowest rank, the leftmost first, until none can be joined.
std::vector<std::int32_t> reference_bpe(std::string_view piece) {
    const TinyFile& file = tiny_file();
    if (const auto whole = file.ids.find(byte_level(piece)); whole != file.ids.end()) return {whole->second};
    std::vector<std::string> symbols;
    for (const char c : piece) symbols.push_back(byte_level({&c, 1}));
    for (;;) {
        std::size_t best = symbols.size(), best_rank = file.ranks.size();
        for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
            const auto rule = file.ranks.find({symbols[i], symbols[i + 1]});
            if (rule != file.ranks.end() && rule->second < best_rank) best = i, best_rank = rule->second;
        }
        if (best == symbols.size()) break;
        symbols[best] += symbols[best + 1];
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    std::vector<std::int32_t> ids;
    for (const std::string& symbol : symbols) ids.push_back(file.ids.at(symbol));
    return ids;
}

// --- properties -----------------------------------------------------------------------------------------------------------

TEST(TrickyAlphabet, HasTheClassesThatTheTableSays) {
    for (const Tricky& c : tricky()) {
        const std::uint32_t code = decode_utf8(c.utf8, 0).code;
        EXPECT_EQ(is_letter(code), c.cls == 'L') << c.utf8;
        EXPECT_EQ(is_number(code), c.cls == 'N') << c.utf8;
        EXPECT_EQ(is_space(code), c.cls == 'S' || c.cls == 'R') << c.utf8;
    }
}

RC_GTEST_PROP(SplitProperty, MatchesABacktrackingEngine, ()) {
    for (int i = 0; i < 20; ++i) {  // short texts find most differences; many of them are cheap
        const Text text = *tricky_text();
        const std::string joined = join(text);
        std::vector<std::string> pieces;
        for (const std::string_view piece : split_llama3(joined)) pieces.emplace_back(piece);
        RC_ASSERT(pieces == reference_split(text));
    }
}

RC_GTEST_PROP(SplitProperty, PiecesConcatenateToTheText, ()) {
    const std::string text = *any_text();
    std::string joined;
    for (const std::string_view piece : split_llama3(text)) {
        RC_ASSERT(!piece.empty());
        joined += piece;
    }
    RC_ASSERT(joined == text);
}

RC_GTEST_PROP(BpeProperty, MatchesTheDefinition, ()) {
    static const std::vector<std::string> alphabet{"t", "h", "e", "i", "n", "a",  "o",   "r",  "s",
                                                   " ", "l", "d", "[", "]", "\n", "the", "春", "の"};
    std::string piece;
    for (const std::string& unit : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(alphabet)))
        piece += unit;
    std::vector<std::int32_t> expected;
    for (const std::string_view p : split_llama3(piece)) {
        const auto ids = reference_bpe(p);
        expected.insert(expected.end(), ids.begin(), ids.end());
    }
    RC_ASSERT(tiny().encode(piece, false) == expected);
}

RC_GTEST_PROP(TokenizerProperty, IdsSpellTheText, ()) {
    const std::string text = *any_text();
    std::string spelled;
    for (const std::int32_t id : tiny().encode(text, false)) spelled += tiny_file().tokens.at(id);
    RC_ASSERT(spelled == byte_level(text));
}

RC_GTEST_PROP(LowerProperty, IsIdempotent, ()) {
    const std::string once = lower(*any_text());
    RC_ASSERT(lower(once) == once);
}

}  // namespace
}  // namespace heart::text
