// Does a song take after a reference embedding, from an array or from another song's recipe?

#include "command/heart_command.h"
#include "formats/npy.h"

#include <cmath>
#include <limits>

namespace heart::test {
namespace {

/// A .npy file of float32 numbers.
std::string npy_of(const std::string& shape, const std::vector<float>& values) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
    header.append(117 - header.size(), ' ');
    header += '\n';
    std::string out = "\x93NUMPY\x01";
    out += '\0';
    out += static_cast<char>(header.size());
    out += '\0';
    out += header;
    out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    return out;
}

std::vector<float> unit_vector(std::size_t size = 512) {
    std::vector<float> out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = (i % 7 < 3 ? 1.0F : -1.0F) / std::sqrt(static_cast<float>(size));
    return out;
}

class HeartReference : public HeartCommand {
protected:
    /// Makes a short song of the demo model and returns its codes.
    std::vector<std::int32_t> codes(const std::vector<std::string>& more, Finished* finished = nullptr) {
        std::vector<std::string> arguments{"generate", "--max-audio-length-ms", "800",      "--seed",
                                           "4",        "--save-codes",          at("c.npy")};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Finished f = run_heart(arguments);
        EXPECT_EQ(f.exit_code, 0) << f.err;
        if (finished != nullptr) *finished = f;
        return f.exit_code == 0 ? formats::read_integer_array({at("c.npy"), ""}).values : std::vector<std::int32_t>();
    }
};

TEST_F(HeartReference, GoldenEmbeddingGivesTheGoldenCodes) {
    write("lyrics.txt", kLyrics);
    const std::string golden = data_path("golden/clap.safetensors").string();
    const auto f = run_heart({"generate", "--model-path", kTiny, "--lyrics", at("lyrics.txt"), "--tags", kTags, "--topk",
                              "1", "--mula-dtype", "float32", "--max-audio-length-ms", "1840", "--save-codes",
                              at("codes.npy"), "--ref-embedding", golden + ":a10.latent", "--ref-strength", "16"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(formats::read_integer_array({at("codes.npy"), ""}).values,
              Golden("manifest_clap.json", "clap.safetensors").integers("mula.strength16.0.greedy_frames"));
    EXPECT_NE(f.err.find("clap.safetensors, strength 16"), std::string::npos) << f.err;
}

TEST_F(HeartReference, RowsAndVectorsAreTheSame) {
    write("a.npy", npy_of("(512,)", unit_vector()));
    write("b.npy", npy_of("(1, 512)", unit_vector()));
    const auto plain = codes({});
    const auto one = codes({"--ref-embedding", at("a.npy"), "--ref-strength", "16"});
    EXPECT_NE(one, plain);
    EXPECT_EQ(codes({"--ref_embedding", at("b.npy"), "--ref_strength", "16"}), one);
    EXPECT_EQ(codes({"--ref-embedding", at("a.npy"), "--ref-strength", "0"}), plain);
    EXPECT_EQ(codes({"--ref-embedding", at("a.npy"), "--ref-strength", "1"}), codes({"--ref-embedding", at("a.npy")}));
}

TEST_F(HeartReference, ASongsRecipeMakesItAgain) {
    write("a.npy", npy_of("(512,)", unit_vector()));
    Finished first;
    const auto made =
        codes({"--ref-embedding", at("a.npy"), "--ref-strength", "12.5", "--save-path", at("song.flac"), "--json"}, &first);
    EXPECT_EQ(json_of(first).at("reference").at("source"), "a.npy");
    EXPECT_EQ(json_of(first).at("reference").at("strength"), 12.5);
    Finished second;
    EXPECT_EQ(codes({"--ref-embedding", at("song.flac"), "--json"}, &second), made);
    EXPECT_EQ(json_of(second).at("reference"), json_of(first).at("reference"));
    EXPECT_NE(codes({"--ref-embedding", at("song.flac"), "--ref-strength", "1"}), made) << "the option, where it is given";
}

TEST_F(HeartReference, StreamsAndTakesHaveItToo) {
    write("a.npy", npy_of("(512,)", unit_vector()));
    const std::vector<std::string> with{"--ref-embedding", at("a.npy"), "--ref-strength", "16"};
    const auto one = codes(with);
    auto stream = with;
    stream.insert(stream.end(), {"--stream", "--save-path", at("s.wav")});
    EXPECT_EQ(codes(stream), one);
    auto takes = with;
    takes.insert(takes.end(), {"--takes", "2"});
    std::vector<std::string> arguments{"generate", "--max-audio-length-ms", "800",      "--seed",
                                       "4",        "--save-codes",          at("t.npy")};
    arguments.insert(arguments.end(), takes.begin(), takes.end());
    ASSERT_EQ(run_heart(arguments).exit_code, 0);
    EXPECT_EQ(formats::read_integer_array({at("t-1.npy"), ""}).values, one);
}

TEST_F(HeartReference, WhatIsNoneIsRefusedInOneLine) {
    write("short.npy", npy_of("(511,)", unit_vector(511)));
    write("square.npy", npy_of("(2, 256)", unit_vector()));
    write("ok.npy", npy_of("(512,)", unit_vector()));
    auto broken = unit_vector();
    broken[3] = std::numeric_limits<float>::quiet_NaN();
    write("nan.npy", npy_of("(512,)", broken));
    (void)codes({"--save-path", at("plain.wav")});
    const auto refused = [&](int exit_code, const std::string& word, const std::vector<std::string>& more) {
        std::vector<std::string> arguments{"generate", "--max-audio-length-ms", "80", "-q", "--save-path", at("x.wav")};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Finished f = run_heart(arguments);
        EXPECT_EQ(f.exit_code, exit_code) << f.err;
        EXPECT_NE(f.err.find(word), std::string::npos) << f.err;
        EXPECT_EQ(std::count(f.err.begin(), f.err.end(), '\n'), 1) << f.err;
    };
    refused(1, "expected 512 numbers, found 511 numbers", {"--ref-embedding", at("short.npy")});
    refused(1, "[2, 256]", {"--ref-embedding", at("square.npy")});
    refused(1, "nan as number 3", {"--ref-embedding", at("nan.npy")});
    refused(1, "no_such.npy", {"--ref-embedding", at("no_such.npy")});
    refused(1, "names no reference", {"--ref-embedding", at("plain.wav")});
    refused(2, "0 to 16", {"--ref-embedding", at("ok.npy"), "--ref-strength", "17"});
    refused(2, "0 to 16", {"--ref-embedding", at("ok.npy"), "--ref-strength", "-1"});
    refused(2, "without a reference", {"--ref-strength", "2"});
}

}  // namespace
}  // namespace heart::test
