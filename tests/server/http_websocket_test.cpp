// Does a WebSocket carry messages both ways, in order, and end as it should whoever ends it?

#include "server/http_test_support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace heart::test {
namespace {

using namespace server::http;

struct Talking {
    Talking() : server(router()) {}
    Router router() {
        Router out;
        out.add_websocket("/ws", [this](const Request& request, std::shared_ptr<WebSocketPeer> got) -> WebSocketCallbacks {
            if (request.query_value("token") != "right") throw HttpError(403, "not you");
            peer = got;
            WebSocketCallbacks callbacks;
            callbacks.on_text = [this, got](std::string_view text) {
                if (++inside > 1) overlapped = true;
                if (text == "close") got->close(4001, "as you wish");
                if (text == "throw") throw std::runtime_error("a defect");
                got->send("echo " + std::string(text));
                --inside;
            };
            callbacks.on_end = [this] { ++ended; };
            return callbacks;
        });
        return out;
    }
    std::shared_ptr<WebSocketPeer> peer;
    std::atomic<int> ended{0}, inside{0};
    std::atomic<bool> overlapped{false};
    RunningServer server;
};

TEST(HttpWebSocket, MessagesAreHandledInOrderOneAtATime) {
    Talking talking;
    HttpClient client(talking.server.port());
    const auto welcome = client.upgrade("/ws?token=right");
    ASSERT_EQ(welcome.status, 101);
    EXPECT_EQ(welcome.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(welcome.header("x-request-id").size(), 16U);
    EXPECT_EQ(welcome.header("sec-websocket-extensions"), "");
    for (int i = 0; i < 100; ++i) client.send_text(std::to_string(i));
    for (int i = 0; i < 100; ++i) ASSERT_EQ(client.message()->payload, "echo " + std::to_string(i));
    EXPECT_FALSE(talking.overlapped);
    EXPECT_EQ(talking.server->counters().websockets, 1U);
}

TEST(HttpWebSocket, AHandlerMayRefuse) {
    Talking talking;
    HttpClient client(talking.server.port());
    EXPECT_EQ(client.upgrade("/ws?token=wrong").status, 403);
    EXPECT_EQ(client.upgrade("/ws?token=right").status, 101) << "on the same connection";
}

TEST(HttpWebSocket, APlainRequestIsToldToUpgrade) {
    Talking talking;
    HttpClient client(talking.server.port());
    const auto reply = client.get("/ws?token=right");
    EXPECT_EQ(reply.status, 426);
    EXPECT_EQ(reply.header("upgrade"), "websocket");
}

TEST(HttpWebSocket, PingsAreAnswered) {
    Talking talking;
    HttpClient client(talking.server.port());
    client.upgrade("/ws?token=right");
    client.send_frame(9, "abc");
    const auto pong = client.frame();
    ASSERT_TRUE(pong);
    EXPECT_EQ(pong->opcode, 10);
    EXPECT_EQ(pong->payload, "abc");
}

TEST(HttpWebSocket, TheEndIsToldOnceWhoeverEndsIt) {
    Talking talking;
    for (const int way : {0, 1, 2}) {
        HttpClient client(talking.server.port());
        ASSERT_EQ(client.upgrade("/ws?token=right").status, 101);
        if (way == 0) {
            client.send_frame(8, "\x03\xe8");
            EXPECT_EQ(client.message()->close_code(), 1000);
        }
        if (way == 1) client.close();
        if (way == 2) {
            client.send_text("close");
            EXPECT_EQ(client.message()->close_code(), 4001);
            client.send_frame(8, "\x0f\xa1");
        }
        ASSERT_TRUE(eventually([&] { return talking.ended == way + 1; })) << way;
        talking.peer->send("to nobody");
        talking.peer->close(1000, "again");
    }
    EXPECT_TRUE(eventually([&] { return talking.server->counters().websockets == 0; }));
}

TEST(HttpWebSocket, WhatBreaksTheProtocolIsClosed) {
    Talking talking;
    const auto code_for = [&](int opcode, std::string_view payload) {
        HttpClient client(talking.server.port());
        client.upgrade("/ws?token=right");
        client.send_frame(opcode, payload);
        const auto closing = client.message();
        return closing ? closing->close_code() : -1;
    };
    EXPECT_EQ(code_for(2, "binary"), 1003);
    EXPECT_EQ(code_for(1, "\xFF"), 1007);
    EXPECT_EQ(code_for(3, "reserved"), 1002);
    EXPECT_EQ(code_for(1, "throw"), 1011);
}

TEST(HttpWebSocket, StoppingGoesAway) {
    Talking talking;
    HttpClient client(talking.server.port());
    client.upgrade("/ws?token=right");
    std::thread stopping([&] { talking.server->stop(std::chrono::seconds(20)); });
    const auto closing = client.message().value_or(WebSocketFrame{});
    EXPECT_EQ(closing.close_code(), 1001);
    client.send_frame(8, closing.payload);
    stopping.join();
    EXPECT_EQ(talking.ended, 1);
}

}  // namespace
}  // namespace heart::test
