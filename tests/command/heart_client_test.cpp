// Does `heart client` do with a studio what it says, and trust it with nothing?

#include "command/heart_command.h"
#include "support/fake_http_server.h"

#include <cstdlib>
#include <functional>
#include <map>

#include <sys/stat.h>

namespace heart::test {
namespace {

using Json = formats::Json;

constexpr const char* kId = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6";

/// A "studio" that answers as a table says: "GET /path" (without query) -> answer; 404 else.
class HeartClient : public HeartCommand {
protected:
    void SetUp() override {
        HeartCommand::SetUp();
        setenv("XDG_CONFIG_HOME", folder.c_str(), 1);
        unsetenv("HEART_SERVER");
        answers["POST /api/auth/login"] =
            json({{"user", {{"username", "ada"}}}, {"token", {{"access_token", "t0ken"}, {"token_type", "bearer"}}}});
    }
    static FakeAnswer json(const Json& value, int status = 200) {
        return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = value.dump()};
    }

    Finished client(std::vector<std::string> arguments, const std::string& input = {}) {
        arguments.insert(arguments.begin(), {"client", "--server", studio.url()});
        return run_heart(arguments, {.input = input, .folder = folder});
    }
    Finished signed_in(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"--token", "t0ken"});
        return client(std::move(arguments));
    }

    std::map<std::string, FakeAnswer> answers;
    std::function<void(const FakeRequest&)> before = [](const FakeRequest&) {};
    FakeHttpServer studio{[this](const FakeRequest& request) {
        before(request);
        const auto at = answers.find(request.method + " " + request.target.substr(0, request.target.find('?')));
        return at == answers.end() ? json({{"detail", "Not Found"}}, 404) : at->second;
    }};
};

TEST_F(HeartClient, KeepsTheTokenWhereOnlyItsOwnerReadsIt) {
    const auto login = client({"login", "--email", "ada@example.org", "--password-file", "-"}, "s3cret\n");
    ASSERT_EQ(login.exit_code, 0) << login.err;
    EXPECT_EQ(Json::parse(studio.requests().at(0).body), (Json{{"email", "ada@example.org"}, {"password", "s3cret"}}));
    struct stat info {};
    ASSERT_EQ(stat(at("heart/client.json").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);

    answers["GET /api/queue"] = json({{"items", Json::array()}, {"active_id", nullptr}});
    EXPECT_EQ(client({"queue"}).exit_code, 0);
    EXPECT_EQ(studio.requests().at(1).header("authorization"), "Bearer t0ken");
    EXPECT_EQ(run_heart({"client", "queue"}, {.folder = folder}).exit_code, 0) << "the server is remembered too";
    EXPECT_EQ(client({"logout"}).exit_code, 0);
    EXPECT_EQ(client({"queue"}).exit_code, 2);
}

TEST_F(HeartClient, RefusesATokenFileThatOthersMayRead) {
    ASSERT_EQ(client({"login", "--email", "a@b", "--password-file", "-"}, "x\n").exit_code, 0);
    ASSERT_EQ(chmod(at("heart/client.json").c_str(), 0644), 0);
    const auto f = client({"queue"});
    EXPECT_EQ(f.exit_code, 2);
    EXPECT_NE(f.err.find("chmod 600"), std::string::npos);
}

TEST_F(HeartClient, NoTokenGoesToAnotherServerOrInTheOpen) {
    ASSERT_EQ(client({"login", "--email", "a@b", "--password-file", "-"}, "x\n").exit_code, 0);
    FakeHttpServer another(json({{"items", Json::array()}}));
    EXPECT_EQ(run_heart({"client", "--server", another.url(), "queue"}, {.folder = folder}).exit_code, 2);
    EXPECT_TRUE(another.requests().empty());
    const auto open = run_heart({"client", "--server", "http://192.0.2.1", "--token", "t", "queue"}, {.folder = folder});
    EXPECT_EQ(open.exit_code, 2);
    EXPECT_NE(open.err.find("--plain-http"), std::string::npos);
    const auto secret = run_heart({"client", "--server", "https://u:s3cret@x.org", "status"}, {.folder = folder});
    EXPECT_EQ(secret.exit_code, 2);
    EXPECT_EQ(secret.err.find("s3cret"), std::string::npos);
}

TEST_F(HeartClient, SaysWhatTheStudioSaysAndExitsAsTheOtherVerbsDo) {
    answers["GET /api/queue"] = json({{"detail", "Invalid or expired token"}}, 401);
    const auto out = signed_in({"queue", "--json"});
    EXPECT_EQ(out.exit_code, 1);
    EXPECT_NE(json_of(out).at("error").at("message").get<std::string>().find("Invalid or expired token"), std::string::npos);
    answers["POST /api/generate"] = json(
        {{"detail", {{{"type", "x"}, {"loc", {"body", "topk"}}, {"msg", "Input should be less than or equal to 500"}}}}},
        422);
    const auto wrong = signed_in({"generate", "--lyrics-text", "la", "--tags", "pop", "--topk", "501"});
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_NE(wrong.err.find("topk: Input should be less"), std::string::npos) << wrong.err;
    EXPECT_EQ(signed_in({"download", kId, "--save-path", "x.wav"}).exit_code, 1);
    EXPECT_FALSE(fs::exists(at("x.wav")));
    EXPECT_EQ(signed_in({"cancel", "../../etc"}).exit_code, 2);
    EXPECT_EQ(signed_in({}).exit_code, 2);
    answers["GET /api/queue"] = {.status = 200, .body = "<html>"};
    EXPECT_EQ(signed_in({"queue"}).exit_code, 1);
    answers["GET /api/queue"] = {.status = 301, .headers = {{"Location", "https://elsewhere.example/"}}};
    EXPECT_EQ(signed_in({"queue"}).exit_code, 1);
    const auto gone = run_heart({"client", "--server", "http://127.0.0.1:" + std::to_string(unused_port()), "status"});
    EXPECT_EQ(gone.exit_code, 1);
}

TEST_F(HeartClient, WaitsForItsSongAndDownloadsIt) {
    int asked = 0;
    before = [&](const FakeRequest& request) {
        if (request.target != std::string("/api/jobs/") + kId) return;
        Json job{{"id", kId}, {"status", "processing"}, {"phase", "composing"}, {"progress", 10}, {"total_frames", 100}};
        if (++asked == 1) job.update({{"status", "pending"}, {"phase", "waiting"}, {"position", 2}});
        if (asked == 3) job.update({{"status", "completed"}, {"phase", "ended"}});
        answers[std::string("GET /api/jobs/") + kId] = json(job);
    };
    answers["POST /api/generate"] = json({{"id", kId}, {"ids", {kId}}, {"status", "pending"}, {"seed", 7}});
    answers[std::string("GET /api/audio/") + kId] = {.status = 200, .body = "fLaC sound"};
    const auto f = signed_in({"generate", "--lyrics-text", "[Verse]\nla", "--tags", "piano", "--seed", "7", "--save-path",
                              "mine.flac", "--json"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_NE(f.err.find("number 2 in the queue"), std::string::npos) << f.err;
    EXPECT_EQ(json_of(f).at("songs").at(0).at("path"), "mine.flac");
    std::ifstream in(at("mine.flac"));
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "fLaC sound");
    const FakeRequest request = studio.requests().at(0);
    EXPECT_EQ(Json::parse(request.body).at("seed"), 7);
    EXPECT_EQ(Json::parse(request.body).at("lyrics"), "[Verse]\nla");
    EXPECT_GE(request.header("idempotency-key").size(), 32U);
    EXPECT_NE(studio.requests().back().target.find("format=flac"), std::string::npos);
}

TEST_F(HeartClient, AnInterruptEndsTheWaitingAndSaysHowToCancel) {
    answers["POST /api/generate"] = json({{"id", kId}});
    before = [&](const FakeRequest& request) {
        if (request.method == "GET") write("asked", "");
    };
    answers[std::string("GET /api/jobs/") + kId] = json({{"id", kId}, {"status", "processing"}});
    const auto f = run_heart({"client", "--server", studio.url(), "--token", "t0ken", "generate", "--lyrics-text", "la",
                              "--tags", "pop", "--wait"},
                             {.folder = folder, .interrupt_when = at("asked")});
    EXPECT_EQ(f.exit_code, 130);
    EXPECT_NE(f.err.find("heart client cancel " + std::string(kId)), std::string::npos) << f.err;
}

TEST_F(HeartClient, ASongThatFailsIsAFailure) {
    answers["POST /api/generate"] = json({{"id", kId}});
    answers[std::string("GET /api/jobs/") + kId] = json({{"id", kId}, {"status", "failed"}, {"reason", "out of memory"}});
    const auto f = signed_in({"generate", "--lyrics-text", "la", "--tags", "pop", "--wait"});
    EXPECT_EQ(f.exit_code, 1);
    EXPECT_NE(f.err.find("out of memory"), std::string::npos);
    EXPECT_FALSE(fs::exists(at("song.wav")));
}

TEST_F(HeartClient, SendsABrokenRequestAgainUnderTheSameKey) {
    int asked = 0;
    before = [&](const FakeRequest&) {
        answers["POST /api/generate"] = ++asked < 3 ? FakeAnswer{.raw = "HT"} : json({{"id", kId}});
    };
    const auto f = signed_in({"generate", "--lyrics-text", "la", "--tags", "pop"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(f.out, std::string(kId) + "\n");
    const auto requests = studio.requests();
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_EQ(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
    EXPECT_EQ(requests[0].header("idempotency-key"), requests[2].header("idempotency-key"));
}

TEST_F(HeartClient, ATitleFromElsewhereNamesNoFileElsewhere) {
    answers[std::string("GET /api/history/") + kId] = json({{"id", kId}, {"title", "../../.ssh/\x1b[31mkeys"}});
    answers[std::string("GET /api/audio/") + kId] = {.status = 200, .body = "RIFF"};
    const auto f = signed_in({"download", kId});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    ASSERT_EQ(files().size(), 1U);
    EXPECT_EQ(files()[0].find_first_of("/\x1b"), std::string::npos);
    EXPECT_FALSE(files()[0].starts_with('.'));
    EXPECT_TRUE(files()[0].ends_with("-f81d4fae.wav")) << files()[0];
}

TEST_F(HeartClient, WatchesUntilTheSongsThatWereNamedHaveEnded) {
    answers[std::string("GET /api/jobs/") + kId] = json({{"id", kId}, {"status", "processing"}});
    const std::string id = kId;
    answers["GET /api/events"] = {
        .status = 200,
        .headers = {{"Content-Type", "text/event-stream"}},
        .body = ":\n\ndata: {\"id\":\"another\",\"status\":\"failed\"}\n\nevent: x\r\ndata: {\"id\":\"" + id +
                "\",\r\ndata: \"status\":\"processing\",\"message\":\"Generating\"}\r\n\r\n" + "data: {\"id\":\"" + id +
                "\",\"status\":\"completed\"}\n\ndata: late\n\n"};
    const auto f = signed_in({"watch", kId});
    EXPECT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(std::count(f.out.begin(), f.out.end(), '\n'), 2) << f.out;
    EXPECT_NE(f.out.find("Generating"), std::string::npos);
    EXPECT_EQ(f.out.find("another"), std::string::npos);
}

TEST_F(HeartClient, ShowsTitlesWithoutTheirControlCharacters) {
    answers["GET /api/history"] = json(
        {{"items", {{{"id", kId}, {"title", "a\x1b]0;b"}, {"duration_ms", 61'000}, {"created_at", "2026-11-28T00:00:00Z"}}}},
         {"total", 1}});
    const auto f = signed_in({"history", "--search", "r&b=50%"});
    ASSERT_EQ(f.exit_code, 0) << f.err;
    EXPECT_EQ(f.out.find('\x1b'), std::string::npos);
    EXPECT_NE(f.out.find("1:01"), std::string::npos);
    EXPECT_NE(studio.requests().at(0).target.find("search=r%26b%3D50%25"), std::string::npos);
}

}  // namespace
}  // namespace heart::test
