// Does the language model compute what the PyTorch reference computes?

#include "models/heartmula/weights.h"
#include "support/device.h"
#include "support/golden.h"
#include "support/tiny_models.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace heart::test {
namespace {

const Golden& golden() {
    static const Golden g("manifest_mula.json", "mula.safetensors");
    return g;
}

const heartmula::LanguageModel& model() {
    static const auto m = tiny_language_model();
    return *m;
}

heartmula::Sampling greedy(float cfg_scale) {
    return {.topk = 1, .temperature = 1.0F, .cfg_scale = cfg_scale};
}

/// Elements [first, first + count) of a golden tensor.
std::span<const float> part(const std::vector<float>& all, std::size_t first, std::size_t count) {
    return std::span(all).subspan(first, count);
}

/// A node of the prompt's pass as the reference has it, [dim, length * rows]: with guidance, the last column stands for all
/// positions of the unconditional row.
std::vector<float> read_prompt_node(const graph::Graph& g, const std::string& name, std::size_t dim, std::size_t rows) {
    std::vector<float> out = g.read(name);
    if (rows == 1) return out;
    const std::vector<float> column(out.end() - static_cast<std::ptrdiff_t>(dim), out.end());
    const std::size_t length = out.size() / dim - 1;
    for (std::size_t i = 1; i < length; ++i) out.insert(out.end(), column.begin(), column.end());
    return out;
}

/// All named activations of the first frames of prompt 0, for one guidance scale.
void check_activations(float cfg_scale, const std::string& name) {
    const GoldenPrompt prompt = golden_prompt(golden(), 0);
    const std::size_t rows = heartmula::is_guided(cfg_scale) ? 2 : 1, dim = 64, vocabulary = 133;
    const auto hidden = golden().floats(name + ".last_hidden");
    const auto logits = golden().floats(name + ".logits");
    ComposeOptions options{.sampling = greedy(cfg_scale), .frames = 24, .batch = {.graph = {.keep_named = true}}};
    options.look = [&](int frame, const heartmula::SongBatch& batch) {
        const graph::Graph& g = batch.graph();
        const auto f = static_cast<std::size_t>(frame);
        if (frame < 2) {
            const std::string at = name + (frame == 0 ? ".prefill." : ".frame1.");
            const auto read = [&](const std::string& node) {
                return frame == 0 ? read_prompt_node(g, node, dim, rows) : g.read(node);
            };
            golden().expect_close(at + "backbone_in", read("backbone_in"));
            for (int i = 0; i < 3; ++i)
                golden().expect_close(fmt::format("{}layer{}", at, i), read(fmt::format("layer{}", i)));
            if (frame == 0) golden().expect_close(at + "backbone_out", read("backbone_out"));
        }
        for (int step = 0; frame == 0 && step < 7; ++step) {
            for (const char* node : {"in", "layer0", "layer1", "out"}) {
                const std::string tensor = fmt::format("{}.frame0.depth_step{}.{}", name, step, node);
                if (!golden().has(tensor)) continue;  // inside of the first two and the last step only
                golden().expect_close(tensor, g.read(fmt::format("depth_step{}.{}", step, node)));
            }
        }
        golden().expect_close(name + ".last_hidden", part(hidden, f * rows * dim, rows * dim), g.read("last_hidden"));
        for (std::size_t q = 0; q < 8; ++q) {
            const std::size_t width = rows * vocabulary;
            golden().expect_close(name + ".logits", part(logits, (f * 8 + q) * width, width),
                                  g.read(fmt::format("logits{}", q)));
        }
        if (rows == 2) {
            const auto guided = golden().floats(name + ".guided_logits");
            for (std::size_t q = 0; q < 8; ++q) {
                golden().expect_close(name + ".guided_logits", part(guided, (f * 8 + q) * vocabulary, vocabulary),
                                      g.read(fmt::format("guided_logits{}", q)));
            }
        }
    };
    EXPECT_EQ(by_codebook(compose(model(), prompt.ids(), options)), golden().integers(name + ".greedy_frames"));
}

TEST(HeartMuLaParity, EveryActivationWithGuidance) {
    check_activations(1.5F, "cfg1.5");
}

TEST(HeartMuLaParity, EveryActivationWithoutGuidance) {
    check_activations(1.0F, "cfg1.0");
}

TEST(HeartMuLaParity, GreedyCodesStayExactOverManyFrames) {
    const auto frames = compose(model(), golden_prompt(golden(), 0).ids(), {.sampling = greedy(1.5F), .frames = 120});
    EXPECT_EQ(by_codebook(frames), golden().integers("long.greedy_frames"));
}

TEST(HeartMuLaParity, CodesDoNotDependOnHowTheWorkIsCut) {
    const GoldenPrompt prompt = golden_prompt(golden(), 0);  // 61 positions
    const auto expected = by_codebook(compose(model(), prompt.ids(), {.frames = 300}));
    const std::vector<std::int32_t> first(expected.begin(), expected.begin() + 24);
    const auto reference = golden().integers("long.greedy_frames");
    EXPECT_EQ(first, std::vector<std::int32_t>(reference.begin(), reference.begin() + 24));
    for (const std::int64_t piece : {7, 60, 61}) {  // with a last piece of several, one and all positions
        for (const std::int64_t step : {32, 1024}) {
            ComposeOptions options{.frames = 300};
            options.batch = {.length_step = step, .prompt_piece = piece};
            EXPECT_EQ(by_codebook(compose(model(), prompt.ids(), options)), expected) << piece << ", " << step;
        }
    }
}

TEST(HeartMuLaParity, SongEndsBeforeAnEndToken) {
    const auto frames = compose(model(), golden_prompt(golden(), 3).ids(), {.frames = 24, .audio_eos = 125});
    EXPECT_EQ(by_codebook(frames), golden().integers("eos.greedy_frames"));
}

TEST(HeartMuLaParity, FirstFrameIsKeptEvenWithAnEndToken) {
    const auto frames = compose(model(), golden_prompt(golden(), 0).ids(), {.frames = 1, .audio_eos = 124});
    EXPECT_EQ(by_codebook(frames), golden().integers("eos_frame0.greedy_frames"));
}

/// Gumbel noise that does what the reference's q ~ Exp(1) does.
std::vector<float> gumbel_of(std::vector<float> q) {
    for (float& x : q) x = -std::log(x);
    return q;
}

void check_sampling(const std::string& name, int prompt, heartmula::Sampling sampling) {
    const auto expected = golden().integers(name + ".frames");
    ComposeOptions options{.sampling = sampling, .frames = static_cast<int>(expected.size() / 8)};
    options.noise = gumbel_of(golden().floats(name + ".q"));
    EXPECT_EQ(by_codebook(compose(model(), golden_prompt(golden(), prompt).ids(), options)), expected) << name;
}

TEST(HeartMuLaParity, SampledCodesWithGivenNoise) {
    check_sampling("sample.cfg1.5_k50_t1.0", 0, {.topk = 50, .temperature = 1.0F, .cfg_scale = 1.5F});
    check_sampling("sample.cfg1.0_k50_t1.0", 1, {.topk = 50, .temperature = 1.0F, .cfg_scale = 1.0F});
    check_sampling("sample.cfg3.0_k5_t0.7", 1, {.topk = 5, .temperature = 0.7F, .cfg_scale = 3.0F});
}

TEST(HeartMuLaParity, GuidanceBelowOneIsNone) {
    check_sampling("sample.cfg0.5_k50_t1.0", 2, {.topk = 50, .temperature = 1.0F, .cfg_scale = 0.5F});
}

TEST(HeartMuLaParity, SamplerAloneKeepsTies) {
    const auto logits = golden().floats("sampler.logits"), params = golden().floats("sampler.params");
    const auto noise = gumbel_of(golden().floats("sampler.q"));
    const auto tokens = golden().integers("sampler.tokens");
    const auto device = graph::Device::open(test_device(), 1);
    for (std::size_t row = 0; row < tokens.size(); ++row) {
        graph::TensorStore in(device);
        const graph::Tensor x = in.add("logits", graph::Type::f32, {200}), n = in.add("noise", graph::Type::f32, {200});
        const graph::Tensor inverse = in.add("inverse_temperature", graph::Type::f32, {1});
        in.allocate();
        upload(inverse, std::array{1.0F / params[2 * row + 1]});
        upload(x, std::span(logits).subspan(row * 200, 200));
        upload(n, std::span(noise).subspan(row * 200, 200));
        graph::Graph g(device);
        const graph::Tensor token = heartmula::draw(g, x, n, inverse, static_cast<int>(params[2 * row]));
        g.output(token);
        g.compile();
        g.run();
        std::int32_t id = -1;
        download(token, std::span(&id, 1));
        EXPECT_EQ(id, tokens[row]) << "row " << row;
    }
}

TEST(HeartMuLaParity, Bfloat16FilesComputedInF32) {
    const Golden bf16("manifest_mula.json", "mula_bf16.safetensors");
    const auto m = tiny_language_model("HeartMuLa-oss-3B-bf16");
    const auto logits = bf16.floats("fp32.logits");
    ComposeOptions options{.sampling = greedy(1.5F), .frames = 12, .batch = {.graph = {.keep_named = true}}};
    options.look = [&](int frame, const heartmula::SongBatch& batch) {
        for (std::size_t q = 0; frame < 4 && q < 8; ++q) {
            const std::size_t width = 2 * 133;
            bf16.expect_close("fp32.logits", part(logits, (static_cast<std::size_t>(frame) * 8 + q) * width, width),
                              batch.graph().read(fmt::format("logits{}", q)));
        }
    };
    EXPECT_EQ(by_codebook(compose(*m, golden_prompt(golden(), 0).ids(), options)), bf16.integers("fp32.greedy_frames"));
}

TEST(HeartMuLaParity, Bfloat16ArithmeticIsAsCloseAsTheReferences) {
    const Golden bf16("manifest_mula.json", "mula_bf16.safetensors");
    const auto m = tiny_language_model("HeartMuLa-oss-3B-bf16", 1, graph::Type::bf16);
    const auto exact = bf16.floats("fp32.logits");  // frame 0, codebook 0 stands first
    const double reference_error = golden().manifest().at("notes_margins").at("bf16_vs_fp32_rel_err_c0_logits");
    std::vector<float> logits;
    ComposeOptions options{.frames = 1, .batch = {.graph = {.keep_named = true}}};
    options.look = [&](int, const heartmula::SongBatch& batch) { logits = batch.graph().read("logits0"); };
    (void)compose(*m, golden_prompt(golden(), 0).ids(), options);
    const double error = std::pow(10, -snr_db(std::span(exact).first(logits.size()), logits) / 20);
    EXPECT_LT(error, 2 * reference_error);
    EXPECT_GT(error, 0) << "bf16 must not silently be f32";
}

void check_rope(const std::string& name, std::int64_t head_dim) {
    const auto theta = golden().floats("rope." + name + ".theta");
    const auto factors = heartmula::rope_factors(head_dim, 500000.0F, 32.0F);
    std::vector<float> ours;
    for (std::size_t i = 0; i < factors.size(); ++i) {
        ours.push_back(static_cast<float>(std::pow(500000.0, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim)) /
                                          factors[i]));
    }
    golden().expect_close("rope." + name + ".theta", ours);
}

TEST(HeartMuLaParity, RopeFrequencies) {
    check_rope("hd128", 128);
    check_rope("hd384", 384);
    check_rope("tiny_backbone", 16);
    check_rope("tiny_decoder", 16);
}

/// Turning the unit vector (1, 0) of every pair gives the cosine and sine that the reference tabulates.
void check_rope_table(const std::string& name, std::int64_t head_dim) {
    const auto positions = golden().integers("rope." + name + ".positions");
    const auto count = static_cast<std::int64_t>(positions.size());
    const auto device = graph::Device::open(test_device(), 1);
    graph::TensorStore in(device);
    const graph::Tensor x = in.add("x", graph::Type::f32, {head_dim, 1, count});
    const graph::Tensor p = in.add("p", graph::Type::i32, {count}), f = in.add("f", graph::Type::f32, {head_dim / 2});
    in.allocate();
    std::vector<float> units(static_cast<std::size_t>(head_dim * count));
    for (std::size_t i = 0; i < units.size(); i += 2) units[i] = 1.0F;
    upload(x, units);
    upload(p, positions);
    upload(f, heartmula::rope_factors(head_dim, 500000.0F, 32.0F));
    graph::Graph g(device);
    g.output(g.named(g.rotary(x, p, f, 500000.0F), "turned"));
    g.compile();
    g.run();
    golden().expect_close("rope." + name + ".cache", g.read("turned"));
}

TEST(HeartMuLaParity, RopeTablesAtPublishedHeadSizes) {
    check_rope_table("hd128", 128);
    check_rope_table("hd384", 384);
}

}  // namespace
}  // namespace heart::test
