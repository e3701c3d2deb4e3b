// Are bodies that come to be sent as they come, and is their source told when the reader left?

#include "server/http_test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace heart::test {
namespace {

using namespace server::http;
using std::chrono::milliseconds;

/// A source that a test feeds.
class Fed : public BodySource {
public:
    void feed(const std::string& text) {
        change([&] { waiting_ += text; });
    }
    void end() {
        change([&] { ended_ = true; });
    }
    bool left() {
        const std::lock_guard lock(mutex_);
        return left_;
    }
    std::size_t pulled() {
        const std::lock_guard lock(mutex_);
        return pulled_;
    }
    void fill_forever() {
        change([&] { endless_ = true; });
    }

    State pull(std::string& out, std::size_t most) override {
        const std::lock_guard lock(mutex_);
        if (endless_) waiting_.assign(most, 'x');
        if (waiting_.empty()) return ended_ ? State::ended : State::waiting;
        const auto size = std::min(most, waiting_.size());
        out += waiting_.substr(0, size);
        waiting_.erase(0, size);
        pulled_ += size;
        return State::ready;
    }
    void set_wake(std::function<void()> wake) override {
        const std::lock_guard lock(mutex_);
        left_ = !wake;
        wake_ = std::move(wake);
        if (wake_ && (!waiting_.empty() || ended_ || endless_)) wake_();
    }
    std::string keep_alive() const override { return ":\n\n"; }

private:
    template <class Change>
    void change(Change make) {
        const std::lock_guard lock(mutex_);
        make();
        if (wake_) wake_();
    }
    std::mutex mutex_;
    std::function<void()> wake_;
    std::string waiting_;
    bool ended_ = false, left_ = false, endless_ = false;
    std::size_t pulled_ = 0;
};

struct Streaming {
    explicit Streaming(Limits limits = {}) : server(router(), limits) {}
    Router router() {
        auto out = small_router();
        out.add("GET", "/events", [this](const Request&) {
            Response response;
            response.headers.set("Content-Type", "text/event-stream");
            response.body = std::shared_ptr<BodySource>(source);
            return response;
        });
        return out;
    }
    std::shared_ptr<Fed> source = std::make_shared<Fed>();
    RunningServer server;
};

const std::string kAsk = "GET /events HTTP/1.1\r\nHost: t\r\n\r\n";

TEST(HttpStream, WhatComesIsSentAtOnceAndTheConnectionGoesOn) {
    Streaming streaming;
    HttpClient client(streaming.server.port());
    client.send(kAsk);
    EXPECT_EQ(client.head().header("transfer-encoding"), "chunked");
    for (const char* text : {"one", "two", "three"}) {
        streaming.source->feed(text);
        EXPECT_EQ(client.chunk(), std::string(text));
    }
    EXPECT_EQ(streaming.server->counters().streams, 1U);
    client.send("GET /hello HTTP/1.1\r\nHost: t\r\n\r\n");  // asked in advance
    streaming.source->end();
    EXPECT_EQ(client.chunk(), "");
    EXPECT_EQ(client.reply().body, "hello");
    EXPECT_TRUE(streaming.source->left());
    EXPECT_EQ(streaming.server->counters().streams, 0U);
}

TEST(HttpStream, AReaderThatLeavesIsTold) {
    Streaming streaming;
    HttpClient client(streaming.server.port());
    client.send(kAsk);
    streaming.source->feed("one");
    client.head();
    EXPECT_EQ(client.chunk(), "one");
    client.close();
    EXPECT_TRUE(eventually([&] { return streaming.source->left(); }));
}

TEST(HttpStream, SilenceIsFilled) {
    Limits limits;
    limits.keep_alive_time = milliseconds(30);
    Streaming streaming(limits);
    HttpClient client(streaming.server.port());
    client.send(kAsk);
    client.head();
    EXPECT_EQ(client.chunk(), ":\n\n");
    EXPECT_EQ(client.chunk(), ":\n\n");
}

TEST(HttpStream, ASlowReaderHoldsNothingUpAndIsClosed) {
    Limits limits;
    limits.body_time = milliseconds(300);
    Streaming streaming(limits);
    HttpClient client(streaming.server.port(), "127.0.0.1", 4096);
    client.send(kAsk);
    streaming.source->fill_forever();
    EXPECT_TRUE(eventually([&] { return streaming.source->left(); }));
    EXPECT_LT(streaming.source->pulled(), std::size_t{64} << 20) << "pulled only as fast as it was read";
    EXPECT_EQ(HttpClient(streaming.server.port()).get("/hello").body, "hello");
}

TEST(HttpStream, StoppingBreaksStreamsOff) {
    Streaming streaming;
    HttpClient client(streaming.server.port());
    client.send(kAsk);
    client.head();
    streaming.server->stop(std::chrono::seconds(20));
    EXPECT_FALSE(client.chunk()) << "its reader can tell that it is not whole";
    EXPECT_TRUE(streaming.source->left());
    streaming.source->feed("nobody hears");
}

TEST(HttpStream, AHeadOfAStreamLeavesIt) {
    Streaming streaming;
    HttpClient client(streaming.server.port());
    EXPECT_EQ(client.ask("HEAD /events HTTP/1.1\r\nHost: t\r\n\r\n", true).status, 200);
    EXPECT_TRUE(streaming.source->left());
    EXPECT_EQ(client.get("/hello").body, "hello");
}

TEST(HttpStream, AnOldClientReadsUntilTheEnd) {
    Streaming streaming;
    HttpClient client(streaming.server.port());
    streaming.source->feed("all of it");
    streaming.source->end();
    EXPECT_EQ(client.ask("GET /events HTTP/1.0\r\n\r\n").body, "all of it");
    EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace heart::test
