// Tokenizer files and texts from strangers. By its first byte an input is
//   'f'  a tokenizer.json: it is refused with an error of the kinds that are promised, or every text can be encoded with it;
//   'm'  a character map, a zero byte after its text, in a tokenizer of this program: the same;
//   any other: a text for such a tokenizer: only text that is no UTF-8 is refused, and the ids spell the text.

#include "../support/character_maps.h"
#include "core/error.h"
#include "core/utf8.h"
#include "formats/base64.h"
#include "fuzz_check.h"
#include "text/character_map.h"
#include "text/sentence_pieces.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using heart::ErrorCode;
using heart::text::SentencePieceTokenizer;
using nlohmann::json;

constexpr heart::text::TokenizerLimits kLimits{.max_file_bytes = 65536, .max_character_map_bytes = 16384};

constexpr std::string_view kTexts[] = {
    "", " la  la\tla ", "a\u0301bé①<mask> <pad>", "▁x▁▁y", "\U0001f3b5\u200d\U0001f3b6 春天", "ab ba aab <m> f\u0301"};

const std::vector<std::string>& vocabulary() {
    static const std::vector<std::string> tokens{"<s>", "<pad>", "</s>", "<unk>", "▁",  "a",    "b",  "▁a", "ab", "ba",
                                                 "aab", "bab",   "c",    "é",     "春", "天春", "▁▁", "aa", "1",  "<mask>"};
    return tokens;
}

json file_with(const std::string& map) {
    json vocab = json::array(), added = json::array();
    for (const std::string& token : vocabulary()) {
        if (token.starts_with('<')) {
            added.push_back({{"id", vocab.size()},
                             {"content", token},
                             {"single_word", false},
                             {"lstrip", token == "<mask>"},
                             {"rstrip", token == "<pad>"},
                             {"normalized", false},
                             {"special", true}});
        }
        vocab.push_back({token, -0.5 * static_cast<double>(vocab.size())});
    }
    const json split{{"type", "WhitespaceSplit"}}, mark{{"type", "Metaspace"}, {"replacement", "▁"}};
    return {{"version", "1.0"},
            {"added_tokens", added},
            {"normalizer",
             {{"type", "Precompiled"}, {"precompiled_charsmap", heart::formats::to_base64(heart::test::as_bytes(map))}}},
            {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {split, mark}}}},
            {"model", {{"type", "Unigram"}, {"unk_id", 3}, {"vocab", vocab}}}};
}

void check_ids(const SentencePieceTokenizer& tokenizer, std::string_view text) {
    for (const bool special : {false, true}) {
        for (const std::int32_t id : tokenizer.encode(text, special)) {
            HEART_FUZZ_CHECK(id >= 0 && id <= tokenizer.largest_id());
        }
    }
}

void encode_texts(const SentencePieceTokenizer& tokenizer) {
    for (const std::string_view text : kTexts) {
        try {
            check_ids(tokenizer, text);
        } catch (const heart::Error& e) {
            HEART_FUZZ_CHECK(e.code() == ErrorCode::limit);
        }
    }
}

void read_file(std::string_view text) {
    try {
        encode_texts(SentencePieceTokenizer::from_json(text, "a file", kLimits));
    } catch (const heart::Error& e) {
        HEART_FUZZ_CHECK(e.code() != ErrorCode::internal && e.code() != ErrorCode::usage);
    }
}

void read_map(std::string_view input) {
    const std::size_t end = std::min(input.find('\0'), input.size());
    const std::string_view text = input.substr(0, end), bytes = input.substr(std::min(end + 1, input.size()));
    if (heart::find_invalid_utf8(text) != std::string_view::npos) return;
    try {
        const heart::text::CharacterMap map(heart::test::as_bytes(bytes), "a map");
        try {
            const std::string out = map.apply(text, 65536);
            HEART_FUZZ_CHECK(out.size() <= 65536 && heart::find_invalid_utf8(out) == std::string_view::npos);
        } catch (const heart::Error& e) {
            HEART_FUZZ_CHECK(e.code() == ErrorCode::limit);
        }
    } catch (const heart::Error& e) {
        HEART_FUZZ_CHECK(e.code() == ErrorCode::malformed);
    }
}

/// Without added tokens and unknown characters, ids spell the text; the map changes nothing here but "B", to "b".
void check_spelling(const SentencePieceTokenizer& tokenizer, std::string_view text) {
    std::string expected, spelled;
    bool inside = false;
    for (const char c : text) {
        const bool space = c == ' ';
        if (!space && !inside) expected += "▁";
        inside = !space;
        if (!space) expected += c == 'B' ? 'b' : c;
    }
    for (const std::int32_t id : tokenizer.encode(text, false)) spelled += vocabulary().at(static_cast<std::size_t>(id));
    HEART_FUZZ_CHECK(spelled == expected);
}

void read_text(std::string_view text) {
    static const SentencePieceTokenizer tokenizer =
        SentencePieceTokenizer::from_json(file_with(heart::test::character_map({{"B", "b"}})).dump());
    const bool valid = heart::find_invalid_utf8(text) == std::string_view::npos;
    try {
        check_ids(tokenizer, text);
        HEART_FUZZ_CHECK(valid);
    } catch (const heart::Error& e) {
        HEART_FUZZ_CHECK(e.code() == ErrorCode::malformed && !valid);
    }
    if (text.find_first_not_of("abcB1 ") == std::string_view::npos) check_spelling(tokenizer, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.starts_with('f')) read_file(input.substr(1));
    else if (input.starts_with('m')) read_map(input.substr(1));
    else read_text(input);
    return 0;
}
