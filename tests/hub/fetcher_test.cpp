// Do files arrive whole and right over a bad network, and is nothing fetched twice?

#include "hub/fetcher.h"
#include "core/error.h"
#include "hub/fake_hub.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <sys/resource.h>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace hub;
using std::chrono::milliseconds;

constexpr std::uint64_t kPiece = 64 << 10;

class HubFetcher : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-fetch-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        files = {{"config.json", R"({"model_type":"heartmula"})"},
                 {"model-00001-of-00002.safetensors", noise(9 * kPiece + 17, 1)},
                 {"model-00002-of-00002.safetensors", noise(3 * kPiece, 2)},
                 {"empty.txt", ""}};
        network.add("HeartMuLa-oss-3B", files);
        options.piece_bytes = kPiece;
        options.wait = milliseconds(1);
        source = {Source::Kind::hugging_face, network.url(), "main", ""};
    }
    void TearDown() override { fs::remove_all(folder); }

    std::vector<Wanted> wanted() {
        std::vector<Wanted> list;
        for (const RemoteFile& file : list_files(source, repository_named("HeartMuLa-oss-3B"), never)) {
            list.push_back({file, folder / file.path});
        }
        return list;
    }
    void fetch(const CancelToken& cancel, const FetchProgress& progress = {}) {
        fetch_all(source, wanted(), options, progress, cancel);
    }
    /// The error of fetching; ErrorCode{} for none.
    ErrorCode failure(std::string* text = nullptr) {
        try {
            fetch(never);
        } catch (const Error& e) {
            if (text != nullptr) *text = e.what();
            return e.code();
        }
        return ErrorCode{};
    }
    void expect_all_right() {
        for (const auto& [path, bytes] : files) {
            std::ifstream in(folder / path, std::ios::binary);
            EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(in), {}) == bytes) << path;
        }
        for (const auto& entry : fs::directory_iterator(folder)) {
            EXPECT_TRUE(files.contains(entry.path().filename().string())) << entry.path() << " is left";
        }
    }
    [[nodiscard]] std::uint64_t size_of_all() const {
        std::uint64_t bytes = 0;
        for (const auto& [path, text] : files) bytes += text.size();
        return bytes;
    }

    fs::path folder;
    FakeHub network{FakeHub::Speaks::hugging_face};
    FakeHub::Files files;
    Source source;
    FetchOptions options;
    CancelToken never;
};

TEST_F(HubFetcher, FilesArriveAsTheyAre) {
    std::uint64_t last = 0, of = 0;
    fetch(never, [&](std::uint64_t done, std::uint64_t total, bool) {
        EXPECT_GE(done, last);
        EXPECT_LE(done, total);
        last = done;
        of = total;
    });
    expect_all_right();
    EXPECT_EQ(last, size_of_all());
    EXPECT_EQ(of, size_of_all());
    EXPECT_EQ(network.bytes_sent, size_of_all()) << "each byte once";
}

TEST_F(HubFetcher, ItChecksNoLongerWhenTheNextFileIsAskedFor) {
    options.connections = 1;  // a file at a time
    std::atomic<bool> checks = false, checked = false;
    network.fault = [&](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        EXPECT_FALSE(checks) << path;
        return std::nullopt;
    };
    fetch(never, [&](std::uint64_t, std::uint64_t, bool checking) {
        checks = checking;
        if (checking) checked = true;
    });
    EXPECT_TRUE(checked);
    EXPECT_FALSE(checks);
}

TEST_F(HubFetcher, WhatIsThereIsNotFetchedAgain) {
    fetch(never);
    const auto before = network.bytes_sent.load();
    fetch(never);
    EXPECT_EQ(network.bytes_sent, before);
    std::ofstream(folder / "model-00001-of-00002.safetensors", std::ios::in | std::ios::out | std::ios::binary) << "damaged";
    fetch(never);
    EXPECT_EQ(network.bytes_sent, before + files.at("model-00001-of-00002.safetensors").size());
    expect_all_right();
}

TEST_F(HubFetcher, StoppedAtFiftyRandomPointsItGoesOnToTheSameFiles) {
    std::mt19937 random(7);
    int stops = 0;
    for (int i = 0; i < 50; ++i) {
        CancelToken stop;
        const std::uint64_t after = random() % (2 * kPiece);
        std::uint64_t first = 0;
        bool begun = false;
        try {
            fetch(stop, [&](std::uint64_t done, std::uint64_t, bool) {
                if (!std::exchange(begun, true)) first = done;
                if (done > first + after) stop.cancel();
            });
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::cancelled) << e.what();
            ++stops;
        }
    }
    EXPECT_GT(stops, 5);
    fetch(never);
    expect_all_right();
    const auto lost_at_most = static_cast<std::uint64_t>(stops) * static_cast<std::uint64_t>(options.connections) * kPiece;
    EXPECT_LE(network.bytes_sent, size_of_all() + lost_at_most);
}

TEST_F(HubFetcher, ConnectionsThatEndEarlyAreTakenUpWhereTheyEnded) {
    std::atomic<int> answers = 0;
    network.fault = [&](const FakeRequest& request, const std::string& path) -> std::optional<FakeAnswer> {
        const std::string range = request.header("range");
        if (path.empty() || range.empty() || ++answers % 2 == 0) return std::nullopt;
        const std::size_t dash = range.find('-');
        const std::size_t begin = std::stoul(range.substr(6, dash - 6)), last = std::stoul(range.substr(dash + 1));
        const std::string& bytes = files.at(path);
        const std::string part = bytes.substr(begin, (last - begin) / 2);  // half of it, and then nothing
        return FakeAnswer{.raw = "HTTP/1.1 206 Partial\r\nContent-Range: bytes " + std::to_string(begin) + "-" +
                                 std::to_string(last) + "/" + std::to_string(bytes.size()) +
                                 "\r\nContent-Length: " + std::to_string(last - begin + 1) + "\r\n\r\n" + part};
    };
    fetch(never);
    expect_all_right();
}

TEST_F(HubFetcher, ABusyServerIsAskedAgain) {
    options.connections = 1;  // so that each piece meets all three answers, and then a good one
    std::atomic<int> answers = 0;
    network.fault = [&](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (path.empty()) return std::nullopt;
        switch (++answers % 4) {
            case 1: return FakeAnswer{.status = 503, .headers = {{"Retry-After", "0"}}};
            case 2: return FakeAnswer{.status = 429, .headers = {{"Retry-After", "0"}}};
            case 3: return FakeAnswer{.status = 500};
            default: return std::nullopt;
        }
    };
    fetch(never);
    expect_all_right();
}

TEST_F(HubFetcher, ASilentConnectionIsGivenUp) {
    std::atomic<bool> silent = true;
    network.fault = [&](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (path.empty() || !silent.exchange(false)) return std::nullopt;
        return FakeAnswer{.hang = true};
    };
    options.stall = std::chrono::seconds(1);
    fetch(never);
    expect_all_right();
}

TEST_F(HubFetcher, AServerThatGivesNothingIsAnErrorAfterItsTries) {
    network.fault = [&](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (path != "config.json") return std::nullopt;
        return FakeAnswer{.status = 502};
    };
    options.tries = 3;
    std::string text;
    EXPECT_EQ(failure(&text), ErrorCode::io);
    EXPECT_NE(text.find("status 502"), std::string::npos) << text;
    EXPECT_EQ(network.asked().at("config.json"), 3);
}

TEST_F(HubFetcher, DamageIsFoundAndFetchedOnceMore) {
    std::atomic<int> times = 0;
    const auto damage = [&](int most) {
        network.fault = [&times, most, this](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
            if (path != "config.json" || ++times > most) return std::nullopt;
            std::string bytes = files.at(path);
            bytes[3] = '?';
            return FakeAnswer{.status = 206,
                              .headers = {{"Content-Range", "bytes 0-" + std::to_string(bytes.size() - 1) + "/" +
                                                                std::to_string(bytes.size())}},
                              .body = bytes};
        };
    };
    damage(1);
    fetch(never);
    expect_all_right();
    fs::remove(folder / "config.json");
    times = 0;
    damage(100);
    std::string text;
    EXPECT_EQ(failure(&text), ErrorCode::malformed);
    EXPECT_NE(text.find("'config.json' arrives damaged"), std::string::npos) << text;
    EXPECT_FALSE(fs::exists(folder / "config.json"));
}

TEST_F(HubFetcher, ServersWithoutRangesSendWholeFiles) {
    network.with_ranges = false;
    fetch(never);
    expect_all_right();
}

TEST_F(HubFetcher, AnotherPartThanWasAskedForIsRefused) {
    network.fault = [&](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (path != "model-00002-of-00002.safetensors") return std::nullopt;
        return FakeAnswer{.status = 206, .headers = {{"Content-Range", "bytes 0-3/4"}}, .body = "four"};
    };
    EXPECT_EQ(failure(), ErrorCode::mismatch);
}

TEST_F(HubFetcher, LongerFilesThanTheirListSaysAreRefused) {
    network.with_ranges = false;
    network.fault = [&](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (path != "model-00002-of-00002.safetensors") return std::nullopt;
        return FakeAnswer{.status = 200, .body = files.at(path) + "x"};
    };
    EXPECT_EQ(failure(), ErrorCode::mismatch);
}

TEST_F(HubFetcher, WithoutARightItSaysWhatToDo) {
    std::atomic<int> status{0};
    network.fault = [&](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (path.empty()) return std::nullopt;
        return FakeAnswer{.status = status, .body = "no"};
    };
    for (const auto& [refusal, code] : {std::pair(401, ErrorCode::usage), std::pair(403, ErrorCode::usage),
                                        std::pair(404, ErrorCode::not_found), std::pair(410, ErrorCode::io)}) {
        status = refusal;
        std::string text;
        EXPECT_EQ(failure(&text), code) << status << " " << text;
        if (code == ErrorCode::usage) {
            EXPECT_NE(text.find("HF_TOKEN"), std::string::npos) << text;
        }
    }
}

TEST_F(HubFetcher, TheTokenStaysWithItsHub) {
    network.token = source.token = "hf_secret";
    fetch(never);
    expect_all_right();
    EXPECT_EQ(network.leaked_tokens, 0);
}

TEST_F(HubFetcher, AFullDiskIsSaidAndWhatCameIsKept) {
    std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit is an error then
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto list = wanted();
    rlimit small = before;
    small.rlim_cur = 5 * kPiece;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    std::string text;
    try {
        fetch_all(source, list, options, {}, never);
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::io);
        text = e.what();
    }
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_NE(text.find("cannot write"), std::string::npos) << text;
    fetch(never);
    expect_all_right();
}

TEST_F(HubFetcher, AnotherVersionOfAFileBeginsAnew) {
    CancelToken stop;
    EXPECT_THROW(fetch(stop,
                       [&](std::uint64_t done, std::uint64_t, bool) {
                           if (done > 5 * kPiece) stop.cancel();
                       }),
                 Error);
    files["model-00001-of-00002.safetensors"] = noise(9 * kPiece + 17, 3);  // of the same size
    network.add("HeartMuLa-oss-3B", files);
    fetch(never);
    expect_all_right();
}

}  // namespace
}  // namespace heart::test
