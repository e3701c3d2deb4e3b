#include "text/tokenizer.h"

#include "core/error.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace heart::text {
namespace {

using Ids = std::vector<std::int32_t>;
using nlohmann::json;

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    EXPECT_TRUE(in) << path;
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string data_file(const std::string& name) {
    return read_file(std::string(HEART_TEST_DATA) + "/tokenizer/" + name);
}

const Tokenizer& tiny() {
    static const Tokenizer tokenizer = Tokenizer::from_json(data_file("tiny.json"));
    return tokenizer;
}

/// Checks all cases of a file with recorded ids.
void expect_golden(const Tokenizer& tokenizer, const std::string& file) {
    const json golden = json::parse(data_file(file));
    ASSERT_GE(golden.at("cases").size(), 90U);
    for (const json& c : golden.at("cases")) {
        const auto text = c.at("text").get<std::string>();
        EXPECT_EQ(tokenizer.encode(text), c.at("ids").get<Ids>()) << json(text).dump();
        EXPECT_EQ(tokenizer.encode(text, false), c.at("ids_no_special").get<Ids>()) << json(text).dump();
    }
}

/// tiny.json with one change.
template <typename Change>
Tokenizer changed(Change change) {
    json file = json::parse(data_file("tiny.json"));
    change(file);
    return Tokenizer::from_json(file.dump());
}

json added_token(const std::string& content, int id) {
    return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
            {"rstrip", false}, {"normalized", false}, {"special", true}};
}

TEST(Tokenizer, GivesTheIdsOfTheReference) {
    expect_golden(tiny(), "golden_tiny.json");
}

TEST(Tokenizer, ReadsMergesSpelledAsStrings) {
    const Tokenizer tokenizer = changed([](json& file) {
        json strings = json::array({"#version: 0.2"});
        for (const json& pair : file["model"]["merges"]) {
            strings.push_back(pair[0].get<std::string>() + " " + pair[1].get<std::string>());
        }
        file["model"]["merges"] = strings;
    });
    expect_golden(tokenizer, "golden_tiny.json");
}

TEST(Tokenizer, GivesTheIdsOfLlama3WhereItsFileIsSupplied) {
    const char* path = std::getenv("HEART_LLAMA3_TOKENIZER");
    if (path == nullptr) GTEST_SKIP() << "HEART_LLAMA3_TOKENIZER does not name a Llama-3 tokenizer.json";
    const Tokenizer tokenizer = Tokenizer::from_json(read_file(path), path);
    if (tokenizer.vocabulary_size() != 128256 || !tokenizer.encode("").empty()) {
        GTEST_SKIP() << path << " is not the tokenizer.json of the recorded ids: that one has 128256 tokens and adds no BOS";
    }
    expect_golden(tokenizer, "golden_llama3.json");
}

TEST(Tokenizer, CountsAddedTokensInItsVocabulary) {
    EXPECT_EQ(tiny().vocabulary_size(), 648U);
    EXPECT_EQ(tiny().largest_id(), 647);
    const Tokenizer shared = changed([](json& file) { file["added_tokens"].push_back(added_token("a", 64)); });
    EXPECT_EQ(shared.vocabulary_size(), 648U);  // "a" is in the model's vocabulary already
}

TEST(Tokenizer, FindsTokensBySpelling) {
    EXPECT_EQ(tiny().id_of("a"), 64);
    EXPECT_EQ(tiny().id_of("\u0120"), 220);  // the byte-level spelling of a space
    EXPECT_EQ(tiny().id_of("<|end_of_text|>"), 641);
    EXPECT_EQ(tiny().id_of("<|no such token|>"), std::nullopt);
}

TEST(Tokenizer, CutsAddedTokensOutWhereverTheyStand) {
    EXPECT_EQ(tiny().encode("a<|end_of_text|>a", false), (Ids{64, 641, 64}));
    EXPECT_EQ(tiny().encode("<|end_of_text|><|begin_of_text|>", false), (Ids{641, 640}));
    EXPECT_EQ(tiny().encode("<|end_of_text|><|end_of_text", false).front(), 641);
}

TEST(Tokenizer, PrefersTheLongestAddedTokenAtOnePlace) {
    const Tokenizer tokenizer = changed([](json& file) {
        file["added_tokens"].push_back(added_token("<x", 700));
        file["added_tokens"].push_back(added_token("<x>", 701));
        file["added_tokens"].push_back(added_token("x>>", 702));
    });
    EXPECT_EQ(tokenizer.encode("<x>>", false), (Ids{701, *tokenizer.id_of(">")}));
    EXPECT_EQ(tokenizer.encode("<xx>>", false), (Ids{700, 702}));
}

TEST(Tokenizer, LetsAnAddedTokenSwallowWhiteSpace) {
    const Tokenizer tokenizer = changed([](json& file) {
        file["added_tokens"].push_back(added_token("<L>", 700));
        file["added_tokens"].back()["lstrip"] = true;
        file["added_tokens"].push_back(added_token("<R>", 701));
        file["added_tokens"].back()["rstrip"] = true;
    });
    EXPECT_EQ(tokenizer.encode("a \u3000<L> a", false), (Ids{64, 700, *tokenizer.id_of("\u0120a")}));
    EXPECT_EQ(tokenizer.encode("a<R> \u3000\na", false), (Ids{64, 701, 64}));
    EXPECT_EQ(tokenizer.encode(" <L><R> ", false), (Ids{700, 701}));
    EXPECT_EQ(tokenizer.encode("<R> <L>", false), (Ids{701, 700}));  // the space belongs to the first
}

TEST(Tokenizer, SearchesNormalizedAddedTokensAfterTheOthers) {
    const Tokenizer tokenizer = changed([](json& file) {
        file["added_tokens"].push_back(added_token("<x>y", 700));
        file["added_tokens"].back()["normalized"] = true;
        file["added_tokens"].push_back(added_token("y", 701));
        file["added_tokens"].push_back(added_token("<x>", 702));
        file["added_tokens"].back()["normalized"] = true;
        file["model"]["vocab"].erase("y");
        file["model"]["merges"] = json::array();
    });
    EXPECT_EQ(tokenizer.encode("<x>y", false), (Ids{702, 701}));
}

TEST(Tokenizer, TakesAWholePieceAsATokenOnlyWhenMergesAreIgnored) {
    const auto with = [](bool ignore_merges) {
        return changed([&](json& file) {
            file["model"]["vocab"]["xyzxyz"] = 900;  // no merge leads there
            file["model"]["ignore_merges"] = ignore_merges;
        });
    };
    EXPECT_EQ(with(true).encode("xyzxyz", false), (Ids{900}));
    EXPECT_EQ(with(true).encode("xyzxyzx", false).size(), 7U);
    EXPECT_EQ(with(false).encode("xyzxyz", false).size(), 6U);
}

TEST(Tokenizer, AppliesTheLowestRankThenTheLeftmostMerge) {
    const Tokenizer tokenizer = changed([](json& file) {
        file["model"]["vocab"]["zq"] = 900;
        file["model"]["vocab"]["qz"] = 901;
        file["model"]["vocab"]["zz"] = 902;
        file["model"]["merges"] = json::parse(R"([["q", "z"], ["z", "q"], ["z", "z"]])");
    });
    const std::int32_t z = *tokenizer.id_of("z");
    EXPECT_EQ(tokenizer.encode("zqz", false), (Ids{z, 901}));
    EXPECT_EQ(tokenizer.encode("zzz", false), (Ids{902, z}));
}

TEST(Tokenizer, ForgetsAMergeWhoseTokensAreGone) {
    const Tokenizer tokenizer = changed([](json& file) {
        int id = 900;
        for (const char* token : {"zq", "qx", "qxj", "zqx"}) file["model"]["vocab"][token] = id++;
        file["model"]["merges"] = json::parse(R"([["q", "x"], ["z", "q"], ["qx", "j"], ["z", "qx"]])");
    });
    // Once "qx" is joined, the rank of "z q" must not be taken for that of "z qx".
    EXPECT_EQ(tokenizer.encode("zqxj", false), (Ids{*tokenizer.id_of("z"), 902}));
}

TEST(Tokenizer, KeepsTheLastRankOfARepeatedMerge) {
    const Tokenizer tokenizer = changed([](json& file) {
        file["model"]["vocab"]["zq"] = 900;
        file["model"]["vocab"]["qz"] = 901;
        file["model"]["merges"] = json::parse(R"([["q", "z"], ["z", "q"], ["q", "z"]])");
    });
    EXPECT_EQ(tokenizer.encode("zqz", false), (Ids{900, *tokenizer.id_of("z")}));
}

TEST(Tokenizer, AddsNothingWithoutAPostProcessor) {
    EXPECT_EQ(changed([](json& file) { file["post_processor"] = nullptr; }).encode("a"), (Ids{64}));
    EXPECT_EQ(changed([](json& file) { file.erase("post_processor"); }).encode("a"), (Ids{64}));
    const Tokenizer bytes = changed([](json& file) { file["post_processor"] = file["post_processor"]["processors"][0]; });
    EXPECT_EQ(bytes.encode("a"), (Ids{64}));
}

TEST(Tokenizer, PutsTheTemplatesIdsOnBothSides) {
    const Tokenizer tokenizer = changed([](json& file) {
        json processor = file["post_processor"]["processors"][1];
        processor["single"].push_back({{"SpecialToken", {{"id", "end"}, {"type_id", 0}}}});
        processor["special_tokens"]["end"] = {{"id", "end"}, {"ids", {641, 642}}, {"tokens", {"x", "y"}}};
        file["post_processor"] = processor;
    });
    EXPECT_EQ(tokenizer.encode("a"), (Ids{640, 64, 641, 642}));
    EXPECT_EQ(tokenizer.encode("a", false), (Ids{64}));
}

TEST(Tokenizer, AppliesTemplatesInASequenceFromTheInside) {
    const Tokenizer tokenizer = changed([](json& file) {
        json outer = file["post_processor"]["processors"][1];
        outer["special_tokens"]["<|begin_of_text|>"]["ids"] = {643};
        file["post_processor"]["processors"].push_back(outer);
    });
    EXPECT_EQ(tokenizer.encode("a"), (Ids{643, 640, 64}));
}

}  // namespace
}  // namespace heart::text
