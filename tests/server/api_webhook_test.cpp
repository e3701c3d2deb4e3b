// Are webhooks told how jobs end, provably by the studio, and without anyone waiting for them?

#include "server/api/webhook_sender.h"
#include "server/studio_fixture.h"
#include "support/fake_http_server.h"

#include <chrono>

namespace heart::test {
namespace {

using namespace server;
using api::Json;
using api::WebhookSender;

constexpr database::TimeMs kYear = 365LL * 24 * 3600 * 1000;

/// A job that ended before it began, with nobody to hear of it: no runner does.
std::string end_job(StudioRooms& rooms, const database::User& user) {
    database::Job job;
    job.id = database::new_id();
    job.user_id = user.id;
    job.request_id = job.id;
    job.settings.title = "Ended";
    EXPECT_EQ(rooms.services->jobs.add({job}, {}), database::Jobs::Refused::no);
    EXPECT_TRUE(rooms.services->jobs.cancel(job.id));
    return job.id;
}

/// The end of a job, noted with words of the test's own.
void note_end(StudioRooms& rooms, const database::User& user, const char* body) {
    const std::string id = end_job(rooms, user);
    rooms.services->ledger.announce(id, "job.completed", body);
}

class ApiWebhook : public ::testing::Test {
protected:
    ApiWebhook() : ada(rooms.add_user("ada")), token(rooms.token_of(ada)), sender(*rooms.services) {
        rooms.runner->on_ended([this](const database::Job&) { sender.wake(); });
    }
    ~ApiWebhook() override {
        rooms.maker.release();
        rooms.runner->stop();
        sender.stop();
    }

    /// Its secret.
    std::string add_hook(const std::string& url) {
        const Answer answer = rooms.ask("POST", "/api/webhooks", token, Json{{"url", url}});
        EXPECT_EQ(answer.status, 200) << answer.text;
        return answer.json().at("secret").get<std::string>();
    }
    void note_event(const char* body = "{}") { note_end(rooms, ada, body); }
    std::vector<database::Ledger::Delivery> left() {
        return rooms.services->ledger.due_deliveries(database::now_ms() + kYear, 100);
    }

    StudioRooms rooms{[](api::StudioOptions& o) { o.private_webhooks = true; }};
    database::User ada;
    std::string token;
    WebhookSender sender;
};

std::string signed_by(const std::string& secret, const FakeRequest& request) {
    const std::string said = request.header("x-heart-signature");
    const std::int64_t time = std::stoll(said.substr(2, said.find(',') - 2));
    EXPECT_LT(std::abs(time - database::now_ms() / 1000), 60);
    return api::webhook_signature(secret, time, request.body);
}

TEST(ApiWebhookSignature, IsTheHmacOfTimeAndBody) {
    EXPECT_EQ(api::webhook_signature(std::string(43, 's'), 1'700'000'000, R"({"event":"job.completed"})"),
              "t=1700000000,v1=862b28c21b515872ba8f2cb00ae03b247dbfc5770dae1b1745c605195525b32a");
}

TEST(ApiWebhookBackOff, GrowsFromTenSecondsToSixHours) {
    EXPECT_EQ(api::webhook_back_off(1), std::chrono::seconds(10));
    for (int n = 1; n < api::kWebhookTries - 1; ++n) EXPECT_LT(api::webhook_back_off(n), api::webhook_back_off(n + 1));
    EXPECT_EQ(api::webhook_back_off(api::kWebhookTries), std::chrono::hours(6));
    EXPECT_EQ(api::webhook_back_off(1'000'000), std::chrono::hours(6));
}

TEST_F(ApiWebhook, TellsOfAFinishedSongWithASignature) {
    FakeHttpServer receiver(FakeAnswer{.status = 204});
    const std::string secret = add_hook(receiver.url("/hook?x=1"));
    sender.start();
    rooms.runner->start();
    const auto job = rooms.add_job(ada);
    ASSERT_TRUE(receiver.wait_for_requests(1, kPatience));
    const FakeRequest request = receiver.requests().at(0);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/hook?x=1");
    EXPECT_EQ(request.header("content-type"), "application/json");
    EXPECT_EQ(request.header("x-heart-event"), "job.completed");
    EXPECT_EQ(request.header("x-heart-signature"), signed_by(secret, request));
    const Json body = Json::parse(request.body);
    EXPECT_EQ(body.at("event"), "job.completed");
    EXPECT_EQ(body.at("job").at("id"), job.id);
    EXPECT_EQ(body.at("job").at("status"), "completed");
    EXPECT_EQ(body.at("song").at("audio"), "/api/audio/" + job.id);
    EXPECT_TRUE(comes_true([&] { return left().empty(); }));
    EXPECT_EQ(sender.counters().delivered, 1U);
}

TEST_F(ApiWebhook, TellsOfFailuresAndCancellationsWithTheirReason) {
    FakeHttpServer receiver(FakeAnswer{.status = 200});
    add_hook(receiver.url());
    sender.start();
    const auto cancelled = rooms.add_job(ada);
    ASSERT_TRUE(rooms.runner->cancel(cancelled));
    rooms.add_job(ada, "fail");
    rooms.runner->start();
    ASSERT_TRUE(receiver.wait_for_requests(2, kPatience));
    std::map<std::string, Json> events;
    for (const FakeRequest& request : receiver.requests()) {
        const Json body = Json::parse(request.body);
        events[body.at("event").get<std::string>()] = body;
    }
    ASSERT_TRUE(events.contains("job.cancelled"));
    ASSERT_TRUE(events.contains("job.failed"));
    EXPECT_EQ(events["job.cancelled"].at("job").at("id"), cancelled.id);
    EXPECT_NE(events["job.failed"].at("job").at("reason").get<std::string>().find("memory"), std::string::npos);
    EXPECT_FALSE(events["job.failed"].contains("song"));
}

TEST_F(ApiWebhook, TellsOnlyTheWebhooksOfTheJobsOwner) {
    FakeHttpServer receiver(FakeAnswer{.status = 200}), of_ben(FakeAnswer{.status = 200});
    const auto ben = rooms.add_user("ben");
    add_hook(receiver.url());
    ASSERT_EQ(rooms.ask("POST", "/api/webhooks", rooms.token_of(ben), Json{{"url", of_ben.url()}}).status, 200);
    sender.start();
    rooms.runner->start();
    rooms.add_job(ada);
    ASSERT_TRUE(receiver.wait_for_requests(1, kPatience));
    EXPECT_TRUE(comes_true([&] { return left().empty(); }));
    EXPECT_TRUE(of_ben.requests().empty());
}

TEST_F(ApiWebhook, TriesARefusedDeliveryAgainLater) {
    FakeHttpServer receiver(FakeAnswer{.status = 500});
    add_hook(receiver.url());
    note_event();
    const database::TimeMs before = database::now_ms();
    sender.start();
    ASSERT_TRUE(comes_true([&] { return sender.counters().failed == 1; }));
    ASSERT_EQ(left().size(), 1U);
    EXPECT_EQ(left()[0].attempts, 1);
    EXPECT_TRUE(rooms.services->ledger.due_deliveries(before + 9'000, 10).empty()) << "not before ten seconds are over";
}

TEST_F(ApiWebhook, ARedirectionIsNoDelivery) {
    FakeHttpServer elsewhere(FakeAnswer{.status = 200});
    FakeHttpServer receiver(FakeAnswer{.status = 307, .headers = {{"Location", elsewhere.url()}}});
    add_hook(receiver.url());
    note_event();
    sender.start();
    ASSERT_TRUE(comes_true([&] { return sender.counters().failed == 1; }));
    EXPECT_TRUE(elsewhere.requests().empty());
}

TEST_F(ApiWebhook, GivesUpBehindEightTries) {
    FakeHttpServer receiver(FakeAnswer{.status = 500});
    add_hook(receiver.url());
    note_event();
    for (int i = 1; i < api::kWebhookTries - 1; ++i) rooms.services->ledger.delivery_failed(left().at(0).id, 0);
    sender.start();
    ASSERT_TRUE(comes_true([&] { return sender.counters().failed == 1; })) << "the seventh try is not the last";
    rooms.services->ledger.delivery_failed(left().at(0).id, kYear * 100);  // out of reach while it is changed
    sender.stop();
    WebhookSender next(*rooms.services);
    note_event();
    for (const auto& delivery : rooms.services->ledger.due_deliveries(database::now_ms(), 10)) {
        for (int i = 1; i < api::kWebhookTries; ++i) rooms.services->ledger.delivery_failed(delivery.id, 0);
    }
    next.start();
    ASSERT_TRUE(comes_true([&] { return next.counters().given_up == 1; }));
    EXPECT_EQ(left().size(), 0U);
}

TEST_F(ApiWebhook, AReceiverThatIsGoneIsNotAskedAgain) {
    FakeHttpServer receiver(FakeAnswer{.status = 410});
    add_hook(receiver.url());
    note_event();
    sender.start();
    EXPECT_TRUE(comes_true([&] { return sender.counters().given_up == 1; }));
    EXPECT_TRUE(left().empty());
}

TEST_F(ApiWebhook, AnEndThatAnEarlierProcessDidNotLiveToNoteIsDeliveredOnce) {
    FakeHttpServer receiver(FakeAnswer{.status = 200});
    add_hook(receiver.url());
    const std::string id = end_job(rooms, ada);  // and nobody heard of it
    for (int process = 0; process < 2; ++process) {
        WebhookSender next(*rooms.services);
        next.start();
        ASSERT_TRUE(receiver.wait_for_requests(1, kPatience));
        ASSERT_TRUE(comes_true([&] { return left().empty() && rooms.services->jobs.unannounced(10).empty(); }));
    }
    ASSERT_EQ(receiver.requests().size(), 1U);
    const Json body = Json::parse(receiver.requests().at(0).body);
    EXPECT_EQ(body.at("event"), "job.cancelled");
    EXPECT_EQ(body.at("job").at("id"), id);
}

TEST_F(ApiWebhook, WhatWasNotedIsDeliveredByTheNextProcess) {
    FakeHttpServer receiver(FakeAnswer{.status = 200});
    add_hook(receiver.url());
    note_event("noted");
    WebhookSender next(*rooms.services);
    next.start();
    ASSERT_TRUE(receiver.wait_for_requests(1, kPatience));
    EXPECT_EQ(receiver.requests().at(0).body, "noted");
}

TEST_F(ApiWebhook, StopsSoonWhileAReceiverHangsAndCountsNoTry) {
    FakeHttpServer receiver(FakeAnswer{.hang = true});
    add_hook(receiver.url());
    note_event();
    sender.start();
    ASSERT_TRUE(receiver.wait_for_requests(1, kPatience));
    const auto begin = std::chrono::steady_clock::now();
    sender.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));  // the receiver may take ten
    ASSERT_EQ(left().size(), 1U);
    EXPECT_EQ(left()[0].attempts, 0);
}

TEST_F(ApiWebhook, JobsGoOnWhileAReceiverHangs) {
    FakeHttpServer receiver(FakeAnswer{.hang = true});
    add_hook(receiver.url());
    sender.start();
    rooms.runner->start();
    std::vector<std::string> ids;
    for (int i = 0; i < 3; ++i) ids.push_back(rooms.add_job(ada).id);
    for (const std::string& id : ids) EXPECT_EQ(rooms.await_end(id), database::JobState::completed);
    ASSERT_TRUE(receiver.wait_for_requests(1, kPatience));
    EXPECT_EQ(sender.counters().delivered, 0U);
}

TEST_F(ApiWebhook, AnAnswerWithoutEndIsAFailure) {
    FakeHttpServer receiver(FakeAnswer{.status = 200, .body = std::string(4096, 'x'), .endless = true});
    add_hook(receiver.url());
    note_event();
    sender.start();
    EXPECT_TRUE(comes_true([&] { return sender.counters().failed == 1; }));
}

TEST_F(ApiWebhook, ShowsItsSecretOnceAndKnowsAtMostTen) {
    const std::string secret = add_hook("https://example.org/a");
    EXPECT_GE(secret.size(), 43U);
    EXPECT_EQ(rooms.ask("GET", "/api/webhooks", token).text.find(secret), std::string::npos);
    for (int i = 1; i < 10; ++i) add_hook("https://example.org/a");
    EXPECT_EQ(rooms.ask("POST", "/api/webhooks", token, Json{{"url", "https://example.org/"}}).status, 400);
    const Json list = rooms.ask("GET", "/api/webhooks", token).json().at("items");
    ASSERT_EQ(list.size(), 10U);
    const std::string id = list[0].at("id").get<std::string>();
    EXPECT_EQ(rooms.ask("DELETE", "/api/webhooks/" + id, token).status, 200);
    EXPECT_EQ(rooms.ask("DELETE", "/api/webhooks/" + id, token).status, 404);
}

TEST(ApiWebhookAddress, MustBeHttpsWithoutPasswordsWhereStrangersGiveIt) {
    StudioRooms rooms;
    const std::string token = rooms.token_of(rooms.add_user("ada"));
    const auto status = [&](const std::string& url) {
        return rooms.ask("POST", "/api/webhooks", token, Json{{"url", url}}).status;
    };
    EXPECT_EQ(status("https://example.org"), 200);
    EXPECT_EQ(status("https://example.org:8443/hook?a=b@c"), 200);
    EXPECT_EQ(status("https://example.org/" + std::string(2000 - 20, 'a')), 200);
    for (const std::string& bad :
         {std::string(""), std::string("http://example.org"), std::string("ftp://example.org"), std::string("https://"),
          std::string("https://:80/"), std::string("https://user:secret@example.org/"), std::string("https://a b.org/"),
          std::string("https://example.org/\r\nX: y"), std::string("https://example.org\\@evil.org/"),
          std::string("file:///etc/passwd"), "https://example.org/" + std::string(2000 - 19, 'a')}) {
        EXPECT_EQ(status(bad), 422) << bad;
    }
}

TEST(ApiWebhookAddress, OfThisMachineIsNotCalledUnlessItIsAllowed) {
    StudioRooms rooms;
    const auto ada = rooms.add_user("ada");
    FakeHttpServer receiver(FakeAnswer{.status = 200});
    for (const std::string& url : {receiver.url(), "https" + receiver.url().substr(4)}) {
        rooms.services->ledger.add_webhook({database::new_id(), ada.id, url, std::string(43, 's'), 0});
    }
    note_end(rooms, ada, "{}");
    WebhookSender sender(*rooms.services);
    sender.start();
    EXPECT_TRUE(comes_true([&] { return sender.counters().failed == 2; }));
    EXPECT_TRUE(receiver.requests().empty());
}

}  // namespace
}  // namespace heart::test
