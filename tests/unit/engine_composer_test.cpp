// Are songs composed together, one by one told, cancelled and resumed, and each the song that it is alone?

#include "engine/composer.h"

#include "engine/generator.h"
#include "support/golden.h"
#include "support/tiny_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using namespace engine;
using heartmula::Frame;

EngineOptions options() {
    EngineOptions o;
    o.language_model_type = graph::Type::f32;
    o.threads = 1;
    return o;
}

SongRequest request(std::int64_t frames, std::uint64_t seed, std::uint32_t take = 0) {
    SongRequest r;
    r.lyrics = "[Verse]\nA song of its own, number " + std::to_string(seed);
    r.tags = "piano,happy";
    r.max_audio_length_ms = std::max<std::int64_t>((frames - 1) * 80, 1);
    r.seed = seed;
    r.take = take;
    return r;
}

std::vector<SongRequest> different_requests() {
    std::vector<SongRequest> out{request(30, 1), request(7, 2), request(18, 3), request(1, 4), request(25, 5)};
    out[1].cfg_scale = 1.0;
    out[2].topk = 3;
    out[4].temperature = 0.8;
    return out;
}

std::vector<std::vector<std::int32_t>> codes_alone(const std::vector<SongRequest>& requests) {
    Generator generator(tiny(), options());
    std::vector<std::vector<std::int32_t>> out;
    for (const SongRequest& r : requests) out.push_back(generator.compose(r, {}, {}).codes.values);
    return out;
}

/// A composer over the tiny model, for songs that are told frame by frame.
struct Studio {
    explicit Studio(std::int64_t songs, std::int64_t positions = 400)
        : composer(*model, preparer.ids(), {songs, positions, true}, graph::Type::f32) {}

    SongNumber add(const SongRequest& r, const CancelToken* cancel = nullptr, std::vector<Frame> known = {}) {
        PreparedSong song = preparer.prepare(r);
        song.known = std::move(known);
        const FrameFn on_frame = [this, before = song.known.size()](SongNumber number, std::int64_t frame,
                                                                    const Frame& codes) {
            EXPECT_EQ(static_cast<std::size_t>(frame), before + told[number].size()) << "in order";
            told[number].push_back(codes);
        };
        return composer.add(std::move(song), {{}, on_frame, cancel});
    }
    void advance() {
        (void)composer.advance();
        for (EndedSong& e : composer.take_ended()) ended.emplace(e.number, std::move(e));
    }
    void finish() {
        for (int i = 0; i < 200 && composer.waiting() + composer.under_way() > 0; ++i) advance();
        EXPECT_EQ(composer.waiting() + composer.under_way(), 0U);
    }

    CheckpointSet set{tiny(), "3B"};
    SongPreparer preparer{set};
    std::unique_ptr<heartmula::LanguageModel> model = tiny_language_model();
    std::map<SongNumber, std::vector<Frame>> told;
    std::map<SongNumber, EndedSong> ended;
    Composer composer;
};

TEST(Composer, SongsTogetherAreTheSongsAlone) {
    const auto requests = different_requests();
    const auto expected = codes_alone(requests);
    Generator generator(tiny(), options());
    for (const std::int64_t at_once : {1, 2, 3, 8}) {
        const auto found = generator.compose_together(requests, at_once, {}, {});
        ASSERT_EQ(found.size(), requests.size());
        for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].codes.values, expected[i]) << at_once << ", " << i;
    }
}

TEST(Composer, TakesTogetherAreTheTakesAlone) {
    const std::vector<SongRequest> takes{request(20, 7, 0), request(20, 7, 1), request(20, 7, 2)};
    Generator generator(tiny(), options());
    const auto found = generator.compose_together(takes, 3, {}, {});
    EXPECT_EQ(found[2].codes.values, generator.compose(takes[2], {}, {}).codes.values);
    EXPECT_NE(found[2].codes.values, found[1].codes.values);
}

TEST(Composer, TellsEachFrameAsItIsDrawn) {
    Studio studio(2);
    const auto requests = different_requests();
    for (const SongRequest& r : requests) studio.add(r);
    studio.advance();
    EXPECT_EQ(studio.told[0].size(), 2U) << "the prompt's, and one";
    EXPECT_EQ(studio.told[1].size(), 2U);
    EXPECT_EQ(studio.told.count(2), 0U) << "waits";
    studio.finish();
    const auto expected = codes_alone(requests);
    for (std::size_t i = 0; i < requests.size(); ++i) {
        EXPECT_FALSE(studio.ended.at(i).error);
        EXPECT_EQ(studio.ended.at(i).composition.codes.values, expected[i]);
        EXPECT_EQ(by_codebook(studio.told[i]), expected[i]);
    }
}

TEST(Composer, ACancelledSongLeavesAndTheOthersGoOn) {
    Studio studio(2);
    const auto requests = different_requests();
    CancelToken cancel, cancel_waiting;
    studio.add(requests[0], &cancel);
    studio.add(requests[2]);
    studio.add(requests[1], &cancel_waiting);
    studio.add(requests[4]);
    for (int i = 0; i < 4; ++i) studio.advance();
    cancel.cancel();
    cancel_waiting.cancel();
    studio.advance();
    ASSERT_TRUE(studio.ended.contains(0) && studio.ended.contains(2)) << "within a frame";
    EXPECT_EQ(studio.ended.at(0).error->code(), ErrorCode::cancelled);
    EXPECT_EQ(studio.ended.at(0).composition.codes.frames, 5) << "what it had";
    EXPECT_EQ(studio.ended.at(2).error->code(), ErrorCode::cancelled);
    EXPECT_EQ(studio.ended.at(2).composition.codes.frames, 0);
    studio.finish();
    const auto expected = codes_alone({requests[2], requests[4]});
    EXPECT_EQ(studio.ended.at(1).composition.codes.values, expected[0]);
    EXPECT_EQ(studio.ended.at(3).composition.codes.values, expected[1]);
}

TEST(Composer, WhatAHookThrowsEndsItsSongAlone) {
    Studio studio(2);
    const auto fails = [](SongNumber, std::int64_t frame, const Frame&) {
        if (frame == 3) throw Error(ErrorCode::io, "nobody listens");
    };
    const auto requests = different_requests();
    studio.composer.add(studio.preparer.prepare(requests[0]), {{}, fails, nullptr});
    studio.add(requests[2]);
    studio.finish();
    EXPECT_EQ(studio.ended.at(0).error->code(), ErrorCode::io);
    EXPECT_FALSE(studio.ended.at(1).error);
    EXPECT_EQ(studio.ended.at(1).composition.codes.values, codes_alone({requests[2]})[0]);
}

TEST(Composer, ASongGoesOnFromTheFramesThatItHas) {
    const SongRequest r = request(30, 1);
    const auto expected = codes_alone({r})[0];
    std::vector<Frame> frames;
    for (std::size_t f = 0; f < 30; ++f) {
        Frame& frame = frames.emplace_back();
        for (std::size_t q = 0; q < 8; ++q) frame.push_back(expected[q * 30 + f]);
    }
    for (const std::size_t known : {1, 20, 29, 30}) {
        Studio studio(1);
        studio.add(r, nullptr, {frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(known)});
        studio.finish();
        EXPECT_FALSE(studio.ended.at(0).error);
        EXPECT_EQ(studio.ended.at(0).composition.codes.values, expected) << known;
        EXPECT_EQ(studio.told[0].size(), 30 - known) << "known frames are not told again";
    }
}

TEST(Composer, RefusesSongsThatHaveNoPlace) {
    Studio studio(1, 60);
    EXPECT_THROW(studio.add(request(100, 1)), Error);
    Composer plain(*studio.model, studio.preparer.ids(), {1, 400, false}, graph::Type::f32);
    EXPECT_THROW(plain.add(studio.preparer.prepare(request(3, 1)), {}), Error);
    EXPECT_FALSE(plain.advance()) << "nothing to do";
}

TEST(Composer, ProgressCountsTheFramesOfAllSongs) {
    Generator generator(tiny(), options());
    std::vector<Progress> seen;
    const auto requests = different_requests();
    (void)generator.compose_together(requests, 2, [&](const Progress& p) { seen.push_back(p); }, {});
    double frames = 0;
    for (const Progress& p : seen) {
        if (p.phase != Phase::frames) {
            EXPECT_EQ(frames, 0) << "no way back to an earlier phase";
            continue;
        }
        EXPECT_EQ(p.done, frames + 1);
        EXPECT_LE(p.done, p.total);
        frames = p.done;
    }
    EXPECT_EQ(frames, 30 + 7 + 18 + 1 + 25);
}

TEST(Composer, ProgressExpectsNoFramesOfASongThatHasEnded) {
    Studio studio(2);
    PreparedSong whole = studio.preparer.prepare(request(30, 1)), other = studio.preparer.prepare(request(18, 3));
    whole.known.assign(30, Frame(8, 1));
    Progress last;
    const auto progress = [&](const Progress& p) { last = p; };
    const auto songs = compose_together(studio.composer, {std::move(whole), std::move(other)}, {progress, {}, nullptr});
    EXPECT_EQ(songs[0].codes.frames, 30);
    EXPECT_EQ(songs[1].codes.frames, 18);
    EXPECT_EQ(last.done, 18);
    EXPECT_EQ(last.total, 18);
}

TEST(MemoryPlan, CountsTheCachesOfAllSongsAtOnce) {
    const CheckpointSet set(tiny(), "3B");
    const auto plan = [&](std::int64_t songs) { return plan_memory(set, {.songs = songs, .positions = 512}); };
    // k and v of 3 layers, 512 positions, 2 rows, 2 heads of 16 in bf16
    EXPECT_EQ(plan(1).kv_cache, 2U * 3 * 512 * 2 * 32 * 2);
    EXPECT_EQ(plan(3).kv_cache, 3 * plan(1).kv_cache);
    EXPECT_EQ(plan(3).composing() - plan(1).composing(), 2 * plan(1).kv_cache);
    EXPECT_EQ(plan(3).songs, 3);
}

}  // namespace
}  // namespace heart::test
