// Does sound that is written while it is made become the file it should, and does it end well when something fails?

#include "audio/stream_writer.h"
#include "audio/wav_header.h"

#include "audio_test_support.h"

#include <csignal>
#include <cstring>
#include <limits>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace heart::audio {
namespace {

using namespace testing;

constexpr SampleFormat kFormats[] = {SampleFormat::s16, SampleFormat::s24, SampleFormat::f32};

std::vector<float> interleaved(const Waveform& wave) {
    std::vector<float> out;
    for (std::size_t i = 0; i < wave.frames(); ++i) out.insert(out.end(), {wave.channels[0][i], wave.channels[1][i]});
    return out;
}

/// In blocks of many sizes.
void write_all(StreamWriter& writer, std::span<const float> stereo) {
    std::size_t size = 2;
    while (!stereo.empty()) {
        const std::size_t n = std::min(size, stereo.size());
        writer.write(stereo.first(n));
        stereo = stereo.subspan(n);
        size = size % 5000 + 142;
    }
}

/// Standard output is somewhere else while this exists.
class Redirected {
public:
    explicit Redirected(int descriptor) : before_(::dup(STDOUT_FILENO)) { ::dup2(descriptor, STDOUT_FILENO); }
    Redirected(const Redirected&) = delete;
    Redirected& operator=(const Redirected&) = delete;
    ~Redirected() {
        ::dup2(before_, STDOUT_FILENO);
        ::close(before_);
    }

private:
    int before_;
};

struct Pipe {
    int ends[2] = {-1, -1};
    Pipe() {
        if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    void close_end(int i) {
        if (ends[i] >= 0) ::close(ends[i]);
        ends[i] = -1;
    }
    [[nodiscard]] std::string read_all() const {
        std::string out;
        char block[4096];
        for (ssize_t n = 0; (n = ::read(ends[0], block, sizeof block)) > 0;) out.append(block, static_cast<std::size_t>(n));
        return out;
    }
};

/// What comes out of a pipe.
std::string piped(const StreamFormat& format, std::span<const float> stereo) {
    Pipe pipe;
    std::string out;
    {
        const Redirected redirected(pipe.ends[1]);
        pipe.close_end(1);
        std::thread reader([&] { out = pipe.read_all(); });
        const CancelToken token;
        {
            StreamWriter writer(StreamWriter::kStandardOutput, format, 48000, token);
            write_all(writer, stereo);
            EXPECT_EQ(writer.finish({}).frames, stereo.size() / 2);
        }
        ::close(STDOUT_FILENO);
        reader.join();
    }
    return out;
}

TEST(AudioStream, FinishedWavIsTheFileThatIsWrittenAtOnce) {
    const TemporaryFolder folder;
    const CancelToken token;
    const Waveform wave = noise(30001, 2, 48000, 0.9F);
    SongTags tags;
    tags.title = "Rain";
    tags.settings = {{"seed", "7"}};
    for (const SampleFormat format : kFormats) {
        WriteOptions options;
        options.sample_format = format;
        const auto expected = write_audio(folder / "once.wav", wave, options, tags);
        StreamWriter writer(folder / "stream.wav", {true, format}, 48000, token);
        write_all(writer, interleaved(wave));
        const StreamReport report = writer.finish(tags);
        EXPECT_EQ(report.bytes, expected.bytes);
        EXPECT_EQ(report.frames, 30001U);
        EXPECT_EQ(report.clipped, 0U);
        EXPECT_EQ(report.peak, peak(wave));
        EXPECT_TRUE(file_bytes(folder / "once.wav") == file_bytes(folder / "stream.wav"));
    }
}

TEST(AudioStream, GrowingWavCanBeReadWhileItGrows) {
    const TemporaryFolder folder;
    const CancelToken token;
    const Waveform wave = noise(5000, 2, 48000, 0.9F);
    const std::vector<float> stereo = interleaved(wave);
    StreamWriter writer(folder / "song.wav", {true, SampleFormat::f32}, 48000, token);
    writer.write(std::span(stereo).first(4000));
    for (int grown = 0; grown < 2; ++grown) {
        SF_INFO info{};
        SNDFILE* file = sf_open((folder / "song.wav").c_str(), SFM_READ, &info);
        ASSERT_NE(file, nullptr) << sf_strerror(nullptr);
        std::vector<float> heard(stereo.size());
        heard.resize(static_cast<std::size_t>(2 * sf_readf_float(file, heard.data(), 5000)));
        sf_close(file);
        EXPECT_EQ(info.channels, 2);
        EXPECT_EQ(info.samplerate, 48000);
        EXPECT_EQ(heard.size(), grown == 0 ? 4000U : stereo.size());
        EXPECT_TRUE(std::equal(heard.begin(), heard.end(), stereo.begin()));
        if (grown == 0) writer.write(std::span(stereo).subspan(4000));
    }
}

TEST(AudioStream, PipesGetTheSamplesAlone) {
    const std::vector<float> stereo{0.0F, 0.5F, -1.0F, 0.25F, 1.0F, -1.5F};
    const auto numbers = [&](const std::string& bytes, std::size_t width) {
        std::vector<std::int32_t> out;
        for (std::size_t i = 0; i < bytes.size(); i += width) {
            std::uint32_t n = 0;
            for (std::size_t b = 0; b < width; ++b) n |= std::uint32_t{static_cast<unsigned char>(bytes[i + b])} << (8 * b);
            out.push_back(static_cast<std::int32_t>(n << (32 - 8 * width)) >> (32 - 8 * width));
        }
        return out;
    };
    EXPECT_EQ(numbers(piped({false, SampleFormat::s16}, stereo), 2),
              (std::vector<std::int32_t>{0, 16384, -32768, 8192, 32767, -32768}));
    EXPECT_EQ(numbers(piped({false, SampleFormat::s24}, stereo), 3),
              (std::vector<std::int32_t>{0, 1 << 22, -(1 << 23), 1 << 21, (1 << 23) - 1, -(1 << 23)}));
    const std::string floats = piped({false, SampleFormat::f32}, stereo);
    ASSERT_EQ(floats.size(), 4 * stereo.size());
    EXPECT_EQ(std::memcmp(floats.data(), stereo.data(), floats.size()), 0) << "beyond full scale too";
}

TEST(AudioStream, WavInAPipeHasSizesThatMeanUntilTheEnd) {
    const std::string bytes = piped({true, SampleFormat::s16}, std::vector<float>(200, 0.5F));
    ASSERT_EQ(bytes.size(), 44U + 400);
    EXPECT_EQ(bytes.substr(4, 4), "\xff\xff\xff\xff");
    EXPECT_EQ(bytes.substr(40, 4), "\xff\xff\xff\xff");
}

TEST(AudioStream, StandardOutputThatIsAFileGetsItsSizes) {
    const TemporaryFolder folder;
    const CancelToken token;
    const std::vector<float> stereo = interleaved(noise(1000, 2, 48000, 0.9F));
    const int file = ::open((folder / "out.wav").c_str(), O_WRONLY | O_CREAT, 0600);
    {
        const Redirected redirected(file);
        StreamWriter writer(StreamWriter::kStandardOutput, {}, 48000, token);
        writer.write(stereo);
        writer.finish({});
    }
    ::close(file);
    SF_INFO info{};
    SNDFILE* read = sf_open((folder / "out.wav").c_str(), SFM_READ, &info);
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(info.frames, 1000);
    sf_close(read);
    EXPECT_NE(file_bytes(folder / "out.wav").substr(4, 4), "\xff\xff\xff\xff");
}

TEST(AudioStream, ClippedSamplesAreCountedAndFloatsAreNot) {
    const TemporaryFolder folder;
    const CancelToken token;
    for (const SampleFormat format : kFormats) {
        StreamWriter writer(folder / "x.wav", {true, format}, 48000, token);
        writer.write(std::vector<float>{1.0F, -1.0F, 0.9999F, 1.5F, -2.0F, 0.0F});
        const StreamReport report = writer.finish({});
        EXPECT_EQ(report.clipped, format == SampleFormat::f32 ? 0U : 3U) << "1, 1.5 and -2";
        EXPECT_EQ(report.peak, 2.0F);
    }
}

TEST(AudioStream, UnfinishedFilesAreRemoved) {
    const TemporaryFolder folder;
    const CancelToken token;
    const std::vector<float> sound(2000, 0.1F);
    {
        StreamWriter writer(folder / "song.wav", {}, 48000, token);
        EXPECT_TRUE(folder.names().empty()) << "nothing is opened before the first sound";
        writer.write(sound);
        EXPECT_EQ(folder.names().size(), 1U);
    }
    EXPECT_TRUE(folder.names().empty());
    put_file(folder / "old.wav", "a song from before");
    { const StreamWriter untouched(folder / "old.wav", {}, 48000, token); }
    EXPECT_EQ(file_bytes(folder / "old.wav"), "a song from before");
}

TEST(AudioStream, ReaderThatGoesAwayIsAnErrorInOneLine) {
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    const Redirected redirected(pipe.ends[1]);
    pipe.close_end(0);
    const CancelToken token;
    StreamWriter writer(StreamWriter::kStandardOutput, {}, 48000, token);
    const Error error = error_of([&] { writer.write(std::vector<float>(2000, 0.1F)); });
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(std::string(error.what()).find("went away"), std::string::npos) << error.what();
    std::signal(SIGPIPE, before);
}

TEST(AudioStream, CancelEndsTheWaitForASlowReader) {
    Pipe pipe;
    const Redirected redirected(pipe.ends[1]);
    CancelToken token;
    StreamWriter writer(StreamWriter::kStandardOutput, {}, 48000, token);
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        token.cancel();
    });
    const std::vector<float> more_than_a_pipe_holds(1 << 20, 0.1F);
    EXPECT_EQ(error_of([&] { writer.write(more_than_a_pipe_holds); }).code(), ErrorCode::cancelled);
    later.join();
}

TEST(AudioStream, RefusesSamplesThatAreNotFinite) {
    const TemporaryFolder folder;
    const CancelToken token;
    for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        StreamWriter writer(folder / "x.wav", {}, 48000, token);
        EXPECT_EQ(error_of([&] { writer.write(std::vector<float>{0.0F, bad}); }).code(), ErrorCode::internal);
    }
    EXPECT_TRUE(folder.names().empty());
}

TEST(AudioStream, MissingFoldersAreRefusedBeforeAnyWork) {
    const CancelToken token;
    EXPECT_EQ(error_of([&] { StreamWriter("/no/such/folder/x.wav", {}, 48000, token); }).code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace heart::audio
