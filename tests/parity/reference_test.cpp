// Does an embedding of reference audio enter the language model where and as it does in the PyTorch reference?

#include "engine/generator.h"
#include "models/heartmula/language_model.h"
#include "support/golden.h"
#include "support/tiny_models.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace heart::test {
namespace {

constexpr std::size_t kDim = 64, kVocabulary = 133;
constexpr int kFrames = 24;

const Golden& golden() {
    static const Golden g("manifest_clap.json", "clap.safetensors");
    return g;
}

const Golden& mula() {
    static const Golden g("manifest_mula.json", "mula.safetensors");
    return g;
}

const heartmula::LanguageModel& model() {
    static const auto m = tiny_language_model();
    return *m;
}

/// One run of the reference: prompt 0 with the latent of a sound, times a strength.
struct ReferenceRun {
    std::string name;
    float strength, cfg_scale;

    [[nodiscard]] std::vector<float> embedding() const {
        std::vector<float> out = golden().floats("a10.latent");
        for (float& x : out) x *= strength;
        return out;
    }
    [[nodiscard]] heartmula::Sampling sampling() const { return {.topk = 1, .temperature = 1.0F, .cfg_scale = cfg_scale}; }
    [[nodiscard]] std::size_t rows() const { return cfg_scale > 1 ? 2 : 1; }
};

const std::vector<ReferenceRun>& runs() {
    static const std::vector<ReferenceRun> all{{"mula.strength1.0", 1.0F, 1.5F},
                                               {"mula.strength1.0.cfg1.0", 1.0F, 1.0F},
                                               {"mula.strength0.5", 0.5F, 1.5F},
                                               {"mula.strength16.0", 16.0F, 1.5F}};
    return all;
}

/// Composes a run with the graph of each frame to look at.
std::vector<heartmula::Frame> compose_run(const ReferenceRun& run, int frames,
                                          const std::function<void(int, const graph::Graph&)>& look = {}) {
    const GoldenPrompt prompt = golden_prompt(mula(), 0);
    const std::vector<float> embedding = run.embedding();
    heartmula::PromptIds ids = prompt.ids();
    ids.reference = embedding;
    ComposeOptions options{.sampling = run.sampling(), .frames = frames, .batch = {.graph = {.keep_named = true}}};
    if (look) options.look = [&](int frame, const heartmula::SongBatch& batch) { look(frame, batch.graph()); };
    return compose(model(), ids, options);
}

TEST(ReferenceParity, TheProjectedEmbeddingStandsAtItsPosition) {
    const GoldenPrompt prompt = golden_prompt(mula(), 0);
    const auto length = static_cast<std::size_t>(prompt.ids().length());
    for (const ReferenceRun& run : runs()) {
        (void)compose_run(run, 1, [&](int, const graph::Graph& g) {
            const std::vector<float> in = g.read("backbone_in");  // [dim, length], with guidance one column more
            ASSERT_EQ(in.size(), kDim * (length + run.rows() - 1));
            std::vector<float> found;
            for (std::size_t row = 0; row < run.rows(); ++row) {
                const auto at = in.begin() + static_cast<std::ptrdiff_t>((row == 0 ? prompt.tags.size() : length) * kDim);
                found.insert(found.end(), at, at + kDim);
            }
            golden().expect_close(run.name + ".muq_row", found);
        });
    }
}

TEST(ReferenceParity, NothingElseOfThePromptChanges) {
    const GoldenPrompt prompt = golden_prompt(mula(), 0);
    const std::vector<float> embedding = runs()[3].embedding();
    heartmula::PromptIds with = prompt.ids();
    with.reference = embedding;
    const auto plain = model().embed_prompt(prompt.ids(), true), changed = model().embed_prompt(with, true);
    ASSERT_EQ(plain.size(), changed.size());
    for (std::size_t i = 0; i < plain.size(); ++i) {
        if (i / kDim == prompt.tags.size()) continue;  // row 0's reference position
        ASSERT_EQ(plain[i], changed[i]) << "position " << i / kDim;
    }
}

TEST(ReferenceParity, LastHiddenOfEveryFrame) {
    for (const ReferenceRun& run : runs()) {
        const std::string name = run.name + ".last_hidden";
        const std::size_t width = run.rows() * kDim;
        const std::vector<float> all = golden().floats(name);
        ASSERT_EQ(all.size(), kFrames * width);
        (void)compose_run(run, kFrames, [&](int frame, const graph::Graph& g) {
            golden().expect_close(name, std::span(all).subspan(static_cast<std::size_t>(frame) * width, width),
                                  g.read("last_hidden"));
        });
    }
}

TEST(ReferenceParity, LogitsOfTheFirstFrame) {
    for (const ReferenceRun& run : runs()) {
        const std::string name = run.name + ".logits_frame0";
        const std::size_t width = run.rows() * kVocabulary;
        const std::vector<float> all = golden().floats(name);
        ASSERT_EQ(all.size(), 8 * width);
        (void)compose_run(run, 1, [&](int, const graph::Graph& g) {
            for (std::size_t q = 0; q < 8; ++q) {
                golden().expect_close(name, std::span(all).subspan(q * width, width), g.read(fmt::format("logits{}", q)));
            }
        });
    }
}

TEST(ReferenceParity, GreedyCodesAreExact) {
    for (const ReferenceRun& run : runs()) {
        EXPECT_EQ(by_codebook(compose_run(run, kFrames)), golden().integers(run.name + ".greedy_frames")) << run.name;
    }
}

// All runs and a song without a reference share their frames.
TEST(ReferenceParity, GreedyCodesInOneBatchAreExact) {
    const GoldenPrompt prompt = golden_prompt(mula(), 0);
    std::vector<std::vector<float>> embeddings;
    for (const ReferenceRun& run : runs()) embeddings.push_back(run.embedding());
    heartmula::SongBatch batch(model(), {5, prompt.ids().length() + kFrames, true});
    std::vector<heartmula::SongBatch::Slot> slots;
    std::vector<std::vector<heartmula::Frame>> found(5);
    for (std::size_t i = 0; i < 5; ++i) {
        heartmula::PromptIds ids = prompt.ids();
        if (i < runs().size()) ids.reference = embeddings[i];
        const ReferenceRun& as = runs()[i % runs().size()];
        slots.push_back(batch.join({ids, as.sampling(), {}, {}}, {}));
        found[i].push_back(batch.latest(slots[i]));
    }
    for (int frame = 1; frame < kFrames; ++frame) {
        batch.step();
        for (std::size_t i = 0; i < slots.size(); ++i) found[i].push_back(batch.latest(slots[i]));
    }
    for (std::size_t i = 0; i < runs().size(); ++i) {
        EXPECT_EQ(by_codebook(found[i]), golden().integers(runs()[i].name + ".greedy_frames")) << runs()[i].name;
    }
    EXPECT_EQ(by_codebook(found[4]), mula().integers("cfg1.5.greedy_frames"));
}

TEST(ReferenceParity, AZeroEmbeddingIsNone) {
    const GoldenPrompt prompt = golden_prompt(mula(), 0);
    const std::vector<float> zeros(512);
    heartmula::PromptIds with = prompt.ids();
    with.reference = zeros;
    EXPECT_EQ(model().embed_prompt(with, true), model().embed_prompt(prompt.ids(), true));
}

// The largest numbers that `check_reference` lets in, in one direction and by turns, must not become NaN on their way.
TEST(ReferenceParity, TheLargestNumbersStayFinite) {
    const GoldenPrompt prompt = golden_prompt(mula(), 0);
    for (const float other : {1e6F, -1e6F}) {
        std::vector<float> largest(512, 1e6F);
        for (std::size_t i = 1; i < largest.size(); i += 2) largest[i] = other;
        EXPECT_NO_THROW(heartmula::check_reference(largest, 512));
        heartmula::PromptIds ids = prompt.ids();
        ids.reference = largest;
        ComposeOptions options{.frames = 2, .batch = {.graph = {.keep_named = true}}};
        options.look = [](int, const heartmula::SongBatch& batch) {
            for (const float x : batch.graph().read("last_hidden")) ASSERT_TRUE(std::isfinite(x));
        };
        (void)compose(model(), ids, options);
    }
}

TEST(ReferenceParity, TheEngineGivesTheseCodes) {
    engine::EngineOptions options;
    options.language_model_type = graph::Type::f32;
    options.threads = 1;
    engine::Generator generator(tiny(), options);
    engine::SongRequest request;
    request.lyrics =
        "[Verse]\nThe sun creeps in across the floor\nI hear the traffic outside the door\n\n[Chorus]\nEvery "
        "day the light returns\n";
    request.tags = "piano,happy,wedding,synthesizer,romantic";
    request.max_audio_length_ms = std::int64_t{kFrames - 1} * 80;
    request.topk = 1;
    request.reference.emplace();
    request.reference->embedding = golden().floats("a10.latent");
    for (const ReferenceRun& run : runs()) {
        request.reference->strength = static_cast<double>(run.strength);
        request.cfg_scale = static_cast<double>(run.cfg_scale);
        EXPECT_EQ(generator.compose(request, {}, {}).codes.values, golden().integers(run.name + ".greedy_frames"))
            << run.name;
    }
}

}  // namespace
}  // namespace heart::test
