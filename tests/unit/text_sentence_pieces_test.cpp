// Does the tokenizer of XLM-RoBERTa give the ids that Hugging Face tokenizers gives?

#include "core/error.h"
#include "support/golden.h"
#include "text/sentence_pieces.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using formats::Json;
using text::SentencePieceTokenizer;

Json tiny_json() {
    return formats::parse_json(tiny("xlm-roberta-base").open("tokenizer.json").text(), "tokenizer.json");
}

SentencePieceTokenizer of(const Json& json) {
    return SentencePieceTokenizer::from_json(json.dump());
}

std::vector<std::int32_t> ids_of(const Json& list) {
    return list.get<std::vector<std::int32_t>>();
}

TEST(SentencePieces, EveryGoldenText) {
    const auto tokenizer = of(tiny_json());
    const Json golden =
        formats::parse_json(formats::Bytes::map_file(data_path("tokenizer/golden_xlmr.json")).text(), "golden_xlmr.json");
    std::size_t checked = 0;
    for (const Json& c : golden.at("cases")) {
        const std::string text = c.at("text");
        EXPECT_EQ(tokenizer.encode(text), ids_of(c.at("ids"))) << text;
        EXPECT_EQ(tokenizer.encode(text, false), ids_of(c.at("ids_no_special"))) << text;
        ++checked;
    }
    EXPECT_GT(checked, 20U);
    EXPECT_EQ(tokenizer.largest_id(), 473);
}

TEST(SentencePieces, NewerSpellingsOfTheSameFileMeanTheSame) {
    const auto plain = of(tiny_json());
    Json newer = tiny_json();
    newer["pre_tokenizer"]["pretokenizers"][1] = {
        {"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "always"}, {"split", true}};
    Json sequence = newer;
    sequence["normalizer"] = {{"type", "Sequence"},
                              {"normalizers",
                               {newer["normalizer"],
                                {{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}},
                                {{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "\u2581"}}}}};
    for (const char* text : {"A calm piano melody at night.", "piano", " guitars, drums "}) {
        EXPECT_EQ(of(newer).encode(text), plain.encode(text)) << text;
        EXPECT_EQ(of(sequence).encode(text), plain.encode(text)) << text;
    }
}

TEST(SentencePieces, MetaspaceAloneKeepsSpacesAsMarks) {
    Json json = tiny_json();
    json["pre_tokenizer"] = json["pre_tokenizer"]["pretokenizers"][1];
    const auto alone = of(json);
    const std::int32_t mark = 4;  // "▁"
    EXPECT_EQ(alone.encode("piano", false), of(tiny_json()).encode("piano", false));
    const auto two = alone.encode("piano  piano", false);
    EXPECT_EQ(two, (std::vector<std::int32_t>{72, mark, 72}));
    EXPECT_EQ(alone.encode(" ", false), std::vector<std::int32_t>{mark});
}

TEST(SentencePieces, UnknownCharactersInARowAreOneToken) {
    const auto tokenizer = of(tiny_json());
    EXPECT_EQ(tokenizer.encode("\U0001F3A7\U0001F3B5\U0001F3A7", false), (std::vector<std::int32_t>{4, 3}));
}

struct Refused {
    const char* what;
    std::function<void(Json&)> change;
    ErrorCode code;
};

TEST(SentencePieces, OtherComponentsAreRefusedByName) {
    const std::vector<Refused> cases{
        {"model BPE", [](Json& j) { j["model"]["type"] = "BPE"; }, ErrorCode::unsupported},
        {"byte fallback", [](Json& j) { j["model"]["byte_fallback"] = true; }, ErrorCode::unsupported},
        {"prepend first",
         [](Json& j) {
             j["pre_tokenizer"]["pretokenizers"][1] = {
                 {"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "first"}};
         },
         ErrorCode::unsupported},
        {"no prefix", [](Json& j) { j["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = false; },
         ErrorCode::unsupported},
        {"another mark", [](Json& j) { j["pre_tokenizer"]["pretokenizers"][1]["replacement"] = "_"; },
         ErrorCode::unsupported},
        {"lower case",
         [](Json& j) {
             j["normalizer"] = {{"type", "Lowercase"}};
         },
         ErrorCode::unsupported},
        {"unknown id outside", [](Json& j) { j["model"]["unk_id"] = 5000; }, ErrorCode::malformed},
        {"no unknown id", [](Json& j) { j["model"].erase("unk_id"); }, ErrorCode::malformed},
        {"a token twice",
         [](Json& j) {
             j["model"]["vocab"].push_back({"s", -1.0});
         },
         ErrorCode::malformed},
        {"an empty token",
         [](Json& j) {
             j["model"]["vocab"].push_back({"", -1.0});
         },
         ErrorCode::malformed},
        {"a token without a score", [](Json& j) { j["model"]["vocab"].push_back({"new"}); }, ErrorCode::malformed},
        {"no base64", [](Json& j) { j["normalizer"]["precompiled_charsmap"] = "%%%"; }, ErrorCode::malformed},
        {"an empty map", [](Json& j) { j["normalizer"]["precompiled_charsmap"] = ""; }, ErrorCode::malformed},
        {"a map longer than it is", [](Json& j) { j["normalizer"]["precompiled_charsmap"] = "/////w=="; },
         ErrorCode::malformed},
        {"truncation",
         [](Json& j) {
             j["truncation"] = {{"max_length", 4}};
         },
         ErrorCode::unsupported},
    };
    for (const Refused& c : cases) {
        Json json = tiny_json();
        c.change(json);
        try {
            (void)of(json);
            ADD_FAILURE() << c.what;
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), c.code) << c.what << ": " << e.what();
        }
    }
}

TEST(SentencePieces, TextsThatAreNoUtf8OrTooLongAreRefused) {
    const auto tokenizer = of(tiny_json());
    try {
        (void)tokenizer.encode("ab\xff");
        ADD_FAILURE();
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::malformed);
    }
    try {
        (void)tokenizer.encode(std::string(text::kMaxTextBytes + 1, 'a'));
        ADD_FAILURE();
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::limit);
    }
}

TEST(SentencePieces, AMapOfAnyUnitsIsSafe) {
    // Units that point everywhere: what comes out is valid UTF-8 and no search leaves the map.
    for (std::uint32_t seed = 1; seed < 200; ++seed) {
        std::string bytes(4, '\0');
        const std::uint32_t units = 64;
        bytes[0] = static_cast<char>(4 * units);
        bytes[1] = static_cast<char>((4 * units) >> 8U);
        std::uint32_t state = seed;
        for (std::uint32_t i = 0; i < 4 * units; ++i) {
            state = state * 1664525U + 1013904223U;
            bytes += static_cast<char>(state >> 24U);
        }
        bytes += "abc\xc3\xa9";
        bytes += '\0';
        const auto map = text::CharacterMap::parse(bytes, "map");
        std::string all;
        for (int c = 1; c < 128; ++c) all += static_cast<char>(c);
        EXPECT_NO_THROW(text::require_utf8(map.normalise(all + "\xc3\xa9\xe3\x81\x8c"), "normalised")) << seed;
    }
}

}  // namespace
}  // namespace heart::test
