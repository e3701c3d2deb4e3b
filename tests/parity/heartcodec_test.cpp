// Does the codec compute what the PyTorch reference computes?

#include "support/golden.h"
#include "support/tiny_models.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

namespace heart::test {
namespace {

using heartcodec::Codec;
using heartcodec::FlowSolver;
using heartcodec::ScalarDecoder;

const Golden& golden() {
    static const Golden g("manifest_codec.json", "codec.safetensors");
    return g;
}

const Codec& codec() {
    static const auto c = tiny_codec();
    return *c;
}

constexpr std::size_t kWindow = 744 * 256;

/// The first `frames` frames of window `w` of the noise bank.
std::vector<float> noise(std::size_t w, std::size_t frames = 744) {
    const auto bank = golden().floats("noise_bank");
    const auto first = bank.begin() + static_cast<std::ptrdiff_t>(w * kWindow);
    return {first, first + static_cast<std::ptrdiff_t>(frames * 256)};
}

/// codes[:, :frames] of the golden's 800.
std::vector<std::int32_t> codes(std::size_t frames) {
    const auto all = golden().integers("codes");
    std::vector<std::int32_t> out;
    for (std::size_t q = 0; q < 8; ++q) {
        out.insert(out.end(), all.begin() + static_cast<std::ptrdiff_t>(q * 800),
                   all.begin() + static_cast<std::ptrdiff_t>(q * 800 + frames));
    }
    return out;
}

FlowSolver make_solver(std::int64_t frames, float guidance) {
    return {codec().device(), codec().weights(), codec().config(), frames, {10, guidance, {.keep_named = true}}};
}

TEST(HeartCodecParity, QuantiserAndConditioning) {
    FlowSolver solver = make_solver(40, 1.25F);
    solver.condition(codes(40));
    golden().expect_close("rvq40", solver.condition_graph().read("rvq"));
    golden().expect_close("cond40", solver.condition_graph().read("cond"));
    golden().expect_close("mu40", solver.condition_graph().read("mu"));
}

TEST(HeartCodecParity, TimeSinusoid) {
    const auto t = golden().floats("est.t");
    std::vector<float> both;
    for (const float x : t) {
        const auto row = heartcodec::time_sinusoid(x);
        both.insert(both.end(), row.begin(), row.end());
    }
    golden().expect_close("est.t_sinusoid", both);
}

/// Runs the estimator alone on the golden's input at time t and hands its graph on.
void run_estimator(float t, const std::function<void(const graph::Graph&, const heartcodec::TimeTable&)>& look) {
    const auto& c = codec().config();
    const auto& w = codec().weights().estimator;
    const heartcodec::TimeTable table(codec().device(), w, c, std::array{t}, {.keep_named = true});
    graph::TensorStore in(codec().device());
    const graph::Tensor x = in.add("x", graph::Type::f32, {c.in_channels, 48, 2});
    const graph::Tensor positions = in.add("positions", graph::Type::i32, {96}),
                        step = in.add("step", graph::Type::i32, {1});
    const graph::Tensor padding = in.add("padding", graph::Type::f32, {heartcodec::widest_projection(c), 1, 2});
    in.allocate();
    upload(x, golden().floats("est.in"));
    std::vector<std::int32_t> p(96);
    for (std::size_t i = 0; i < p.size(); ++i) p[i] = static_cast<std::int32_t>(i % 48);
    upload(positions, p);
    graph::Graph g(codec().device(), {.keep_named = true});
    g.output(estimator(g, w, c, table, {positions, padding, step}, x));
    g.compile();
    g.run();
    look(g, table);
}

TEST(HeartCodecParity, EveryActivationOfTheEstimator) {
    run_estimator(golden().floats("est.t")[0], [](const graph::Graph& g, const heartcodec::TimeTable& table) {
        for (const char* node : {"t_emb", "t_mod", "t_emb_2", "t_mod_2"}) {
            const auto all = golden().floats(std::string("est.") + node);  // both rows have the same time
            golden().expect_close(std::string("est.") + node, std::span(all).first(all.size() / 2),
                                  table.graph().read(node));
        }
        for (const char* node : {"proj_in", "block0.attn", "block0", "block1", "block2", "norm_out", "connection_proj",
                                 "block2_0.attn", "block2_0", "block2_1", "norm_out_2", "out"}) {
            golden().expect_close(std::string("est.") + node, g.read(node));
        }
    });
}

TEST(HeartCodecParity, EstimatorAtTimeZero) {
    run_estimator(0.0F, [](const graph::Graph& g, const heartcodec::TimeTable&) {
        golden().expect_close("est.out_t0", g.read("out"));
    });
}

void check_euler(const std::string& name, float guidance, std::size_t context_frames) {
    FlowSolver solver = make_solver(40, guidance);
    solver.condition(codes(40));
    std::vector<float> context = noise(1, context_frames);
    for (float& x : context) x *= 0.7F;
    std::vector<float> steps;
    solver.after_step_for_tests = [&](int step) {
        if (step != 1 && step != 5 && step != 9) return;
        const auto x = solver.graph().read("x_in");
        steps.insert(steps.end(), x.begin(), x.end());
    };
    const auto out = solver.solve(noise(0, 80), context, {});
    golden().expect_close(name + ".steps", steps);
    golden().expect_close(name + ".out", out);
}

TEST(HeartCodecParity, EulerSolver) {
    check_euler("euler.cfg1.25", 1.25F, 0);
}

TEST(HeartCodecParity, EulerSolverInContext) {
    check_euler("euler.cfg1.25_ctx16", 1.25F, 16);
}

TEST(HeartCodecParity, EulerSolverWithoutGuidance) {
    check_euler("euler.cfg1.0_ctx16", 1.0F, 16);
}

/// [2][128][frames] -> [frames][256], as windows hold latents.
std::vector<float> as_latents(const std::vector<float>& sq, std::size_t frames) {
    std::vector<float> out(sq.size());
    for (std::size_t c = 0; c < 256; ++c) {
        for (std::size_t t = 0; t < frames; ++t) out[t * 256 + c] = sq[c * frames + t];
    }
    return out;
}

TEST(HeartCodecParity, RoundingToNinths) {
    const auto x = golden().floats("sq.latent");
    const auto expected = golden().floats("sq.quantized");
    std::size_t compared = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double ninths = 9.0 * x[i];
        if (std::abs(std::abs(ninths - std::floor(ninths)) - 0.5) < 1e-5) continue;  // as the manifest leaves out
        ++compared;
        ASSERT_NEAR(heartcodec::round_to_ninth(x[i]), expected[i], 1e-6) << i;
    }
    EXPECT_GT(compared, x.size() * 9 / 10);
    EXPECT_EQ(heartcodec::round_to_ninth(0.5F / 9.0F), 0.0F);  // ties to even
    EXPECT_EQ(heartcodec::round_to_ninth(1.5F / 9.0F), 2.0F / 9.0F);
}

TEST(HeartCodecParity, EveryStageOfTheScalarDecoder) {
    const auto latent = golden().floats("sq.latent");
    ScalarDecoder decoder(codec().device(), codec().weights().decoder, codec().config(), {.keep_named = true}, 40);
    decoder.start(as_latents(latent, 40));
    std::vector<float> out(static_cast<std::size_t>(2 * decoder.samples_per_tile()));
    decoder.decode_tile(out);
    for (int i = 0; i < 6; ++i) {
        const std::string name = fmt::format("sq.decoder{}", i);
        const auto shape = golden().shape(name);                              // [1][channels][time], the left channel
        const auto node = decoder.graph().read(fmt::format("decoder{}", i));  // [time][lane][channel]
        std::vector<float> ours;
        for (std::size_t c = 0; c < shape[1]; ++c) {
            for (std::size_t t = 0; t < shape[2]; ++t) ours.push_back(node[t * 2 * shape[1] + c]);
        }
        golden().expect_close(name, ours);
    }
    golden().expect_close("sq.wave", transposed(out, 3840, 2));
}

/// Decodes tile by tile, both channels [2][samples].
std::vector<float> decode_latents(const Codec& c, const std::vector<float>& latents, std::int64_t tile) {
    ScalarDecoder decoder(c.device(), c.weights().decoder, c.config(), {}, tile);
    decoder.start(latents);
    const auto samples =
        static_cast<std::size_t>(static_cast<std::int64_t>(latents.size() / 256) * c.config().samples_per_latent());
    std::vector<float> all, part(static_cast<std::size_t>(2 * decoder.samples_per_tile()));
    while (all.size() < 2 * samples) {
        decoder.decode_tile(part);
        all.insert(all.end(), part.begin(), part.end());
    }
    all.resize(2 * samples);
    return transposed(all, samples, 2);
}

TEST(HeartCodecParity, TilesJoinWithoutASeam) {
    const auto latents = as_latents(golden().floats("sq.latent"), 40);
    const auto whole = decode_latents(codec(), latents, 40);
    for (const std::int64_t tile : {1, 3, 16, 64}) {
        const auto tiled = decode_latents(codec(), latents, tile);
        golden().expect_close("sq.wave", tiled);
        EXPECT_GT(snr_db(whole, tiled), 110) << "tile of " << tile;
    }
}

TEST(HeartCodecParity, EverySignalStartsFromSilence) {
    const auto latents = as_latents(golden().floats("sq.latent"), 40);
    ScalarDecoder decoder(codec().device(), codec().weights().decoder, codec().config());
    const auto first_tile = [&] {
        std::vector<float> tile(static_cast<std::size_t>(2 * decoder.samples_per_tile()));
        decoder.start(latents);
        decoder.decode_tile(tile);
        return tile;
    };
    const auto fresh = first_tile();
    EXPECT_EQ(fresh, first_tile()) << "nothing of the signal before may be left";
}

/// Decodes codes with the golden noise: both channels [2][samples].
std::vector<float> detokenize(const Codec& c, const std::vector<std::int32_t>& code,
                              const heartcodec::DecodeOptions& options = {}) {
    std::vector<float> stereo;
    c.decode(
        code,
        [](std::int64_t w, std::span<float> out) {
            const auto n = noise(static_cast<std::size_t>(w));
            std::copy(n.begin(), n.end(), out.begin());
        },
        options, [&](std::span<const float> part) { stereo.insert(stereo.end(), part.begin(), part.end()); }, {});
    return transposed(stereo, stereo.size() / 2, 2);
}

TEST(HeartCodecParity, LatentsOfAWholeWindow) {
    for (const std::size_t frames : {1, 40, 200}) {
        FlowSolver solver = make_solver(372, 1.25F);
        const auto song = codes(frames);
        std::vector<std::int32_t> window;
        for (std::size_t q = 0; q < 8; ++q) {
            for (std::size_t i = 0; i < 372; ++i) window.push_back(song[q * frames + i % frames]);
        }
        solver.condition(window);
        const auto latents = solver.solve(noise(0), {}, {});
        const std::string name = fmt::format("detok_{}.latents", frames);
        const auto expected = golden().floats(name);
        golden().expect_close(name, expected, std::span(latents).first(expected.size()));
    }
}

TEST(HeartCodecParity, WaveformsOfSongsOfManyLengths) {
    const Golden waves("manifest_codec.json", "codec_wave.safetensors");
    for (const std::size_t frames : {1, 40, 93, 200, 400, 700}) {
        const auto expected = waves.floats(fmt::format("detok_{}.wave", frames));
        EXPECT_GE(snr_db(expected, detokenize(codec(), codes(frames))), 35) << frames << " frames";
    }
    const auto expected = waves.floats("detok_93_steps4_cfg1.wave");
    EXPECT_GE(snr_db(expected, detokenize(codec(), codes(93), {4, 1.0F})), 35) << "4 steps without guidance";
}

TEST(HeartCodecParity, PublishedFactorsAt48kHz) {
    const Golden g48("manifest_codec.json", "codec48k.safetensors");
    const auto c = tiny_codec("HeartCodec-oss-48k");
    g48.expect_close("sq.wave", decode_latents(*c, as_latents(g48.floats("sq.latent"), 12), 5));
    EXPECT_GE(snr_db(g48.floats("detok_25.wave"), detokenize(*c, g48.integers("codes"))), 35);
}

TEST(HeartCodecParity, CodesOutsideTheCodebookAreClamped) {
    auto inside = codes(20), outside = inside;
    inside[3] = 127, outside[3] = 132;
    inside[9] = 0, outside[9] = -7;
    EXPECT_EQ(detokenize(codec(), inside), detokenize(codec(), outside));
}

}  // namespace
}  // namespace heart::test
