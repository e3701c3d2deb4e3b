// Are songs of every length cut, filled and joined as the reference does?

#include "models/heartcodec/windows.h"
#include "support/golden.h"

#include <gtest/gtest.h>

#include <set>

namespace heart::test {
namespace {

using heartcodec::Stitcher;
using heartcodec::WindowPlan;

formats::Json plan_cases() {
    const auto file = formats::Bytes::map_file(data_path("golden/detokenize_plan.json"));
    return formats::parse_json(file.text(), "detokenize_plan.json").at("cases");
}

/// Lengths at which the reference drops the tail.
bool loses_its_tail(std::int64_t frames) {
    return frames >= 424 && (frames - 104) % 320 == 0;
}

TEST(Windows, AreThoseOfTheReference) {
    int compared = 0;
    for (const auto& c : plan_cases()) {
        const std::int64_t frames = c.at("frames");
        const WindowPlan plan = WindowPlan::of(frames);
        const auto& windows = c.at("windows");
        if (!loses_its_tail(frames)) {
            ASSERT_EQ(plan.windows, static_cast<std::int64_t>(windows.size())) << frames << " frames";
        }
        for (std::size_t w = 0; w < windows.size(); ++w) {
            const auto window = static_cast<std::int64_t>(w);
            EXPECT_EQ(WindowPlan::context(window), windows[w].at("incontext_latents").get<std::int64_t>()) << frames;
            std::int64_t at = 0;
            for (const auto& run : windows[w].at("source_runs")) {
                const std::int64_t first = run.at(0), count = run.at(1);
                for (std::int64_t i = 0; i < count; ++i) {
                    ASSERT_EQ(plan.source(window, at++), first + i) << frames << " frames, window " << w;
                }
            }
            EXPECT_EQ(at, WindowPlan::kWindowCodes);
        }
        ++compared;
    }
    EXPECT_GE(compared, 30);
}

/// The length that a song comes out with when every window is full of ones.
std::int64_t length_out(std::int64_t frames, std::vector<float>* all = nullptr) {
    constexpr std::int64_t kSamplesPerCode = 192;
    const WindowPlan plan = WindowPlan::of(frames);
    std::int64_t samples = 0;
    Stitcher stitcher(plan.first, kSamplesPerCode, [&](std::span<const float> stereo) {
        samples += static_cast<std::int64_t>(stereo.size() / 2);
        if (all != nullptr) all->insert(all->end(), stereo.begin(), stereo.end());
    });
    for (std::int64_t w = 0; w < plan.windows; ++w) {
        const std::int64_t heard = plan.heard_latents(w) * kSamplesPerCode / 2;
        const std::vector<float> ones(static_cast<std::size_t>(2 * heard), 1.0F);
        for (std::size_t at = 0; at < ones.size(); at += 2000) {  // in pieces, as tiles arrive
            stitcher.push(std::span(ones).subspan(at, std::min<std::size_t>(2000, ones.size() - at)));
        }
        stitcher.end_window();
    }
    stitcher.finish();
    return samples;
}

TEST(Windows, SongsHaveTheReferencesLength) {
    for (const auto& c : plan_cases()) {
        const std::int64_t frames = c.at("frames");
        if (!loses_its_tail(frames)) {
            EXPECT_EQ(length_out(frames), c.at("output_samples").get<std::int64_t>()) << frames << " frames";
        }
    }
}

TEST(Windows, KeepTheTailThatTheReferenceLoses) {
    for (const std::int64_t frames : {424, 744, 1064, 1384}) EXPECT_EQ(length_out(frames), frames * 192) << frames;
}

TEST(Windows, JoinWithoutALevelStep) {
    std::vector<float> all;
    length_out(1000, &all);
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_NEAR(all[i], 1.0F, 1e-6) << i;  // fades add up to one
}

TEST(Windows, FadeLinearlyFromOneIntoTheNext) {
    constexpr std::int64_t kSamplesPerCode = 10, kOverlap = WindowPlan::kOverlapCodes * kSamplesPerCode;
    const WindowPlan plan = WindowPlan::of(500);
    std::vector<float> all;
    Stitcher stitcher(plan.first, kSamplesPerCode,
                      [&](std::span<const float> s) { all.insert(all.end(), s.begin(), s.end()); });
    for (std::int64_t w = 0; w < plan.windows; ++w) {  // silence, then a constant: left 1, right -2
        std::vector<float> window(static_cast<std::size_t>(2 * plan.heard_latents(w) * kSamplesPerCode / 2), 0.0F);
        for (std::size_t i = 0; w == 1 && i < window.size(); i += 2) window[i] = 1.0F, window[i + 1] = -2.0F;
        stitcher.push(window);
        stitcher.end_window();
    }
    stitcher.finish();
    const auto seam = static_cast<std::size_t>(2 * WindowPlan::kHopCodes * kSamplesPerCode);
    ASSERT_EQ(all.size(), 2U * 500 * kSamplesPerCode);
    EXPECT_EQ(all[seam - 2], 0.0F);
    for (std::int64_t i = 0; i < kOverlap; ++i) {
        const double in = static_cast<double>(i) / static_cast<double>(kOverlap - 1);
        ASSERT_NEAR(all[seam + 2 * static_cast<std::size_t>(i)], in, 1e-6) << i;
        ASSERT_NEAR(all[seam + 2 * static_cast<std::size_t>(i) + 1], -2 * in, 1e-6) << i;
    }
    EXPECT_EQ(all.back(), -2.0F);
}

TEST(Windows, NoFrameIsEverLeftOut) {
    for (const std::int64_t first : {53, 62, 93, 371, 372}) {
        for (std::int64_t frames = 1; frames <= 2000; ++frames) {
            const WindowPlan plan = WindowPlan::of(frames, first);
            const std::int64_t last = WindowPlan::begin(plan.windows - 1, first);
            ASSERT_LT(last, frames) << "an empty window";
            ASSERT_LE(frames, WindowPlan::end(plan.windows - 1, first)) << "a tail without a window";
            if (plan.windows > 1) {
                ASSERT_GT(frames - last, WindowPlan::kOverlapCodes) << "a window that brings nothing new";
            }
        }
    }
}

// A stream decodes a window when the codes before its end exist: what the window holds must not depend on later ones.
TEST(Windows, AreTheSameWhateverTheSongGoesOnTo) {
    for (const std::int64_t first : {53, 93, 372}) {
        for (std::int64_t window = 0; window < 4; ++window) {
            const std::int64_t end = WindowPlan::end(window, first);
            const WindowPlan shortest = WindowPlan::of(end, first);
            EXPECT_EQ(shortest.windows, window + 1);
            for (const std::int64_t frames : {end + 1, end + 51, end + 320, end + 5000}) {
                const WindowPlan plan = WindowPlan::of(frames, first);
                EXPECT_GT(plan.windows, window + 1);
                EXPECT_EQ(plan.heard_latents(window), shortest.heard_latents(window));
                for (std::int64_t i = 0; i < WindowPlan::kWindowCodes; ++i) {
                    ASSERT_EQ(plan.source(window, i), shortest.source(window, i)) << frames << " " << window << " " << i;
                }
            }
        }
    }
}

}  // namespace
}  // namespace heart::test
