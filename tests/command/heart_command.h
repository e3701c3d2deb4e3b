#pragma once

#include "command/process.h"
#include "formats/json.h"
#include "support/golden.h"

#include <gtest/gtest.h>

#include <sndfile.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace heart::test {

namespace fs = std::filesystem;

/// Runs the command in front of an empty folder.
class HeartCommand : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-command-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { fs::remove_all(folder); }

    [[nodiscard]] std::string at(const std::string& name) const { return (folder / name).string(); }
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> out;
        for (const auto& entry : fs::directory_iterator(folder)) out.push_back(entry.path().filename().string());
        std::sort(out.begin(), out.end());
        return out;
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream(at(name), std::ios::binary) << text; }

    fs::path folder;
};

inline const std::string kTiny = data_path("ckpt-tiny").string();
inline const std::string kLyrics =
    "[Verse]\nThe sun creeps in across the floor\nI hear the traffic outside the door\n\n[Chorus]\nEvery day the light "
    "returns\n";
inline const std::string kTags = "piano,happy,wedding,synthesizer,romantic";

inline formats::Json json_of(const Finished& f) {
    return formats::parse_json(f.out, "the command's output");
}

inline std::vector<float> samples_of(const std::string& path, int* rate = nullptr) {
    SF_INFO info{};
    SNDFILE* file = sf_open(path.c_str(), SFM_READ, &info);
    EXPECT_NE(file, nullptr) << path;
    if (file == nullptr) return {};
    if (rate != nullptr) *rate = info.samplerate;
    std::vector<float> out(static_cast<std::size_t>(info.frames * info.channels));
    out.resize(static_cast<std::size_t>(sf_readf_float(file, out.data(), info.frames) * info.channels));
    sf_close(file);
    return out;
}

}  // namespace heart::test
