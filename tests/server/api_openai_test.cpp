// Do programs written for OpenAI's audio API get songs, and errors that they understand?

#include "server/studio_fixture.h"

#include <thread>

namespace heart::test {
namespace {

using namespace server;
using api::Json;

class ApiOpenai : public ::testing::Test {
protected:
    ApiOpenai() : ada(rooms.add_user("ada")), token(rooms.token_of(ada)) {}

    Answer speak(Json changes = Json::object()) {
        Json body{{"input", "[Verse]\nla"}, {"voice", "piano"}, {"response_format", "wav"}};
        body.update(changes);
        return rooms.ask("POST", "/v1/audio/speech", token, body);
    }
    static std::string said(const Answer& answer, const char* name) {
        const Json error = answer.json().at("error");
        return error.at(name).is_null() ? "" : error.at(name).get<std::string>();
    }

    StudioRooms rooms{[](api::StudioOptions& o) { o.speech_wait = std::chrono::minutes(5); }};
    database::User ada;
    std::string token;
};

TEST_F(ApiOpenai, AnswersWithTheSongWhenItIsFinished) {
    rooms.runner->start();
    const Answer answer = speak({{"seed", 7}, {"title", "Mine"}});
    ASSERT_EQ(answer.status, 200) << answer.text;
    EXPECT_EQ(answer.headers.find("Content-Type"), "audio/wav");
    EXPECT_EQ(answer.text.substr(0, 4), "RIFF");
    const auto song = rooms.services->songs.by_id(std::string(*answer.headers.find("X-Heart-Song")));
    ASSERT_TRUE(song);
    EXPECT_EQ(song->settings.seed, 7U);
    EXPECT_EQ(song->settings.title, "Mine");
    EXPECT_EQ(song->settings.tags, "piano");
    EXPECT_EQ(song->settings.lyrics, "[Verse]\nla");
}

TEST_F(ApiOpenai, InstructionsAreTheTagsWhereThereAreSome) {
    rooms.runner->start();
    const Answer answer = speak({{"instructions", "metal,loud"}, {"voice", "alloy"}, {"response_format", "flac"}});
    ASSERT_EQ(answer.status, 200) << answer.text;
    EXPECT_EQ(answer.text.substr(0, 4), "fLaC");
    EXPECT_EQ(rooms.services->songs.by_id(std::string(*answer.headers.find("X-Heart-Song")))->settings.tags, "metal,loud");
}

TEST_F(ApiOpenai, ErrorsHaveOpenAisShape) {
    const Answer nobody = rooms.ask("POST", "/v1/audio/speech", "", Json::object());
    EXPECT_EQ(nobody.status, 401);
    EXPECT_EQ(said(nobody, "type"), "authentication_error");
    EXPECT_TRUE(nobody.headers.find("WWW-Authenticate"));
    const Answer empty = rooms.ask("POST", "/v1/audio/speech", token, Json::object());
    EXPECT_EQ(empty.status, 400);
    EXPECT_EQ(said(empty, "type"), "invalid_request_error");
    EXPECT_EQ(said(empty, "param"), "input");
    EXPECT_EQ(said(speak({{"response_format", "aac"}}), "param"), "response_format");
    EXPECT_EQ(said(speak({{"speed", 2.0}}), "param"), "speed");
    EXPECT_EQ(said(speak({{"temperature", 3}}), "param"), "temperature");
    EXPECT_EQ(speak({{"model", "tts-1"}}).status, 404);
    const Answer broken = rooms.ask("POST", "/v1/audio/speech", token, std::string("{"));
    EXPECT_EQ(broken.status, 400);
    EXPECT_EQ(said(broken, "type"), "invalid_request_error");
    EXPECT_TRUE(rooms.services->jobs.in_turn().empty()) << "nothing was asked of the engine";
}

TEST_F(ApiOpenai, AFailedSongSaysWhy) {
    rooms.runner->start();
    const Answer answer = speak({{"input", "fail"}});
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(said(answer, "type"), "server_error");
    EXPECT_NE(said(answer, "message").find("memory"), std::string::npos);
}

TEST_F(ApiOpenai, ACancelledSongEndsTheWait) {
    rooms.maker.hold();
    rooms.runner->start();
    Answer answer;
    std::thread asker([&] { answer = speak(); });
    EXPECT_TRUE(comes_true([&] { return rooms.runner->current().has_value(); }));
    const auto job = rooms.services->jobs.by_id(rooms.runner->current().value_or(""));
    EXPECT_TRUE(job && rooms.runner->cancel(*job));
    asker.join();
    EXPECT_EQ(answer.status, 409);
}

TEST_F(ApiOpenai, AStoppingServerEndsTheWaitAndTheSongStays) {
    Answer answer;
    std::thread asker([&] { answer = speak(); });
    EXPECT_TRUE(comes_true([&] { return rooms.services->jobs.in_turn().size() == 1; }));
    rooms.stopping.cancel();
    asker.join();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(rooms.services->jobs.in_turn().size(), 1U);
}

TEST(ApiOpenaiWait, EndsAndTheSongGoesOn) {
    StudioRooms rooms([](api::StudioOptions& o) { o.speech_wait = std::chrono::seconds(0); });
    const std::string token = rooms.token_of(rooms.add_user("ada"));
    const Answer answer = rooms.ask("POST", "/v1/audio/speech", token, Json{{"input", "la"}, {"voice", "pop"}});
    EXPECT_EQ(answer.status, 504);
    ASSERT_EQ(rooms.services->jobs.in_turn().size(), 1U);
    EXPECT_NE(answer.text.find(rooms.services->jobs.in_turn()[0].id), std::string::npos);
}

TEST_F(ApiOpenai, AtMostFourRequestsWait) {
    std::vector<std::thread> askers;
    for (std::size_t i = 1; i <= 4; ++i) {
        askers.emplace_back([&] { (void)speak(); });
        EXPECT_TRUE(comes_true([&] { return rooms.services->jobs.in_turn().size() == i; }));
    }
    const Answer fifth = speak();
    EXPECT_EQ(fifth.status, 429);
    EXPECT_EQ(said(fifth, "type"), "rate_limit_error");
    EXPECT_TRUE(fifth.headers.find("Retry-After"));
    EXPECT_EQ(rooms.services->jobs.in_turn().size(), 4U);
    rooms.stopping.cancel();
    for (std::thread& asker : askers) asker.join();
}

TEST(ApiOpenaiQueue, AFullQueueIsTooManyRequests) {
    StudioRooms rooms([](api::StudioOptions& o) { o.queue.per_user = 1; });
    const auto ada = rooms.add_user("ada");
    rooms.add_job(ada);
    const Answer answer =
        rooms.ask("POST", "/v1/audio/speech", rooms.token_of(ada), Json{{"input", "la"}, {"voice", "pop"}});
    EXPECT_EQ(answer.status, 429);
}

TEST_F(ApiOpenai, ListsItsModel) {
    const Json list = rooms.ask("GET", "/v1/models", token).json();
    EXPECT_EQ(list.at("object"), "list");
    const std::string id = list.at("data").at(0).at("id").get<std::string>();
    EXPECT_EQ(rooms.ask("GET", "/v1/models/" + id, token).json().at("id"), id);
    EXPECT_EQ(rooms.ask("GET", "/v1/models/gpt-4", token).status, 404);
}

}  // namespace
}  // namespace heart::test
