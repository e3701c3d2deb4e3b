// Does `heart pull` do what it says, and go on after any end of its process?

#include "command/heart_command.h"
#include "hub/fake_hub.h"

#include <gtest/gtest.h>

#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;

class Pull : public ::testing::Test {
protected:
    /// `shard`: bytes of each of the model's three large files.
    explicit Pull(std::size_t shard = std::size_t{20} << 20) : shard_(shard) {}

    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-pull-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        setenv("HOME", folder.c_str(), 1);
        for (int i = 0; i < 3; ++i) {
            const std::string name = "model-0000" + std::to_string(i + 1) + "-of-00003.safetensors";
            files[name] = noise(shard_, static_cast<unsigned>(i));
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
    void add_embedder() {
        hub.add_at("OpenMuQ/MuQ-MuLan-large", {{"config.json", "{}"}, {"pytorch_model.bin", noise(5000, 7)}});
        hub.add_at("OpenMuQ/MuQ-large-msd-iter", {{"config.json", "{}"}, {"model.safetensors", noise(5000, 8)}});
        hub.add_at("FacebookAI/xlm-roberta-base", {{"config.json", "{}"}, {"tokenizer.json", "{}"}});
    }
    [[nodiscard]] std::vector<std::string> embedder(std::vector<std::string> more = {}) const {
        std::vector<std::string> all = arguments(std::move(more));
        all[1] = "MuQ-MuLan-large";
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

private:
    std::size_t shard_;
};

/// Where size does not matter.
class PullLicences : public Pull {
protected:
    PullLicences() : Pull(1000) {}
};

std::vector<char*> argv_of(std::vector<std::string>& arguments) {
    std::vector<char*> argv{const_cast<char*>(HEART_COMMAND)};
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    return argv;
}

/// On a terminal of its own, on which `answer` is typed once a question stands there. All that it printed is in `out`.
Finished run_on_terminal(std::vector<std::string> arguments, const std::string& answer) {
    std::vector<char*> argv = argv_of(arguments);
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
        execv(HEART_COMMAND, argv.data());
        _exit(126);
    }
    Finished done;
    bool answered = false;
    char piece[1024];
    for (ssize_t n = 0; (n = read(terminal, piece, sizeof piece)) > 0;) {
        done.out.append(piece, static_cast<std::size_t>(n));
        if (answered || done.out.find("[y/N]") == std::string::npos) continue;
        answered = true;
        if (write(terminal, answer.data(), answer.size()) != static_cast<ssize_t>(answer.size())) break;
    }
    int status = 0;
    waitpid(child, &status, 0);
    close(terminal);
    done.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return done;
}

TEST_F(Pull, SaysWhatItWillDoAndDoesIt) {
    const Finished dry = run_heart(arguments({"--dry-run", "--json"}));
    ASSERT_EQ(dry.exit_code, 0) << dry.err;
    const auto plan = json_of(dry);
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
            execv(HEART_COMMAND, argv_of(all).data());
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

TEST_F(PullLicences, WhatIsNotFreeIsRefusedWithoutAWord) {
    add_embedder();
    const Finished refused = run_heart(embedder());
    EXPECT_EQ(refused.exit_code, 2) << refused.err;
    for (const char* words : {"CC-BY-NC-4.0", "No commercial use", "style reference", "no legal advice",
                              "--accept-licence CC-BY-NC-4.0", "nothing was fetched"}) {
        EXPECT_NE(refused.err.find(words), std::string::npos) << words << ": " << refused.err;
    }
    EXPECT_EQ(run_heart(embedder({"--accept-licence", "CC-BY-NC"})).exit_code, 2) << "another licence";
    EXPECT_EQ(run_heart(embedder(), {.input = "y\n"}).exit_code, 2) << "a pipe is no terminal";
    const Finished quiet = run_heart(embedder({"--quiet", "--json"}));
    EXPECT_EQ(quiet.exit_code, 2);
    EXPECT_EQ(json_of(quiet).at("error").at("expected"), "--accept-licence CC-BY-NC-4.0") << quiet.out;
    EXPECT_FALSE(fs::exists(folder / "ckpt"));
    EXPECT_TRUE(hub.asked().empty()) << "no byte of a file was asked for";
}

TEST_F(PullLicences, WhatIsNotFreeComesForThoseWhoAcceptIt) {
    add_embedder();
    std::vector<std::string> all = embedder();
    all.insert(all.begin() + 1, {"--accept-licence", "CC-BY-NC-4.0"});  // does not swallow the name behind it
    const Finished done = run_heart(all);
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_LT(done.err.find("No commercial use"), done.err.find("All checkpoints are whole")) << done.err;
    for (const char* file :
         {"MuQ-MuLan/pytorch_model.bin", "MuQ-large-msd-iter/config.json", "xlm-roberta-base/tokenizer.json"})
        EXPECT_TRUE(fs::exists(folder / "ckpt" / file)) << file;
    EXPECT_FALSE(fs::exists(folder / "ckpt/MuQ-large-msd-iter/model.safetensors"));
    const Finished again = run_heart(embedder());
    EXPECT_EQ(again.exit_code, 0) << "there is nothing to fetch: " << again.err;
}

TEST_F(PullLicences, ATerminalIsAsked) {
    add_embedder();
    for (const char* no : {"\n", "n\n", "x\n", "\x04"}) {
        const Finished refused = run_on_terminal(embedder({"--quiet"}), no);
        EXPECT_EQ(refused.exit_code, 2) << refused.out;
        EXPECT_LT(refused.out.find("No commercial use"), refused.out.find("Do you accept CC-BY-NC-4.0? [y/N]"))
            << refused.out;
        EXPECT_FALSE(fs::exists(folder / "ckpt"));
    }
    EXPECT_EQ(run_on_terminal(embedder(), "\x03").exit_code, 130) << "Ctrl-C";
    EXPECT_FALSE(fs::exists(folder / "ckpt"));
    const Finished dry = run_on_terminal(embedder({"--dry-run"}), "y\n");
    EXPECT_EQ(dry.exit_code, 0) << dry.out;
    EXPECT_EQ(dry.out.find("[y/N]"), std::string::npos) << "nothing is fetched, nothing is asked";
    const Finished accepted = run_on_terminal(embedder(), "y\n");
    EXPECT_EQ(accepted.exit_code, 0) << accepted.out;
    EXPECT_TRUE(fs::exists(folder / "ckpt/MuQ-MuLan/pytorch_model.bin"));
    const Finished free = run_on_terminal(arguments(), "n\n");
    EXPECT_EQ(free.exit_code, 0) << free.out;
    EXPECT_EQ(free.out.find("[y/N]"), std::string::npos) << "a free licence asks for nothing";
}

TEST_F(PullLicences, LicencesStandInPlansAndLists) {
    add_embedder();
    const Finished dry = run_heart(embedder({"--dry-run", "--json"}));
    ASSERT_EQ(dry.exit_code, 0) << dry.err;
    const auto plan = json_of(dry);
    ASSERT_EQ(plan.at("checkpoints").size(), 3U);
    EXPECT_EQ(plan.at("checkpoints")[0].at("licence"), "CC-BY-NC-4.0");
    EXPECT_NE(plan.at("checkpoints")[1].at("licence_note").get<std::string>().find("No commercial use"), std::string::npos);
    EXPECT_EQ(plan.at("checkpoints")[2].at("licence"), "MIT");
    EXPECT_TRUE(plan.at("checkpoints")[2].at("licence_note").is_null());
    EXPECT_EQ(plan.at("licences_to_accept"), formats::Json::array({"CC-BY-NC-4.0"}));
    const Finished list = run_heart({"pull", "--list"});
    EXPECT_NE(list.out.find("MuQ-MuLan-large"), std::string::npos) << list.out;
    EXPECT_NE(list.out.find("CC-BY-NC-4.0"), std::string::npos) << list.out;
    EXPECT_NE(list.err.find("no commercial use"), std::string::npos) << list.err;
    const auto known = json_of(run_heart({"pull", "--list", "--json"}));
    for (const auto& item : known.at("checkpoints")) {
        EXPECT_EQ(item.at("licence_note").is_null(), item.at("licence") != "CC-BY-NC-4.0") << item;
        EXPECT_FALSE(item.at("recommended").get<bool>() && item.at("licence") == "CC-BY-NC-4.0") << item;
    }
}

TEST_F(PullLicences, InfoNamesTheLicencesThatStandInAFolder) {
    add_embedder();
    ASSERT_EQ(run_heart(embedder({"--accept-licence", "CC-BY-NC-4.0"})).exit_code, 0);
    fs::create_directory(folder / "ckpt/HeartCodec-oss");
    const std::vector<std::string> info{"info", "--model-path", (folder / "ckpt").string()};
    const Finished people = run_heart(info);
    EXPECT_NE(people.out.find("CC-BY-NC-4.0: no commercial use"), std::string::npos) << people.out;
    const auto report = json_of(run_heart({info[0], info[1], info[2], "--json"}));
    std::map<std::string, formats::Json> licences;
    for (const auto& row : report.at("checkpoint").at("licences")) licences[row.at("folder")] = row.at("licence");
    EXPECT_EQ(licences, (std::map<std::string, formats::Json>{{"HeartCodec-oss", nullptr},
                                                              {"MuQ-MuLan", "CC-BY-NC-4.0"},
                                                              {"MuQ-large-msd-iter", "CC-BY-NC-4.0"},
                                                              {"xlm-roberta-base", "MIT"}}));
    EXPECT_TRUE(json_of(run_heart({"info", "--json"})).at("checkpoint").at("licences").empty()) << "the built-in one";
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
