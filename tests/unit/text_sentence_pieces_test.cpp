#include "text/sentence_pieces.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace heart::text {
namespace {

using Ids = std::vector<std::int32_t>;
using nlohmann::json;

json data_file(const std::string& name) {
    std::ifstream in(std::string(HEART_TEST_DATA) + "/" + name, std::ios::binary);
    EXPECT_TRUE(in) << name;
    return json::parse(in);
}

const json& tiny_file() {
    static const json file = data_file("ckpt-tiny/xlm-roberta-base/tokenizer.json");
    return file;
}

const SentencePieceTokenizer& tiny() {
    static const SentencePieceTokenizer tokenizer = SentencePieceTokenizer::from_json(tiny_file().dump());
    return tokenizer;
}

/// The tiny tokenizer with one change.
template <typename Change>
SentencePieceTokenizer changed(Change change) {
    json file = tiny_file();
    change(file);
    return SentencePieceTokenizer::from_json(file.dump());
}

TEST(SentencePieces, GiveTheIdsOfTheReference) {
    const json golden = data_file("tokenizer/golden_xlmr.json");
    ASSERT_GE(golden.at("cases").size(), 159U);
    for (const json& c : golden.at("cases")) {
        const auto text = c.at("text").get<std::string>();
        EXPECT_EQ(tiny().encode(text), c.at("ids").get<Ids>()) << json(text).dump();
        EXPECT_EQ(tiny().encode(text, false), c.at("ids_no_special").get<Ids>()) << json(text).dump();
    }
}

TEST(SentencePieces, GiveTheIdsOfTheReferenceInEverySpellingOfTheFile) {
    const json golden = data_file("tokenizer/golden_xlmr_variants.json");
    ASSERT_GE(golden.at("variants").size(), 8U);
    for (const json& variant : golden.at("variants")) {
        const SentencePieceTokenizer tokenizer = changed([&](json& file) {
            if (const json& after = variant.at("after_map"); !after.empty()) {
                json steps = json::array({file["normalizer"]});
                steps.insert(steps.end(), after.begin(), after.end());
                file["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
            }
            file["pre_tokenizer"] = variant.at("pre_tokenizer");
            const json& added = variant.at("added_tokens");
            file["added_tokens"].insert(file["added_tokens"].end(), added.begin(), added.end());
        });
        for (std::size_t i = 0; i < golden.at("texts").size(); ++i) {
            const json& text = golden.at("texts")[i];
            EXPECT_EQ(tokenizer.encode(text.get<std::string>()), variant.at("ids").at(i).get<Ids>())
                << variant.at("name") << " " << text.dump();
        }
    }
}

TEST(SentencePieces, BothSpellingsOfMetaspaceMeanTheSame) {
    const auto with = [](const json& metaspace) {
        return changed([&](json& file) {
                   json& place = file["pre_tokenizer"]["pretokenizers"][1];
                   place = {{"type", "Metaspace"}, {"replacement", "▁"}};
                   place.update(metaspace);
               })
            .encode("piano", false);
    };
    const Ids begun{72}, plain{228};  // "▁piano" and "piano"
    EXPECT_EQ(with({{"add_prefix_space", true}}), begun);
    EXPECT_EQ(with({{"prepend_scheme", "always"}}), begun);
    EXPECT_EQ(with({{"add_prefix_space", true}, {"prepend_scheme", "always"}}), begun);
    EXPECT_EQ(with(json::object()), begun);
    EXPECT_EQ(with({{"add_prefix_space", false}}), plain);
    EXPECT_EQ(with({{"prepend_scheme", "never"}, {"split", true}}), plain);
}

TEST(SentencePieces, PutNothingAroundTheTextWithoutAPostProcessor) {
    EXPECT_EQ(changed([](json& file) { file["post_processor"] = nullptr; }).encode("piano"), (Ids{72}));
}

TEST(SentencePieces, KnowTheIdOfThePad) {
    EXPECT_EQ(tiny().pad_id(), 1);
    const SentencePieceTokenizer tokenizer = changed([](json& file) {
        file["added_tokens"].erase(1);  // the model still has it
        std::swap(file["model"]["vocab"][1], file["model"]["vocab"][5]);
    });
    EXPECT_EQ(tokenizer.pad_id(), 5);
}

TEST(SentencePieces, KnowTheLargestId) {
    EXPECT_EQ(tiny().largest_id(), 473);
    EXPECT_EQ(changed([](json& file) {
                  json more = file["added_tokens"][4];
                  more["content"] = "<more>";
                  more["id"] = 1000;
                  file["added_tokens"].push_back(more);
              }).largest_id(),
              1000);
    EXPECT_EQ(changed([](json& file) { file["model"]["vocab"].push_back({"zzz", -5.0}); }).largest_id(), 474);
}

TEST(SentencePieces, FindTheTokenOfASpecialNameThatTheMapMakes) {
    // Full-width letters are no added token, but the model has a token with that text.
    EXPECT_EQ(tiny().encode("＜ｓ＞", false), (Ids{4, 0}));
}

TEST(SentencePieces, KeepTheCase) {
    EXPECT_NE(tiny().encode("Piano"), tiny().encode("piano"));
}

}  // namespace
}  // namespace heart::text
