// Does the running studio hear in a sound what `heart transcribe` hears, and stay whole when a sound is none?

#include "command/process.h"
#include "server/running_studio.h"
#include "support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using formats::Json;

void append(std::string& out, std::uint32_t value, std::size_t bytes) {
    out.append(reinterpret_cast<const char*>(&value), bytes);  // the machine is little-endian, as the file
}

/// A 16-bit WAV of 16 kHz with a signal in which the small model hears something.
std::string wav() {
    constexpr std::uint32_t kRate = 16'000;
    const auto path = data_path("golden/transcriptor_long.safetensors");
    const auto tensors = formats::parse_safetensors(formats::Bytes::map_file(path), path.string());
    const formats::TensorView& t = tensors.at("audio42");
    const std::size_t samples = std::size_t{10} * kRate;
    std::string out = "RIFF";
    append(out, static_cast<std::uint32_t>(36 + samples * 2), 4);
    out += "WAVEfmt ";
    append(out, 16, 4);
    append(out, 1, 2);
    append(out, 1, 2);
    append(out, kRate, 4);
    append(out, kRate * 2, 4);
    append(out, 2, 2);
    append(out, 16, 2);
    out += "data";
    append(out, static_cast<std::uint32_t>(samples * 2), 4);
    for (std::size_t i = 0; i < samples; ++i) {
        std::int32_t value = 0;
        std::memcpy(&value, t.data.data() + (i % t.elements()) * sizeof value, sizeof value);
        append(out, static_cast<std::uint16_t>(value), 2);
    }
    return out;
}

class Transcription : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-sounds-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { fs::remove_all(folder); }

    [[nodiscard]] std::optional<net::HttpAnswer> send(const RunningStudio& studio, const std::string& sound,
                                                      const std::string& token) const {
        const std::string body =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n" + sound + "\r\n--b--\r\n";
        return studio.ask({.method = "POST",
                           .path = "/v1/audio/transcriptions",
                           .body = body,
                           .token = token,
                           .type = "multipart/form-data; boundary=b"});
    }

    fs::path folder;
    const std::string model = data_path("ckpt-tiny").string();
};

TEST_F(Transcription, IsThatOfTheCommandAndNoFileHarmsTheStudio) {
    const std::string sound = wav();
    std::ofstream(folder / "a.wav", std::ios::binary) << sound;
    const Finished alone = run_heart({"transcribe", "--model-path", model, "--json", "-q", (folder / "a.wav").string()});
    ASSERT_EQ(alone.exit_code, 0) << alone.err;
    std::string expected = Json::parse(alone.out).at("text");
    expected.erase(0, expected.find_first_not_of(' '));

    const RunningStudio studio(folder / "data", {"--model-path", model, "--mula-dtype", "float32"});
    const Json person{{"username", "ada"}, {"email", "ada"}, {"password", "a-long-secret"}};
    const std::string token =
        studio.json({.method = "POST", .path = "/api/auth/register", .body = person.dump()}).at("token").at("access_token");
    const auto heard = send(studio, sound, token);
    ASSERT_TRUE(heard);
    ASSERT_EQ(heard->status, 200) << heard->body;
    EXPECT_EQ(Json::parse(heard->body).at("text"), expected);

    const auto noise = send(studio, std::string(5000, 'x'), token);
    ASSERT_TRUE(noise);
    EXPECT_EQ(noise->status, 400) << noise->body;
    const auto stranger = send(studio, sound, "");
    ASSERT_TRUE(stranger);
    EXPECT_EQ(stranger->status, 401) << stranger->body;
    EXPECT_TRUE(Json::parse(stranger->body).contains("error"));
    EXPECT_EQ(studio.json({.path = "/health"}).at("status"), "ok");
}

}  // namespace
}  // namespace heart::test
