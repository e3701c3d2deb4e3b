#include "core/error.h"
#include "core/utf8.h"
#include "support/character_maps.h"
#include "text/character_map.h"
#include "text/sentence_pieces.h"
#include "text/unigram.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace heart::text {
namespace {

using Ids = std::vector<std::int32_t>;
using nlohmann::json;

// --- random texts and vocabularies ------------------------------------------------------------------------------------

const std::vector<std::string>& letters() {
    static const std::vector<std::string> all{"a", "b", "é", "春", "🎵"};
    return all;
}

rc::Gen<std::string> text_of(const std::vector<std::string>& units) {
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(units)),
                        [](const std::vector<std::string>& parts) {
                            std::string out;
                            for (const std::string& part : parts) out += part;
                            return out;
                        });
}

/// Any valid UTF-8, with many of the characters that matter here.
rc::Gen<std::string> any_text() {
    const auto code = rc::gen::map(
        rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 0x80),
                       rc::gen::element<std::uint32_t>(' ', ' ', '\n', 0xa0, 0x2581, 0x3000, 0x301, 0x3099, 0x200d),
                       rc::gen::inRange<std::uint32_t>(0xff00, 0xfff0), rc::gen::inRange<std::uint32_t>(0, 0x3400),
                       rc::gen::inRange<std::uint32_t>(0, 0x110000)),
        [](std::uint32_t c) { return c >= 0xd800 && c <= 0xdfff ? c - 0x800 : c; });
    return rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(code), [](const std::vector<std::uint32_t>& codes) {
        std::string out;
        for (const std::uint32_t c : codes) append_utf8(out, c);
        return out;
    });
}

/// Random tokens with whole scores, whose sums are exact, so that many are equal. Token 0 is the unknown one.
std::vector<std::pair<std::string, double>> any_vocabulary() {
    const int lowest = *rc::gen::element(-6, -3, 25);
    const auto tokens = *rc::gen::container<std::map<std::string, int>>(
        rc::gen::suchThat(text_of(letters()), [](const std::string& t) { return !t.empty() && t.size() < 20; }),
        rc::gen::inRange(lowest, lowest + 6));
    std::vector<std::pair<std::string, double>> out{{"?", *rc::gen::inRange(lowest, lowest + 6)}};
    for (const auto& [token, score] : tokens) out.emplace_back(token, score);
    return out;
}

Unigram model_of(const std::vector<std::pair<std::string, double>>& vocabulary) {
    std::vector<Unigram::Token> tokens;
    for (const auto& [text, score] : vocabulary) tokens.push_back({text, score});
    return {tokens, 0};
}

// --- the model by its definition ----------------------------------------------------------------------------------------

/// A way to cut a text: its ids from behind, the ends of the tokens in characters, and the sum.
struct Way {
    double sum = 0;
    std::vector<std::pair<std::size_t, std::int32_t>> tokens;  // where each starts, and its id; the last token first
};

std::vector<std::string> characters_of(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size(); at += out.back().size()) {
        out.push_back(text.substr(at, decode_utf8(text, at).length));
    }
    return out;
}

/// All ways to cut the first `end` characters.
std::vector<Way> all_ways(const std::vector<std::pair<std::string, double>>& vocabulary,
                          const std::vector<std::string>& characters, std::size_t end) {
    if (end == 0) return {{}};
    double least = vocabulary[0].second;
    for (const auto& [text, score] : vocabulary) least = std::min(least, score);
    std::vector<Way> out;
    for (std::size_t start = 0; start < end; ++start) {
        std::string text;
        for (std::size_t i = start; i < end; ++i) text += characters[i];
        const auto token =
            std::find_if(vocabulary.begin(), vocabulary.end(), [&](const auto& t) { return t.first == text; });
        if (token == vocabulary.end() && end - start > 1) continue;
        const bool known = token != vocabulary.end();
        const auto id = known ? static_cast<std::int32_t>(token - vocabulary.begin()) : 0;
        for (Way way : all_ways(vocabulary, characters, start)) {
            way.tokens.insert(way.tokens.begin(), {start, id});
            way.sum += known ? token->second : least - 10;
            out.push_back(std::move(way));
        }
    }
    return out;
}

/// Joins the unknown characters of a way and looks them up together.
Ids ids_of(const Way& way, const std::vector<std::pair<std::string, double>>& vocabulary,
           const std::vector<std::string>& characters) {
    Ids out;
    std::string unknown;
    const auto finish = [&] {
        if (unknown.empty()) return;
        const auto token =
            std::find_if(vocabulary.begin(), vocabulary.end(), [&](const auto& t) { return t.first == unknown; });
        out.push_back(token == vocabulary.end() ? 0 : static_cast<std::int32_t>(token - vocabulary.begin()));
        unknown.clear();
    };
    for (std::size_t i = way.tokens.size(); i-- > 0;) {
        const auto [start, id] = way.tokens[i];
        if (id != 0) {
            finish();
            out.push_back(id);
            continue;
        }
        const std::size_t end = i == 0 ? characters.size() : way.tokens[i - 1].first;
        for (std::size_t k = start; k < end; ++k) unknown += characters[k];
    }
    finish();
    return out;
}

RC_GTEST_PROP(UnigramProperty, TakesTheBestOfAllWays, ()) {
    const auto vocabulary = any_vocabulary();
    const Unigram model = model_of(vocabulary);
    for (int i = 0; i < 10; ++i) {
        auto units = letters();
        units.emplace_back("?");
        units.emplace_back("x");  // never a token
        const std::string text = *rc::gen::resize(8, text_of(units));
        const std::vector<std::string> characters = characters_of(text);
        const std::vector<Way> ways = all_ways(vocabulary, characters, characters.size());
        // Of equal sums, the one whose last token starts first; where that is the same, the token before it, and so on.
        const Way& best = *std::min_element(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
            if (a.sum != b.sum) return a.sum > b.sum;
            return std::lexicographical_compare(a.tokens.begin(), a.tokens.end(), b.tokens.begin(), b.tokens.end());
        });
        Ids ids;
        model.encode(text, ids);
        RC_ASSERT(ids == ids_of(best, vocabulary, characters));
    }
}

// --- the whole tokenizer -------------------------------------------------------------------------------------------------

const json& tiny_file() {
    static const json file = [] {
        std::ifstream in(std::string(HEART_TEST_DATA) + "/ckpt-tiny/xlm-roberta-base/tokenizer.json", std::ios::binary);
        return json::parse(in);
    }();
    return file;
}

const SentencePieceTokenizer& tiny() {
    static const SentencePieceTokenizer tokenizer = SentencePieceTokenizer::from_json(tiny_file().dump());
    return tokenizer;
}

const PieceNormalizer& tiny_normalizer() {
    static const PieceNormalizer normalizer = read_sentence_pieces_json(tiny_file().dump(), "tokenizer.json", {}).normalizer;
    return normalizer;
}

/// The words of a text as the tokenizer's model sees them.
std::vector<std::string> words_of(const std::string& text) {
    std::string marked;
    bool inside = false;
    const std::string normalised = tiny_normalizer().apply(text);
    for (const std::string& c : characters_of(normalised)) {
        static const std::string spaces =
            "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
            "\u2009\u200a\u2028\u2029\u202f\u205f\u3000";
        const auto all = characters_of(spaces);
        if (std::find(all.begin(), all.end(), c) != all.end()) {
            inside = false;
            continue;
        }
        if (!inside && c != kSpaceMark) marked += kSpaceMark;
        inside = true;
        marked += c;
    }
    std::vector<std::string> out;
    for (const std::string& c : characters_of(marked)) {
        if (c == kSpaceMark) out.emplace_back();
        out.back() += c;
    }
    return out;
}

/// Whether the ids from `at` on spell the word from byte `from` on, where the unknown token spells any characters. On
/// success `at` is behind the word's ids.
bool spells(const Ids& ids, std::size_t& at, const std::string& word, std::size_t from, bool after_unknown) {
    if (from == word.size()) return true;
    if (at == ids.size()) return false;
    const std::int32_t id = ids[at];
    if (id == 3) {
        if (after_unknown) return false;  // a run of unknown characters is one token
        for (std::size_t end = from + 1; end <= word.size(); ++end) {
            std::size_t next = at + 1;
            if (spells(ids, next, word, end, true)) return at = next, true;
        }
        return false;
    }
    const std::string& token = tiny_file()["model"]["vocab"][static_cast<std::size_t>(id)][0].get_ref<const std::string&>();
    if (word.compare(from, token.size(), token) != 0) return false;
    std::size_t next = at + 1;
    if (!spells(ids, next, word, from + token.size(), false)) return false;
    return at = next, true;
}

RC_GTEST_PROP(SentencePiecesProperty, IdsSpellTheNormalisedText, ()) {
    std::string text = *any_text();
    std::erase(text, '<');  // no added tokens
    const Ids ids = tiny().encode(text, false);
    std::size_t at = 0;
    for (const std::string& word : words_of(text)) RC_ASSERT(spells(ids, at, word, 0, false));
    RC_ASSERT(at == ids.size());
}

RC_GTEST_PROP(SentencePiecesProperty, SpaceAroundTheTextChangesNothing, ()) {
    const std::string text = *any_text();
    RC_ASSERT(tiny().encode(" \n" + text + "  ") == tiny().encode(text));
}

RC_GTEST_PROP(SentencePiecesProperty, AnyBytesAreEncodedOrRefused, ()) {
    std::string bytes = *rc::gen::arbitrary<std::string>();
    if (*rc::gen::arbitrary<bool>()) bytes = *any_text() + bytes;
    try {
        const Ids ids = tiny().encode(bytes);
        RC_ASSERT(ids.size() >= 2U && ids.front() == 0 && ids.back() == 2);
        for (const std::int32_t id : ids) RC_ASSERT(id >= 0 && id <= tiny().largest_id());
        RC_ASSERT(find_invalid_utf8(bytes) == std::string::npos);
    } catch (const Error& e) {
        RC_ASSERT(e.code() == ErrorCode::malformed);
        RC_ASSERT(find_invalid_utf8(bytes) != std::string::npos);
    }
}

// --- the character map
// -----------------------------------------------------------------------------------------------------

RC_GTEST_PROP(CharacterMapProperty, FindsTheShortestKeyThatBeginsAText, ()) {
    const auto rules = *rc::gen::container<std::map<std::string, std::string>>(
        rc::gen::suchThat(text_of(letters()), [](const std::string& t) { return !t.empty() && t.size() < 8; }),
        text_of(letters()));
    const std::string bytes = test::character_map(rules, *rc::gen::arbitrary<bool>());
    const CharacterMap map(test::as_bytes(bytes), "a map");
    for (int i = 0; i < 20; ++i) {
        const std::string text = *text_of(letters());
        std::optional<std::string> expected;
        for (std::size_t length = 1; length <= text.size() && !expected; ++length) {
            if (const auto rule = rules.find(text.substr(0, length)); rule != rules.end()) expected = rule->second;
        }
        RC_ASSERT(map.find(text) == expected);
    }
}

RC_GTEST_PROP(CharacterMapProperty, BrokenMapsAreRefusedOrHarmless, ()) {
    std::string bytes = test::character_map({{"a", "b"}, {"ab", "c"}, {"é", "春"}, {"春", ""}}, *rc::gen::arbitrary<bool>());
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
        bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    }
    // Most bytes are in units that nothing refers to: the first letters of the keys are not.
    for (const std::size_t label : {0x61U, 0xc3U, 0xe6U}) {
        if (*rc::gen::arbitrary<bool>()) continue;
        bytes[4 + 4 * label + *rc::gen::inRange<std::size_t>(0, 4)] = *rc::gen::arbitrary<char>();
    }
    try {
        const CharacterMap map(test::as_bytes(bytes), "a map");
        for (int i = 0; i < 10; ++i) {
            const std::string out = map.apply(*text_of(letters()), 1 << 20);
            RC_ASSERT(find_invalid_utf8(out) == std::string::npos);
        }
    } catch (const Error& e) {
        RC_ASSERT(e.code() == ErrorCode::malformed);
    }
}

}  // namespace
}  // namespace heart::text
