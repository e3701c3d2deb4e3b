// Does the program behave as its help says?

#include "command/heart_command.h"
#include "formats/npy.h"
#include "support/patience.h"

#include <chrono>
#include <fstream>

namespace heart::test {
namespace {

TEST_F(HeartCommand, FirstSongNeedsNoArguments) {
    const auto f = run_heart({"generate", "--max-audio-length-ms", "1000"}, {.folder = folder});
    EXPECT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(files(), std::vector<std::string>{"song.wav"});
    EXPECT_EQ(f.out, "") << "notes belong on standard error";
    EXPECT_NE(f.err.find("demo model"), std::string::npos) << "one honest line about what made it";
    EXPECT_NE(f.err.find("seed"), std::string::npos);
    int rate = 0;
    EXPECT_EQ(samples_of(at("song.wav"), &rate).size(), 2U * 13 * 3840);
    EXPECT_EQ(rate, 48000);
}

TEST_F(HeartCommand, GreedyCodesAreTheGoldenOnes) {
    write("lyrics.txt", kLyrics);
    const auto f =
        run_heart({"generate", "--model-path", kTiny, "--lyrics", at("lyrics.txt"), "--tags", kTags, "--topk", "1",
                   "--mula-dtype", "float32", "--max-audio-length-ms", "1840", "--save-codes", at("codes.npy")});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(files(), (std::vector<std::string>{"codes.npy", "lyrics.txt"})) << "--save-codes alone renders nothing";
    const auto codes = formats::read_integer_array({at("codes.npy"), ""});
    EXPECT_EQ(codes.shape, (std::vector<std::uint64_t>{8, 24}));
    EXPECT_EQ(codes.values, Golden("manifest_mula.json", "mula.safetensors").integers("cfg1.5.greedy_frames"));
}

TEST_F(HeartCommand, UnderscoredOptionsOfTheReferenceWork) {
    write("lyrics.txt", kLyrics);
    write("tags.txt", kTags + "\n");
    const auto f = run_heart({"generate",
                              "--model_path",
                              kTiny,
                              "--version",
                              "3B",
                              "--lyrics",
                              at("lyrics.txt"),
                              "--tags",
                              at("tags.txt"),
                              "--save_path",
                              at("song.wav"),
                              "--max_audio_length_ms",
                              "160",
                              "--topk",
                              "1",
                              "--temperature",
                              "1.0",
                              "--cfg_scale",
                              "1.5",
                              "--mula_device",
                              "cpu",
                              "--codec_device",
                              "cpu",
                              "--mula_dtype",
                              "float32",
                              "--codec_dtype",
                              "float32",
                              "--lazy_load",
                              "true",
                              "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(json_of(f).at("frames"), 3);
    EXPECT_EQ(json_of(f).at("path"), at("song.wav"));
}

TEST_F(HeartCommand, DecodeReproducesTheReferencesSound) {
    const std::string golden = data_path("golden").string();
    const auto f =
        run_heart({"decode", "--model-path", kTiny, "--codes", golden + "/mula.safetensors:cfg1.5.greedy_frames", "--noise",
                   golden + "/codec.safetensors:noise_bank", "--sample-format", "f32", "--save-path", at("x.wav"), "-q"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(f.err, "") << "--quiet";
    const auto wave = samples_of(at("x.wav"));
    const auto expected = Golden("manifest_e2e.json", "e2e.safetensors").floats("cfg1.5.wave");
    EXPECT_GE(snr_db(expected, transposed(wave, wave.size() / 2, 2)), 35);
}

TEST_F(HeartCommand, SavedCodesDecodeToTheSameSong) {
    const auto made = run_heart({"generate", "--max-audio-length-ms", "800", "--seed", "4", "--save-codes", at("c.npy"),
                                 "--save-path", at("a.wav")});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    ASSERT_EQ(run_heart({"decode", "--codes", at("c.npy"), "--seed", "4", "--save-path", at("b.wav")}).exit_code, 0);
    EXPECT_EQ(samples_of(at("a.wav")), samples_of(at("b.wav")));
}

TEST_F(HeartCommand, SameSeedSameFile) {
    for (const char* name : {"a.flac", "b.flac"}) {
        ASSERT_EQ(run_heart({"generate", "--max-audio-length-ms", "400", "--seed", "9", "--save-path", at(name), "--threads",
                             name[0] == 'a' ? "1" : "2"})
                      .exit_code,
                  0);
    }
    EXPECT_EQ(samples_of(at("a.flac")), samples_of(at("b.flac")));
}

TEST_F(HeartCommand, RandomSeedIsReportedAndMakesTheSameSongAgain) {
    const auto first = run_heart({"generate", "--max-audio-length-ms", "400", "--save-codes", at("a.npy"), "--json"});
    ASSERT_EQ(first.exit_code, 0);
    const auto seed = std::to_string(json_of(first).at("seed").get<std::uint64_t>());
    ASSERT_EQ(run_heart({"generate", "--max-audio-length-ms", "400", "--save-codes", at("b.npy"), "--seed", seed}).exit_code,
              0);
    EXPECT_EQ(formats::read_integer_array({at("a.npy"), ""}).values, formats::read_integer_array({at("b.npy"), ""}).values);
}

TEST_F(HeartCommand, TakesMakeSeveralFiles) {
    const auto f = run_heart(
        {"generate", "--max-audio-length-ms", "160", "--takes", "2", "--seed", "1", "--save-path", at("s.wav"), "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(files(), (std::vector<std::string>{"s-1.wav", "s-2.wav"}));
    EXPECT_EQ(json_of(f).at("songs").size(), 2U);
    EXPECT_NE(samples_of(at("s-1.wav")), samples_of(at("s-2.wav")));
}

TEST_F(HeartCommand, TakesComposedTogetherAreTheTakesOneByOne) {
    const auto codes = [&](const std::string& batch, const std::string& name) {
        const auto f = run_heart({"generate", "--max-audio-length-ms", "800", "--takes", "3", "--seed", "5", "--batch",
                                  batch, "--save-codes", at(name + ".npy"), "--json"});
        EXPECT_EQ(f.exit_code, 0) << f.err;
        EXPECT_EQ(json_of(f).at("composed_at_once"), std::stoi(batch));
        std::vector<std::vector<std::int32_t>> out;
        for (const char* take : {"-1", "-2", "-3"}) {
            out.push_back(formats::read_integer_array({at(name + take + ".npy"), ""}).values);
        }
        return out;
    };
    EXPECT_EQ(codes("3", "together"), codes("1", "single"));
}

TEST_F(HeartCommand, EveryContainerByItsEnding) {
    for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.ogg", "a.opus"}) {
        const auto f = run_heart({"generate", "--max-audio-length-ms", "400", "--seed", "1", "--save-path", at(name), "-q"});
        EXPECT_EQ(f.exit_code, 0) << name << ": " << f.err;
        EXPECT_EQ(samples_of(at(name)).size(), 2U * 6 * 3840) << name;
    }
}

TEST_F(HeartCommand, LyricsComeFromStandardInput) {
    const auto f = run_heart({"generate", "--model-path", kTiny, "--lyrics", "-", "--tags", kTags, "--topk", "1",
                              "--mula-dtype", "float32", "--max-audio-length-ms", "1840", "--save-codes", at("c.npy")},
                             {.input = kLyrics});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(formats::read_integer_array({at("c.npy"), ""}).values,
              Golden("manifest_mula.json", "mula.safetensors").integers("cfg1.5.greedy_frames"));
}

TEST_F(HeartCommand, LyricsThatNameAFileAreStillLyrics) {
    // The reference opens a file when the words happen to be its name.
    write("secret", "the words of a file");
    const std::vector<std::string> base{"generate", "--model-path", kTiny,    "--topk", "1", "--max-audio-length-ms",
                                        "400",      "--mula-dtype", "float32"};
    const auto codes_for = [&](std::vector<std::string> more, const std::string& input) {
        auto arguments = base;
        arguments.insert(arguments.end(), more.begin(), more.end());
        arguments.insert(arguments.end(), {"--save-codes", at("c.npy")});
        const auto f = run_heart(arguments, {.input = input, .folder = folder});
        EXPECT_EQ(f.exit_code, 0) << f.err;
        return formats::read_integer_array({at("c.npy"), ""}).values;
    };
    write("elsewhere.txt", "secret");
    EXPECT_EQ(codes_for({"--lyrics-text", "secret", "--tags", "rock"}, ""),
              codes_for({"--lyrics", at("elsewhere.txt"), "--tags", "rock"}, ""));
    const auto tags_as_text = codes_for({"--lyrics-text", "la", "--tags", "secret"}, "");
    fs::remove(folder / "secret");
    EXPECT_EQ(tags_as_text, codes_for({"--lyrics-text", "la", "--tags", "secret"}, ""));
}

TEST_F(HeartCommand, SpectrogramIsAPng) {
    const auto f =
        run_heart({"generate", "--max-audio-length-ms", "400", "--save-path", at("a.wav"), "--spectrogram", at("a.png")});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    std::string head(8, '\0');
    std::ifstream(at("a.png"), std::ios::binary).read(head.data(), 8);
    EXPECT_EQ(head, "\x89PNG\r\n\x1a\n");
}

TEST_F(HeartCommand, InterruptLeavesNoFileAndExits130) {
    const auto start = std::chrono::steady_clock::now();
    const auto f =
        run_heart({"generate", "--max-audio-length-ms", "240000", "--model-path", kTiny, "--save-path", at("s.wav")},
                  {.interrupt_after_ms = 700, .folder = folder});
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(f.exit_code, 130) << f.err;
    EXPECT_TRUE(files().empty());
    EXPECT_LT(took, kPatience);
}

struct Refusal {
    const char* name;
    std::vector<std::string> arguments;
    int exit_code;
    const char* says;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
    *out << refusal.name;
}

class HeartRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(HeartRefuses, WithOneLineAndTheRightCode) {
    const auto f = run_heart(GetParam().arguments);
    EXPECT_EQ(f.exit_code, GetParam().exit_code) << f.err;
    EXPECT_NE(f.err.find(GetParam().says), std::string::npos) << f.err;
    EXPECT_EQ(f.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    , HeartRefuses,
    ::testing::Values(
        Refusal{"NoVerb", {}, 2, "generate"}, Refusal{"UnknownVerb", {"sing"}, 2, "sing"},
        Refusal{"UnknownOption", {"generate", "--loud"}, 2, "--loud"},
        Refusal{"WordForANumber", {"generate", "--topk", "many"}, 2, "topk"},
        Refusal{"ZeroTopk", {"generate", "--topk", "0"}, 2, "--topk is out of range"},
        Refusal{"ZeroTemperature", {"generate", "--temperature", "0"}, 2, "--topk 1"},
        Refusal{"NanTemperature", {"generate", "--temperature", "nan"}, 2, "--temperature"},
        Refusal{"NegativeLength", {"generate", "--max-audio-length-ms", "-5"}, 2, "--max-audio-length-ms"},
        Refusal{"UnknownFormat", {"generate", "--save-path", "/tmp/x.xyz"}, 2, ".flac"},
        Refusal{"UnknownSampleFormat", {"generate", "--sample-format", "s7"}, 2, "s16, s24 or f32"},
        Refusal{"UnknownType", {"generate", "--mula-dtype", "int3"}, 2, "bfloat16"},
        Refusal{"CacheOfFourBits", {"generate", "--kv-dtype", "q4_k", "--max-audio-length-ms", "80"}, 2, "KV cache"},
        Refusal{"CodecInBfloat16", {"generate", "--codec-dtype", "bfloat16", "--max-audio-length-ms", "80"}, 1, "ninths"},
        Refusal{"MissingFolder", {"generate", "--save-path", "/no/such/folder/x.wav"}, 1, "/no/such/folder"},
        Refusal{"MissingModel", {"generate", "--model-path", "/no/such/model"}, 1, "HeartMuLa-oss-3B"},
        Refusal{"VersionThatClimbs", {"generate", "--version", "../x"}, 2, "version"},
        Refusal{"MissingLyrics", {"generate", "--lyrics", "/no/lyrics.txt"}, 1, "--lyrics-text"},
        Refusal{"MissingTags", {"generate", "--tags", "none.txt"}, 1, "none.txt"},
        Refusal{"UnknownDevice", {"generate", "--device", "abacus"}, 1, "abacus"},
        Refusal{"TooManyThreads", {"generate", "--threads", "100000"}, 2, "threads"},
        Refusal{"SongToStandardOutput", {"generate", "--save-path", "-"}, 2, "--stream"},
        Refusal{"StreamOfAnotherContainer", {"generate", "--stream", "--save-path", "/tmp/x.flac"}, 2, "WAV"},
        Refusal{"StreamOfTakes", {"generate", "--stream", "--save-path", "-", "--takes", "2"}, 2, "one song"},
        Refusal{"UnknownStreamFormat", {"generate", "--stream", "--stream-format", "u8"}, 2, "s16le"},
        Refusal{"StreamFormatAlone", {"generate", "--stream-format", "s16le"}, 2, "--stream"},
        Refusal{"StreamIntoAMissingFolder", {"generate", "--stream", "--save-path", "/no/such/folder/x.wav"}, 1, "/no/such"},
        Refusal{"FirstWindowTooShort", {"generate", "--first-window-ms", "4000"}, 2, "--first-window-ms"},
        Refusal{"CodesMissing", {"decode", "--codes", "/no/codes.npy"}, 1, "/no/codes.npy"},
        Refusal{"CodesNotGiven", {"decode"}, 2, "--codes"},
        Refusal{"OpusAtAnOddRate", {"generate", "--model-path", kTiny, "--save-path", "/tmp/x.opus"}, 1, "2400"},
        Refusal{"QuantizeWithoutType", {"quantize", "--output", "/tmp/heart-none"}, 2, "--type"},
        Refusal{"QuantizeWithoutOutput", {"quantize", "--type", "q8_0"}, 2, "--output"},
        Refusal{"QuantizeToAnUnknownType", {"quantize", "--type", "q3_k", "--output", "/tmp/heart-none"}, 2, "q4_k"},
        Refusal{"QuantizePartToAnUnknownType",
                {"quantize", "--type", "q8_0", "--head-type", "tiny", "--output", "/tmp/heart-none"},
                2,
                "tiny"},
        Refusal{"QuantizeCodecToBfloat16",
                {"quantize", "--type", "q8_0", "--codec-type", "bf16", "--output", "/tmp/heart-none"},
                2,
                "ninths"},
        Refusal{"QuantizeOnlyTheTokenizer",
                {"quantize", "--type", "q8_0", "--only", "words", "--output", "/tmp/heart-none"},
                2,
                "lm, codec or transcriptor"},
        Refusal{"QuantizeMissingModel",
                {"quantize", "--type", "q8_0", "--model-path", "/no/such/model", "--output", "/tmp/heart-none"},
                1,
                "/no/such/model"},
        Refusal{"InfoOfNothing", {"info", "--model-path", "/no/such/model"}, 1, "/no/such/model"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(HeartCommand, ErrorsAreJsonWhenAsked) {
    const auto f = run_heart({"generate", "--json", "--model-path", "/no/such/model"});
    EXPECT_EQ(f.exit_code, 1);
    EXPECT_EQ(json_of(f).at("error").at("code"), "not_found");
}

TEST_F(HeartCommand, VersionAndHelp) {
    const auto version = run_heart({"--version"});
    EXPECT_EQ(version.exit_code, 0);
    EXPECT_EQ(version.out.substr(0, 6), "heart ");
    for (const char* verb : {"generate", "decode", "info", "make-checkpoint", "bench", "quantize"}) {
        const auto help = run_heart({verb, "--help"});
        EXPECT_EQ(help.exit_code, 0) << verb;
        EXPECT_GT(help.out.size(), 200U) << verb;
    }
}

TEST_F(HeartCommand, InfoSaysWhatIsThereAndWhetherItIsWhole) {
    const auto whole = run_heart({"info", "--json", "--model-path", kTiny});
    ASSERT_EQ(whole.exit_code, 0) << whole.err;
    const auto report = json_of(whole);
    EXPECT_EQ(report.at("whole"), true);
    EXPECT_EQ(report.at("checkpoint").at("models").at(0).at("tensors"), 55);
    EXPECT_EQ(report.at("devices").at(0).at("name"), "cpu");
    fs::copy(kTiny, folder / "ckpt", fs::copy_options::recursive);
    fs::remove(folder / "ckpt/HeartMuLa-oss-3B/model-00002-of-00003.safetensors");
    const auto broken = run_heart({"info", "--json", "--model-path", at("ckpt")});
    EXPECT_EQ(broken.exit_code, 1);
    EXPECT_EQ(json_of(broken).at("checkpoint").at("models").at(0).at("whole"), false);
    EXPECT_EQ(json_of(broken).at("checkpoint").at("models").at(1).at("whole"), true);
}

TEST_F(HeartCommand, PlanSaysWhatEachStageTakes) {
    const auto plan_with = [&](std::vector<std::string> options) {
        options.insert(options.begin(), {"info", "--plan", "--json"});
        const auto f = run_heart(options);
        EXPECT_EQ(f.exit_code, 0) << f.err;
        return json_of(f);
    };
    const auto gb = [](const auto& plan, const char* name) { return plan.at(name).template get<double>(); };
    const auto both = plan_with({}), lazy = plan_with({"--lazy-load", "true"});
    EXPECT_NEAR(gb(both, "composing_gb"),
                gb(both, "language_model_gb") + gb(both, "kv_cache_gb") + gb(both, "codec_gb") + gb(both, "scratch_gb"),
                1e-9);
    EXPECT_EQ(gb(both, "peak_gb"), std::max(gb(both, "composing_gb"), gb(both, "rendering_gb")));
    EXPECT_NEAR(gb(lazy, "rendering_gb"), gb(lazy, "codec_gb") + gb(lazy, "scratch_gb"), 1e-9);
    EXPECT_LT(gb(lazy, "peak_gb"), gb(both, "peak_gb"));
    EXPECT_LT(gb(plan_with({"--mula-dtype", "q8_0"}), "language_model_gb"), gb(both, "language_model_gb"));
    EXPECT_LT(gb(plan_with({"--kv-dtype", "q8_0"}), "kv_cache_gb"), gb(both, "kv_cache_gb"));
    EXPECT_LT(gb(plan_with({"--max-audio-length-ms", "10000"}), "kv_cache_gb"), gb(both, "kv_cache_gb"));
    EXPECT_EQ(run_heart({"info", "--plan", "--max-audio-length-ms", "0"}).exit_code, 2);
}

TEST_F(HeartCommand, MadeCheckpointsMakeSongs) {
    const auto made =
        run_heart({"make-checkpoint", "--lm", "tiny", "--codec", "tiny", "--output", at("ckpt"), "--shard-bytes", "200000"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_TRUE(fs::exists(folder / "ckpt/HeartMuLa-oss-3B/model.safetensors.index.json")) << "shards";
    ASSERT_EQ(run_heart({"info", "--model-path", at("ckpt")}).exit_code, 0);
    const auto f = run_heart({"generate", "--model-path", at("ckpt"), "--max-audio-length-ms", "400", "--save-path",
                              at("a.wav"), "--tags", "piano", "--lyrics-text", "la la"});
    EXPECT_EQ(f.exit_code, 0) << f.err;
    const auto whole = run_heart({"generate", "--model-path", at("ckpt"), "--max-audio-length-ms", "8000", "--topk", "5",
                                  "--save-path", at("whole.wav"), "--json"});
    ASSERT_EQ(whole.exit_code, 0) << whole.err;
    EXPECT_EQ(json_of(whole).at("frames"), 101) << "random weights end no song";
    const auto again = run_heart({"make-checkpoint", "--lm", "tiny", "--codec", "tiny", "--output", at("ckpt")});
    EXPECT_EQ(again.exit_code, 2) << "a folder that is not empty is left alone";
}

// --- bench --------------------------------------------------------------------------------------------------------------

TEST_F(HeartCommand, BenchMeasuresEverything) {
    const auto f = run_heart(
        {"bench", "--synthetic", "tiny", "--seconds", "1", "--frames", "2", "--repeat", "1", "--threads", "2", "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    const auto all = json_of(f);
    const auto number = [&](const char* part, const char* name) { return all.at(part).at(name).get<double>(); };
    EXPECT_FALSE(all.at("machine").at("name").get<std::string>().empty());
    EXPECT_EQ(all.at("machine").at("threads"), 2);
    EXPECT_GT(number("machine", "read_gbps"), 1);
    for (const char* name : {"f32_gflops", "int8_gops"}) EXPECT_GT(number("machine", name), 0.5) << name;
    EXPECT_EQ(all.at("lm").at("type"), "bf16");
    EXPECT_EQ(all.at("lm").at("context"), 500);
    for (const char* name : {"ms_per_frame", "gb_per_frame", "gbps", "percent_of_read", "backbone_ms", "depth_ms",
                             "backbone_percent_of_read", "depth_percent_of_read", "prefill_tokens_per_second"}) {
        EXPECT_GT(number("lm", name), 0) << name;
    }
    EXPECT_LE(number("lm", "ms_per_frame_min"), number("lm", "ms_per_frame"));
    EXPECT_GE(number("lm", "ms_per_frame_max"), number("lm", "ms_per_frame"));
    for (const char* name : {"read_gbps", "percent_of_read_max"}) EXPECT_GT(number("lm", name), 0) << name;
    EXPECT_EQ(all.at("estimator").at("type"), "f32");
    EXPECT_TRUE(all.at("estimator").at("extrapolated_from_blocks").is_null());
    for (const char* name : {"ms", "gflops", "percent_of_peak"}) EXPECT_GT(number("estimator", name), 0) << name;
    EXPECT_LT(number("estimator", "percent_of_peak"), 200);
    for (const char* name : {"seconds_per_second", "gflops", "percent_of_peak"}) {
        EXPECT_GT(number("sq_decoder", name), 0) << name;
    }
    EXPECT_NEAR(number("song", "audio_seconds"), 1, 0.05);
    EXPECT_GT(number("song", "seconds"), 0);
    EXPECT_GT(number("song", "rtf"), 0);
    EXPECT_EQ(all.at("song").at("composed"), false);
    EXPECT_GT(number("memory", "resident_mb"), 1);
    EXPECT_GE(number("memory", "peak_mb"), number("memory", "resident_mb"));
}

TEST_F(HeartCommand, BenchMeasuresOnePartAlone) {
    const auto f = run_heart({"bench", "--synthetic", "tiny", "--only", "lm", "--frames", "1", "--repeat", "1", "--context",
                              "20", "--type", "f32", "--songs", "1,3", "--json", "-q"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(f.err, "") << "--quiet";
    const auto all = json_of(f);
    EXPECT_EQ(all.at("lm").at("type"), "f32");
    EXPECT_EQ(all.at("lm").at("context"), 20);
    for (const char* part : {"estimator", "sq_decoder", "song"}) EXPECT_FALSE(all.contains(part)) << part;
    ASSERT_EQ(all.at("batch").size(), 2U);
    const auto& three = all.at("batch").at(1);
    EXPECT_EQ(three.at("songs"), 3);
    EXPECT_EQ(all.at("batch").at(0).at("ratio_to_one"), 1);
    EXPECT_NEAR(three.at("frames_per_second").get<double>() * three.at("ms_per_frame").get<double>(), 3000, 1);
}

TEST_F(HeartCommand, BenchTakesACheckpoint) {
    const auto f = run_heart({"bench", "--model-path", kTiny, "--only", "codec", "--repeat", "1", "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_GT(json_of(f).at("estimator").at("ms").get<double>(), 0);
    EXPECT_EQ(json_of(f).at("model"), "ckpt-tiny");
}

TEST_F(HeartCommand, BenchRefusesInOneLine) {
    const std::vector<std::vector<std::string>> wrong{
        {"--only", "everything"}, {"--synthetic", "9B"},
        {"--type", "q3"},         {"--codec-type", "int8"},
        {"--frames", "0"},        {"--context", "0"},
        {"--repeat", "-1"},       {"--seconds", "nan"},
        {"--threads", "-2"},      {"--synthetic", "tiny", "--model-path", kTiny}};
    for (const auto& arguments : wrong) {
        std::vector<std::string> all{"bench"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        const auto f = run_heart(all);
        EXPECT_EQ(f.exit_code, 2) << arguments[0] << " " << arguments[1] << ": " << f.err;
        EXPECT_EQ(std::count(f.err.begin(), f.err.end(), '\n'), 1) << f.err;
    }
}

TEST_F(HeartCommand, BenchStopsWhenInterrupted) {
    const auto start = std::chrono::steady_clock::now();
    const auto f = run_heart({"bench", "--synthetic", "tiny", "--frames", "10000", "--context", "1", "--only", "lm"},
                             {.interrupt_after_ms = 300});
    EXPECT_EQ(f.exit_code, 130) << f.err;
    EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience);
}

// --- quantize -----------------------------------------------------------------------------------------------------------

TEST_F(HeartCommand, QuantizedCheckpointsAreWholeAndMakeSongs) {
    const auto made = run_heart({"quantize", "--model-path", kTiny, "--type", "q4_k", "--embedding-type", "q8_0",
                                 "--codec-type", "q8_0", "--output", at("small"), "--json"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_NE(made.err.find("took q4_0: their rows are no whole blocks of q4_k"), std::string::npos) << made.err;
    const auto report = json_of(made);
    EXPECT_EQ(report.at("path"), at("small"));
    const auto& lm = report.at("models").at(0);
    EXPECT_EQ(lm.at("recipe").at("backbone"), "q4_k");
    EXPECT_EQ(lm.at("recipe").at("embedding"), "q8_0");
    EXPECT_EQ(lm.at("bytes"), fs::file_size(folder / "small/HeartMuLa-oss-3B/model.gguf"));
    EXPECT_LT(lm.at("bytes"), lm.at("source_bytes"));
    EXPECT_GT(lm.at("types").at("q4_0").at("tensors"), 0);
    EXPECT_EQ(lm.at("fallbacks").at(0).at("asked"), "q4_k");
    fs::remove(folder / "small/HeartCodec-oss/config.json");  // it is inside as well

    const auto info = run_heart({"info", "--json", "--model-path", at("small")});
    ASSERT_EQ(info.exit_code, 0) << info.err << info.out;
    EXPECT_EQ(json_of(info).at("whole"), true);
    EXPECT_EQ(json_of(info).at("checkpoint").at("models").at(0).at("tensors"), 55);
    const auto song = run_heart({"generate", "--model-path", at("small"), "--max-audio-length-ms", "400", "--seed", "1",
                                 "--save-path", at("a.wav"), "--tags", "piano", "--lyrics-text", "la la"});
    EXPECT_EQ(song.exit_code, 0) << song.err;

    const auto again = run_heart({"quantize", "--model-path", kTiny, "--type", "q8_0", "--output", at("small")});
    EXPECT_EQ(again.exit_code, 2) << "a folder that is not empty is left alone";
}

// Weights that were only copied make the same song.
TEST_F(HeartCommand, QuantizingToFloat32ChangesNothing) {
    ASSERT_EQ(run_heart({"quantize", "--model-path", kTiny, "--type", "float32", "--output", at("same"), "-q"}).exit_code,
              0);
    for (const std::string& model : {kTiny, at("same")}) {
        const auto f = run_heart({"generate", "--model-path", model, "--max-audio-length-ms", "400", "--seed", "1",
                                  "--mula-dtype", "float32", "--save-path", model == kTiny ? at("a.wav") : at("b.wav"),
                                  "--tags", "piano", "--lyrics-text", "la la", "-q"});
        ASSERT_EQ(f.exit_code, 0) << f.err;
        EXPECT_EQ(f.err, "");
    }
    EXPECT_EQ(samples_of(at("a.wav")), samples_of(at("b.wav")));
}

}  // namespace
}  // namespace heart::test
