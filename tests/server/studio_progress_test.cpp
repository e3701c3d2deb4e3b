// Do clients hear how their songs advance, in the contract's messages, and of nobody else's?

#include "server/running_studio.h"
#include "server/socket_client.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using formats::Json;

class Progress : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        std::string pattern = (fs::temp_directory_path() / "heart-progress-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = new fs::path(pattern);
        studio = new RunningStudio(*folder / "data", {"--threads", "1", "--cors-origin", "https://friend.example"});
        token = new std::string(open_account("ada"));
        other = new std::string(open_account("ben"));
    }
    static void TearDownTestSuite() {
        delete studio;
        fs::remove_all(*folder);
        delete folder;
        delete token;
        delete other;
    }
    static std::string open_account(const std::string& name) {
        return studio
            ->json({.method = "POST",
                    .path = "/api/auth/register",
                    .body = Json{{"username", name}, {"email", name}, {"password", "secret-" + name}}.dump()})
            .at("token")
            .at("access_token")
            .get<std::string>();
    }
    static std::string add_song(const std::string& who, int milliseconds = 10'000) {
        const Json body{
            {"lyrics", "[Verse]\nla la\n"}, {"tags", "piano"}, {"max_audio_length_ms", milliseconds}, {"seed", 3}};
        return studio->json({.method = "POST", .path = "/api/generate", .body = body.dump(), .token = who})
            .at("id")
            .get<std::string>();
    }
    static void cancel(const std::string& id, const std::string& who) {
        (void)studio->ask({.method = "DELETE", .path = "/api/queue/" + id, .token = who});
    }
    static std::uint16_t port() { return port_of(studio->url()); }
    static Json parsed(const std::string& text) { return formats::parse_json(text, "a message"); }

    /// The next message that is not the ping of a server that had nothing to say for a while.
    static std::optional<std::string> told(SocketClient& client) {
        auto text = client.next();
        while (text == "ping") text = client.next();
        return text;
    }

    /// Messages of one job until it ends.
    static std::vector<Json> until_end(SocketClient& client, const std::string& id) {
        std::vector<Json> out;
        while (const auto text = told(client)) {
            const Json message = parsed(*text);
            if (message.at("id") != id) continue;
            out.push_back(message);
            const auto status = message.at("status").get<std::string>();
            if (status != "pending" && status != "processing") break;
        }
        return out;
    }

    static fs::path* folder;
    static RunningStudio* studio;
    static std::string *token, *other;
};

fs::path* Progress::folder = nullptr;
RunningStudio* Progress::studio = nullptr;
std::string* Progress::token = nullptr;
std::string* Progress::other = nullptr;

TEST_F(Progress, MessagesAreTheContractsAndNumbersOnlyGrow) {
    SocketClient client(port(), "/ws/progress?token=" + *token);
    ASSERT_EQ(client.status(), 101);
    const std::string id = add_song(*token);
    const auto messages = until_end(client, id);
    ASSERT_GE(messages.size(), 3U);
    std::int64_t progress = 0;
    bool started = false;
    for (const Json& m : messages) {
        EXPECT_EQ(m.at("total_frames"), 125);
        const auto status = m.at("status").get<std::string>();
        const auto text = m.at("message").get<std::string>();
        if (status == "processing") started = started || text == "Starting generation...";
        if (m.at("phase") == "composing") {
            EXPECT_EQ(text, "Generating frame " + std::to_string(m.at("progress").get<std::int64_t>()) + "/125");
        }
        EXPECT_GE(m.at("progress").get<std::int64_t>(), progress);
        progress = m.at("progress").get<std::int64_t>();
    }
    EXPECT_TRUE(started);
    EXPECT_EQ(messages.back().at("status"), "completed");
    EXPECT_EQ(messages.back().at("message"), "Generation complete! Generating thumbnail...");
}

TEST_F(Progress, TheContractsFiveFieldsComeFirst) {
    SocketClient client(port(), "/ws/progress?token=" + *token);
    const std::string id = add_song(*token);
    const auto text = told(client);
    ASSERT_TRUE(text);
    const auto message = nlohmann::ordered_json::parse(*text);
    std::vector<std::string> names;
    for (const auto& [name, value] : message.items()) names.push_back(name);
    ASSERT_GE(names.size(), 5U);
    names.resize(5);
    EXPECT_EQ(names, (std::vector<std::string>{"id", "status", "progress", "total_frames", "message"}));
    (void)until_end(client, id);
}

TEST_F(Progress, ANewClientHearsAtOnceHowThingsStandAndOnlyOfItsOwn) {
    const std::string running = add_song(*other, 240'000), waiting = add_song(*other, 240'000);
    SocketClient mine(port(), "/ws/progress?token=" + *token);
    SocketClient theirs(port(), "/ws/progress?token=" + *other);
    std::set<std::string> heard;
    while (heard.size() < 2) {
        const auto text = told(theirs);
        ASSERT_TRUE(text);
        heard.insert(parsed(*text).at("id").get<std::string>());
    }
    EXPECT_EQ(heard, (std::set<std::string>{running, waiting}));
    mine.send("ping");
    EXPECT_EQ(told(mine), "pong") << "and nothing of other people's songs before it";
    cancel(waiting, *other);
    const auto ended = until_end(theirs, waiting);
    ASSERT_FALSE(ended.empty());
    EXPECT_EQ(ended.back().at("status"), "cancelled") << "also one that waited";
    EXPECT_EQ(ended.back().at("message"), "Generation cancelled");
    cancel(running, *other);
    EXPECT_EQ(until_end(theirs, running).back().at("status"), "cancelled");
    mine.send("ping");
    EXPECT_EQ(told(mine), "pong");
}

TEST_F(Progress, AnonymousClientsGetPongsOnly) {
    SocketClient anonymous(port(), "/ws/progress");
    ASSERT_EQ(anonymous.status(), 101);
    SocketClient mine(port(), "/ws/progress?token=" + *token);
    const std::string id = add_song(*token);
    EXPECT_EQ(until_end(mine, id).back().at("status"), "completed");
    anonymous.send("whatever else");
    anonymous.send("ping");
    EXPECT_EQ(told(anonymous), "pong");
}

TEST_F(Progress, TokensAreTakenInTheFirstMessageAndAsSubprotocol) {
    const std::string id = add_song(*token, 240'000);
    for (const std::string& message : {*token, Json{{"token", *token}}.dump()}) {
        SocketClient client(port(), "/ws/progress");
        client.send(message);
        const auto text = told(client);
        ASSERT_TRUE(text);
        EXPECT_EQ(parsed(*text).at("id"), id);
    }
    SocketClient client(port(), "/ws/progress", "Sec-WebSocket-Protocol: bearer, " + *token + "\r\n");
    ASSERT_EQ(client.status(), 101);
    EXPECT_NE(client.answer().find("Sec-WebSocket-Protocol: bearer\r\n"), std::string::npos) << client.answer();
    const auto text = told(client);
    ASSERT_TRUE(text);
    EXPECT_EQ(parsed(*text).at("id"), id);
    cancel(id, *token);
}

TEST_F(Progress, BadTokensAndForeignPagesAreRefused) {
    EXPECT_EQ(SocketClient(port(), "/ws/progress?token=a.b.c").status(), 401);
    EXPECT_EQ(SocketClient(port(), "/ws/progress", "Origin: https://evil.example\r\n").status(), 403);
    EXPECT_EQ(SocketClient(port(), "/ws/progress", "Origin: null\r\n").status(), 403);
    EXPECT_EQ(SocketClient(port(), "/ws/progress", "Origin: https://friend.example\r\n").status(), 101);
    EXPECT_EQ(SocketClient(port(), "/ws/progress", "Origin: " + studio->url() + "\r\n").status(), 101);
    SocketClient client(port(), "/ws/progress");
    client.send("a.b.c");
    EXPECT_EQ(told(client), std::nullopt);
    EXPECT_EQ(client.close_code(), 1008);
}

TEST_F(Progress, SigningOutEndsASocket) {
    const std::string gone = open_account("gone");
    SocketClient client(port(), "/ws/progress?token=" + gone);
    (void)studio->ask({.method = "POST", .path = "/api/auth/sign-out-everywhere", .token = gone});
    EXPECT_EQ(SocketClient(port(), "/ws/progress?token=" + gone).status(), 401);
}

TEST_F(Progress, EventsAreTheSameMessages) {
    const std::string id = add_song(*token);
    RawSocket socket(port());
    socket.send("GET /api/events?token=" + *token + " HTTP/1.0\r\nHost: x\r\n\r\n");
    EXPECT_NE(socket.read_until("\r\n\r\n").find("text/event-stream"), std::string::npos);
    std::string event;
    do {
        event = socket.read_until("\n\n");
        ASSERT_FALSE(event.empty());
    } while (event.find("\"completed\"") == std::string::npos);
    const Json message = parsed(event.substr(event.find('{')));
    EXPECT_EQ(message.at("id"), id);
    EXPECT_EQ(message.at("message"), "Generation complete! Generating thumbnail...");
}

TEST_F(Progress, ASongIsHeardWhileItIsMade) {
    const std::string id = add_song(*token, 240'000);
    std::string address;
    for (int i = 0; i < 60'000 && address.empty(); ++i) {
        const Json job = studio->json({.path = "/api/jobs/" + id, .token = *token});
        ASSERT_NE(job.at("status"), "completed") << "it was over before anyone could listen";
        if (job.at("audio_url").is_string()) address = job.at("audio_url").get<std::string>();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(studio->ask({.path = "/api/jobs/" + id + "/audio", .token = *other})->status, 404);
    EXPECT_EQ(studio->ask({.path = "/api/jobs/" + id + "/audio"})->status, 401);
    RawSocket socket(port());
    socket.send("GET " + address + " HTTP/1.0\r\nHost: x\r\n\r\n");
    const std::string head = socket.read_until("\r\n\r\n");
    ASSERT_NE(head.find(" 200 "), std::string::npos) << head;
    EXPECT_NE(head.find("audio/wav"), std::string::npos);
    const std::string wav = socket.read(44 + 4000);
    ASSERT_EQ(wav.size(), 4044U);
    EXPECT_EQ(wav.substr(0, 16), std::string("RIFF\xff\xff\xff\xffWAVEfmt ", 16));
    EXPECT_EQ(wav.substr(36, 8), std::string("data\xff\xff\xff\xff", 8));
    std::uint32_t rate = 0;
    std::memcpy(&rate, wav.data() + 24, sizeof rate);
    EXPECT_EQ(rate, 48000U);
    const Json job = studio->json({.path = "/api/jobs/" + id, .token = *token});
    EXPECT_EQ(job.at("status"), "processing") << "sound came before the song was finished";
    cancel(id, *token);
    (void)socket.read_all();  // the stream ends with the song
    const auto status = [&] { return studio->ask({.path = "/api/jobs/" + id + "/audio", .token = *token})->status; };
    // The end of the sound is heard a moment before the job is put away.
    for (int i = 0; i < 2'000 && status() != 404; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(status(), 404);
}

TEST_F(Progress, OtherSitesAreAllowedOnlyByName) {
    const auto ask = [&](const std::string& method, const std::string& origin, bool preflight) {
        net::HttpRequest request;
        request.method = method;
        request.url = studio->url() + "/api/generate";
        request.headers = {{"Origin", origin}};
        if (preflight) request.headers.emplace_back("Access-Control-Request-Method", "POST");
        return net::exchange(request, {});
    };
    const auto allowed = ask("OPTIONS", "https://friend.example", true);
    EXPECT_EQ(allowed.status, 204);
    EXPECT_EQ(allowed.header("access-control-allow-origin"), "https://friend.example");
    EXPECT_NE(allowed.header("access-control-allow-headers").find("Authorization"), std::string_view::npos);
    EXPECT_EQ(allowed.header("access-control-allow-credentials"), "");
    for (const char* origin : {"https://evil.example", "https://friend.example.evil", "null"}) {
        const auto refused = ask("OPTIONS", origin, true);
        EXPECT_EQ(refused.status, 405) << origin;
        EXPECT_EQ(refused.header("access-control-allow-origin"), "") << origin;
    }
    const auto failed = ask("POST", "https://friend.example", false);
    EXPECT_EQ(failed.status, 401);
    EXPECT_EQ(failed.header("access-control-allow-origin"), "https://friend.example") << "also on errors";
}

}  // namespace
}  // namespace heart::test
