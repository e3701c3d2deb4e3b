// Does the running program keep the contract of the Python studio, endpoint for endpoint, word for word?

#include "server/running_studio.h"
#include "server/socket_client.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using formats::Json;
using net::HttpAnswer;

/// One studio for all tests; each opens accounts of its own.
class Contract : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        std::string pattern = (fs::temp_directory_path() / "heart-contract-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = new fs::path(pattern);
        studio = new RunningStudio(*folder / "data", {"--threads", "1"});
        first = new std::string(open_account("first"));  // the administrator
    }
    static void TearDownTestSuite() {
        delete studio;
        fs::remove_all(*folder);
        delete folder;
        delete first;
    }

    /// A new account's token.
    static std::string open_account(const std::string& name) {
        return studio
            ->json(
                {.method = "POST",
                 .path = "/api/auth/register",
                 .body = Json{{"username", name}, {"email", name + "@example.org"}, {"password", "secret-" + name}}.dump()})
            .at("token")
            .at("access_token")
            .get<std::string>();
    }
    static HttpAnswer ask(const RunningStudio::Ask& asked) {
        auto answer = studio->ask(asked);
        if (!answer) throw std::runtime_error("no answer");
        return std::move(*answer);
    }
    static HttpAnswer post(const std::string& path, const Json& body, const std::string& token = "") {
        return ask({.method = "POST", .path = path, .body = body.dump(), .token = token});
    }
    static HttpAnswer get(const std::string& path, const std::string& token = "") {
        return ask({.path = path, .token = token});
    }
    static Json song(const std::string& title = "Rain") {
        return {{"lyrics", "[Verse]\nRain on a tin roof\n"},
                {"tags", "piano,happy"},
                {"title", title},
                {"max_audio_length_ms", 10000},
                {"seed", 7}};
    }
    static std::string add_song(const std::string& token, const std::string& title = "Rain") {
        const HttpAnswer answer = post("/api/generate", song(title), token);
        EXPECT_EQ(answer.status, 200) << answer.body;
        return json_of(answer).at("id").get<std::string>();
    }
    /// Waits until the job has ended; how.
    static std::string end_of(const std::string& id, const std::string& token) {
        for (int i = 0; i < 30'000; ++i) {
            const auto status = json_of(get("/api/jobs/" + id, token)).at("status").get<std::string>();
            if (status != "pending" && status != "processing") return status;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return "too late";
    }
    static Json json_of(const HttpAnswer& answer) { return formats::parse_json(answer.body, "the answer"); }
    static void expect_detail(const HttpAnswer& answer, int status, const std::string& detail) {
        EXPECT_EQ(answer.status, status) << answer.body;
        EXPECT_EQ(answer.body, Json({{"detail", detail}}).dump());
        EXPECT_EQ(answer.header("content-type"), "application/json");
    }
    static std::set<std::string> keys(const Json& object) {
        std::set<std::string> out;
        for (const auto& [key, value] : object.items()) out.insert(key);
        return out;
    }
    static void expect_keys(const Json& object, const std::set<std::string>& wanted) {
        const auto there = keys(object);
        for (const std::string& key : wanted) EXPECT_TRUE(there.contains(key)) << key << " is missing in " << object;
    }

    static fs::path* folder;
    static RunningStudio* studio;
    static std::string* first;
};

fs::path* Contract::folder = nullptr;
RunningStudio* Contract::studio = nullptr;
std::string* Contract::first = nullptr;

// --- accounts -----------------------------------------------------------------------------------------------------------

TEST_F(Contract, RegisterAnswersUserAndToken) {
    const HttpAnswer answer =
        post("/api/auth/register", {{"username", "Ada Lovelace"}, {"email", "ADA@Example.org"}, {"password", "123456"}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    const Json entry = json_of(answer);
    EXPECT_EQ(keys(entry), (std::set<std::string>{"user", "token"}));
    EXPECT_EQ(entry.at("user").at("username"), "Ada Lovelace");
    EXPECT_EQ(entry.at("user").at("email"), "ada@example.org");
    expect_keys(entry.at("user"), {"id", "username", "email", "created_at"});
    EXPECT_EQ(entry.at("token").at("token_type"), "bearer");
    EXPECT_TRUE(entry.at("user").at("created_at").get<std::string>().ends_with('Z'));
    expect_detail(post("/api/auth/register", {{"username", "x y z"}, {"email", "ada@EXAMPLE.org"}, {"password", "123456"}}),
                  400, "Email already registered");
    expect_detail(post("/api/auth/register", {{"username", "Ada Lovelace"}, {"email", "b@b"}, {"password", "123456"}}), 400,
                  "Username already taken");
}

TEST_F(Contract, RegisterRefusesInTheWordsOfPydantic) {
    const HttpAnswer answer = post("/api/auth/register", {{"username", "ab"}, {"password", "12345"}});
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(json_of(answer).at("detail"), Json::parse(R"([
        {"type":"string_too_short","loc":["body","username"],"msg":"String should have at least 3 characters","input":"ab",
         "ctx":{"min_length":3}},
        {"type":"missing","loc":["body","email"],"msg":"Field required","input":{"password":null,"username":"ab"}},
        {"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 6 characters","input":null,
         "ctx":{"min_length":6}}])"));
    EXPECT_EQ(answer.body.find("12345"), std::string::npos);
}

TEST_F(Contract, LogInAnswersAsRegisterAndFailsInOneWay) {
    open_account("login");
    const HttpAnswer good = post("/api/auth/login", {{"email", "LOGIN@example.org"}, {"password", "secret-login"}});
    ASSERT_EQ(good.status, 200) << good.body;
    const auto token = json_of(good).at("token").at("access_token").get<std::string>();
    EXPECT_EQ(json_of(get("/api/auth/me", token)).at("username"), "login");
    for (const Json& body : {Json{{"email", "login@example.org"}, {"password", "wrong"}},
                             Json{{"email", "nobody@example.org"}, {"password", "wrong"}}}) {
        const HttpAnswer bad = post("/api/auth/login", body);
        expect_detail(bad, 401, "Invalid email or password");
        EXPECT_EQ(bad.header("www-authenticate"), "");
    }
}

TEST_F(Contract, EveryEndpointBehindAnAccountSaysSoInTheSameWords) {
    const std::pair<const char*, const char*> endpoints[] = {
        {"GET", "/api/auth/me"},      {"POST", "/api/generate"},  {"GET", "/api/queue"},
        {"DELETE", "/api/queue/x"},   {"GET", "/api/history"},    {"GET", "/api/history/x"},
        {"DELETE", "/api/history/x"}, {"POST", "/api/ai/lyrics"}, {"POST", "/api/ai/thumbnail"},
        {"GET", "/api/jobs/x"},       {"GET", "/api/events"},     {"GET", "/api/jobs/failures"},
    };
    for (const auto& [method, path] : endpoints) {
        const HttpAnswer none = ask({.method = method, .path = path});
        expect_detail(none, 401, "Not authenticated");
        EXPECT_EQ(none.header("www-authenticate"), "Bearer") << path;
        const HttpAnswer bad = ask({.method = method, .path = path, .token = "a.b.c"});
        expect_detail(bad, 401, "Invalid or expired token");
        EXPECT_EQ(bad.header("www-authenticate"), "Bearer") << path;
    }
}

TEST_F(Contract, ChangingThePasswordAndSigningOutMakeOldTokensVoid) {
    const std::string old_token = open_account("changer");
    expect_detail(post("/api/auth/password", {{"old_password", "wrong"}, {"new_password", "another"}}, old_token), 401,
                  "Invalid email or password");
    const HttpAnswer changed =
        post("/api/auth/password", {{"old_password", "secret-changer"}, {"new_password", "another"}}, old_token);
    ASSERT_EQ(changed.status, 200) << changed.body;
    const auto token = json_of(changed).at("access_token").get<std::string>();
    EXPECT_EQ(get("/api/auth/me", old_token).status, 401);
    EXPECT_EQ(get("/api/auth/me", token).status, 200);
    EXPECT_EQ(ask({.method = "POST", .path = "/api/auth/sign-out-everywhere", .token = token}).status, 200);
    expect_detail(get("/api/auth/me", token), 401, "Invalid or expired token");
    EXPECT_EQ(post("/api/auth/login", {{"email", "changer@example.org"}, {"password", "another"}}).status, 200);
}

// --- the queue ----------------------------------------------------------------------------------------------------------

TEST_F(Contract, GenerateAnswersIdStatusAndMessage) {
    const std::string token = open_account("generate");
    const Json answer = json_of(post("/api/generate", song(), token));
    EXPECT_EQ(answer.at("status"), "pending");
    EXPECT_EQ(answer.at("message"), "Generation added to queue");
    const auto id = answer.at("id").get<std::string>();
    EXPECT_EQ(id.size(), 36U);
    EXPECT_EQ(id[14], '4') << "a version 4 UUID";
    EXPECT_EQ(answer.at("ids"), Json::array({id}));
    EXPECT_EQ(end_of(id, token), "completed");
}

TEST_F(Contract, GenerateHoldsItsRanges) {
    const std::string token = open_account("ranges");
    const std::pair<const char*, Json> wrong[] = {
        {"greater_than_equal", {{"max_audio_length_ms", 9999}}},
        {"less_than_equal", {{"max_audio_length_ms", 240001}}},
        {"greater_than_equal", {{"temperature", 0.09}}},
        {"less_than_equal", {{"temperature", 2.01}}},
        {"greater_than_equal", {{"topk", 0}}},
        {"less_than_equal", {{"topk", 501}}},
        {"greater_than_equal", {{"cfg_scale", 0.99}}},
        {"less_than_equal", {{"cfg_scale", 5.01}}},
        {"int_from_float", {{"topk", 1.5}}},
        {"int_parsing", {{"topk", "many"}}},
        {"float_parsing", {{"temperature", "warm"}}},
        {"less_than_equal", {{"takes", 9}}},
        {"greater_than_equal", {{"seed", -1}}},
        {"string_type", {{"title", 5}}},
    };
    for (const auto& [type, change] : wrong) {
        Json body = song();
        body.update(change);
        const HttpAnswer answer = post("/api/generate", body, token);
        ASSERT_EQ(answer.status, 422) << change;
        EXPECT_EQ(json_of(answer).at("detail").at(0).at("type"), type) << change;
    }
    const HttpAnswer nan = ask({.method = "POST",
                                .path = "/api/generate",
                                .body = R"({"lyrics":"a","tags":"b","temperature":NaN})",
                                .token = token});
    EXPECT_EQ(nan.status, 422) << nan.body;
    const HttpAnswer missing = post("/api/generate", Json::object(), token);
    EXPECT_EQ(json_of(missing).at("detail").size(), 2U);
    EXPECT_TRUE(json_of(get("/api/queue", token)).at("items").empty());
}

TEST_F(Contract, TextsHaveLimitsInBytes) {
    const std::string token = open_account("limits");
    for (const auto& [name, most] : {std::pair{"lyrics", 20'000}, {"tags", 2'000}, {"title", 500}}) {
        Json body = song();
        body[name] = std::string(static_cast<std::size_t>(most) + 1, 'x');
        const HttpAnswer answer = post("/api/generate", body, token);
        EXPECT_EQ(answer.status, 422) << name;
        EXPECT_LT(answer.body.size(), 1000U) << "what was sent does not come back whole";
        body[name] = std::string(static_cast<std::size_t>(most), 'x');
        const HttpAnswer fine = post("/api/generate", body, token);
        EXPECT_EQ(fine.status, 200) << name << fine.body;
        ask({.method = "DELETE", .path = "/api/queue/" + json_of(fine).at("id").get<std::string>(), .token = token});
        body[name] = std::string("a\0b", 3);
        EXPECT_EQ(post("/api/generate", body, token).status, 422) << name;
    }
}

TEST_F(Contract, TheQueueListsOnesOwnAndCancels) {
    const std::string token = open_account("queue"), other = open_account("queue-other");
    std::vector<std::string> ids;
    Json long_song = song();
    long_song["max_audio_length_ms"] = 240'000;
    for (int i = 0; i < 3; ++i) ids.push_back(json_of(post("/api/generate", long_song, token)).at("id"));
    const Json queue = json_of(get("/api/queue", token));
    EXPECT_EQ(keys(queue), (std::set<std::string>{"items", "active_id"}));
    ASSERT_EQ(queue.at("items").size(), 3U);
    for (const Json& item : queue.at("items")) {
        expect_keys(item, {"id", "title", "status", "progress", "total_frames", "created_at", "lyrics", "tags"});
        EXPECT_EQ(item.at("total_frames"), 3000);
    }
    EXPECT_TRUE(json_of(get("/api/queue", other)).at("items").empty());
    EXPECT_TRUE(json_of(get("/api/queue", other)).at("active_id").is_null());

    expect_detail(ask({.method = "DELETE", .path = "/api/queue/" + ids[0], .token = other}), 403,
                  "You can only cancel your own generations");
    expect_detail(ask({.method = "DELETE", .path = "/api/queue/nothing", .token = token}), 403,
                  "You can only cancel your own generations");
    for (int twice = 0; twice < 2; ++twice) {
        for (const std::string& id : {ids[2], ids[1], ids[0]}) {
            const HttpAnswer answer = ask({.method = "DELETE", .path = "/api/queue/" + id, .token = token});
            EXPECT_EQ(answer.status, 200) << answer.body;
            EXPECT_EQ(answer.body, R"({"message":"Generation cancelled"})");
        }
    }
    for (const std::string& id : ids) EXPECT_EQ(end_of(id, token), "cancelled");
    const Json failures = json_of(get("/api/jobs/failures", token));
    ASSERT_EQ(failures.at("items").size(), 3U);
    EXPECT_FALSE(failures.at("items").at(0).at("reason").get<std::string>().empty());
}

TEST_F(Contract, WaitingSongsMoveAndCancelledOnesCanBeTriedAgainOrForgotten) {
    const std::string token = open_account("mover"), other = open_account("mover-other");
    Json long_song = song();
    long_song["max_audio_length_ms"] = 240'000;
    std::vector<std::string> ids;
    for (int i = 0; i < 4; ++i) ids.push_back(json_of(post("/api/generate", long_song, token)).at("id"));
    EXPECT_EQ(post("/api/jobs/" + ids[3] + "/move", {{"before", ids[2]}}, token).status, 200);
    std::vector<std::string> waiting;
    const Json queue = json_of(get("/api/queue", token));
    for (const Json& item : queue.at("items")) waiting.push_back(item.at("id"));
    const auto at = [&](const std::string& id) { return std::find(waiting.begin(), waiting.end(), id) - waiting.begin(); };
    EXPECT_EQ(at(ids[3]) + 1, at(ids[2]));
    expect_detail(post("/api/jobs/" + ids[3] + "/move", {{"before", nullptr}}, other), 404, "Job not found");
    expect_detail(ask({.method = "DELETE", .path = "/api/jobs/" + ids[3], .token = token}), 409,
                  "Cancel the song before you remove it");
    for (const std::string& id : ids) ask({.method = "DELETE", .path = "/api/queue/" + id, .token = token});
    for (const std::string& id : ids) EXPECT_EQ(end_of(id, token), "cancelled");
    EXPECT_EQ(post("/api/jobs/" + ids[3] + "/move", {{"before", nullptr}}, token).status, 409);
    EXPECT_EQ(ask({.method = "DELETE", .path = "/api/jobs/" + ids[3], .token = token}).status, 200);
    expect_detail(get("/api/jobs/" + ids[3], token), 404, "Job not found");
    const HttpAnswer again = ask({.method = "POST", .path = "/api/jobs/" + ids[2] + "/retry", .token = token});
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(json_of(again).at("status"), "pending");
    ask({.method = "DELETE", .path = "/api/queue/" + ids[2], .token = token});
}

TEST_F(Contract, TheSameKeyGetsTheSameAnswerAndMakesOneSong) {
    const std::string token = open_account("idempotent");
    const auto send = [&](const Json& body, const std::string& key) {
        return ask({.method = "POST", .path = "/api/generate", .body = body.dump(), .token = token, .key = key});
    };
    const HttpAnswer one = send(song(), "k1"), again = send(song(), "k1");
    ASSERT_EQ(one.status, 200) << one.body;
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.body, one.body);
    EXPECT_EQ(again.header("idempotency-replayed"), "true");
    EXPECT_EQ(one.header("idempotency-replayed"), "");
    EXPECT_EQ(send(song("Other"), "k1").status, 422);
    EXPECT_EQ(send(song(), "a key with spaces").status, 422);
    const HttpAnswer next = send(song(), "k2");
    EXPECT_NE(next.body, one.body);
    EXPECT_EQ(end_of(json_of(one).at("id"), token), "completed");
    EXPECT_EQ(end_of(json_of(next).at("id"), token), "completed");
    EXPECT_EQ(json_of(get("/api/history", token)).at("total"), 2);
}

TEST_F(Contract, TakesAreSongsOfOneSeed) {
    const std::string token = open_account("takes");
    Json body = song("");
    body["takes"] = 2;
    const Json answer = json_of(post("/api/generate", body, token));
    ASSERT_EQ(answer.at("ids").size(), 2U);
    for (const Json& id : answer.at("ids")) EXPECT_EQ(end_of(id, token), "completed");
    const Json items = json_of(get("/api/history", token)).at("items");
    ASSERT_EQ(items.size(), 2U);
    EXPECT_EQ(items[0].at("seed"), 7);
    EXPECT_EQ(items[0].at("request_id"), items[1].at("request_id"));
    EXPECT_NE(items[0].at("take"), items[1].at("take"));
    EXPECT_EQ(items[1].at("title"), "Generation " + answer.at("ids").at(0).get<std::string>().substr(0, 8));
}

// --- finished songs -----------------------------------------------------------------------------------------------------

/// Songs that tests only look at.
class FinishedSong : public Contract {
protected:
    static void SetUpTestSuite() {
        Contract::SetUpTestSuite();
        token = open_account("owner");
        other = open_account("stranger");
        id = add_song(token, "Ünï/quiet");
        ASSERT_EQ(end_of(id, token), "completed");
    }
    static HttpAnswer fetch(const std::string& path, const std::vector<std::pair<std::string, std::string>>& headers,
                            const std::string& method = "GET") {
        net::HttpRequest request;
        request.method = method;
        request.url = studio->url() + path;
        request.headers = headers;
        return net::exchange(request, {});
    }
    static std::string token, other, id;
};

std::string FinishedSong::token, FinishedSong::other, FinishedSong::id;

TEST_F(FinishedSong, IsInTheHistoryOfItsOwnerOnly) {
    const Json page = json_of(get("/api/history", token));
    EXPECT_EQ(keys(page), (std::set<std::string>{"items", "total", "page", "page_size"}));
    EXPECT_EQ(page.at("total"), 1);
    EXPECT_EQ(page.at("page"), 1);
    EXPECT_EQ(page.at("page_size"), 20);
    const Json& item = page.at("items").at(0);
    expect_keys(item, {"id", "title", "lyrics", "tags", "audio_path", "thumbnail_path", "created_at", "duration_ms",
                       "temperature", "topk", "cfg_scale", "user_id"});
    EXPECT_EQ(item.at("id"), id);
    EXPECT_EQ(item.at("title"), "Ünï/quiet");
    EXPECT_FALSE(item.at("audio_path").get<std::string>().starts_with('/')) << "no path of the server";
    EXPECT_GT(item.at("duration_ms").get<int>(), 0);
    EXPECT_EQ(json_of(get("/api/history", other)).at("total"), 0);
    EXPECT_EQ(json_of(get("/api/history?search=%C3%9CN%C3%8F", token)).at("total"), 1) << "without regard to case";
    EXPECT_EQ(json_of(get("/api/history?search=%25", token)).at("total"), 0) << "no wildcards";
    const Json past = json_of(get("/api/history?page=9", token));
    EXPECT_TRUE(past.at("items").empty());
    EXPECT_EQ(past.at("total"), 1);
}

TEST_F(FinishedSong, HistoryQueriesHaveRanges) {
    for (const auto& [query, type] : {std::pair{"page=0", "greater_than_equal"},
                                      {"page_size=0", "greater_than_equal"},
                                      {"page_size=101", "less_than_equal"},
                                      {"page=x", "int_parsing"}}) {
        const HttpAnswer answer = get(std::string("/api/history?") + query, token);
        ASSERT_EQ(answer.status, 422) << query;
        EXPECT_EQ(json_of(answer).at("detail").at(0).at("type"), type);
        EXPECT_EQ(json_of(answer).at("detail").at(0).at("loc").at(0), "query");
    }
}

TEST_F(FinishedSong, CanBeReadByItsOwnerOnly) {
    EXPECT_EQ(json_of(get("/api/history/" + id, token)).at("id"), id);
    expect_detail(get("/api/history/" + id, other), 403, "Access denied");
    expect_detail(get("/api/history/nothing", token), 404, "Generation not found");
    expect_detail(ask({.method = "DELETE", .path = "/api/history/" + id, .token = other}), 404,
                  "Generation not found or access denied");
}

TEST_F(FinishedSong, SoundComesWithItsHeaders) {
    const HttpAnswer answer = get("/api/audio/" + id);
    ASSERT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("content-type"), "audio/wav");
    EXPECT_EQ(answer.header("accept-ranges"), "bytes");
    EXPECT_TRUE(answer.body.starts_with("RIFF"));
    const auto disposition = std::string(answer.header("content-disposition"));
    EXPECT_TRUE(disposition.starts_with("attachment;")) << disposition;
    EXPECT_NE(disposition.find("filename*=utf-8''%C3%9Cn%C3%AF_quiet.wav"), std::string::npos) << disposition;
    EXPECT_TRUE(get("/api/audio/" + id + "?inline=1").header("content-disposition").starts_with("inline"));
    expect_detail(get("/api/audio/nothing"), 404, "Generation not found");
    expect_detail(get("/api/thumbnail/nothing"), 404, "Generation not found");
    const HttpAnswer cover = get("/api/thumbnail/" + id);
    EXPECT_EQ(cover.status, 200);
    EXPECT_EQ(cover.header("content-type"), "image/png");
    EXPECT_EQ(cover.body.substr(1, 3), "PNG");
    EXPECT_EQ(get("/api/audio/" + id + "?format=aac").status, 422);
}

TEST_F(FinishedSong, SoundHasRangesTagsAndHeads) {
    const HttpAnswer whole = get("/api/audio/" + id);
    const auto size = whole.body.size();
    const HttpAnswer part = fetch("/api/audio/" + id, {{"Range", "bytes=4-11"}});
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.body, whole.body.substr(4, 8));
    EXPECT_EQ(part.header("content-range"), "bytes 4-11/" + std::to_string(size));
    EXPECT_EQ(fetch("/api/audio/" + id, {{"Range", "bytes=-4"}}).body, whole.body.substr(size - 4));
    const HttpAnswer behind = fetch("/api/audio/" + id, {{"Range", "bytes=" + std::to_string(size) + "-"}});
    EXPECT_EQ(behind.status, 416);
    EXPECT_EQ(behind.header("content-range"), "*/" + std::to_string(size));
    const HttpAnswer known = fetch("/api/audio/" + id, {{"If-None-Match", std::string(whole.header("etag"))}});
    EXPECT_EQ(known.status, 304);
    EXPECT_TRUE(known.body.empty());
}

TEST_F(FinishedSong, HeadsTellWhatGetWould) {
    RawSocket socket(port_of(studio->url()));
    socket.send("HEAD /api/audio/" + id + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string head = socket.read_all();
    EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
    EXPECT_TRUE(head.ends_with("\r\n\r\n")) << "no body";
    EXPECT_NE(head.find("Content-Length: " + std::to_string(get("/api/audio/" + id).body.size())), std::string::npos)
        << head;
}

TEST_F(FinishedSong, OtherFormatsAreMadeOnDemand) {
    for (const auto& [format, type, begin] : {std::tuple{"flac", "audio/flac", "fLaC"}, {"opus", "audio/ogg", "OggS"}}) {
        const HttpAnswer answer = get("/api/audio/" + id + "?format=" + format);
        ASSERT_EQ(answer.status, 200) << answer.body;
        EXPECT_TRUE(answer.header("content-type").starts_with(type)) << answer.header("content-type");
        EXPECT_TRUE(answer.body.starts_with(begin));
    }
    const HttpAnswer mp3 = get("/api/audio/" + id + "?format=mp3");
    EXPECT_EQ(mp3.status, 200);
    EXPECT_EQ(mp3.header("content-type"), "audio/mpeg");
    const Json peaks = json_of(get("/api/audio/" + id + "/peaks"));
    EXPECT_GT(peaks.at("seconds").get<double>(), 0.5);
    EXPECT_FALSE(peaks.at("peaks").empty());
}

TEST_F(FinishedSong, DeletedIsGoneFromEverywhere) {
    const std::string mine = open_account("deleter");
    const std::string gone = add_song(mine);
    ASSERT_EQ(end_of(gone, mine), "completed");
    const HttpAnswer answer = ask({.method = "DELETE", .path = "/api/history/" + gone, .token = mine});
    EXPECT_EQ(answer.body, R"({"message":"Generation deleted"})");
    expect_detail(get("/api/history/" + gone, mine), 404, "Generation not found");
    expect_detail(get("/api/audio/" + gone), 404, "Generation not found");
    EXPECT_EQ(json_of(get("/api/history", mine)).at("total"), 0);
    expect_detail(ask({.method = "DELETE", .path = "/api/history/" + gone, .token = mine}), 404,
                  "Generation not found or access denied");
}

// --- the rest -----------------------------------------------------------------------------------------------------------

TEST_F(Contract, StatusTellsTheContractsFields) {
    const HttpAnswer answer = get("/api/status");
    const Json status = json_of(answer);
    expect_keys(status, {"gpu_available", "gpu_name", "model_loaded", "queue_length", "openai_configured"});
    EXPECT_TRUE(status.at("gpu_available").is_boolean());
    EXPECT_EQ(status.at("openai_configured"), false);
    EXPECT_EQ(status.at("model"), "demo");
    EXPECT_EQ(answer.header("x-content-type-options"), "nosniff");
    EXPECT_EQ(answer.header("x-frame-options"), "DENY");
    EXPECT_FALSE(answer.header("content-security-policy").empty());
    EXPECT_FALSE(answer.header("x-request-id").empty());
    EXPECT_EQ(answer.header("access-control-allow-origin"), "");
}

TEST_F(Contract, WritingHelpSaysThatItIsNotThere) {
    const std::string token = open_account("writer");
    const std::string words = "OpenAI API not configured. Set OPENAI_API_KEY environment variable.";
    expect_detail(post("/api/ai/lyrics", {{"prompt", "rain"}}, token), 503, words);
    expect_detail(post("/api/ai/thumbnail", {{"title", "a"}, {"tags", "b"}}, token), 503, words);
    EXPECT_EQ(post("/api/ai/lyrics", Json::object(), token).status, 422);
}

TEST_F(Contract, UnknownPathsAndMethods) {
    expect_detail(get("/api/nothing"), 404, "Not Found");
    const HttpAnswer wrong = ask({.method = "PUT", .path = "/api/queue"});
    expect_detail(wrong, 405, "Method Not Allowed");
    EXPECT_FALSE(wrong.header("allow").empty());
}

TEST_F(Contract, HealthReadinessAndMetrics) {
    EXPECT_EQ(get("/health").body, R"({"status":"ok"})");
    EXPECT_EQ(get("/ready").body, R"({"status":"ready"})");
    const HttpAnswer metrics = get("/metrics");
    EXPECT_EQ(metrics.status, 200);
    for (const char* name : {"heart_http_requests_total{route=\"GET /health\",status=\"200\"}", "heart_queue_jobs",
                             "heart_http_request_seconds_bucket{le=\"+Inf\"}", "process_resident_memory_bytes",
                             "heart_ms_per_frame", "heart_jobs_ended_total"}) {
        EXPECT_NE(metrics.body.find(name), std::string::npos) << name;
    }
}

TEST_F(Contract, PagesComeWithTheirPolicy) {
    for (const char* path : {"/", "/docs", "/docs/docs.js", "/docs/docs.css", "/openapi.json"}) {
        const HttpAnswer page = get(path);
        EXPECT_EQ(page.status, 200) << path;
        EXPECT_NE(page.header("content-security-policy").find("default-src 'none'"), std::string::npos) << path;
    }
    EXPECT_EQ(json_of(get("/openapi.json")).at("openapi"), "3.1.0");
}

TEST_F(Contract, NothingSecretIsLogged) {
    const std::string token = open_account("logged");
    (void)get("/api/events?token=abc.def.ghi");
    post("/api/auth/login", {{"email", "logged@example.org"}, {"password", "secret-logged"}});
    const std::string log = studio->said();
    EXPECT_NE(log.find("/api/events"), std::string::npos);
    for (const std::string& secret : {token, std::string("secret-logged"), std::string("abc.def.ghi")}) {
        EXPECT_EQ(log.find(secret), std::string::npos);
    }
}

}  // namespace
}  // namespace heart::test
