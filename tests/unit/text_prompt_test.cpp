#include "text/prompt.h"

#include "core/error.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace heart::text {
namespace {

using Ids = std::vector<std::int32_t>;
using nlohmann::json;

constexpr PromptIds kIds{640, 641};

std::string data_file(const std::string& name) {
    std::ifstream in(std::string(HEART_TEST_DATA) + "/tokenizer/" + name, std::ios::binary);
    EXPECT_TRUE(in) << name;
    return {std::istreambuf_iterator<char>(in), {}};
}

const Tokenizer& tiny() {
    static const Tokenizer tokenizer = Tokenizer::from_json(data_file("tiny.json"));
    return tokenizer;
}

Tokenizer without_bos() {
    json file = json::parse(data_file("tiny.json"));
    file["post_processor"] = nullptr;
    return Tokenizer::from_json(file.dump());
}

Ids text_column(const Prompt& prompt) {
    Ids column = prompt.tags;
    column.push_back(0);
    column.insert(column.end(), prompt.lyrics.begin(), prompt.lyrics.end());
    return column;
}

TEST(Prompt, HasTheTextColumnOfTheReference) {
    const json recorded = json::parse(data_file("prompts.json"));
    const PromptIds ids{recorded.at("text_bos_id").get<std::int32_t>(), recorded.at("text_eos_id").get<std::int32_t>()};
    ASSERT_EQ(recorded.at("prompts").size(), 4U);
    for (const json& c : recorded.at("prompts")) {
        const Prompt prompt = make_prompt(tiny(), ids, c.at("tags").get<std::string>(), c.at("lyrics").get<std::string>());
        EXPECT_EQ(text_column(prompt), c.at("text_column").get<Ids>()) << c.at("tags");
        EXPECT_EQ(prompt.muq_index(), c.at("muq_index").get<std::size_t>());
        EXPECT_EQ(prompt.length(), c.at("text_column").size());
    }
}

TEST(Prompt, WrapsTagsOnlyWhereTheWrappingIsMissing) {
    const Ids wrapped = make_prompt(tiny(), kIds, "<tag>rock</tag>", "").tags;
    EXPECT_EQ(make_prompt(tiny(), kIds, "rock", "").tags, wrapped);
    EXPECT_EQ(make_prompt(tiny(), kIds, "<tag>rock", "").tags, wrapped);
    EXPECT_EQ(make_prompt(tiny(), kIds, "rock</tag>", "").tags, wrapped);
    EXPECT_EQ(make_prompt(tiny(), kIds, "<TAG>Rock</Tag>", "").tags, wrapped);
    EXPECT_NE(make_prompt(tiny(), kIds, " <tag>rock</tag>", "").tags, wrapped);  // it must be the very start
}

TEST(Prompt, LowersTagsAndLyrics) {
    const Prompt loud = make_prompt(tiny(), kIds, "ROCK", "LA ÉTÉ");
    const Prompt quiet = make_prompt(tiny(), kIds, "rock", "la été");
    EXPECT_EQ(loud.tags, quiet.tags);
    EXPECT_EQ(loud.lyrics, quiet.lyrics);
}

TEST(Prompt, HasOneBosAndOneEosWhateverTheTokenizerAdds) {
    const Tokenizer bare = without_bos();
    for (const char* lyrics : {"", "la", "<|begin_of_text|>la<|end_of_text|>"}) {
        const Ids ids = make_prompt(bare, kIds, "rock", lyrics).lyrics;
        EXPECT_EQ(std::count(ids.begin(), ids.end(), 640), 1) << lyrics;
        EXPECT_EQ(std::count(ids.begin(), ids.end(), 641), 1) << lyrics;
        EXPECT_EQ(ids.front(), 640);
        EXPECT_EQ(ids.back(), 641);
    }
    EXPECT_EQ(make_prompt(bare, kIds, "rock", "la").lyrics, make_prompt(tiny(), kIds, "rock", "la").lyrics);
}

TEST(Prompt, AcceptsEmptyLyricsWithATokenizerThatAddsNoBos) {
    EXPECT_EQ(make_prompt(without_bos(), kIds, "", "").lyrics, (Ids{640, 641}));
}

TEST(Prompt, SaysWhichTextIsNotUtf8) {
    const auto message = [](std::string_view tags, std::string_view lyrics) -> std::string {
        try {
            (void)make_prompt(tiny(), kIds, tags, lyrics);
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::malformed);
            return e.what();
        }
        return "accepted";
    };
    EXPECT_NE(message("\xff", "").find("tags"), std::string::npos);
    EXPECT_NE(message("", "İİ\xff").find("lyrics"), std::string::npos);
    EXPECT_NE(message("", "İİ\xff").find("offset 4"), std::string::npos);
}

TEST(Prompt, RefusesTextsBeyondTheLimit) {
    const std::string long_text(kMaxTextBytes + 1, 'a');
    try {
        (void)make_prompt(tiny(), kIds, "", long_text);
        FAIL() << "accepted";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::limit);
    }
}

}  // namespace
}  // namespace heart::text
