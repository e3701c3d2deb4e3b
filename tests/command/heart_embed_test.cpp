// Does `heart embed` put songs and words where they belong, and what stands on it: the index, Tag-Sim, reference audio?

#include "command/heart_command.h"
#include "formats/npy.h"

#include <cmath>
#include <cstring>

namespace heart::test {
namespace {

const Golden& golden() {
    static const Golden g("manifest_clap.json", "clap.safetensors");
    return g;
}

class HeartEmbed : public HeartCommand {
protected:
    /// Samples [from, to) of the golden test signal as a 16-bit WAV of 24 kHz.
    void write_signal(const std::string& name, std::size_t from, std::size_t to) const {
        const auto path = data_path("golden/clap.safetensors");
        const auto tensors = formats::parse_safetensors(formats::Bytes::map_file(path), path.string());
        std::vector<short> samples(to - from);
        std::memcpy(samples.data(), tensors.at("audio.pcm").data.data() + 2 * from, 2 * samples.size());
        SF_INFO info{};
        info.samplerate = 24000, info.channels = 1, info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
        SNDFILE* file = sf_open(at(name).c_str(), SFM_WRITE, &info);
        ASSERT_NE(file, nullptr);
        EXPECT_EQ(sf_write_short(file, samples.data(), static_cast<sf_count_t>(samples.size())),
                  static_cast<sf_count_t>(samples.size()));
        sf_close(file);
    }
    void write_clip(const std::string& name, const std::string& clip) const {
        const auto& entry = golden().manifest().at("clips").at(clip);
        write_signal(name, entry.at("from").get<std::size_t>(), entry.at("to").get<std::size_t>());
    }

    [[nodiscard]] static Finished embed(std::vector<std::string> more) {
        std::vector<std::string> out{"embed", "--model-path", kTiny};
        out.insert(out.end(), more.begin(), more.end());
        return run_heart(out);
    }
};

TEST_F(HeartEmbed, ATextComesFromStandardInputToo) {
    std::vector<std::string> arguments{"embed", "--model-path", kTiny, "--text", "-", "--json"};
    const auto f = run_heart(arguments, {.input = "piano\n"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    const auto json = json_of(f);
    EXPECT_EQ(json.at("inputs")[0].at("text").get<std::string>(), "piano");
    const auto texts = golden().floats("text.latents");
    golden().expect_close("text.latents", std::vector<float>(texts.begin(), texts.begin() + 512),
                          json.at("embeddings")[0].get<std::vector<float>>());
    arguments.insert(arguments.end(), {"--text", "-"});
    EXPECT_EQ(run_heart(arguments, {.input = "piano"}).exit_code, 2) << "it can be read once";
}

TEST_F(HeartEmbed, JsonHasAVectorForEachInputInOrder) {
    write_clip("a.wav", "a27");
    write_clip("b.wav", "a3");
    const auto f = embed({at("a.wav"), at("b.wav"), "--text", "piano", "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    const auto json = json_of(f);
    EXPECT_EQ(json.at("dimension").get<int>(), 512);
    ASSERT_EQ(json.at("embeddings").size(), 3U);
    golden().expect_close("a27.latent", json.at("embeddings")[0].get<std::vector<float>>());
    golden().expect_close("a3.latent", json.at("embeddings")[1].get<std::vector<float>>());
    const auto texts = golden().floats("text.latents");
    golden().expect_close("text.latents", std::vector<float>(texts.begin(), texts.begin() + 512),
                          json.at("embeddings")[2].get<std::vector<float>>());
    EXPECT_EQ(json.at("inputs")[0].at("clips").get<int>(), 3);
    EXPECT_NEAR(json.at("inputs")[0].at("seconds").get<double>(), 27, 1e-6);
    EXPECT_EQ(json.at("inputs")[2].at("text").get<std::string>(), "piano");
}

TEST_F(HeartEmbed, ArraysAreThoseOfTheJson) {
    write_clip("a.wav", "a10");
    const auto f = embed({at("a.wav"), "--text", "piano", "--format", "npy", "-o", at("v.npy"), "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    const auto array = formats::read_float_array({at("v.npy"), ""});
    EXPECT_EQ(array.shape, (std::vector<std::uint64_t>{2, 512}));
    golden().expect_close("a10.latent", std::span(array.values).first(512));
}

TEST_F(HeartEmbed, APartOfAFileIsThatPart) {
    write_clip("all.wav", "a27");
    const auto f = embed({at("all.wav"), "--start", "2.5", "--seconds", "10", "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    golden().expect_close("a10.latent", json_of(f).at("embeddings")[0].get<std::vector<float>>());
    EXPECT_EQ(embed({at("all.wav"), "--start", "30", "--json"}).exit_code, 2);
}

TEST_F(HeartEmbed, SimilaritiesAreDotProducts) {
    write_clip("a.wav", "a10");
    const auto f = embed({at("a.wav"), "--text", "piano", "--similarity", "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    const auto rows = json_of(f).at("similarity").get<std::vector<std::vector<double>>>();
    EXPECT_NEAR(rows[0][1], golden().floats("similarity")[0], 1e-4);
    EXPECT_EQ(rows[0][1], rows[1][0]);
    const auto table = embed({at("a.wav"), "--text", "piano", "--similarity", "-q"});
    EXPECT_EQ(table.exit_code, 0) << table.err;
    EXPECT_NE(table.out.find("  2  piano"), std::string::npos) << table.out;
}

TEST_F(HeartEmbed, AMusicFolderIsIndexedBroughtUpToDateAndSearched) {
    fs::create_directories(at("music/deep"));
    write_clip("music/a10.wav", "a10");
    write_clip("music/deep/a3.wav", "a3");
    write("music/words.txt", "no sound");
    const auto first = embed({at("music"), "--index", at("index"), "--json"});
    ASSERT_EQ(first.exit_code, 0) << first.err;
    EXPECT_EQ(json_of(first).at("added").get<int>(), 2);

    // The same song, cut elsewhere, finds itself first.
    write_clip("query.wav", "a10");
    const auto found = embed({"--index", at("index"), "--search", at("query.wav"), "--json"});
    ASSERT_EQ(found.exit_code, 0) << found.err;
    const auto matches = json_of(found).at("matches");
    ASSERT_EQ(matches.size(), 2U);
    EXPECT_EQ(matches[0].at("name").get<std::string>(), "a10.wav");
    EXPECT_NEAR(matches[0].at("similarity").get<double>(), 1, 1e-5);
    EXPECT_EQ(matches[1].at("name").get<std::string>(), "deep/a3.wav");

    const auto words = embed({"--index", at("index"), "--search", "calm piano at night", "--top", "1", "-q"});
    EXPECT_EQ(words.exit_code, 0) << words.err;
    EXPECT_EQ(std::count(words.out.begin(), words.out.end(), '\n'), 1) << words.out;

    fs::remove(at("music/deep/a3.wav"));
    write_clip("music/new.wav", "odd");
    write("music/broken.mp3", "no sound at all");
    const auto second = embed({at("music"), "--index", at("index"), "--json"});
    EXPECT_EQ(second.exit_code, 1) << "a song that cannot be read shows in the exit code";
    EXPECT_NE(second.err.find("broken.mp3"), std::string::npos) << second.err;
    const auto json = json_of(second);
    EXPECT_EQ(json.at("added").get<int>(), 1);
    EXPECT_EQ(json.at("kept").get<int>(), 1);
    EXPECT_EQ(json.at("removed").get<int>(), 1);
    EXPECT_EQ(json.at("failed").get<int>(), 1);
    EXPECT_EQ(json.at("songs").get<int>(), 2);
}

TEST_F(HeartEmbed, ReferenceAudioIsItsEmbeddingAndTravelsWithTheSong) {
    write_clip("ref.wav", "a27");
    write("lyrics.txt", kLyrics);
    const auto f = run_heart({"generate",     "--model-path",   kTiny,
                              "--lyrics",     at("lyrics.txt"), "--tags",
                              kTags,          "--topk",         "1",
                              "--mula-dtype", "float32",        "--max-audio-length-ms",
                              "1840",         "--save-codes",   at("codes.npy"),
                              "--ref-audio",  at("ref.wav"),    "--ref-start",
                              "2.5",          "--ref-strength", "16",
                              "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(formats::read_integer_array({at("codes.npy"), ""}).values,
              golden().integers("mula.strength16.0.greedy_frames"));
}

TEST_F(HeartEmbed, TagSimilarityIsTheScore) {
    write_clip("song.wav", "a20");
    const auto f =
        run_heart({"score", "--model-path", kTiny, "--audio", at("song.wav"), "--tags", "soft, warm, pop", "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    // The fourth sound and the fifth text of the golden table.
    EXPECT_NEAR(json_of(f).at("tag_similarity").get<double>(), golden().floats("similarity")[3 * 22 + 4], 1e-4);
    EXPECT_EQ(run_heart({"score", "--tags", "pop"}).exit_code, 2);
}

TEST_F(HeartEmbed, WrongUseIsSaidBeforeAnyWork) {
    EXPECT_EQ(embed({}).exit_code, 2);
    EXPECT_EQ(embed({"--text", "a", "--format", "xml"}).exit_code, 2);
    EXPECT_EQ(embed({"--text", "a", "--format", "npy"}).exit_code, 2);
    EXPECT_EQ(embed({"--search", "a"}).exit_code, 2);
    EXPECT_EQ(embed({"--index", at("none"), "--search", "a"}).exit_code, 1);
    EXPECT_EQ(embed({at("none.wav")}).exit_code, 1);
    const auto no_model = run_heart({"embed", "--text", "a"});
    EXPECT_EQ(no_model.exit_code, 2);
    EXPECT_NE(no_model.err.find("heart pull MuQ-MuLan-large"), std::string::npos) << no_model.err;
    EXPECT_EQ(embed({"--text", "a", "--embedder", "HeartCodec-oss"}).exit_code, 1);
}

}  // namespace
}  // namespace heart::test
