// Does what a job carries as its reference reach the engine whole, and come out in the song's recipe?

#include "core/error.h"
#include "core/philox.h"
#include "engine/embedder.h"
#include "server/jobs/engine_song_maker.h"
#include "server/jobs/job_reference.h"
#include "support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace server;

engine::Reference reference(std::uint64_t seed = 1) {
    engine::Reference out;
    std::vector<float> values(512);
    fill_normal({.seed = seed, .purpose = Draw::weight}, values);
    out.embedding = engine::normalised(std::move(values));
    out.strength = 12.3;
    out.source = "river.flac";
    out.start = 0.1;
    out.seconds = 9.9;
    out.model = "MuQ-MuLan";
    out.licence = "CC-BY-NC-4.0";
    return out;
}

void expect_same(const std::optional<engine::Reference>& read, const engine::Reference& given) {
    ASSERT_TRUE(read);
    EXPECT_EQ(read->embedding, given.embedding);
    EXPECT_EQ(read->strength, given.strength);
    EXPECT_EQ(read->source, given.source);
    EXPECT_EQ(read->start, given.start);
    EXPECT_EQ(read->seconds, given.seconds);
    EXPECT_EQ(read->model, given.model);
    EXPECT_EQ(read->licence, given.licence);
}

class JobReference : public ::testing::Test {
protected:
    JobReference() {
        std::string pattern = (fs::temp_directory_path() / "heart-reference-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder = pattern;
    }
    ~JobReference() override { fs::remove_all(folder); }

    static database::Job job(const std::string& carried) {
        database::Job out;
        out.settings.lyrics = "[Verse]\nla la la\n";
        out.settings.tags = "piano,happy";
        out.settings.max_audio_length_ms = 19 * 80;
        out.settings.seed = 7;
        out.reference = carried;
        return out;
    }
    /// The codes in a journal.
    [[nodiscard]] std::string codes(const std::string& name) const {
        std::ifstream in(folder / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    jobs::MadeSong make(const std::string& carried, const std::string& journal) {
        return maker.make(job(carried), folder / journal, {}, {});
    }

    fs::path folder;
    jobs::EngineSongMaker maker{tiny(),
                                [] {
                                    engine::EngineOptions o;
                                    o.language_model_type = graph::Type::f32;
                                    o.threads = 1;
                                    return o;
                                }(),
                                "tiny"};
};

TEST_F(JobReference, IsReadAsItWasWritten) {
    expect_same(jobs::reference_in(jobs::reference_json(reference())), reference());
    auto extreme = reference();
    extreme.embedding = {std::numeric_limits<float>::denorm_min(), -0.1F, std::numeric_limits<float>::max()};
    extreme.strength = 0.1 + 0.2;
    expect_same(jobs::reference_in(jobs::reference_json(extreme)), extreme);
    EXPECT_FALSE(jobs::reference_in(""));
    EXPECT_FALSE(jobs::reference_in(R"({"seed":"42","frames":7})"));
}

TEST_F(JobReference, WhatIsDamagedIsRefused) {
    std::string damaged = jobs::reference_json(reference());
    damaged[damaged.find("reference_embedding\":\"") + 25] ^= 1;
    for (const std::string& text : {damaged, std::string("{"), std::string(R"({"reference_embedding":"!"})")}) {
        try {
            (void)jobs::reference_in(text);
            ADD_FAILURE() << text;
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::malformed) << text;
        }
    }
}

TEST_F(JobReference, TheSongTakesAfterItAndItsRecipeHasIt) {
    const auto with = make(jobs::reference_json(reference()), "with"), without = make("", "without");
    EXPECT_NE(codes("with").substr(codes("with").size() / 2), codes("without").substr(codes("without").size() / 2));
    nlohmann::json recipe;
    for (const auto& [name, value] : with.recipe) recipe[name] = value;
    expect_same(jobs::reference_in(recipe.dump()), reference());
    EXPECT_TRUE(make(recipe.dump(), "again").recipe == with.recipe);
    EXPECT_EQ(codes("again"), codes("with")) << "made again by its recipe";
}

TEST_F(JobReference, ASongThatWasInterruptedGoesOnAlike) {
    const std::string carried = jobs::reference_json(reference());
    (void)make(carried, "whole");
    CancelToken cancel;
    jobs::MakeHooks hooks;
    hooks.progress = [&](const Progress& p) {
        if (p.phase == Phase::frames && p.done >= 8) cancel.cancel();
    };
    EXPECT_THROW((void)maker.make(job(carried), folder / "broken", hooks, cancel), Error);
    EXPECT_LT(codes("broken").size(), codes("whole").size());
    std::vector<double> drawn;
    hooks.progress = [&](const Progress& p) {
        if (p.phase == Phase::frames) drawn.push_back(p.done);
    };
    (void)maker.make(job(carried), folder / "broken", hooks, {});
    EXPECT_EQ(codes("broken"), codes("whole"));
    ASSERT_FALSE(drawn.empty());
    EXPECT_GE(drawn.front(), 8);
}

}  // namespace
}  // namespace heart::test
