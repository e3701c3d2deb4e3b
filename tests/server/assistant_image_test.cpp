// Does the assistant ask for covers as the contract says, and take nothing but a picture?

#include "server/assistant_test_support.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace heart::test {
namespace {

using namespace std::chrono_literals;
using server::assistant::Assistant;
using server::assistant::Picture;
using Kind = server::assistant::AssistantError::Kind;
using nlohmann::json;

FakeAnswer image_answer(const json& image) {
    return {.body = json{{"created", 1}, {"data", {image}}}.dump()};
}

Kind kind_of_image(const FakeAnswer& answer) {
    const FakeHttpServer server(answer);
    const auto failure = assistant_failure([&] { (void)Assistant(options_for(server)).draw_cover("Rain", "pop", "", {}); });
    EXPECT_TRUE(failure.has_value()) << answer.body.substr(0, 300);
    return failure ? failure->kind : Kind::not_configured;
}

TEST(AssistantImage, AsksAsTheContractSays) {
    const FakeHttpServer server(image_answer({{"b64_json", "aGVhcnQ="}}));
    const Picture picture =
        Assistant(options_for(server)).draw_cover("Rain\nRain", "pop, ,sad,warm piano,female", "oil painting", {});
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].target, "/v1/images/generations");
    EXPECT_EQ(requests[0].header("authorization"), "Bearer " + kApiKey);
    json body = json::parse(requests[0].body);
    const std::string prompt = body.at("prompt");
    body.erase("prompt");
    EXPECT_EQ(body, (json{{"model", "dall-e-3"}, {"n", 1}, {"size", "1024x1024"}, {"response_format", "b64_json"}}));
    for (const char* part : {"oil painting", "Rain Rain", "pop, sad, warm piano", "no text in the image"}) {
        EXPECT_NE(prompt.find(part), std::string::npos) << part << " in " << prompt;
    }
    EXPECT_EQ(prompt.find("female"), std::string::npos);
    EXPECT_EQ(picture.image_base64, "aGVhcnQ=");
    EXPECT_EQ(picture.prompt_used, prompt);
}

TEST(AssistantImage, HasAStyleOfItsOwnAndNeedsNoTags) {
    const FakeHttpServer server(image_answer({{"b64_json", "aGVhcnQ="}, {"revised_prompt", nullptr}}));
    const Picture picture = Assistant(options_for(server)).draw_cover("Rain", " , ,", "", {});
    EXPECT_TRUE(picture.prompt_used.starts_with("album cover art")) << picture.prompt_used;
    EXPECT_EQ(picture.prompt_used.find("sound"), std::string::npos) << picture.prompt_used;
}

TEST(AssistantImage, SaysWhichPromptWasUsed) {
    const FakeHttpServer server(image_answer({{"b64_json", "aGVhcnQ="}, {"revised_prompt", "A wet\nstreet"}}));
    EXPECT_EQ(Assistant(options_for(server)).draw_cover("Rain", "pop", "", {}).prompt_used, "A wet street");
}

TEST(AssistantImage, TakesALargePicture) {
    const FakeHttpServer server(image_answer({{"b64_json", std::string(3 << 20, 'A')}}));
    EXPECT_EQ(Assistant(options_for(server)).draw_cover("Rain", "pop", "", {}).image_base64.size(), std::size_t{3} << 20);
}

TEST(AssistantImage, RefusesWhatIsNoPicture) {
    for (const json& image :
         {json{}, json{{"url", "http://x/y.png"}}, json{{"b64_json", nullptr}}, json{{"b64_json", 7}},
          json{{"b64_json", ""}}, json{{"b64_json", "===="}}, json{{"b64_json", "abc"}}, json{{"b64_json", "ab=c"}},
          json{{"b64_json", "a==="}}, json{{"b64_json", "<svg"}}, json{{"b64_json", "aGVh\ncnQ"}},
          json{{"b64_json", "aGVhcnQ="}, {"revised_prompt", 7}},
          json{{"b64_json", "aGVhcnQ="}, {"revised_prompt", std::string(8'001, 'x')}}, json("aGVhcnQ=")}) {
        EXPECT_EQ(kind_of_image(image_answer(image)), Kind::bad_answer) << image.dump().substr(0, 100);
    }
    for (const char* body : {"", "{}", R"({"data":[]})", R"({"data":{}})", "junk"}) {
        EXPECT_EQ(kind_of_image({.body = body}), Kind::bad_answer) << body;
    }
    EXPECT_EQ(kind_of_image(image_answer({{"b64_json", std::string(17 << 20, 'A')}})), Kind::bad_answer);
    EXPECT_EQ(kind_of_image({.status = 400, .body = kApiKey}), Kind::refused);
}

TEST(AssistantImage, TimesOutAndIsCancelled) {
    const FakeHttpServer silent(FakeAnswer{.hang = true});
    auto options = options_for(silent);
    const Assistant patient(options);
    EXPECT_EQ(code_when_cancelled(silent, [&](const CancelToken& c) { (void)patient.draw_cover("Rain", "pop", "", c); }),
              ErrorCode::cancelled);
    options.image_timeout = 1s;
    EXPECT_EQ(assistant_failure([&] { (void)Assistant(options).draw_cover("Rain", "pop", "", {}); })->kind, Kind::timeout);
}

TEST(AssistantImage, NeedsAKey) {
    const FakeHttpServer server(image_answer({{"b64_json", "aGVhcnQ="}}));
    EXPECT_EQ(assistant_failure([&] { (void)Assistant(options_for(server, "")).draw_cover("Rain", "pop", "", {}); })->kind,
              Kind::not_configured);
    EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace heart::test
