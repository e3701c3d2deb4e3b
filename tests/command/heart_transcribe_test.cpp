// Do `heart transcribe` and `heart score` do what their help says?

#include "command/heart_command.h"

#include <cmath>
#include <cstring>

namespace heart::test {
namespace {

class HeartTranscribe : public HeartCommand {
protected:
    /// The first `seconds` of the golden signal of 42 s, repeated where that is too short, as a 16-bit WAV of 16 kHz.
    void write_signal(const std::string& name, double seconds) const {
        const auto path = data_path("golden/transcriptor_long.safetensors");
        const auto tensors = formats::parse_safetensors(formats::Bytes::map_file(path), path.string());
        const formats::TensorView& t = tensors.at("audio42");
        std::vector<short> samples(static_cast<std::size_t>(seconds * 16000));
        for (std::size_t i = 0; i < samples.size(); ++i) {
            std::int32_t value = 0;
            std::memcpy(&value, t.data.data() + (i % t.elements()) * sizeof value, sizeof value);
            samples[i] = static_cast<short>(value);
        }
        SF_INFO info{};
        info.samplerate = 16000, info.channels = 1, info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
        SNDFILE* file = sf_open(at(name).c_str(), SFM_WRITE, &info);
        ASSERT_NE(file, nullptr);
        EXPECT_EQ(sf_write_short(file, samples.data(), static_cast<sf_count_t>(samples.size())),
                  static_cast<sf_count_t>(samples.size()));
        sf_close(file);
    }

    /// The golden's own settings.
    [[nodiscard]] static std::vector<std::string> exact(std::vector<std::string> more) {
        std::vector<std::string> out{"transcribe",       "--model-path", kTiny,           "--dtype", "float32",
                                     "--max-new-tokens", "48",           "--temperature", "0"};
        out.insert(out.end(), more.begin(), more.end());
        return out;
    }
};

std::string golden_text() {
    const Golden golden("manifest_transcriptor.json", "transcriptor.safetensors");
    return golden.manifest().at("info").at("pipeline").at("results").at("42.0").at("text").get<std::string>();
}

TEST_F(HeartTranscribe, TheReferencesTextComesOut) {
    write_signal("song.wav", 42);
    const auto f = run_heart(exact({at("song.wav")}));
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(f.out, golden_text() + "\n");
}

TEST_F(HeartTranscribe, JsonHasTextLanguageAndSegments) {
    write_signal("song.wav", 42);
    const auto f = run_heart(exact({"--audio", at("song.wav"), "--num-beams", "2", "--json"}));
    ASSERT_EQ(f.exit_code, 0) << f.err;
    const auto json = json_of(f);
    EXPECT_EQ(json.at("text").get<std::string>(), golden_text());
    EXPECT_EQ(json.at("language").get<std::string>().size(), 2U);
    EXPECT_NEAR(json.at("seconds").get<double>(), 42, 1e-6);
    EXPECT_EQ(json.at("segments").size(), 1U);
    EXPECT_EQ(json.at("chunks").size(), 2U);
}

TEST_F(HeartTranscribe, TheModelsOwnFolderWillDoToo) {
    write_signal("song.wav", 5);
    const auto f = run_heart({"transcribe", at("song.wav"), "--model-path", kTiny + "/HeartTranscriptor-oss"});
    EXPECT_EQ(f.exit_code, 0) << f.err;
}

TEST_F(HeartTranscribe, SeveralFilesGoIntoAFolderAndABadOneDoesNotKeepTheOthers) {
    write_signal("a.wav", 5);
    write_signal("b.wav", 5);
    write("words.wav", "no sound at all");
    const auto f = run_heart(exact({at("a.wav"), at("words.wav"), at("b.wav"), "-o", at("out"), "--format", "json"}));
    EXPECT_EQ(f.exit_code, 1);
    EXPECT_NE(f.err.find("words.wav"), std::string::npos);
    EXPECT_TRUE(fs::exists(at("out/a.json")));
    EXPECT_TRUE(fs::exists(at("out/b.json")));
    EXPECT_FALSE(fs::exists(at("out/words.json")));
}

TEST_F(HeartTranscribe, ANameThatEndsLikeAFolderIsOne) {
    write_signal("song.wav", 5);
    const auto f = run_heart(exact({at("song.wav"), "-o", at("new/lyrics/")}));
    EXPECT_EQ(f.exit_code, 0) << f.err;
    EXPECT_TRUE(fs::exists(at("new/lyrics/song.txt")));
}

TEST_F(HeartTranscribe, AFileIsNoFolderForSeveralTexts) {
    write_signal("a.wav", 5);
    write("out", "mine");
    const auto f = run_heart(exact({at("a.wav"), at("a.wav"), "-o", at("out")}));
    EXPECT_EQ(f.exit_code, 2);
    EXPECT_NE(f.err.find("is no folder"), std::string::npos) << f.err;
    EXPECT_EQ(fs::file_size(at("out")), 4U);
}

TEST_F(HeartTranscribe, NoTextOverwritesAnotherOne) {
    write_signal("a.wav", 5);
    fs::copy_file(at("a.wav"), at("a.copy"));
    const auto f = run_heart(exact({at("a.wav"), at("a.copy"), "-o", at("out")}));
    EXPECT_EQ(f.exit_code, 2);
    EXPECT_NE(f.err.find("would be written to"), std::string::npos) << f.err;
}

TEST_F(HeartTranscribe, LrcHasTimesThatNeverGoBack) {
    write_signal("song.wav", 42);
    for (const auto& how : {std::vector<std::string>{"--timestamps", "word"}, {"--sequential"}}) {
        auto arguments = exact({at("song.wav"), "--format", "lrc"});
        arguments.insert(arguments.end(), how.begin(), how.end());
        const auto f = run_heart(arguments);
        ASSERT_EQ(f.exit_code, 0) << f.err;
        std::istringstream in(f.out);
        double latest = 0;
        int lines = 0;
        for (std::string line; std::getline(in, line); ++lines) {
            int minutes = 0;
            double seconds = 0;
            ASSERT_EQ(std::sscanf(line.c_str(), "[%d:%lf]", &minutes, &seconds), 2) << line;
            EXPECT_GE(60 * minutes + seconds, latest);
            latest = 60 * minutes + seconds;
        }
        EXPECT_GE(lines, 1);
        EXPECT_LE(latest, 42.01);
    }
}

TEST_F(HeartTranscribe, KnownLyricsAreAlignedLineByLine) {
    write_signal("song.wav", 42);
    write("lyrics.txt", "[Verse]\nhello the sun\n\nthe guitar be bright\n[Chorus]\nhello hello\n");
    const auto f =
        run_heart({"transcribe", at("song.wav"), "--model-path", kTiny, "--align", at("lyrics.txt"), "--language", "en"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(std::count(f.out.begin(), f.out.end(), '\n'), 3) << f.out;
    EXPECT_NE(f.out.find("]hello the sun\n"), std::string::npos) << f.out;
    EXPECT_EQ(f.out.find("Verse"), std::string::npos);
}

TEST_F(HeartTranscribe, InterruptExits130AndWritesNothing) {
    write_signal("song.wav", 600);
    const auto f =
        run_heart({"transcribe", at("song.wav"), "--model-path", kTiny, "-o", at("song.txt")}, {.interrupt_after_ms = 700});
    EXPECT_EQ(f.exit_code, 130) << f.err;
    EXPECT_EQ(files(), std::vector<std::string>{"song.wav"});
}

struct TranscribeRefusal {
    const char* name;
    std::vector<std::string> arguments;
    int exit_code;
    const char* says;
};

class TranscribeRefuses : public HeartTranscribe, public ::testing::WithParamInterface<TranscribeRefusal> {};

TEST_P(TranscribeRefuses, WithOneLineAndTheRightCode) {
    write_signal("song.wav", 1);
    write("words.wav", "no sound at all");
    write("empty.txt", "[Verse]\n\n");
    auto arguments = GetParam().arguments;
    for (std::string& a : arguments) {
        if (a.starts_with("@")) a = at(a.substr(1));
        if (a == "TINY") a = kTiny;
    }
    const auto f = run_heart(arguments);
    EXPECT_EQ(f.exit_code, GetParam().exit_code) << f.err;
    EXPECT_NE(f.err.find(GetParam().says), std::string::npos) << f.err;
    EXPECT_EQ(std::count(f.err.begin(), f.err.end(), '\n'), 1) << f.err;
    EXPECT_EQ(f.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, TranscribeRefuses,
    ::testing::Values(
        TranscribeRefusal{"nothing", {"transcribe", "--model-path", "TINY", "-q"}, 2, "nothing to transcribe"},
        TranscribeRefusal{"no_model", {"transcribe", "@song.wav", "-q"}, 2, "--model-path"},
        TranscribeRefusal{"wrong_folder", {"transcribe", "@song.wav", "--model-path", "@.", "-q"}, 1, "no transcriptor"},
        TranscribeRefusal{"not_audio", {"transcribe", "@words.wav", "--model-path", "TINY", "-q"}, 1, "not an audio file"},
        TranscribeRefusal{"missing", {"transcribe", "@none.wav", "--model-path", "TINY", "-q"}, 1, "none.wav"},
        TranscribeRefusal{
            "language", {"transcribe", "@song.wav", "--model-path", "TINY", "--language", "xx", "-q"}, 2, "language"},
        TranscribeRefusal{"task", {"transcribe", "@song.wav", "--model-path", "TINY", "--task", "sing", "-q"}, 2, "task"},
        TranscribeRefusal{"beams", {"transcribe", "@song.wav", "--model-path", "TINY", "--beams", "0", "-q"}, 2, "beams"},
        TranscribeRefusal{"temperature",
                          {"transcribe", "@song.wav", "--model-path", "TINY", "--temperature", "0,x", "-q"},
                          2,
                          "--temperature"},
        TranscribeRefusal{
            "format", {"transcribe", "@song.wav", "--model-path", "TINY", "--format", "doc", "-q"}, 2, "--format"},
        TranscribeRefusal{"no_speech",
                          {"transcribe", "@song.wav", "--model-path", "TINY", "--logprob-threshold", "10",
                           "--no-speech-threshold", "-1", "-q"},
                          1,
                          "no speech"},
        TranscribeRefusal{
            "no_words", {"transcribe", "@song.wav", "--model-path", "TINY", "--align", "@empty.txt", "-q"}, 2, "no words"},
        TranscribeRefusal{"score_what", {"score", "--lyrics", "@empty.txt", "-q"}, 2, "--audio"}),
    [](const auto& test) { return std::string(test.param.name); });

// --- score --------------------------------------------------------------------------------------------------------------

TEST_F(HeartTranscribe, ScoreCountsWordsByLine) {
    write("lyrics.txt", "[Verse]\nThe sun creeps in\nacross the floor\n");
    write("heard.txt", "the moon creeps in, in across floor");
    const auto f = run_heart({"score", "--lyrics", at("lyrics.txt"), "--heard", at("heard.txt"), "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    const auto json = json_of(f);
    EXPECT_EQ(json.at("measure"), "wer");
    EXPECT_NEAR(json.at("rate").get<double>(), 3.0 / 7, 1e-9) << "one changed, one added, one dropped, of seven";
    EXPECT_EQ(json.at("lines").at(0).at("counts").at("substitutions"), 1);
    EXPECT_EQ(json.at("lines").at(0).at("counts").at("insertions"), 1);
    EXPECT_EQ(json.at("lines").at(1).at("counts").at("deletions"), 1);
    const auto people = run_heart({"score", "--lyrics", at("lyrics.txt"), "--heard", at("heard.txt")});
    EXPECT_NE(people.out.find("[sun -> moon]"), std::string::npos) << people.out;
    EXPECT_NE(people.out.find("[-the]"), std::string::npos) << people.out;
}

TEST_F(HeartTranscribe, ScoreOfASongHearsItFirst) {
    write_signal("song.wav", 5);
    write("lyrics.txt", "hello the sun\n");
    const auto f =
        run_heart({"score", "--lyrics", at("lyrics.txt"), "--audio", at("song.wav"), "--model-path", kTiny, "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_GT(json_of(f).at("rate").get<double>(), 0.5) << "random weights do not know the words";
}

// --- other verbs --------------------------------------------------------------------------------------------------------

TEST_F(HeartTranscribe, MadeAndQuantizedTranscriptorsRun) {
    write_signal("song.wav", 3);
    ASSERT_EQ(
        run_heart({"make-checkpoint", "--output", at("made"), "--lm", "none", "--codec", "none", "--transcriptor", "mini"})
            .exit_code,
        0);
    const auto q = run_heart(
        {"quantize", "--model-path", at("made"), "--only", "transcriptor", "--type", "q8_0", "--output", at("small")});
    ASSERT_EQ(q.exit_code, 0) << q.err;
    EXPECT_TRUE(fs::exists(at("small/HeartTranscriptor-oss/model.gguf")));
    EXPECT_FALSE(fs::exists(at("small/HeartTranscriptor-oss/model.safetensors")));
    for (const char* folder_name : {"made", "small"}) {
        const auto f = run_heart({"transcribe", at("song.wav"), "--model-path", at(folder_name), "--max-new-tokens", "12"});
        EXPECT_EQ(f.exit_code, 0) << folder_name << ": " << f.err;
    }
}

TEST_F(HeartTranscribe, BenchMeasuresATranscriptor) {
    const auto f = run_heart({"bench", "--only", "transcriptor", "--synthetic", "mini", "--repeat", "1", "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    const auto json = json_of(f);
    EXPECT_GT(json.at("transcriptor").at("encoder_ms").get<double>(), 0);
    EXPECT_EQ(json.at("transcriptor").at("steps").size(), 2U);
}

}  // namespace
}  // namespace heart::test
