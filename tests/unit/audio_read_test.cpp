// Does reading give the sound that was written, and does it survive files of strangers?

#include "audio/read_file.h"
#include "audio/write_file.h"

#include "audio_test_support.h"

#include <limits>

#include <sys/stat.h>

namespace heart::audio {
namespace {

using namespace testing;

const CancelToken kNever;

Waveform read(const fs::path& path, const ReadLimits& limits = {}) {
    return read_audio(path, limits, kNever);
}

ErrorCode code_of(const fs::path& path, const ReadLimits& limits = {}) {
    return error_of([&] { static_cast<void>(read(path, limits)); }).code();
}

TEST(AudioRead, LosslessFilesGiveTheSamplesThatWereWritten) {
    const TemporaryFolder folder;
    const Waveform song = noise(10'000, 2, 44100, 0.9F);
    for (const char* name : {"a.wav", "a.flac"}) {
        write_audio(folder / name, song, {}, {"Title", "", "", "la la", "", {}});
        const Waveform back = read(folder / name);
        EXPECT_EQ(back.sample_rate, 44100U);
        ASSERT_EQ(back.frames(), song.frames()) << name;
        EXPECT_LE(largest_difference(song, back), 0x1p-24) << name;
    }
}

TEST(AudioRead, LossyFilesSoundTheSame) {
    const TemporaryFolder folder;
    const Waveform song = tones(48'000, 2, 48000, 300, 0.5);
    for (const char* name : {"a.mp3", "a.opus"}) {
        write_audio(folder / name, song, {}, {"Title", "", "", std::string(50'000, 'x'), "", {}});
        const Waveform back = read(folder / name);
        EXPECT_EQ(back.sample_rate, 48000U);
        ASSERT_EQ(back.frames(), song.frames()) << name;
        EXPECT_GT(signal_to_noise_db(song, back), 20) << name;
    }
}

TEST(AudioRead, TheContentDecidesNotTheName) {
    const TemporaryFolder folder;
    write_audio(folder / "a.flac", noise(100, 1, 48000, 0.5F), {}, {});
    fs::rename(folder / "a.flac", folder / "a.txt");
    EXPECT_EQ(read(folder / "a.txt").frames(), 100U);
}

TEST(AudioRead, BlocksJoinedAreTheWholeSong) {
    const TemporaryFolder folder;
    const Waveform song = noise(2 * AudioReader::kBlockFrames + 17, 2, 48000, 0.5F);
    write_audio(folder / "a.wav", song, {SampleFormat::f32, nullptr}, {});
    AudioReader reader(folder / "a.wav");
    std::size_t frames = 0;
    for (auto block = reader.read(); !block.empty(); block = reader.read()) {
        EXPECT_LE(block.size(), 2 * AudioReader::kBlockFrames);
        EXPECT_EQ(block[0], song.channels[0][frames]);
        EXPECT_EQ(block[1], song.channels[1][frames]);
        frames += block.size() / reader.channels();
    }
    EXPECT_EQ(frames, song.frames());
    EXPECT_TRUE(reader.read().empty()) << "the end stays the end";
}

TEST(AudioRead, LimitsHoldToTheFrame) {
    const TemporaryFolder folder;
    write_audio(folder / "a.wav", noise(48'000, 2, 48000, 0.5F), {}, {});
    ReadLimits limits;
    limits.max_seconds = 1;
    EXPECT_EQ(read(folder / "a.wav", limits).frames(), 48'000U);
    limits.max_seconds = 47'999.0 / 48'000;
    EXPECT_EQ(code_of(folder / "a.wav", limits), ErrorCode::limit);
    limits = {};
    limits.max_bytes = fs::file_size(folder / "a.wav");
    EXPECT_NO_THROW(static_cast<void>(read(folder / "a.wav", limits)));
    --limits.max_bytes;
    EXPECT_EQ(code_of(folder / "a.wav", limits), ErrorCode::limit);
    limits = {};
    limits.max_channels = 1;
    EXPECT_EQ(code_of(folder / "a.wav", limits), ErrorCode::limit);
    limits = {};
    limits.max_sample_rate = 47'999;
    EXPECT_EQ(code_of(folder / "a.wav", limits), ErrorCode::limit);
    limits = {};
    limits.min_sample_rate = 48'001;
    EXPECT_EQ(code_of(folder / "a.wav", limits), ErrorCode::limit);
}

TEST(AudioRead, WhatIsNoAudioFileIsRefusedByName) {
    const TemporaryFolder folder;
    EXPECT_EQ(code_of(folder / "none.wav"), ErrorCode::not_found);
    EXPECT_EQ(code_of(folder.path()), ErrorCode::usage);
    ASSERT_EQ(::mkfifo((folder / "pipe.wav").c_str(), 0600), 0);
    EXPECT_EQ(code_of(folder / "pipe.wav"), ErrorCode::usage) << "and does not wait for a writer";
    put_file(folder / "empty.wav", "");
    EXPECT_EQ(code_of(folder / "empty.wav"), ErrorCode::malformed);
    put_file(folder / "words.wav", std::string(5000, 'w'));
    EXPECT_EQ(code_of(folder / "words.wav"), ErrorCode::malformed);
    // A format that the library knows and Heart does not take: Sun's .au.
    put_file(folder / "a.wav", std::string(".snd\0\0\0\x18\0\0\0\x08\0\0\0\x03\0\0\xbb\x80\0\0\0\x01\0\0\0\0\0\0\0\0", 32));
    EXPECT_EQ(code_of(folder / "a.wav"), ErrorCode::unsupported);
}

TEST(AudioRead, ACutFileGivesItsRestAndABrokenOneAnError) {
    const TemporaryFolder folder;
    for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.opus"}) {
        write_audio(folder / name, noise(48'000, 2, 48000, 0.3F), {}, {"Title", "", "", "", "", {}});
        const std::string whole = file_bytes(folder / name);
        for (const std::size_t length :
             {std::size_t{0}, std::size_t{4}, std::size_t{44}, whole.size() / 3, whole.size() - 1}) {
            put_file(folder / name, whole.substr(0, length));
            try {
                const Waveform rest = read(folder / name);
                EXPECT_GT(rest.frames(), 0U);
                EXPECT_LE(rest.frames(), 48'000U);
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), ErrorCode::malformed) << name << " " << length << ": " << error.what();
            }
        }
    }
}

TEST(AudioRead, FlippedBytesNeverDoMoreThanAnError) {
    const TemporaryFolder folder;
    ReadLimits limits;
    limits.max_seconds = 60;
    for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.opus"}) {
        write_audio(folder / name, noise(6000, 2, 48000, 0.3F), {}, {"Title", "", "", "", "", {}});
        const std::string whole = file_bytes(folder / name);
        std::uint32_t state = 7;
        for (int round = 0; round < 60; ++round) {
            std::string broken = whole;
            for (int flip = 0; flip < 3; ++flip) {
                state = state * 1664525U + 1013904223U;
                const std::size_t at = round % 2 == 0 ? (state >> 8) % 64 : (state >> 8) % broken.size();
                broken[at] = static_cast<char>(broken[at] ^ static_cast<char>(1U << (state >> 29)));
            }
            put_file(folder / name, broken);
            try {
                EXPECT_LE(read(folder / name, limits).seconds(), 60.0);
            } catch (const Error& error) {
                EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
            }
        }
    }
}

TEST(AudioRead, SamplesThatAreNoNumbersAreRefused) {
    const TemporaryFolder folder;
    Waveform song = noise(100, 1, 48000, 0.5F);
    write_audio(folder / "a.wav", song, {SampleFormat::f32, nullptr}, {});
    std::string bytes = file_bytes(folder / "a.wav");
    const std::size_t data = bytes.find("data");
    ASSERT_NE(data, std::string::npos);
    bytes.replace(data + 8 + 40, 4, std::string("\0\0\xc0\x7f", 4));  // NaN
    put_file(folder / "a.wav", bytes);
    EXPECT_EQ(code_of(folder / "a.wav"), ErrorCode::malformed);
}

TEST(AudioRead, StopsWhenAsked) {
    const TemporaryFolder folder;
    write_audio(folder / "a.wav", noise(100, 1, 48000, 0.5F), {}, {});
    CancelToken token;
    token.cancel();
    EXPECT_EQ(error_of([&] { static_cast<void>(read_audio(folder / "a.wav", {}, token)); }).code(), ErrorCode::cancelled);
}

}  // namespace
}  // namespace heart::audio
