// Does every kind of file become one channel at 16 kHz, and log-mel frames of it?

#include "audio/external_decoder.h"
#include "audio/log_mel.h"
#include "audio/mono_reader.h"
#include "audio/resample.h"
#include "audio/write_file.h"

#include "audio_test_support.h"

#include <cmath>
#include <cstdlib>

#include <sys/resource.h>

namespace heart::audio {
namespace {

using namespace testing;

std::vector<float> resampled(const std::vector<float>& in, std::uint32_t from, std::uint32_t to, std::size_t piece) {
    Resampler r(from, to);
    std::vector<float> out;
    for (std::size_t at = 0; at < in.size(); at += piece) {
        r.process(std::span(in).subspan(at, std::min(piece, in.size() - at)), out);
    }
    r.finish(out);
    return out;
}

std::vector<float> sine(double hz, double rate, std::size_t length) {
    std::vector<float> out(length);
    for (std::size_t i = 0; i < length; ++i) {
        out[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate));
    }
    return out;
}

/// Largest difference but at the ends, where a filter sees no sound.
double difference_inside(const std::vector<float>& a, const std::vector<float>& b, std::size_t margin) {
    double most = 0;
    for (std::size_t i = margin; i + margin < std::min(a.size(), b.size()); ++i) {
        most = std::max(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    }
    return most;
}

TEST(Resampler, KeepsATone) {
    for (const std::uint32_t rate : {8000U, 11025U, 22050U, 44100U, 48000U, 96000U}) {
        const auto out = resampled(sine(1000, rate, rate), rate, 16000, 4096);
        EXPECT_NEAR(static_cast<double>(out.size()), 16000, 1) << rate;
        EXPECT_LT(difference_inside(out, sine(1000, 16000, 16000), 400), 1e-4) << rate << ": neither level nor time moves";
    }
}

TEST(Resampler, RemovesWhatTheLowerRateCannotHold) {
    const auto out = resampled(sine(9000, 44100, 44100), 44100, 16000, 4096);
    EXPECT_LT(difference_inside(out, std::vector<float>(out.size(), 0), 400), 1e-5) << "it would be heard at 7 kHz";
}

TEST(Resampler, PiecesDoNotMatter) {
    const auto in = noise(30'000, 1, 44100, 0.5F).channels[0];
    const auto whole = resampled(in, 44100, 16000, in.size());
    EXPECT_EQ(resampled(in, 44100, 16000, 7), whole);
    EXPECT_EQ(resampled(in, 16000, 16000, 7), in);
}

std::vector<float> read_mono(const fs::path& path, const ReadLimits& limits = {}) {
    MonoReader reader(path, 16000, limits);
    std::vector<float> out;
    for (auto block = reader.read(); !block.empty(); block = reader.read())
        out.insert(out.end(), block.begin(), block.end());
    return out;
}

TEST(MonoReader, EveryFormatBecomesTheSameSound) {
    const TemporaryFolder folder;
    const Waveform song = tones(96'000, 2, 48000, 300, 0.4);  // 300 Hz left, 600 Hz right
    std::vector<float> expected(32'000);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        expected[i] = (song.channels[0][3 * i] + song.channels[1][3 * i]) / 2;
    }
    for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.ogg", "a.opus"}) {
        write_audio(folder / name, song, {}, {});
        const auto mono = read_mono(folder / name);
        EXPECT_NEAR(static_cast<double>(mono.size()), 32'000, 2) << name;
        EXPECT_LT(difference_inside(mono, expected, 2000), 0.05) << name;
    }
}

TEST(MonoReader, MemoryDoesNotGrowWithTheSound) {
    const TemporaryFolder folder;
    Waveform minute;
    minute.sample_rate = 8000;
    minute.channels.assign(1, std::vector<float>(8000 * 3600, 0.0F));  // an hour
    write_audio(folder / "hour.flac", minute, {}, {});
    minute.channels.clear();
    minute.channels.shrink_to_fit();
    const auto resident = [] {
        std::ifstream in("/proc/self/statm");
        std::size_t all = 0, pages = 0;
        in >> all >> pages;
        return pages * 4096;
    };
    MonoReader reader(folder / "hour.flac", 16000);
    EXPECT_NEAR(reader.seconds_stated(), 3600, 0.01);
    std::size_t samples = 0;
    (void)reader.read();
    const std::size_t before = resident();
    for (auto block = reader.read(); !block.empty(); block = reader.read()) samples += block.size();
    EXPECT_GT(samples, 57'000'000U);
    EXPECT_LT(resident(), before + 8'000'000);
}

// --- M4A ----------------------------------------------------------------------------------------------------------------

bool has_ffmpeg() {
    return std::system("ffmpeg -version > /dev/null 2>&1") == 0;
}

ReadLimits with_ffmpeg() {
    ReadLimits limits;
    limits.external_decoder = true;
    return limits;
}

TEST(ExternalDecoder, M4aSoundsTheSame) {
    if (!has_ffmpeg()) GTEST_SKIP() << "no ffmpeg here";
    const TemporaryFolder folder;
    const Waveform song = tones(88'200, 2, 44100, 300, 0.4);
    write_audio(folder / "a.wav", song, {}, {});
    const std::string convert =
        "ffmpeg -v quiet -i " + (folder / "a.wav").string() + " -b:a 192k " + (folder / "a.m4a").string();
    ASSERT_EQ(std::system(convert.c_str()), 0);
    const auto expected = read_mono(folder / "a.wav"), mono = read_mono(folder / "a.m4a", with_ffmpeg());
    EXPECT_NEAR(static_cast<double>(mono.size()), static_cast<double>(expected.size()), 1500) << "AAC pads to its frames";
    EXPECT_LT(difference_inside(mono, expected, 3000), 0.05);
    AudioReader reader(folder / "a.m4a", with_ffmpeg());
    EXPECT_EQ(reader.sample_rate(), 44100U);
    EXPECT_EQ(reader.channels(), 2U);
}

TEST(ExternalDecoder, IsAskedOnlyWhereAllowed) {
    const TemporaryFolder folder;
    put_file(folder / "a.m4a", std::string("\0\0\0\x20"
                                           "ftypM4A \0\0\0\0",
                                           16) +
                                   std::string(100, '\0'));
    EXPECT_EQ(error_of([&] { AudioReader reader(folder / "a.m4a"); }).code(), ErrorCode::unsupported);
}

TEST(ExternalDecoder, BrokenFilesAreAnError) {
    if (!has_ffmpeg()) GTEST_SKIP() << "no ffmpeg here";
    const TemporaryFolder folder;
    put_file(folder / "a.m4a", std::string("\0\0\0\x20"
                                           "ftypM4A \0\0\0\0",
                                           16) +
                                   std::string(100, 'x'));
    EXPECT_EQ(error_of([&] { AudioReader reader(folder / "a.m4a", with_ffmpeg()); }).code(), ErrorCode::malformed);
}

TEST(ExternalDecoder, AMissingProgramIsSaidClearly) {
    const TemporaryFolder folder;
    put_file(folder / "a.m4a", std::string("\0\0\0\x20"
                                           "ftypM4A \0\0\0\0",
                                           16) +
                                   std::string(100, 'x'));
    const std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
    ::setenv("PATH", folder.path().c_str(), 1);
    const Error error = error_of([&] { AudioReader reader(folder / "a.m4a", with_ffmpeg()); });
    ::setenv("PATH", path.c_str(), 1);
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_NE(error.message().find("ffmpeg"), std::string::npos);
}

// --- log mel ------------------------------------------------------------------------------------------------------------

TEST(LogMel, SilenceIsTheSameEverywhere) {
    const SpectralFrames frames = LogMel(80).compute({});
    EXPECT_EQ(frames.frames, 3000U);
    for (const float x : frames.values) ASSERT_FLOAT_EQ(x, -1.5F) << "(-10 + 4) / 4";
}

TEST(LogMel, AToneStandsInItsBand) {
    const LogMel mel(80);
    const SpectralFrames frames = mel.compute(sine(1000, 16000, 16000));
    const auto frame = frames.frame(50);
    const auto loudest = static_cast<std::size_t>(std::max_element(frame.begin(), frame.end()) - frame.begin());
    const MelFilterbank filters({16'000, 400, 80, 0, 8000, MelScale::slaney, true});
    EXPECT_NEAR(filters.centre_hz(loudest), 1000, 60);
    const float most = *std::max_element(frames.values.begin(), frames.values.end());
    const float least = *std::min_element(frames.values.begin(), frames.values.end());
    EXPECT_NEAR(most - least, 2.0F, 1e-5) << "eight powers of ten, divided by four";
}

TEST(LogMel, MoreThan30SecondsIsADefect) {
    EXPECT_EQ(error_of([] { (void)LogMel(80).compute(std::vector<float>(LogMel::kSamples + 1)); }).code(),
              ErrorCode::internal);
}

}  // namespace
}  // namespace heart::audio
