// Does the transcriber walk through sounds of any length, and stop when it is told to?

#include "core/error.h"
#include "engine/lyrics_score.h"
#include "engine/sliding_sound.h"
#include "engine/transcriber.h"
#include "engine/transcript_words.h"
#include "support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace heart::engine {
namespace {

using Mode = TranscriptionRequest::Mode;
using Times = TranscriptionRequest::Times;

const CancelToken kNever;

std::vector<float> tone(double seconds) {
    std::vector<float> out(static_cast<std::size_t>(seconds * 16000));
    for (std::size_t i = 0; i < out.size(); ++i) {
        const double t = static_cast<double>(i) / 16000;
        out[i] = static_cast<float>(0.3 * std::sin(2 * 3.14159265 * (200 + 20 * t) * t) * std::sin(3 * t));
    }
    return out;
}

SoundSource source_of(const std::vector<float>& samples, std::size_t piece = 5000) {
    return [&samples, piece, at = std::size_t{0}]() mutable {
        const std::size_t n = std::min(samples.size() - at, piece);
        at += n;
        return std::span<const float>(samples).subspan(at - n, n);
    };
}

Transcriber& transcriber() {
    static Transcriber t(test::tiny(), {"cpu", graph::Type::f32, 2});
    return t;
}

TranscriptionRequest quick() {
    TranscriptionRequest r;
    r.fallback.temperatures = {0};
    r.fallback.beams = 1;
    r.fallback.max_new_tokens = 12;
    r.language = "en";
    return r;
}

// --- the window ---------------------------------------------------------------------------------------------------------

TEST(SlidingSound, WindowsAreTheSoundAndTheLastOneKnowsIt) {
    for (const double seconds : {10.0, 30.0, 30.1, 50.0, 65.0}) {
        const std::vector<float> all = tone(seconds);
        for (const std::size_t piece : {std::size_t{1000}, std::size_t{700'000}}) {
            const SoundSource source = source_of(all, piece);
            SlidingSound sound(source);
            for (std::uint64_t first = 0; first < all.size(); first += 320'000) {
                const auto window = sound.from(first);
                const std::size_t expected = std::min<std::size_t>(all.size() - first, 480'000);
                ASSERT_EQ(window.size(), expected) << seconds << " " << first;
                EXPECT_TRUE(std::equal(window.begin(), window.end(), all.begin() + static_cast<std::ptrdiff_t>(first)));
                EXPECT_EQ(sound.at_end(), first + 480'000 >= all.size()) << seconds << " " << first;
            }
            EXPECT_EQ(sound.length(), all.size());
            EXPECT_TRUE(sound.from(all.size() + 1'000'000).empty());
        }
    }
}

// --- transcribing -------------------------------------------------------------------------------------------------------

TEST(Transcriber, ChunksCoverTheSoundAndOverlap) {
    const auto sound = tone(65);
    const Transcript t = transcriber().transcribe(source_of(sound), quick(), {}, kNever);
    ASSERT_EQ(t.chunks.size(), 3U);
    EXPECT_DOUBLE_EQ(t.chunks[1].start, 20);
    EXPECT_DOUBLE_EQ(t.chunks[2].end, 65);
    EXPECT_DOUBLE_EQ(t.seconds, 65);
    EXPECT_EQ(t.language, "en");
    ASSERT_EQ(t.segments.size(), 1U);
    EXPECT_EQ(t.segments[0].text, t.text);
    EXPECT_DOUBLE_EQ(t.segments[0].end, 65);
}

TEST(Transcriber, WordsLieWithinTheirSoundInOrder) {
    const auto sound = tone(42);
    for (const Mode mode : {Mode::chunked, Mode::sequential}) {
        TranscriptionRequest r = quick();
        r.times = Times::word;
        r.mode = mode;
        const Transcript t = transcriber().transcribe(source_of(sound), r, {}, kNever);
        std::size_t words = 0;
        for (const TranscribedSegment& s : t.segments) {
            EXPECT_LE(s.start, s.end);
            double latest = 0;
            std::string joined;
            for (const TranscribedWord& w : s.words) {
                EXPECT_GE(w.start, latest - 1e-9);
                EXPECT_LE(w.start, w.end);
                EXPECT_LE(w.end, 42.01);
                EXPECT_GT(w.probability, 0);
                EXPECT_LE(w.probability, 1);
                latest = w.start;
                joined += w.text;
                ++words;
            }
            if (!s.words.empty()) {
                EXPECT_EQ(joined, s.text) << "no token is lost";
            }
        }
        EXPECT_GT(words, 0U);
    }
}

TEST(Transcriber, TheSameSoundInOtherPiecesIsTheSameText) {
    const auto sound = tone(35);
    const Transcript a = transcriber().transcribe(source_of(sound, 777), quick(), {}, kNever);
    const Transcript b = transcriber().transcribe(source_of(sound, 600'000), quick(), {}, kNever);
    EXPECT_EQ(a.text, b.text);
}

TEST(Transcriber, ProgressReachesTheEndAndCancellingStops) {
    const auto sound = tone(95);
    CancelToken token;
    double done = 0;
    const ProgressFn stop_early = [&](const Progress& p) {
        if (p.phase != Phase::transcribe) return;
        done = p.done;
        if (p.done >= 30) token.cancel();
    };
    try {
        (void)transcriber().transcribe(source_of(sound), quick(), stop_early, token, 95);
        FAIL() << "not stopped";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::cancelled);
    }
    EXPECT_LT(done, 60);
    const ProgressFn watch = [&](const Progress& p) { done = p.done; };
    (void)transcriber().transcribe(source_of(sound), quick(), watch, kNever, 95);
    EXPECT_DOUBLE_EQ(done, 95);
}

ErrorCode code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& e) {
        return e.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::internal;
}

TEST(Transcriber, RefusesWhatMakesNoSense) {
    const std::vector<float> none, sound = tone(1);
    EXPECT_EQ(code_of([&] { (void)transcriber().transcribe(source_of(none), quick(), {}, kNever); }), ErrorCode::malformed);
    TranscriptionRequest r = quick();
    r.language = "xx";
    EXPECT_EQ(code_of([&] { (void)transcriber().transcribe(source_of(sound), r, {}, kNever); }), ErrorCode::usage);
    r = quick();
    r.fallback.temperatures = {std::nan("")};
    EXPECT_EQ(code_of([&] { (void)transcriber().transcribe(source_of(sound), r, {}, kNever); }), ErrorCode::usage);
    EXPECT_EQ(code_of([] { Transcriber t(test::tiny("HeartMuLa-oss-3B"), {}); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { (void)transcriber().align(source_of(sound), "[Verse]\n", "en", {}, kNever); }),
              ErrorCode::usage);
}

TEST(Transcriber, LanguagesHaveNamesToo) {
    const auto sound = tone(1);
    TranscriptionRequest r = quick();
    r.language = "German";
    EXPECT_EQ(transcriber().transcribe(source_of(sound), r, {}, kNever).language, "de");
}

TEST(Transcriber, AlignedLinesStandInOrderAndAreAllThere) {
    const auto sound = tone(70);
    std::string lyrics = "[Verse]\n";
    for (int i = 0; i < 40; ++i) lyrics += "hello the sun\n\n";
    const auto lines = transcriber().align(source_of(sound), lyrics, "en", {}, kNever);
    ASSERT_EQ(lines.size(), 40U);
    double latest = 0;
    for (const AlignedLine& l : lines) {
        EXPECT_EQ(l.text, "hello the sun");
        EXPECT_GE(l.start, latest - 1e-9);
        EXPECT_LE(l.start, l.end);
        EXPECT_LE(l.end, 70.01);
        latest = l.start;
    }
}

// --- words and scores ---------------------------------------------------------------------------------------------------

TEST(LyricsScore, SpacedScriptsCountWordsOthersCharacters) {
    const LyricsScore english = score_lyrics("Don't stop, believin'!", "don’t STOP believin", "");
    EXPECT_FALSE(english.by_characters);
    EXPECT_EQ(english.words.errors(), 0U);
    EXPECT_EQ(english.words.reference_units(), 3U);
    const LyricsScore chinese = score_lyrics("[副歌]\n你好，世界\n再见", "你好世間再見", "");
    EXPECT_TRUE(chinese.by_characters);
    EXPECT_EQ(chinese.characters.reference_units(), 6U);
    EXPECT_EQ(chinese.main().substitutions, 2U);
    EXPECT_EQ(chinese.lines.at(0).counts.substitutions, 1U);
}

TEST(LyricsScore, NothingHeardIsEverythingDropped) {
    const LyricsScore s = score_lyrics("one two\nthree", "", "");
    EXPECT_DOUBLE_EQ(s.main().rate(), 1);
    EXPECT_EQ(s.lines.at(0).counts.deletions, 2U);
    EXPECT_EQ(code_of([] { (void)score_lyrics("[Verse]\n...", "a", ""); }), ErrorCode::usage);
    EXPECT_EQ(code_of([] { (void)score_lyrics("a", "\xff", ""); }), ErrorCode::malformed);
}

}  // namespace
}  // namespace heart::engine
