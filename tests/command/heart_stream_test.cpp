// Is a song that is written while it is made the song, wherever it goes and however it ends?

#include "command/heart_command.h"
#include "support/patience.h"

#include <chrono>
#include <cstring>
#include <sstream>

namespace heart::test {
namespace {

class HeartStream : public HeartCommand {
protected:
    /// A song of two windows, as a stream or not, with more options. The tiny codec is loud: only float samples hold it as
    /// it is.
    Finished generate(std::vector<std::string> more, const RunOptions& run = {}, const char* format = "f32",
                      const char* steps = "2") const {
        std::vector<std::string> all{
            "generate", "--model-path",          kTiny,   "--lyrics-text", "la la",   "--tags",          kTags,  "--seed",
            "1",        "--max-audio-length-ms", "34000", "--mula-dtype",  "float32", "--sample-format", format, "--steps",
            steps};
        all.insert(all.end(), more.begin(), more.end());
        return run_heart(all, run);
    }
    [[nodiscard]] std::string bytes_of(const std::string& name) const {
        std::ostringstream out;
        out << std::ifstream(at(name), std::ios::binary).rdbuf();
        return out.str();
    }
};

TEST_F(HeartStream, FileThatGrewIsTheFileThatIsWrittenAtOnce) {
    const auto streamed = generate({"--stream", "--save-path", at("a.wav"), "--json"});
    ASSERT_EQ(streamed.exit_code, 0) << streamed.err;
    const auto report = json_of(streamed);
    EXPECT_GT(report.at("frames"), 372) << "more than one window";
    EXPECT_GT(report.at("first_audio_seconds"), 0);
    EXPECT_EQ(report.at("clipped_samples"), 0);
    EXPECT_EQ(report.at("bytes"), fs::file_size(at("a.wav")));
    const auto offline = generate({"--save-path", at("b.wav"), "--json"});
    ASSERT_EQ(offline.exit_code, 0) << offline.err;
    EXPECT_EQ(json_of(offline).at("peak"), report.at("peak"));
    EXPECT_TRUE(bytes_of("a.wav") == bytes_of("b.wav")) << "samples, sizes and tags";
}

TEST_F(HeartStream, ShorterFirstWindowIsTheSameSongAtOnceToo) {
    const std::vector<std::string> shorter{"--first-window-ms", "7440", "--save-path"};
    auto stream = shorter, offline = shorter;
    stream.insert(stream.end(), {at("a.wav"), "--stream"});
    offline.insert(offline.end(), {at("b.wav"), "--save-codes", at("c.npy")});
    ASSERT_EQ(generate(stream).exit_code, 0);
    ASSERT_EQ(generate(offline).exit_code, 0);
    EXPECT_TRUE(bytes_of("a.wav") == bytes_of("b.wav"));
    const auto decoded = run_heart({"decode", "--model-path", kTiny, "--codes", at("c.npy"), "--seed", "1", "--steps", "2",
                                    "--first-window-ms", "7440", "--sample-format", "f32", "--save-path", at("d.wav")});
    ASSERT_EQ(decoded.exit_code, 0) << decoded.err;
    EXPECT_TRUE(samples_of(at("b.wav")) == samples_of(at("d.wav")));
    ASSERT_EQ(generate({"--save-path", at("whole.wav")}).exit_code, 0);
    EXPECT_FALSE(samples_of(at("whole.wav")) == samples_of(at("a.wav")));
}

TEST_F(HeartStream, PipeCarriesTheSamplesOfTheSong) {
    ASSERT_EQ(generate({"--save-path", at("song.wav")}).exit_code, 0);
    const std::vector<float> samples = samples_of(at("song.wav"));
    const std::size_t all = samples.size() * sizeof(float);
    const auto f =
        generate({"--stream", "--stream-format", "f32le", "--save-path", "-", "--timings"}, {.pipe_bytes = all + 1});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    ASSERT_EQ(f.out.size(), all) << "audio and nothing else";
    EXPECT_EQ(std::memcmp(f.out.data(), samples.data(), all), 0);
    EXPECT_NE(f.err.find("first audio"), std::string::npos) << f.err;
    EXPECT_EQ(files(), std::vector<std::string>{"song.wav"});
}

TEST_F(HeartStream, PipeCarriesWav) {
    const auto f = generate({"--stream", "--save-path", "-", "-q"}, {.pipe_bytes = 1 << 24});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(f.err, "") << "--quiet";
    write("piped.wav", f.out);
    ASSERT_EQ(generate({"--save-path", at("file.wav")}).exit_code, 0);
    EXPECT_TRUE(samples_of(at("piped.wav")) == samples_of(at("file.wav")));
}

// A whole song is turned down when it is too loud; a stream has handed its beginning on by then.
TEST_F(HeartStream, SamplesThatAreTooLoudAreClippedAndCounted) {
    ASSERT_EQ(generate({"--save-path", at("float.wav")}).exit_code, 0);
    const auto f = generate({"--stream", "--save-path", at("clipped.wav"), "--json"}, {}, "s24");
    ASSERT_EQ(f.exit_code, 0) << f.err;
    const std::vector<float> samples = samples_of(at("float.wav")), clipped = samples_of(at("clipped.wav"));
    ASSERT_EQ(samples.size(), clipped.size());
    const float step = 1.0F / (1 << 23);
    std::size_t too_loud = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        too_loud += samples[i] > 1 - step || samples[i] < -1 ? 1 : 0;
        ASSERT_NEAR(clipped[i], std::clamp(samples[i], -1.0F, 1 - step), step) << i;
    }
    EXPECT_GT(too_loud, 0U);
    EXPECT_EQ(json_of(f).at("clipped_samples"), too_loud);
    EXPECT_NE(f.err.find("were clipped"), std::string::npos) << f.err;
}

TEST_F(HeartStream, RedirectedOutputIsAWholeFile) {
    const auto f = generate({"--stream", "--save-path", "-"});  // the test's standard output is a file
    ASSERT_EQ(f.exit_code, 0) << f.err;
    ASSERT_EQ(generate({"--save-path", at("file.wav")}).exit_code, 0);
    EXPECT_TRUE(f.out == bytes_of("file.wav"));
}

TEST_F(HeartStream, TakesAreWrittenOneAfterAnother) {
    const auto f =
        run_heart({"generate", "--stream", "--takes", "2", "--seed", "1", "--max-audio-length-ms", "400", "--save-path",
                   at("s.wav"), "--spectrogram", at("s.png"), "--save-codes", at("s.npy"), "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(files(), (std::vector<std::string>{"s-1.npy", "s-1.png", "s-1.wav", "s-2.npy", "s-2.png", "s-2.wav"}));
    EXPECT_EQ(json_of(f).at("songs").size(), 2U);
    EXPECT_NE(samples_of(at("s-1.wav")), samples_of(at("s-2.wav")));
}

TEST_F(HeartStream, LazyLoadingSaysThatTheSoundComesLater) {
    const auto f = generate({"--stream", "--save-path", at("a.wav"), "--lazy-load", "true"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_NE(f.err.find("when the song is composed"), std::string::npos) << f.err;
    ASSERT_EQ(generate({"--save-path", at("b.wav")}).exit_code, 0);
    EXPECT_TRUE(bytes_of("a.wav") == bytes_of("b.wav"));
}

TEST_F(HeartStream, ReaderThatGoesAwayEndsItWithOneLine) {
    const auto f = generate({"--stream", "--save-path", "-"}, {.pipe_bytes = 1000});
    EXPECT_EQ(f.exit_code, 1) << "an error, and no death by SIGPIPE";
    EXPECT_EQ(f.out.substr(0, 4), "RIFF");
    EXPECT_NE(f.err.find("went away"), std::string::npos) << f.err;
}

TEST_F(HeartStream, InterruptEndsTheWaitForAReaderThatTakesNothing) {
    const auto start = std::chrono::steady_clock::now();
    const auto f = generate({"--stream", "--save-path", "-"}, {.interrupt_after_ms = 500, .pipe_bytes = 1000});
    EXPECT_EQ(f.exit_code, 130) << f.err;
    EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience);
}

TEST_F(HeartStream, InterruptRemovesTheFileThatGrew) {
    const auto f = generate({"--stream", "--first-window-ms", "5000", "--save-path", at("s.wav")},
                            {.interrupt_when = at("s.wav")}, "s24", "100");
    EXPECT_EQ(f.exit_code, 130) << f.err;
    EXPECT_TRUE(files().empty());
}

TEST_F(HeartStream, ErrorsGoWhereTheSoundDoesNot) {
    const auto f = run_heart({"generate", "--stream", "--save-path", "-", "--model-path", "/no/such/model"});
    EXPECT_EQ(f.exit_code, 1);
    EXPECT_EQ(f.out, "");
    EXPECT_EQ(run_heart({"generate", "--stream", "--save-path", "-", "--json"}).exit_code, 2) << "both want standard output";
}

}  // namespace
}  // namespace heart::test
