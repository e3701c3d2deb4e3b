// Does `heart pull` do what it says, and go on after any end of its process?

#include "command/process.h"
#include "hub/fake_hub.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Pull : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-pull-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        setenv("HOME", folder.c_str(), 1);
        for (int i = 0; i < 3; ++i) {
            const std::string name = "model-0000" + std::to_string(i + 1) + "-of-00003.safetensors";
            files[name] = noise(std::size_t{20} << 20, static_cast<unsigned>(i));
        }
        files["config.json"] = "{}";
        hub.add("HeartMuLa-oss-3B", files);
        hub.add("HeartMuLaGen", {{"tokenizer.json", "{}"}, {"gen_config.json", "{}"}});
        hub.add("HeartCodec-oss-20260123", {{"config.json", "{}"}});
    }
    void TearDown() override { fs::remove_all(folder); }

    [[nodiscard]] std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
        std::vector<std::string> all{"pull", "HeartMuLa-oss-3B", "--to", (folder / "ckpt").string(), "--source", hub.url()};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    void expect_whole() {
        for (const auto& [path, bytes] : files) {
            std::ifstream in(folder / "ckpt/HeartMuLa-oss-3B" / path, std::ios::binary);
            EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(in), {}) == bytes) << path;
        }
    }

    fs::path folder;
    FakeHub hub{FakeHub::Speaks::hugging_face};
    FakeHub::Files files;
};

TEST_F(Pull, SaysWhatItWillDoAndDoesIt) {
    const Finished dry = run_heart(arguments({"--dry-run", "--json"}));
    ASSERT_EQ(dry.exit_code, 0) << dry.err;
    const json plan = json::parse(dry.out);
    EXPECT_EQ(plan.at("checkpoints").size(), 3U) << "a language model brings its companions";
    EXPECT_EQ(plan.at("bytes_missing"), plan.at("bytes"));
    EXPECT_FALSE(plan.at("fetched"));
    EXPECT_FALSE(fs::exists(folder / "ckpt"));
    const Finished done = run_heart(arguments());
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_NE(done.err.find("0.06 GB to fetch"), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("Apache-2.0"), std::string::npos) << done.err;
    expect_whole();
    EXPECT_TRUE(fs::exists(folder / "ckpt/tokenizer.json"));
    EXPECT_TRUE(fs::exists(folder / "ckpt/HeartCodec-oss/config.json"));
    const Finished again = run_heart(arguments());
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_NE(again.err.find("whole already"), std::string::npos) << again.err;
}

TEST_F(Pull, KilledFiftyTimesItEndsWithTheSameFiles) {
    hub.fault = [](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (!path.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return std::nullopt;
    };
    std::mt19937 random(3);
    for (int kill = 0; kill < 50; ++kill) {
        const pid_t child = fork();
        if (child == 0) {
            std::vector<std::string> all = arguments({"--quiet"});
            std::vector<char*> argv{const_cast<char*>(HEART_COMMAND)};
            for (std::string& a : all) argv.push_back(a.data());
            argv.push_back(nullptr);
            execv(HEART_COMMAND, argv.data());
            _exit(126);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 300'000));
        ::kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    const Finished last = run_heart(arguments());
    ASSERT_EQ(last.exit_code, 0) << last.err;
    expect_whole();
}

TEST_F(Pull, ErrorsAreOneLineAndSayWhatToDo) {
    const Finished name = run_heart({"pull", "HeartMuLa-oss-99B"});
    EXPECT_EQ(name.exit_code, 1);
    EXPECT_NE(name.err.find("HeartMuLa-oss-3B-happy-new-year"), std::string::npos) << name.err;
    const Finished source = run_heart({"pull", "--source", "nowhere"});
    EXPECT_EQ(source.exit_code, 2) << source.err;
    const Finished gone = run_heart(
        {"pull", "--source", "http://127.0.0.1:" + std::to_string(unused_port()), "--to", (folder / "x").string()});
    EXPECT_EQ(gone.exit_code, 1) << gone.err;
    EXPECT_NE(gone.err.find("no answer of http://127.0.0.1"), std::string::npos) << gone.err;
    const Finished list = run_heart({"pull", "--list"});
    EXPECT_EQ(list.exit_code, 0);
    EXPECT_NE(list.out.find("* HeartMuLa-oss-3B-happy-new-year"), std::string::npos) << list.out;
}

}  // namespace
}  // namespace heart::test
