// Does the writing assistant ask as the contract says, read what any server may answer, and let nothing of it out but a
// song?

#include "server/assistant_test_support.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace heart::test {
namespace {

using namespace std::chrono_literals;
using server::assistant::Assistant;
using server::assistant::AssistantOptions;
using server::assistant::SongDraft;
using Kind = server::assistant::AssistantError::Kind;
using nlohmann::json;

SongDraft draft_of(const std::string& content) {
    const FakeHttpServer server(chat_answer(content));
    return Assistant(options_for(server)).write_song("rain", "german", {});
}

Kind kind_of(const FakeAnswer& answer) {
    const FakeHttpServer server(answer);
    const auto failure = assistant_failure([&] { (void)Assistant(options_for(server)).write_song("rain", "", {}); });
    EXPECT_TRUE(failure.has_value()) << answer.body.substr(0, 300);
    return failure ? failure->kind : Kind::not_configured;
}

TEST(AssistantChat, AsksAsTheContractSays) {
    const FakeHttpServer server(chat_answer(R"({"title":"Rain"})"));
    (void)Assistant(options_for(server)).write_song("a song about \"rain\"", "german", {});
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].method, "POST");
    EXPECT_EQ(requests[0].target, "/v1/chat/completions");
    EXPECT_EQ(requests[0].header("authorization"), "Bearer " + kApiKey);
    EXPECT_EQ(requests[0].header("content-type"), "application/json");
    const json body = json::parse(requests[0].body);
    EXPECT_EQ(body.at("model"), "gpt-4o-mini");
    EXPECT_EQ(body.at("temperature"), 0.8);
    EXPECT_EQ(body.at("response_format"), (json{{"type", "json_object"}}));
    ASSERT_EQ(body.at("messages").size(), 2U);
    EXPECT_EQ(body["messages"][0].at("role"), "system");
    const std::string system = body["messages"][0].at("content");
    for (const char* word : {"JSON", "[Intro]", "[Verse]", "[Prechorus]", "[Chorus]", "[Bridge]", "[Outro]", "german"}) {
        EXPECT_NE(system.find(word), std::string::npos) << word;
    }
    EXPECT_EQ(body["messages"][1].at("role"), "user");
    const std::string user = body["messages"][1].at("content");
    EXPECT_NE(user.find("a song about \"rain\""), std::string::npos);
    EXPECT_NE(user.find("german"), std::string::npos);
}

TEST(AssistantChat, CutsWhatIsTooLongAndMendsWhatIsNoText) {
    const FakeHttpServer server(chat_answer("{}"));
    std::string idea;
    for (int i = 0; i < 10'000; ++i) idea += "\xe2\x82\xac";
    (void)Assistant(options_for(server)).write_song(idea, std::string(5'000, 'l'), {});
    (void)Assistant(options_for(server)).write_song("\xff\xc3 {} idea", "{}", {});
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_LT(requests[0].body.size(), 12'000U);
    EXPECT_EQ(json::parse(requests[0].body).dump().find("\xef\xbf\xbd"), std::string::npos) << "cut inside a character";
    EXPECT_NE(json::parse(requests[1].body)["messages"][1]["content"].get<std::string>().find("{} idea"), std::string::npos);
}

TEST(AssistantChat, ReadsASong) {
    const SongDraft draft =
        draft_of(R"({"title":"Rain","tags":"pop,sad","lyrics":"[Verse]\r\nDrop\ton\u0000 drop\nAgain","x":1})");
    EXPECT_EQ(draft.title, "Rain");
    EXPECT_EQ(draft.tags, "pop,sad");
    EXPECT_EQ(draft.lyrics, "[Verse]\nDrop on drop\nAgain");
}

TEST(AssistantChat, FillsInWhatIsMissing) {
    for (const char* content : {"{}", R"({"title":null,"tags":null,"lyrics":null})"}) {
        const SongDraft draft = draft_of(content);
        EXPECT_EQ(draft.title, "Untitled");
        EXPECT_EQ(draft.tags, "pop,vocal");
        EXPECT_EQ(draft.lyrics, "");
    }
}

TEST(AssistantChat, JoinsLists) {
    const SongDraft draft = draft_of(R"({"title":"A\nB","tags":["pop","sad\n","warm"],"lyrics":["[Verse]","Drop"]})");
    EXPECT_EQ(draft.title, "A B");
    EXPECT_EQ(draft.tags, "pop,sad,warm");
    EXPECT_EQ(draft.lyrics, "[Verse]\nDrop");
}

TEST(AssistantChat, LooksInsideCodeFences) {
    const std::string song = R"({"title":"Rain","lyrics":"``` is no fence here"})";
    for (const std::string& content : {"```json\n" + song + "\n```", "```\n" + song + "```\n",
                                       "  ```JSON \r\n" + song + "\n```  ", "```" + song + "```", "\n" + song + "\n"}) {
        const SongDraft draft = draft_of(content);
        EXPECT_EQ(draft.title, "Rain") << content;
        EXPECT_EQ(draft.lyrics, "``` is no fence here");
    }
}

TEST(AssistantChat, RefusesJunk) {
    for (const char* content : {"", "no JSON", "[]", "7", "{", R"({"title":"a","title":"b"})", R"({"title":7})",
                                R"({"tags":[1]})", R"({"tags":{"a":1}})", R"({"lyrics":[["a"]]})", R"({"lyrics":true})",
                                "```", "``````", "```json\n```", "```json {}", R"({"title":"\ud800"})"}) {
        EXPECT_EQ(kind_of(chat_answer(content)), Kind::bad_answer) << content;
    }
    for (const char* body :
         {"", "{}", "[]", "null", "junk", R"({"choices":null})", R"({"choices":[]})", R"({"choices":[1]})",
          R"({"choices":[{}]})", R"({"choices":{"0":{}}})", R"({"choices":[{"message":7}]})",
          R"({"choices":[{"message":{}}]})", R"({"choices":[{"message":{"content":null}}]})",
          R"({"choices":[{"message":{"content":["a"]}}]})", "\xff\xfe"}) {
        EXPECT_EQ(kind_of({.body = body}), Kind::bad_answer) << body;
    }
}

TEST(AssistantChat, RefusesWhatIsTooLargeOrTooDeep) {
    const auto song = [](const char* name, std::size_t bytes) { return json{{name, std::string(bytes, 'x')}}.dump(); };
    EXPECT_EQ(draft_of(song("title", 500)).title.size(), 500U);
    EXPECT_EQ(kind_of(chat_answer(song("title", 501))), Kind::bad_answer);
    EXPECT_EQ(draft_of(song("tags", 2'000)).tags.size(), 2'000U);
    EXPECT_EQ(kind_of(chat_answer(song("tags", 2'001))), Kind::bad_answer);
    EXPECT_EQ(draft_of(song("lyrics", 20'000)).lyrics.size(), 20'000U);
    EXPECT_EQ(kind_of(chat_answer(song("lyrics", 20'001))), Kind::bad_answer);
    EXPECT_EQ(kind_of({.body = std::string(4 << 20, ' ')}), Kind::bad_answer);
    EXPECT_EQ(kind_of({.body = std::string(1000, ' '), .endless = true}), Kind::bad_answer);
    EXPECT_EQ(kind_of({.body = std::string(100'000, '[')}), Kind::bad_answer);
    EXPECT_EQ(kind_of(chat_answer(std::string(100'000, '['))), Kind::bad_answer);
}

TEST(AssistantChat, NeverRepeatsWhatARefusalSays) {
    for (const int status : {300, 400, 401, 404, 429, 500, 503}) {
        const FakeHttpServer server(FakeAnswer{.status = status,
                                               .headers = {{"X-Key", kApiKey}, {"Location", "http://127.0.0.1/" + kApiKey}},
                                               .body = R"({"error":{"message":"Incorrect API key: )" + kApiKey + "\"}}"});
        const auto failure = assistant_failure([&] { (void)Assistant(options_for(server)).write_song("rain", "", {}); });
        ASSERT_TRUE(failure.has_value());
        EXPECT_EQ(failure->kind, Kind::refused);
        EXPECT_EQ(failure->status, status);
        EXPECT_EQ(failure->words.find(kApiKey), std::string::npos);
    }
}

TEST(AssistantChat, TellsATimeoutFromAServerThatIsNotThere) {
    const FakeHttpServer slow(FakeAnswer{.hang = true});
    AssistantOptions options = options_for(slow);
    options.chat_timeout = 1s;
    EXPECT_EQ(assistant_failure([&] { (void)Assistant(options).write_song("rain", "", {}); })->kind, Kind::timeout);
    for (const std::string& base :
         {"http://127.0.0.1:" + std::to_string(unused_port()), std::string("not a URL"), std::string("file:///etc")}) {
        options.base_url = base;
        EXPECT_EQ(assistant_failure([&] { (void)Assistant(options).write_song("rain", "", {}); })->kind, Kind::unreachable);
    }
}

TEST(AssistantChat, IsCancelled) {
    const FakeHttpServer silent(FakeAnswer{.hang = true});
    const Assistant assistant(options_for(silent));
    EXPECT_EQ(code_when_cancelled(silent, [&](const CancelToken& c) { (void)assistant.write_song("rain", "", c); }),
              ErrorCode::cancelled);
}

TEST(AssistantChat, KnowsWhetherItIsConfigured) {
    struct Case {
        const char *base, *key;
        bool configured, draws;
    };
    for (const Case& c : {Case{"https://api.openai.com/v1", "", false, false},
                          {"https://api.openai.com/v1", "sk-your-key-here", false, false},
                          {"https://api.openai.com/v1/", "  ", false, false},
                          {"https://api.openai.com/v1", "sk-1", true, true},
                          {"http://127.0.0.1:11434/v1", "", true, false},
                          {"http://127.0.0.1:11434/v1", "sk-your-key-here", true, false},
                          {"http://127.0.0.1:11434/v1", "sk-1", true, true},
                          {"", "sk-1", false, false}}) {
        const Assistant assistant({.base_url = c.base, .api_key = c.key});
        EXPECT_EQ(assistant.configured(), c.configured) << c.base << " " << c.key;
        EXPECT_EQ(assistant.draws(), c.draws) << c.base << " " << c.key;
    }
    const Assistant none({.base_url = "https://api.openai.com/v1"});
    EXPECT_EQ(assistant_failure([&] { (void)none.write_song("rain", "", {}); })->kind, Kind::not_configured);
}

TEST(AssistantChat, AsksALocalServerWithoutAKey) {
    const FakeHttpServer server(chat_answer("{}"));
    for (const char* key : {"", "sk-your-key-here"}) {
        AssistantOptions options = options_for(server, key);
        options.base_url += "//";
        (void)Assistant(options).write_song("rain", "", {});
        EXPECT_EQ(server.requests().back().header("authorization"), "");
        EXPECT_EQ(server.requests().back().target, "/v1/chat/completions");
    }
}

TEST(AssistantChat, TakesAKeyWithTheLineEndOfItsFile) {
    const FakeHttpServer server(chat_answer("{}"));
    (void)Assistant(options_for(server, kApiKey + "\n")).write_song("rain", "", {});
    EXPECT_EQ(server.requests().at(0).header("authorization"), "Bearer " + kApiKey);
}

}  // namespace
}  // namespace heart::test
