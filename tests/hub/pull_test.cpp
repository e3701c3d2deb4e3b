// Do checkpoints arrive in the published layout from every kind of source, and does the old state live until the new is
// whole?

#include "hub/pull.h"
#include "core/error.h"
#include "hub/fake_hub.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

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
    hub.fault = [](const FakeRequest&, const std::string& path) -> std::optional<FakeAnswer> {
        if (path != "model-00002-of-00002.safetensors") return std::nullopt;
        return FakeAnswer{.status = 500};
    };
    EXPECT_THROW(pull(request), Error);
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
