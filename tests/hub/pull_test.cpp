// Do checkpoints arrive in the published layout from every kind of source, and does the old state live until the new is
// whole?

#include "hub/pull.h"
#include "core/error.h"
#include "hub/fake_hub.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace hub;
using Speaks = FakeHub::Speaks;

/// An environment variable for as long as it lives.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { unsetenv(name_); }

private:
    const char* name_;
};

const std::string kIndex =
    R"({"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}})";

FakeHub::Files model_files(unsigned seed) {
    return {{"config.json", R"({"seed":)" + std::to_string(seed) + "}"},
            {"model.safetensors.index.json", kIndex},
            {"model-00001-of-00002.safetensors", noise(50'000, seed)},
            {"model-00002-of-00002.safetensors", noise(20'000, seed + 1)},
            {"README.md", "not needed"},
            {".gitattributes", "nor this"}};
}

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class HubPull : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-pull-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        setenv("HOME", (folder / "home").c_str(), 1);
        for (const char* name : {"HF_HOME", "HF_TOKEN", "HF_ENDPOINT", "XDG_CACHE_HOME", "HF_HUB_CACHE"}) unsetenv(name);
    }
    void TearDown() override { fs::remove_all(folder); }

    static void fill(FakeHub& hub) {
        hub.add("HeartMuLaGen", {{"tokenizer.json", noise(9000, 1)}, {"gen_config.json", "{}"}});
        hub.add("HeartMuLa-oss-3B-happy-new-year", model_files(10));
        hub.add("HeartMuLa-oss-3B", model_files(30));
        hub.add("HeartCodec-oss-20260123", model_files(20));
    }
    /// The embedding model and what it needs, among much that it does not.
    static void fill_embedder(FakeHub& hub, const std::string& text_tower = "FacebookAI/xlm-roberta-base") {
        hub.add_at("OpenMuQ/MuQ-MuLan-large", {{"config.json", R"({"mulan":{}})"},
                                               {"pytorch_model.bin", noise(30'000, 40)},
                                               {"LICENCE.txt", "SPDX-License-Identifier: MIT\n"},
                                               {"a name (1).json", "{}"}});
        hub.add_at("OpenMuQ/MuQ-large-msd-iter", {{"config.json", "{}"}, {"model.safetensors", noise(9000, 41)}});
        hub.add_at(text_tower, {{"config.json", "{}"},
                                {"tokenizer.json", noise(12'000, 42)},
                                {"model.safetensors", noise(9000, 43)},
                                {"pytorch_model.bin", noise(9000, 44)},
                                {"onnx/config.json", "{}"}});
    }
    PullRequest request_for_embedder(const FakeHub& hub, Source::Kind kind = Source::Kind::hugging_face) {
        PullRequest request = request_to(hub, kind);
        request.repositories = with_companions({&repository_named("MuQ-MuLan-large")});
        request.accepted_licences = {"CC-BY-NC-4.0"};
        return request;
    }
    /// Every file below the checkpoints, in order.
    [[nodiscard]] std::vector<std::string> all_files() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator(folder / "ckpt")) {
            const std::string name = entry.path().lexically_relative(folder / "ckpt").string();
            if (entry.is_regular_file() && name != ".pull.lock") names.push_back(name);
        }
        std::sort(names.begin(), names.end());
        return names;
    }
    PullRequest request_to(const FakeHub& hub, Source::Kind kind) {
        PullRequest request;
        request.repositories = recommended();
        request.folder = folder / "ckpt";
        request.source = {kind, hub.url(), kind == Source::Kind::modelscope ? "master" : "main", hub.token};
        request.fetch.wait = std::chrono::milliseconds(1);
        return request;
    }
    void pull(const PullRequest& request) {
        const PullPlan plan = plan_pull(request, {}, never);
        run_pull(request, plan, {}, never);
    }
    void expect_model(const std::string& place, unsigned seed) {
        for (const auto& [path, bytes] : model_files(seed)) {
            if (path.front() == '.' || path == "README.md") continue;
            EXPECT_TRUE(text_of(folder / "ckpt" / place / path) == bytes) << place << "/" << path;
        }
        EXPECT_FALSE(fs::exists(folder / "ckpt" / place / "README.md"));
    }

    fs::path folder;
    CancelToken never;
};

TEST_F(HubPull, EveryKindOfSourceGivesThePublishedLayout) {
    for (const auto& [language, kind] :
         {std::pair(Speaks::hugging_face, Source::Kind::hugging_face),
          std::pair(Speaks::modelscope, Source::Kind::modelscope), std::pair(Speaks::hugging_face, Source::Kind::mirror),
          std::pair(Speaks::plain, Source::Kind::mirror)}) {
        FakeHub hub(language);
        fill(hub);
        if (kind != Source::Kind::mirror) hub.token = "secret";
        pull(request_to(hub, kind));
        expect_model("HeartMuLa-oss-3B", 10);
        expect_model("HeartCodec-oss", 20);
        EXPECT_TRUE(text_of(folder / "ckpt/tokenizer.json") == noise(9000, 1));
        EXPECT_EQ(text_of(folder / "ckpt/gen_config.json"), "{}");
        EXPECT_EQ(hub.leaked_tokens, 0);
        fs::remove_all(folder / "ckpt");
    }
}

TEST_F(HubPull, ThePlanSaysWhatIsMissing) {
    FakeHub hub(Speaks::hugging_face);
    fill(hub);
    const PullRequest request = request_to(hub, Source::Kind::hugging_face);
    const PullPlan before = plan_pull(request, {}, never);
    ASSERT_EQ(before.items.size(), 3U);
    EXPECT_EQ(before.bytes_missing, before.bytes);
    EXPECT_GT(before.bytes_free, 0U);
    EXPECT_FALSE(fs::exists(folder / "ckpt")) << "planning writes nothing";
    run_pull(request, before, {}, never);
    fs::remove(folder / "ckpt/HeartCodec-oss/config.json");
    const PullPlan after = plan_pull(request, {}, never);
    EXPECT_EQ(after.items[1].missing.size(), 0U);
    ASSERT_EQ(after.items[2].missing.size(), 1U);
    EXPECT_EQ(after.items[2].missing[0].path, "config.json");
}

TEST_F(HubPull, TheOldModelStaysUntilTheNewOneIsWhole) {
    FakeHub hub(Speaks::hugging_face);
    fill(hub);
    PullRequest request = request_to(hub, Source::Kind::hugging_face);
    request.repositories = {&repository_named("HeartMuLa-oss-3B")};
    pull(request);
    expect_model("HeartMuLa-oss-3B", 30);
    std::ofstream(folder / "ckpt/HeartMuLa-oss-3B/notes.txt") << "mine";
    request.repositories = {&repository_named("HeartMuLa-oss-3B-happy-new-year")};
    request.fetch.tries = 1;
    const fs::path came = folder / "ckpt/.pull-HeartMuLa-oss-3B-happy-new-year/config.json";
    hub.fault = [&](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (path != "model-00002-of-00002.safetensors") return std::nullopt;
        // Files come several at once: that one first.
        for (int i = 0; i < 1000 && !fs::exists(came); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return FakeAnswer{.status = 500};
    };
    EXPECT_THROW(pull(request), Error);
    EXPECT_TRUE(fs::exists(came));
    expect_model("HeartMuLa-oss-3B", 30);
    hub.fault = nullptr;
    const auto asked = hub.asked()["config.json"];
    pull(request);
    expect_model("HeartMuLa-oss-3B", 10);
    EXPECT_EQ(hub.asked()["config.json"], asked) << "what had come was kept";
    EXPECT_EQ(text_of(folder / "ckpt/HeartMuLa-oss-3B/notes.txt"), "mine");
    EXPECT_FALSE(fs::exists(folder / "ckpt/.pull-HeartMuLa-oss-3B-happy-new-year"));
}

TEST_F(HubPull, WhatOtherToolsDownloadedIsUsed) {
    FakeHub hub(Speaks::hugging_face);
    fill(hub);
    const fs::path cache = folder / "home/.cache/huggingface/hub/models--HeartMuLa--HeartMuLa-oss-3B-happy-new-year/blobs";
    fs::create_directories(cache);
    const std::string good = model_files(10).at("model-00001-of-00002.safetensors");
    const std::string other = model_files(10).at("model-00002-of-00002.safetensors");
    std::ofstream(cache / sha256_of(good), std::ios::binary) << good;
    std::ofstream(cache / sha256_of(other), std::ios::binary) << std::string(other.size(), 'x');  // a damaged one
    PullRequest request = request_to(hub, Source::Kind::hugging_face);
    request.repositories = {&repository_named("HeartMuLa-oss-3B-happy-new-year")};
    pull(request);
    expect_model("HeartMuLa-oss-3B", 10);
    EXPECT_FALSE(hub.asked().contains("model-00001-of-00002.safetensors"));
    EXPECT_TRUE(hub.asked().contains("model-00002-of-00002.safetensors"));
    EXPECT_EQ(text_of(cache / sha256_of(good)), good);
}

TEST_F(HubPull, TwoAtOnceDoNotMix) {
    FakeHub hub(Speaks::hugging_face);
    fill(hub);
    const PullRequest request = request_to(hub, Source::Kind::hugging_face);
    const PullPlan plan = plan_pull(request, {}, never);
    bool refused = false;
    run_pull(
        request, plan,
        [&](const PullProgress&) {
            if (std::exchange(refused, true)) return;
            try {
                run_pull(request, plan, {}, never);
                ADD_FAILURE() << "two pull into one folder";
            } catch (const Error& e) {
                EXPECT_NE(std::string(e.what()).find("another process does"), std::string::npos) << e.what();
            }
        },
        never);
    EXPECT_TRUE(refused);
}

TEST_F(HubPull, OfLargeRepositoriesNothingButTheNamedFilesComes) {
    for (const auto& [language, kind] :
         {std::pair(Speaks::hugging_face, Source::Kind::hugging_face),
          std::pair(Speaks::modelscope, Source::Kind::modelscope), std::pair(Speaks::hugging_face, Source::Kind::mirror),
          std::pair(Speaks::plain, Source::Kind::mirror)}) {
        FakeHub hub(language);
        fill_embedder(hub);
        pull(request_for_embedder(hub, kind));
        EXPECT_EQ(all_files(),
                  (std::vector<std::string>{"MuQ-MuLan/LICENCE.txt", "MuQ-MuLan/config.json", "MuQ-MuLan/pytorch_model.bin",
                                            "MuQ-large-msd-iter/LICENCE.txt", "MuQ-large-msd-iter/config.json",
                                            "xlm-roberta-base/LICENCE.txt", "xlm-roberta-base/config.json",
                                            "xlm-roberta-base/tokenizer.json"}));
        EXPECT_TRUE(text_of(folder / "ckpt/MuQ-MuLan/pytorch_model.bin") == noise(30'000, 40));
        EXPECT_TRUE(text_of(folder / "ckpt/xlm-roberta-base/tokenizer.json") == noise(12'000, 42));
        EXPECT_FALSE(hub.asked().contains("model.safetensors"));
        fs::remove_all(folder / "ckpt");
    }
}

TEST_F(HubPull, ANamedFileThatIsMissingIsToldBeforeAnythingComes) {
    FakeHub hub(Speaks::hugging_face);
    fill_embedder(hub);
    hub.add_at("FacebookAI/xlm-roberta-base", {{"config.json", "{}"}, {"model.safetensors", noise(9000, 43)}});
    try {
        (void)plan_pull(request_for_embedder(hub), {}, never);
        FAIL() << "there is no tokenizer";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::not_found);
        EXPECT_NE(std::string(e.what()).find("tokenizer.json"), std::string::npos) << e.what();
    }
}

TEST_F(HubPull, AnOlderPathIsTriedWhereTheNewOneIsNotThere) {
    for (const auto& [language, kind] : {std::pair(Speaks::hugging_face, Source::Kind::hugging_face),
                                         std::pair(Speaks::hugging_face, Source::Kind::mirror)}) {
        FakeHub hub(language);
        fill_embedder(hub, "xlm-roberta-base");
        PullRequest request = request_for_embedder(hub, kind);
        request.repositories = {&repository_named("xlm-roberta-base")};
        pull(request);
        EXPECT_TRUE(text_of(folder / "ckpt/xlm-roberta-base/tokenizer.json") == noise(12'000, 42));
        fs::remove_all(folder / "ckpt");
    }
    FakeHub empty(Speaks::hugging_face);
    PullRequest request = request_for_embedder(empty);
    request.repositories = {&repository_named("xlm-roberta-base")};
    try {
        (void)plan_pull(request, {}, never);
        FAIL() << "it is at neither";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::not_found);
        EXPECT_NE(std::string(e.what()).find("FacebookAI/xlm-roberta-base at"), std::string::npos) << e.what();
    }
}

TEST_F(HubPull, CachesThatKnowAnOlderPathAreUsed) {
    FakeHub hub(Speaks::hugging_face);
    fill_embedder(hub);
    const fs::path cache = folder / "home/.cache/huggingface/hub/models--xlm-roberta-base/blobs";
    fs::create_directories(cache);
    const std::string tokenizer = noise(12'000, 42);
    std::ofstream(cache / sha256_of(tokenizer), std::ios::binary) << tokenizer;
    pull(request_for_embedder(hub));
    EXPECT_TRUE(text_of(folder / "ckpt/xlm-roberta-base/tokenizer.json") == tokenizer);
    EXPECT_FALSE(hub.asked().contains("tokenizer.json"));
}

TEST_F(HubPull, WhereASourceHasNoChecksumThePublishedOneCounts) {
    const auto size_and_no_etag = [](const std::string& size) {
        return [size](const FakeRequest& request, const std::string& path) -> std::optional<FakeAnswer> {
            if (request.method != "HEAD" || path != "pytorch_model.bin") return std::nullopt;
            return FakeAnswer{.raw = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + size + "\r\n\r\n"};
        };
    };
    FakeHub hub(Speaks::plain);
    fill_embedder(hub);
    const Repository& embedder = repository_named("MuQ-MuLan-large");
    const Source source{Source::Kind::mirror, hub.url(), "main", ""};
    hub.fault = size_and_no_etag("2653954401");
    const auto files = list_files(source, embedder, never);
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(files[1].checksum.kind, Checksum::Kind::sha256);
    EXPECT_EQ(files[1].checksum.hex, "d42ae3f7cb9b66759ee0089ddc70e2f28b130c2d8ba621457358272d32dd0444");
    hub.fault = size_and_no_etag("2653954400");
    try {
        (void)list_files(source, embedder, never);
        FAIL() << "a byte is missing";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::malformed);
        EXPECT_NE(std::string(e.what()).find("2653954401"), std::string::npos) << e.what();
    }
}

TEST_F(HubPull, NothingIsFetchedUnderALicenceThatNobodyAccepted) {
    FakeHub hub(Speaks::hugging_face);
    fill_embedder(hub);
    PullRequest request = request_for_embedder(hub);
    for (const std::vector<std::string>& accepted :
         {std::vector<std::string>{}, {"MIT"}, {"cc-by-nc-4.0"}, {"CC-BY-NC-4.0 "}, {""}}) {
        request.accepted_licences = accepted;
        const PullPlan plan = plan_pull(request, {}, never);
        EXPECT_EQ(licences_to_accept(request, plan).size(), 1U);
        try {
            run_pull(request, plan, {}, never);
            FAIL() << "nobody said yes";
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::usage);
            EXPECT_NE(std::string(e.what()).find("--accept-licence CC-BY-NC-4.0"), std::string::npos) << e.what();
        }
    }
    EXPECT_FALSE(fs::exists(folder / "ckpt"));
    EXPECT_TRUE(hub.asked().empty());
    request.accepted_licences = {"MIT", "CC-BY-NC-4.0"};
    pull(request);
    request.accepted_licences = {};
    EXPECT_TRUE(licences_to_accept(request, plan_pull(request, {}, never)).empty()) << "nothing is fetched any more";
    pull(request);
}

TEST_F(HubPull, TheLicenceIsKeptBesideTheFiles) {
    FakeHub hub(Speaks::hugging_face);
    fill(hub);
    fill_embedder(hub);
    pull(request_for_embedder(hub));
    const fs::path record = folder / "ckpt/MuQ-MuLan/LICENCE.txt";
    EXPECT_EQ(licence_of_record(text_of(record)), "CC-BY-NC-4.0") << "not what the repository has under this name";
    EXPECT_EQ(licence_of_record(text_of(folder / "ckpt/xlm-roberta-base/LICENCE.txt")), "MIT");
    fs::remove(record);  // as an older Heart left it
    pull(request_for_embedder(hub));
    EXPECT_EQ(licence_of_record(text_of(record)), "CC-BY-NC-4.0");
    EXPECT_FALSE(fs::exists(folder / "ckpt/.pull-MuQ-MuLan-large"));
    std::ofstream(record) << "my own notes";
    pull(request_for_embedder(hub));
    EXPECT_EQ(text_of(record), "my own notes");
    pull(request_to(hub, Source::Kind::hugging_face));
    EXPECT_EQ(licence_of_record(text_of(folder / "ckpt/HeartMuLa-oss-3B/LICENCE.txt")), "Apache-2.0");
    EXPECT_EQ(licence_of_record(text_of(folder / "ckpt/LICENCE-HeartMuLaGen.txt")), "Apache-2.0");
    EXPECT_FALSE(fs::exists(folder / "ckpt/LICENCE.txt")) << "which would seem to cover all folders";
}

TEST_F(HubPull, TheRecordFollowsWhatReplacesTheModel) {
    FakeHub hub(Speaks::hugging_face);
    fill(hub);
    PullRequest request = request_to(hub, Source::Kind::hugging_face);
    request.repositories = {&repository_named("HeartMuLa-oss-3B")};
    pull(request);
    const fs::path record = folder / "ckpt/HeartMuLa-oss-3B/LICENCE.txt";
    EXPECT_NE(text_of(record).find("HeartMuLa/HeartMuLa-oss-3B;"), std::string::npos) << text_of(record);
    request.repositories = {&repository_named("HeartMuLa-oss-3B-happy-new-year")};
    pull(request);
    EXPECT_NE(text_of(record).find("HeartMuLa-oss-3B-happy-new-year"), std::string::npos) << text_of(record);
}

TEST_F(HubPull, HostileListsAreRefused) {
    for (const char* body :
         {"", "{}", "[", "null", R"([{"type":"file","path":"../../x.json","size":1,"oid":""}])",
          R"([{"type":"file","path":"/etc/x.json","size":1}])", R"([{"type":"file","path":"a/.ssh/x.json","size":1}])",
          R"([{"type":"file","path":"a\u0000.json","size":1}])", R"([{"type":"file","path":"$(x).json","size":1}])",
          R"([{"type":"file","path":"x.json","size":99999999999999999}])"}) {
        FakeHub hub(Speaks::hugging_face);
        hub.fault = [body](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
            if (!path.empty()) return std::nullopt;
            return FakeAnswer{.body = body};
        };
        fill(hub);
        try {
            (void)plan_pull(request_to(hub, Source::Kind::hugging_face), {}, never);
            ADD_FAILURE() << body;
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::malformed) << body << ": " << e.what();
        }
    }
    FakeHub hub(Speaks::hugging_face);
    hub.fault = [](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (!path.empty()) return std::nullopt;
        return FakeAnswer{.body = R"([{"type":"file","path":7,"size":"x"},{"type":[],"lfs":3},7,null])"};
    };
    fill(hub);
    EXPECT_THROW((void)plan_pull(request_to(hub, Source::Kind::hugging_face), {}, never), Error);
}

TEST_F(HubPull, AVersionIsANameAndNoPath) {
    FakeHub hub(Speaks::hugging_face);
    fill(hub);
    PullRequest request = request_to(hub, Source::Kind::hugging_face);
    request.version = "../../x";
    EXPECT_THROW((void)plan_pull(request, {}, never), Error);
    request.version = "new-year";
    pull(request);
    expect_model("HeartMuLa-oss-new-year", 10);
}

TEST_F(HubPull, SourcesAndTokensComeFromTheUsualPlaces) {
    EXPECT_EQ(source_named("huggingface", "").base, "https://huggingface.co");
    EXPECT_EQ(source_named("huggingface", "v2").revision, "v2");
    EXPECT_EQ(source_named("modelscope", "").revision, "master");
    EXPECT_EQ(source_named("https://mirror.example/models/", "").base, "https://mirror.example/models");
    EXPECT_THROW((void)source_named("ftp://x", ""), Error);
    EXPECT_THROW((void)source_named("somewhere", ""), Error);
    EXPECT_EQ(source_named("huggingface", "").token, "");
    fs::create_directories(folder / "home/.cache/huggingface");
    std::ofstream(folder / "home/.cache/huggingface/token") << "hf_file\n";
    EXPECT_EQ(source_named("huggingface", "").token, "hf_file");
    const Variable token("HF_TOKEN", "hf_variable"), endpoint("HF_ENDPOINT", "https://hf.example/");
    EXPECT_EQ(source_named("huggingface", "").token, "hf_variable");
    EXPECT_EQ(source_named("huggingface", "").base, "https://hf.example");
    EXPECT_EQ(source_named("https://mirror.example", "").token, "") << "a mirror is given no token";
}

}  // namespace
}  // namespace heart::test
