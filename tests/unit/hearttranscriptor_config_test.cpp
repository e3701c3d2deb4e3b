// Are sizes and special tokens of a transcriptor read with their ranges, and strange files refused?

#include "core/error.h"
#include "engine/listener.h"
#include "models/hearttranscriptor/config.h"
#include "support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <optional>
#include <string>

namespace heart::hearttranscriptor {
namespace {

using formats::Json;

Json file(const char* name) {
    return formats::parse_json(test::tiny("HeartTranscriptor-oss").open(name).text(), name);
}

std::optional<ErrorCode> code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& e) {
        return e.code();
    }
    return std::nullopt;
}

struct Change {
    const char* what;
    std::function<void(Json&)> change;
    std::optional<ErrorCode> code;
};

TEST(TranscriptorConfig, StrangeSizesAreRefused) {
    const Change changes[] = {
        {"as it is", [](Json&) {}, std::nullopt},
        {"another model", [](Json& j) { j["model_type"] = "llama"; }, ErrorCode::unsupported},
        {"another activation", [](Json& j) { j["activation_function"] = "relu"; }, ErrorCode::unsupported},
        {"no layers", [](Json& j) { j["encoder_layers"] = 0; }, ErrorCode::limit},
        {"a missing size", [](Json& j) { j.erase("d_model"); }, ErrorCode::malformed},
        {"a size in words", [](Json& j) { j["d_model"] = "many"; }, ErrorCode::malformed},
        {"a width that heads do not divide", [](Json& j) { j["decoder_attention_heads"] = 5; }, ErrorCode::malformed},
        {"an endless vocabulary", [](Json& j) { j["vocab_size"] = 1'000'000'000'000; }, ErrorCode::limit},
        {"a list", [](Json& j) { j = Json::array(); }, ErrorCode::malformed},
    };
    for (const Change& c : changes) {
        Json json = file("config.json");
        c.change(json);
        EXPECT_EQ(code_of([&] { (void)Config::parse(json, "config.json"); }), c.code) << c.what;
    }
}

TEST(TranscriptorConfig, StrangeTokensAreRefused) {
    const Config config = Config::parse(file("config.json"), "config.json");
    const Change changes[] = {
        {"as it is", [](Json&) {}, std::nullopt},
        {"an id behind the vocabulary", [](Json& j) { j["eos_token_id"] = 2008; }, ErrorCode::limit},
        {"a negative id", [](Json& j) { j["decoder_start_token_id"] = -1; }, ErrorCode::limit},
        {"a language behind the vocabulary", [](Json& j) { j["lang_to_id"]["<|en|>"] = 9999; }, ErrorCode::limit},
        {"languages in a list", [](Json& j) { j["lang_to_id"] = Json::array({1}); }, ErrorCode::malformed},
        {"no languages", [](Json& j) { j.erase("lang_to_id"); }, ErrorCode::malformed},
        {"one language only", [](Json& j) { j["is_multilingual"] = false; }, std::nullopt},
        {"a head that is not there",
         [](Json& j) {
             j["alignment_heads"] = {{0, 4}};
         },
         ErrorCode::malformed},
        {"heads in words", [](Json& j) { j["alignment_heads"] = "all"; }, ErrorCode::malformed},
        {"heads by chance", [](Json& j) { j.erase("alignment_heads"); }, std::nullopt},
        {"suppressed tokens behind the vocabulary", [](Json& j) { j["suppress_tokens"] = {5000}; }, ErrorCode::limit},
        {"nothing suppressed", [](Json& j) { j["suppress_tokens"] = nullptr; }, std::nullopt},
    };
    for (const Change& c : changes) {
        Json json = file("generation_config.json");
        c.change(json);
        EXPECT_EQ(code_of([&] { (void)GenerationConfig::parse(json, config, "generation_config.json"); }), c.code) << c.what;
    }
}

TEST(TranscriptorConfig, TheFilesOfTheFolderBelongTogether) {
    const auto folder = test::tiny("HeartTranscriptor-oss");
    const auto files = engine::TranscriptorFiles::read(folder, file("config.json"));
    EXPECT_TRUE(files.clean_up_spaces);
    EXPECT_EQ(files.generation.languages.size(), 99U);
    EXPECT_EQ(files.generation.no_speech(), 505);
    Json longer = file("config.json");
    longer["max_source_positions"] = 3000;
    EXPECT_EQ(code_of([&] { (void)engine::TranscriptorFiles::read(folder, longer); }), ErrorCode::unsupported);
}

}  // namespace
}  // namespace heart::hearttranscriptor
