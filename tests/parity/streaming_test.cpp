// Is a song that is heard while it is made the one that generate() makes? Named for the run with the thread sanitizer.

#include "engine/generator.h"
#include "support/golden.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <thread>
#include <vector>

namespace heart::test {
namespace {

engine::Generator make_generator(int threads, bool lazy = false) {
    engine::EngineOptions options;
    options.language_model_type = graph::Type::f32;
    options.threads = threads;
    options.lazy_load = lazy;
    return {tiny(), options};
}

engine::SongRequest request(std::int64_t frames) {
    engine::SongRequest r;
    r.lyrics = "[Verse]\nla la la\n";
    r.tags = "piano,happy";
    r.max_audio_length_ms = (frames - 1) * 80;
    r.seed = 7;
    r.codec_steps = 1;
    r.codec_guidance = 1.0;
    return r;
}

/// Collects what is handed on, and checks that it comes in order.
struct Heard {
    std::vector<std::vector<float>> channels{2};
    std::atomic<int> blocks{0};

    engine::AudioBlockSink sink() {
        return [this](const engine::AudioBlock& block) {
            EXPECT_EQ(block.position, static_cast<std::int64_t>(channels[0].size()));
            EXPECT_EQ(block.sample_rate, 2400U);
            for (std::size_t i = 0; i < block.stereo.size(); ++i) channels[i % 2].push_back(block.stereo[i]);
            ++blocks;
        };
    }
};

/// Waits for what another thread does; false when it takes more than a minute.
template <typename Holds>
bool wait_for(const Holds& holds) {
    for (int i = 0; i < 60'000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return holds();
}

/// Makes a song and expects this error.
void expect_error(ErrorCode code, engine::Generator& generator, const engine::SongRequest& r,
                  const engine::AudioBlockSink& sink, const ProgressFn& progress, const CancelToken& cancel) {
    try {
        (void)generator.stream(r, sink, progress, cancel);
        FAIL() << "no error";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), code) << e.what();
    }
}

TEST(StreamingOnThreads, GivesTheSongThatGenerateGives) {
    for (const std::int64_t first_window_ms : {engine::kWindowMs, std::int64_t{7440}}) {
        auto r = request(400);
        r.first_window_ms = first_window_ms;
        const auto offline = make_generator(1).generate(r, {}, {});
        for (const int threads : {1, 2}) {
            auto generator = make_generator(threads);
            Heard heard;
            const auto streamed = generator.stream(r, heard.sink(), {}, {});
            EXPECT_EQ(streamed.composition.codes.values, offline.composition.codes.values);
            EXPECT_TRUE(heard.channels == offline.audio.channels) << threads << " threads, " << first_window_ms << " ms";
            EXPECT_EQ(streamed.samples, static_cast<std::int64_t>(offline.audio.frames()));
            EXPECT_EQ(streamed.sample_rate, offline.audio.sample_rate);
        }
    }
}

TEST(StreamingOnThreads, OneGeneratorStreamsSongAfterSong) {
    auto generator = make_generator(2);
    const auto r = request(20);
    const auto offline = generator.generate(r, {}, {});
    for (int i = 0; i < 3; ++i) {
        Heard heard;
        (void)generator.stream(r, heard.sink(), {}, {});
        EXPECT_TRUE(heard.channels == offline.audio.channels) << i;
    }
}

// Composing waits at frame 400 until there is sound.
TEST(StreamingOnThreads, FirstAudioComesWhileTheSongIsComposed) {
    auto generator = make_generator(1);
    Heard heard;
    const auto wait_at_400 = [&](const Progress& p) {
        if (p.phase == Phase::frames && p.done == 371) {
            EXPECT_EQ(heard.blocks, 0) << "a window has 372 codes";
        }
        if (p.phase == Phase::frames && p.done == 400) {
            EXPECT_TRUE(wait_for([&] { return heard.blocks > 0; }));
        }
    };
    const auto song = generator.stream(request(450), heard.sink(), wait_at_400, {});
    EXPECT_GT(song.first_audio_seconds, 0);
    EXPECT_LT(song.first_audio_seconds, song.seconds);
}

TEST(StreamingOnThreads, AShorterFirstWindowIsHeardEarlier) {
    auto generator = make_generator(1);
    auto r = request(150);
    r.first_window_ms = 5000;
    Heard heard;
    bool in_time = false;
    const auto wait_at_62 = [&](const Progress& p) {
        if (p.phase == Phase::frames && p.done == 62) in_time = wait_for([&] { return heard.blocks > 0; });
    };
    (void)generator.stream(r, heard.sink(), wait_at_62, {});
    EXPECT_TRUE(in_time);
}

TEST(StreamingOnThreads, LazyLoadingRendersBehindTheLastFrame) {
    const auto r = request(400);
    const auto offline = make_generator(1).generate(r, {}, {});
    auto generator = make_generator(1, true);
    Heard heard;
    const auto nothing_yet = [&](const Progress& p) {
        if (p.phase == Phase::frames) {
            EXPECT_EQ(heard.blocks, 0);
        }
    };
    const auto streamed = generator.stream(r, heard.sink(), nothing_yet, {});
    EXPECT_EQ(streamed.composition.codes.values, offline.composition.codes.values);
    EXPECT_TRUE(heard.channels == offline.audio.channels);
}

TEST(StreamingOnThreads, ProgressComesOnTheCallingThreadAndOnlyGrows) {
    auto generator = make_generator(1);
    Heard heard;
    std::map<Phase, double> share;
    double rendered = 0;
    const auto caller = std::this_thread::get_id();
    const auto look = [&](const Progress& p) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        EXPECT_GE(p.done / p.total, share[p.phase]) << phase_name(p.phase);
        share[p.phase] = p.done / p.total;
        if (p.phase == Phase::frames && p.done == 400) (void)wait_for([&] { return heard.blocks > 0; });
        if (p.phase != Phase::frames) return;
        EXPECT_GE(p.rendered_seconds, rendered);
        rendered = p.rendered_seconds;
    };
    (void)generator.stream(request(450), heard.sink(), look, {});
    EXPECT_EQ(share[Phase::frames], 1);
    EXPECT_EQ(share[Phase::decode], 1);
}

TEST(StreamingOnThreads, ErrorOfTheListenerStopsComposingToo) {
    auto generator = make_generator(1);
    std::atomic<bool> called{false};
    double frames = 0;
    const auto fail = [&](const engine::AudioBlock&) {
        called = true;
        throw Error(ErrorCode::io, "the listener went away");
    };
    const auto slow_down = [&](const Progress& p) {
        if (p.phase != Phase::frames) return;
        frames = p.done;
        if (p.done == 400) {
            EXPECT_TRUE(wait_for([&] { return called.load(); }));
        }
        if (p.done > 400) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    };
    expect_error(ErrorCode::io, generator, request(800), fail, slow_down, {});
    EXPECT_LT(frames, 800);
    Heard heard;  // and nothing is broken
    EXPECT_EQ(generator.stream(request(5), heard.sink(), {}, {}).samples, 5 * 192);
}

TEST(StreamingOnThreads, CancelWhileComposingStopsBoth) {
    auto generator = make_generator(1);
    CancelToken token;
    Heard heard;
    double frames = 0;
    const auto stop_at_400 = [&](const Progress& p) {
        if (p.phase == Phase::frames) frames = p.done;
        if (p.phase == Phase::frames && p.done == 400) token.cancel();
    };
    expect_error(ErrorCode::cancelled, generator, request(700), heard.sink(), stop_at_400, token);
    EXPECT_EQ(frames, 400);
}

TEST(StreamingOnThreads, CancelWhileTheRestIsRenderedStopsWithinAStep) {
    auto generator = make_generator(1);
    CancelToken token;
    int blocks = 0;
    const auto stop = [&](const engine::AudioBlock&) {
        ++blocks;
        token.cancel();
    };
    expect_error(ErrorCode::cancelled, generator, request(60), stop, {}, token);
    EXPECT_EQ(blocks, 1);
}

TEST(StreamingOnThreads, AnErrorOfComposingEndsTheStream) {
    auto generator = make_generator(1);
    auto r = request(10);
    r.lyrics = std::string(200'000, 'q');
    Heard heard;
    expect_error(ErrorCode::limit, generator, r, heard.sink(), {}, {});
    const auto give_up = [](const Progress& p) {
        if (p.phase == Phase::frames && p.done == 390) throw Error(ErrorCode::internal, "in the middle");
    };
    expect_error(ErrorCode::internal, generator, request(600), heard.sink(), give_up, {});
}

}  // namespace
}  // namespace heart::test
