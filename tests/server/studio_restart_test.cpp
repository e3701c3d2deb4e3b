// Does every accepted job become exactly one song, the same song, however often the process is killed?

#include "server/running_studio.h"
#include "support/golden.h"
#include "support/patience.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using formats::Json;

std::string bytes_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Restart : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-restart-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { fs::remove_all(folder); }

    [[nodiscard]] static std::vector<std::string> options() {
        return {"--model-path",
                data_path("ckpt-tiny").string(),
                "--max-queue-per-user",
                "1000",
                "--threads",
                "1",
                "--mula-dtype",
                "float32"};
    }
    static std::string sign_in(const RunningStudio& studio) {
        const Json body{{"username", "anna"}, {"email", "anna@example.org"}, {"password", "correct horse"}};
        return studio.json({"POST", "/api/auth/register", body.dump(), "", ""}).at("token").at("access_token");
    }
    /// One of three different songs.
    static std::string song(int number) {
        return Json{{"lyrics", "[Verse]\nSong " + std::to_string(number % 3)},
                    {"tags", "piano,happy"},
                    {"title", "Song " + std::to_string(number)},
                    {"max_audio_length_ms", 10000},
                    {"seed", number % 3}}
            .dump();
    }
    static Json queue(const RunningStudio& studio, const std::string& token) {
        return studio.json({"GET", "/api/queue", "", token, ""}).at("items");
    }
    /// Waits as long as songs still come out of the queue.
    static void wait_until_idle(const RunningStudio& studio, const std::string& token) {
        std::size_t left = queue(studio, token).size();
        for (int looks = 0; looks < 3000 && left > 0; ++looks) {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            const std::size_t now = queue(studio, token).size();
            if (now != left) looks = 0;
            left = now;
        }
        ASSERT_EQ(left, 0U);
    }
    /// title -> id of all finished songs; a title twice is a failure.
    static std::map<std::string, std::string> songs(const RunningStudio& studio, const std::string& token) {
        std::map<std::string, std::string> out;
        for (int page = 1;; ++page) {
            const Json items =
                studio.json({"GET", "/api/history?page_size=100&page=" + std::to_string(page), "", token, ""}).at("items");
            if (items.empty()) return out;
            for (const Json& item : items) {
                EXPECT_TRUE(out.emplace(item.at("title"), item.at("id")).second) << item.at("title") << " is there twice";
            }
        }
    }
    [[nodiscard]] std::string codes(const fs::path& data, const std::string& id) const {
        return bytes_of(data / "codes" / (id + ".codes"));
    }

    fs::path folder;
};

/// HEART_KILLS asks for more rounds than fit into every run of the tests.
int rounds() {
    const char* asked = std::getenv("HEART_KILLS");
    return asked == nullptr ? 12 : std::max(std::atoi(asked), 1);
}

TEST_F(Restart, KilledAtAnyMomentNothingIsLostAndNothingIsThereTwice) {
    // The three songs as they are when nothing happens.
    std::vector<std::string> expected;
    {
        const RunningStudio calm(folder / "calm", options());
        const std::string token = sign_in(calm);
        for (int i = 0; i < 3; ++i) (void)calm.json({"POST", "/api/generate", song(i), token, ""});
        wait_until_idle(calm, token);
        const auto made = songs(calm, token);
        ASSERT_EQ(made.size(), 3U);
        for (int i = 0; i < 3; ++i) expected.push_back(codes(folder / "calm", made.at("Song " + std::to_string(i))));
        ASSERT_NE(expected[0], expected[1]);
        ASSERT_GT(expected[0].size(), 1000U);
    }

    const fs::path data = folder / "wild";
    std::map<std::string, std::string> accepted;  // title -> id
    std::set<int> unanswered;                     // sent, but the process died before it said anything
    std::string token;
    {
        RunningStudio studio(data, options());
        token = sign_in(studio);
    }
    std::mt19937 random(11);
    int sent = 0;
    for (int round = 0; round < rounds(); ++round) {
        RunningStudio studio(data, options());
        const auto send = [&](int number) {
            const std::string title = "Song " + std::to_string(number);
            const auto answer = studio.ask({"POST", "/api/generate", song(number), token, "key-" + std::to_string(number)});
            if (answer && answer->status == 200) {
                accepted[title] = formats::parse_json(answer->body, "the answer").at("id");
                unanswered.erase(number);
            } else {
                unanswered.insert(number);
            }
        };
        for (const int number : std::set<int>(unanswered)) send(number);  // as clients with keys do
        std::thread killer([&studio, after = random() % 700] {
            std::this_thread::sleep_for(std::chrono::milliseconds(after));
            ::kill(studio.pid(), SIGKILL);
        });
        for (int i = 0; i < 2; ++i) send(sent++);
        killer.join();
        studio.kill();
    }

    RunningStudio studio(data, options());
    for (const int number : std::set<int>(unanswered)) {
        accepted["Song " + std::to_string(number)] =
            studio.json({"POST", "/api/generate", song(number), token, "key-" + std::to_string(number)}).at("id");
    }
    // What was killed three times in a row without coming further is parked, not lost: its owner tries it again.
    for (int again = 0; again < 5; ++again) {
        wait_until_idle(studio, token);
        const Json failures = studio.json({"GET", "/api/jobs/failures", "", token, ""}).at("items");
        if (failures.empty()) break;
        for (const Json& job : failures) {
            (void)studio.json({"POST", "/api/jobs/" + job.at("id").get<std::string>() + "/retry", "", token, ""});
        }
    }
    const auto made = songs(studio, token);
    EXPECT_EQ(made.size(), static_cast<std::size_t>(sent));
    EXPECT_EQ(made, accepted) << "every job is one song under the id that was promised";
    for (const auto& [title, id] : made) {
        const auto number = static_cast<std::size_t>(std::stoi(title.substr(5)));
        EXPECT_TRUE(codes(data, id) == expected[number % 3]) << title << " has other codes than without a break";
    }
    EXPECT_EQ(studio.stop(), 0);
}

TEST_F(Restart, StoppedInGoodOrderAJobGoesOnWithTheNextProcess) {
    std::string token, id;
    {
        RunningStudio studio(folder / "data", options());
        token = sign_in(studio);
        const Json body{{"lyrics", "[Verse]\nla"}, {"tags", "piano"}, {"max_audio_length_ms", 240000}, {"seed", 5}};
        id = studio.json({"POST", "/api/generate", body.dump(), token, ""}).at("id");
        const fs::path journal = folder / "data" / "codes" / (id + ".codes");
        for (int i = 0; i < 60'000 && bytes_of(journal).size() < 1000; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        const auto start = std::chrono::steady_clock::now();
        EXPECT_EQ(studio.stop(), 0);
        EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience) << "5 s on a machine that is not busy";
    }
    RunningStudio studio(folder / "data", options());
    const Json items = queue(studio, token);
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items[0].at("id"), id);
    (void)studio.json({"DELETE", "/api/queue/" + id, "", token, ""});
    wait_until_idle(studio, token);
    EXPECT_TRUE(songs(studio, token).empty());
}

TEST_F(Restart, TwoProcessesCannotShareADataFolder) {
    const RunningStudio first(folder / "data", options());
    EXPECT_THROW(RunningStudio(folder / "data", options()), std::runtime_error);
    EXPECT_TRUE(first.ask({.path = "/health"}));
}

}  // namespace
}  // namespace heart::test
