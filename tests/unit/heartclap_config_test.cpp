// Are the configurations of an embedding model read strictly?

#include "core/error.h"
#include "engine/synthetic_embedder.h"
#include "models/heartclap/config.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using engine::EmbedderConfigs;

TEST(HeartClapConfig, PublishedSizes) {
    const auto c = engine::embedder_configs("full").parse();
    EXPECT_EQ(c.clip_samples(), 240'000);
    EXPECT_EQ(c.audio.conformer.head_dim(), 64);
    EXPECT_EQ(c.audio.source.state, 12);
    EXPECT_TRUE(c.audio.source.projected);
    EXPECT_FALSE(c.text.source.projected);
    EXPECT_EQ(c.text.tower.hidden, 2048);
    EXPECT_EQ(c.text.encoder.most_tokens(), 512);
}

TEST(HeartClapConfig, TheOtherFoldersAreTheLastPartsOfTheNames) {
    const auto beside = heartclap::Companions::parse(engine::embedder_configs("mini").mulan, "config.json");
    EXPECT_EQ(beside.audio, "MuQ-large-msd-iter");
    EXPECT_EQ(beside.text, "xlm-roberta-base");
}

struct Case {
    const char* what;
    std::function<void(EmbedderConfigs&)> change;
    ErrorCode code;
};

TEST(HeartClapConfig, WhatIsNotImplementedOrMakesNoSenseIsRefused) {
    const std::vector<Case> cases{
        {"flash attention", [](auto& c) { c.audio["is_flash"] = true; }, ErrorCode::unsupported},
        {"other features", [](auto& c) { c.audio["features"] = {"chromagram"}; }, ErrorCode::unsupported},
        {"more features", [](auto& c) { c.audio["features"].push_back("chromagram"); }, ErrorCode::unsupported},
        {"relative positions", [](auto& c) { c.audio["w2v2_config"]["position_embeddings_type"] = "relative"; },
         ErrorCode::unsupported},
        {"another activation", [](auto& c) { c.audio["w2v2_config"]["hidden_act"] = "gelu"; }, ErrorCode::unsupported},
        {"an even kernel", [](auto& c) { c.audio["w2v2_config"]["conv_depthwise_kernel_size"] = 30; },
         ErrorCode::unsupported},
        {"heads that do not divide", [](auto& c) { c.audio["w2v2_config"]["num_attention_heads"] = 7; },
         ErrorCode::malformed},
        {"a deviation of 0", [](auto& c) { c.audio["stat"]["melspec_2048_std"] = 0; }, ErrorCode::limit},
        {"another text model", [](auto& c) { c.text["model_type"] = "bert"; }, ErrorCode::unsupported},
        {"a state that is not there", [](auto& c) { c.mulan["audio_model"]["use_layer_idx"] = 13; }, ErrorCode::limit},
        {"a wrong model_dim", [](auto& c) { c.mulan["audio_model"]["model_dim"] = 512; }, ErrorCode::mismatch},
        {"widths without a layer between", [](auto& c) { c.mulan["audio_model"]["model_dim"] = nullptr; },
         ErrorCode::mismatch},
        {"no latent", [](auto& c) { c.mulan["mulan"].erase("dim_latent"); }, ErrorCode::malformed},
    };
    for (const Case& c : cases) {
        EmbedderConfigs configs = engine::embedder_configs("full");
        c.change(configs);
        try {
            (void)configs.parse();
            ADD_FAILURE() << c.what;
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), c.code) << c.what << ": " << e.what();
        }
    }
}

TEST(HeartClapConfig, NamesThatLeadElsewhereAreRefused) {
    const auto code_of = [](const char* part, const char* name) {
        auto mulan = engine::embedder_configs("mini").mulan;
        mulan[part]["name"] = name;
        try {
            (void)heartclap::Companions::parse(mulan, "config.json");
        } catch (const Error& e) {
            return e.code();
        }
        return ErrorCode::internal;
    };
    EXPECT_EQ(code_of("audio_model", "OpenMuQ/.."), ErrorCode::malformed);
    EXPECT_EQ(code_of("audio_model", "facebook/wav2vec2"), ErrorCode::unsupported);
    EXPECT_EQ(code_of("text_model", "roberta-base"), ErrorCode::unsupported);
    EXPECT_EQ(code_of("text_model", ""), ErrorCode::malformed);
}

TEST(HeartClapConfig, AHeartClapIsAWiderLatent) {
    auto configs = engine::embedder_configs("mini");
    configs.mulan["mulan"]["dim_latent"] = 1024;
    EXPECT_EQ(configs.parse().latent_dim, 1024);
}

}  // namespace
}  // namespace heart::test
