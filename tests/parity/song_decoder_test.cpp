// Is a song the same however its codes arrive, and is its sound there as soon as it can be?

#include "models/heartcodec/song_decoder.h"
#include "core/philox.h"
#include "support/tiny_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace heart::test {
namespace {

using heartcodec::SongDecoder;

constexpr std::int64_t kQuantizers = 8, kSamplesPerCode = 192;  // of the tiny codec

const heartcodec::Codec& codec() {
    static const auto loaded = tiny_codec();
    return *loaded;
}

/// [frames][8]
std::vector<std::int32_t> song(std::int64_t frames) {
    std::vector<std::int32_t> out;
    for (std::int64_t i = 0; i < frames * kQuantizers; ++i) out.push_back(static_cast<std::int32_t>((i * i + 7 * i) % 128));
    return out;
}

std::vector<std::int32_t> by_codebook(const std::vector<std::int32_t>& frames) {
    std::vector<std::int32_t> out;
    for (std::size_t q = 0; q < kQuantizers; ++q) {
        for (std::size_t i = q; i < frames.size(); i += kQuantizers) out.push_back(frames[i]);
    }
    return out;
}

void noise(std::int64_t window, std::span<float> out) {
    fill_normal({5, 0, Draw::latent, static_cast<std::uint32_t>(window), 0}, out);
}

heartcodec::DecodeOptions quick(std::int64_t first_window = 372) {
    return {.steps = 1, .guidance = 1.0F, .first_window = first_window};
}

/// A decoder and what it handed on.
struct Listener {
    explicit Listener(const heartcodec::DecodeOptions& options, std::int64_t most_frames = 2000,
                      heartcodec::DecodeProgress progress = {})
        : decoder(
              codec(), most_frames, noise, options,
              [this](std::span<const float> part) { heard.insert(heard.end(), part.begin(), part.end()); }, cancel,
              std::move(progress)) {}

    CancelToken cancel;
    std::vector<float> heard;
    SongDecoder decoder;

    [[nodiscard]] std::int64_t codes_heard() const {
        return static_cast<std::int64_t>(heard.size()) / (2 * kSamplesPerCode);
    }
    void append(const std::vector<std::int32_t>& codes, std::int64_t first, std::int64_t count) {
        decoder.append(std::span(codes).subspan(static_cast<std::size_t>(first * kQuantizers),
                                                static_cast<std::size_t>(count * kQuantizers)));
    }
};

std::vector<float> at_once(std::int64_t frames, const heartcodec::DecodeOptions& options) {
    std::vector<float> out;
    codec().decode(by_codebook(song(frames)), noise, options,
                   [&](std::span<const float> part) { out.insert(out.end(), part.begin(), part.end()); }, {});
    return out;
}

std::vector<float> in_pieces(std::int64_t frames, const heartcodec::DecodeOptions& options) {
    Listener listener(options);
    const auto codes = song(frames);
    const std::int64_t sizes[] = {1, 0, 7, 1, 130, 53, 320, 2};
    std::size_t next = 0;
    for (std::int64_t at = 0; at < frames;) {
        const std::int64_t n = std::min(sizes[next++ % std::size(sizes)], frames - at);
        listener.append(codes, at, n);
        at += n;
    }
    listener.decoder.finish();
    return listener.heard;
}

TEST(SongDecoder, GivesTheSameSongHoweverItsCodesArrive) {
    for (const std::int64_t frames : {1, 5, 52, 53, 371, 372, 373, 424, 425, 691, 692, 693, 744, 1063, 1064, 1065}) {
        const auto whole = at_once(frames, quick());
        EXPECT_EQ(whole.size(), static_cast<std::size_t>(2 * frames * kSamplesPerCode)) << frames;
        EXPECT_EQ(whole, in_pieces(frames, quick())) << frames << " frames";
    }
}

TEST(SongDecoder, GivesTheSameSongWithAShorterFirstWindowToo) {
    for (const std::int64_t frames : {40, 92, 93, 94, 145, 412, 413, 414, 800}) {
        const auto whole = at_once(frames, quick(93));
        EXPECT_EQ(whole.size(), static_cast<std::size_t>(2 * frames * kSamplesPerCode)) << frames;
        EXPECT_EQ(whole, in_pieces(frames, quick(93))) << frames << " frames";
    }
    EXPECT_NE(at_once(200, quick(93)), at_once(200, quick()));
}

TEST(SongDecoder, HandsOnAWindowAsSoonAsItsCodesExist) {
    Listener listener(quick());
    const auto codes = song(700);
    listener.append(codes, 0, 371);
    EXPECT_EQ(listener.codes_heard(), 0);
    listener.append(codes, 371, 1);
    EXPECT_EQ(listener.codes_heard(), 320) << "all but what the next window fades in over";
    listener.append(codes, 372, 319);
    EXPECT_EQ(listener.codes_heard(), 320);
    listener.append(codes, 691, 1);
    EXPECT_EQ(listener.codes_heard(), 640);
    listener.append(codes, 692, 8);
    listener.decoder.finish();
    EXPECT_EQ(listener.codes_heard(), 700);
}

TEST(SongDecoder, AFirstWindowThatIsCutShorterSoundsLikeASongOfThatLength) {
    Listener listener(quick(93));
    listener.append(song(93), 0, 93);
    EXPECT_EQ(listener.codes_heard(), 93 - 52);
    const auto short_song = at_once(93, quick());
    ASSERT_LT(listener.heard.size(), short_song.size());
    EXPECT_TRUE(std::equal(listener.heard.begin(), listener.heard.end(), short_song.begin()));
}

// The next window must go on from the latents that were heard, not from what filled the first one up.
TEST(SongDecoder, TheSecondWindowGoesOnFromTheShorterFirst) {
    const auto whole = at_once(300, quick(93));
    const auto first = at_once(93, quick());
    const auto in_fade = [&](const std::vector<float>& wave, std::int64_t code) {
        double power = 0;
        for (std::int64_t i = 0; i < 2 * kSamplesPerCode; ++i) {
            const float difference = wave[static_cast<std::size_t>(2 * code * kSamplesPerCode + i)] -
                                     first[static_cast<std::size_t>(2 * code * kSamplesPerCode + i)];
            power += static_cast<double>(difference) * difference;
        }
        return power;
    };
    double held = 0, free = 0;  // both windows decode the same latents over the overlap, behind a few frames of memory
    for (std::int64_t code = 45; code < 90; ++code) held += in_fade(whole, code);
    const auto other = at_once(300, quick());
    for (std::int64_t code = 45; code < 90; ++code) free += in_fade(other, code);
    EXPECT_LT(held, 0.05 * free);
}

TEST(SongDecoder, ProgressGrowsAndEndsWithTheSong) {
    double share = 0;
    std::int64_t last = 0, end = 0, samples = 0;
    Listener listener(quick(), 900, [&](std::int64_t done, std::int64_t total, std::int64_t out) {
        EXPECT_GT(done, last);
        EXPECT_GE(static_cast<double>(done) / static_cast<double>(total), share);
        EXPECT_GE(out, samples);
        last = done, end = total, samples = out;
        share = static_cast<double>(done) / static_cast<double>(total);
    });
    listener.append(song(500), 0, 500);
    EXPECT_LT(last, end) << "the song could still go on to 900 frames";
    listener.decoder.finish();
    EXPECT_EQ(last, end);
}

TEST(SongDecoder, RefusesFirstWindowsThatAreNone) {
    for (const std::int64_t first : {0, 52, 373}) {
        try {
            Listener listener(quick(first));
            FAIL() << "not refused: " << first;
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::usage);
        }
    }
}

}  // namespace
}  // namespace heart::test
