// Does every limit hold at its edge: what is allowed works, one more does not?

#include "server/http_test_support.h"

#include "server/http/websocket_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using namespace server::http;
using std::chrono::milliseconds;

/// A request for /hello whose header has this many bytes.
std::string header_of(std::size_t bytes) {
    std::string request = "GET /hello HTTP/1.1\r\nHost: test\r\nFill: ";
    return request + std::string(bytes - request.size() - 4, 'x') + "\r\n\r\n";
}

TEST(HttpLimits, HeaderBytesUpToTheLimitAreRead) {
    Limits limits;
    limits.header_bytes = 1000;
    RunningServer server(small_router(), limits);
    HttpClient client(server.port());
    EXPECT_EQ(client.ask(header_of(1000)).status, 200);
    const auto refused = client.ask(header_of(1001));
    EXPECT_EQ(refused.status, 431);
    EXPECT_EQ(refused.header("connection"), "close");
    EXPECT_TRUE(client.closed());
}

TEST(HttpLimits, AnEndlessHeaderIsRefusedAtTheLimit) {
    Limits limits;
    limits.header_bytes = 1000;
    RunningServer server(small_router(), limits);
    HttpClient client(server.port());
    EXPECT_EQ(client.ask(header_of(2000).substr(0, 1000)).status, 431);
}

TEST(HttpLimits, ATargetUpToTheLimitIsRead) {
    Limits limits;
    limits.target_bytes = 100;
    RunningServer server(small_router(), limits);
    const auto target = [](std::size_t bytes) { return "/hello?" + std::string(bytes - 7, 'q'); };
    EXPECT_EQ(HttpClient(server.port()).get(target(100)).status, 200);
    EXPECT_EQ(HttpClient(server.port()).get(target(101)).status, 414);
}

TEST(HttpLimits, ABodyUpToTheLimitIsRead) {
    Limits limits;
    limits.body_bytes = 10;
    RunningServer server(small_router(), limits);
    const std::string start = "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: ";
    EXPECT_EQ(HttpClient(server.port()).ask(start + "10\r\n\r\n0123456789").body, "0123456789");
    EXPECT_EQ(HttpClient(server.port()).ask(start + "11\r\n\r\n").status, 413) << "before it is read";
    EXPECT_EQ(HttpClient(server.port()).ask(start + "99999999999999999999\r\n\r\n").status, 400);
}

TEST(HttpLimits, AChunkedBodyUpToTheLimitIsRead) {
    Limits limits;
    limits.body_bytes = 10;
    RunningServer server(small_router(), limits);
    const std::string start = "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(HttpClient(server.port()).ask(start + "6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n").body, "0123456789");
    EXPECT_EQ(HttpClient(server.port()).ask(start + "6\r\n012345\r\n5\r\n6789a\r\n0\r\n\r\n").status, 413);
    EXPECT_EQ(HttpClient(server.port()).ask(start + "ffffffffffffffff\r\n").status, 413);
}

TEST(HttpLimits, ARouteMayHaveItsOwnBodyLimit) {
    Limits limits;
    limits.body_bytes = 10;
    Router router;
    router.add("POST", "/large", [](const Request& request) { return text_response(std::to_string(request.body.size())); },
               {20});
    RunningServer server(std::move(router), limits);
    const auto upload = [&](std::size_t bytes) {
        return HttpClient(server.port())
            .ask("POST /large HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
                 std::string(bytes, 'x'));
    };
    EXPECT_EQ(upload(20).body, "20");
    EXPECT_EQ(upload(21).status, 413);
}

TEST(HttpLimits, WhoIsNotAdmittedIsAnsweredBeforeTheBodyIsRead) {
    Router router;
    std::atomic<int> handled = 0;
    const auto doorman = [](const Request& request) -> std::shared_ptr<void> {
        if (!request.headers.find("Ticket")) throw HttpError(401, "no ticket");
        return {};
    };
    const auto handler = [&handled](const Request& request) {
        ++handled;
        Response out;
        out.body = request.body;
        return out;
    };
    router.add("POST", "/show", handler, {.max_body = 1000, .admit = doorman});
    RunningServer server(std::move(router));
    const std::string start = "POST /show HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n";
    EXPECT_EQ(HttpClient(server.port()).ask(start + "Ticket: 1\r\n\r\nhello").body, "hello");
    EXPECT_EQ(HttpClient(server.port()).ask(start + "\r\n").status, 401) << "not a byte of the body has come";
    EXPECT_EQ(handled, 1);
}

TEST(HttpLimits, AnEndlessChunkLineIsRefused) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5;");
    EXPECT_EQ(client.ask(std::string(20'000, 'x')).status, 400);
}

TEST(HttpLimits, OneConnectionMoreIsClosedWith503) {
    Limits limits;
    limits.connections = 2;
    RunningServer server(small_router(), limits);
    HttpClient first(server.port()), second(server.port());
    EXPECT_EQ(first.get("/hello").status, 200);
    EXPECT_EQ(second.get("/hello").status, 200);
    HttpClient third(server.port());
    const auto refused = third.reply();
    EXPECT_EQ(refused.status, 503);
    EXPECT_FALSE(refused.header("retry-after").empty());
    EXPECT_TRUE(third.closed());
    EXPECT_EQ(server->counters().refused, 1U);
    first.close();
    ASSERT_TRUE(eventually([&] { return server->counters().connections == 1; }));
    EXPECT_EQ(HttpClient(server.port()).get("/hello").status, 200);
}

TEST(HttpLimits, OneConnectionMoreOfAnAddressIsClosedWith503) {
    Limits limits;
    limits.connections_per_address = 2;
    ServerOptions options;
    options.host = "0.0.0.0";
    RunningServer server(small_router(), limits, {}, options);
    HttpClient first(server.port()), second(server.port());
    EXPECT_EQ(first.get("/hello").status, 200);
    EXPECT_EQ(second.get("/hello").status, 200);
    EXPECT_EQ(HttpClient(server.port()).reply().status, 503);
}

TEST(HttpLimits, ConnectionsOfATrustedProxyAreNotCountedByItsAddress) {
    Limits limits;
    limits.connections_per_address = 1;
    ServerOptions options;
    options.trusted_proxies = {"127.0.0.1"};
    RunningServer server(small_router(), limits, {}, options);
    HttpClient first(server.port()), second(server.port());
    EXPECT_EQ(first.get("/hello").status, 200);
    EXPECT_EQ(second.get("/hello").status, 200);
}

TEST(HttpLimits, OneRequestMoreThanALaneQueuesIs503WithRetryAfter) {
    Limits limits;
    limits.queued_requests = 1;
    ServerOptions options;
    options.heavy_threads = 1;
    const auto gate = std::make_shared<Gate>();
    auto router = small_router();
    router.add("GET", "/slow",
               [gate](const Request&) {
                   gate->pass();
                   return text_response("slow");
               },
               {0, Lane::heavy});
    RunningServer server(std::move(router), limits, {}, options);
    HttpClient runs(server.port()), first(server.port()), second(server.port());
    const std::string request = "GET /slow HTTP/1.1\r\nHost: test\r\n\r\n";
    runs.send(request);
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));
    first.send(request);
    second.send(request);
    // Whichever arrives first waits, the other is refused at once.
    EXPECT_TRUE(eventually([&] { return server->counters().requests == 1; }));
    EXPECT_EQ(HttpClient(server.port()).get("/hello").status, 200) << "other lanes go on";
    gate->open();
    EXPECT_EQ(runs.reply().body, "slow");
    const auto one = first.reply(), other = second.reply();
    const auto& refused = one.status == 503 ? one : other;
    EXPECT_EQ(refused.status, 503);
    EXPECT_FALSE(refused.header("retry-after").empty());
    EXPECT_EQ((one.status == 503 ? other : one).body, "slow");
    EXPECT_EQ((one.status == 503 ? first : second).get("/hello").status, 200) << "the refused connection goes on";
}

TEST(HttpLimits, AHeaderThatTakesTooLongIs408) {
    Limits limits;
    limits.header_time = milliseconds(100);
    RunningServer server(small_router(), limits);
    HttpClient client(server.port());
    EXPECT_EQ(client.ask("GET /hello HTTP/1.1\r\nHo").status, 408);
    EXPECT_TRUE(client.closed());
}

TEST(HttpLimits, AHeaderThatDripsDoesNotProlongItsTime) {
    Limits limits;
    limits.header_time = milliseconds(200);
    RunningServer server(small_router(), limits);
    HttpClient client(server.port());
    client.send("GET /hello HTTP/1.1\r\n");
    bool open = true;
    for (int i = 0; i < 2000 && open; ++i) {
        open = client.send("X: y\r\n");
        std::this_thread::sleep_for(milliseconds(10));
        if (server->counters().requests > 0) break;
    }
    EXPECT_EQ(client.reply().status, 408);
}

TEST(HttpLimits, AnIdleConnectionIsClosedWithoutAWord) {
    Limits limits;
    limits.idle_time = milliseconds(100);
    RunningServer server(small_router(), limits);
    HttpClient client(server.port());
    EXPECT_EQ(client.get("/hello").status, 200);
    EXPECT_EQ(client.rest(), "");
    EXPECT_TRUE(client.closed());
    HttpClient silent(server.port());
    EXPECT_TRUE(silent.closed());
}

TEST(HttpLimits, ABodyThatStopsComingIs408) {
    Limits limits;
    limits.body_time = milliseconds(100);
    RunningServer server(small_router(), limits);
    HttpClient client(server.port());
    EXPECT_EQ(client.ask("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab").status, 408);
    EXPECT_TRUE(client.closed());
}

TEST(HttpLimits, AReaderThatTakesNothingIsClosed) {
    Limits limits;
    limits.body_time = milliseconds(200);
    auto router = small_router();
    router.add("GET", "/large", [](const Request&) { return text_response(std::string(32 << 20, 'x')); });
    RunningServer server(std::move(router), limits);
    HttpClient client(server.port(), "127.0.0.1", 4096);
    client.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_TRUE(eventually([&] { return server->counters().accepted == 1 && server->counters().connections == 0; }));
    EXPECT_LT(client.rest().size(), std::size_t{32} << 20);
}

TEST(HttpLimits, AWebSocketMessageUpToTheLimitIsTaken) {
    Limits limits;
    limits.websocket_message_bytes = 200;
    Router router;
    router.add_websocket("/ws", [](const Request&, std::shared_ptr<WebSocketPeer> peer) {
        WebSocketCallbacks callbacks;
        callbacks.on_text = [peer](std::string_view text) { peer->send(std::to_string(text.size())); };
        return callbacks;
    });
    RunningServer server(std::move(router), limits);
    HttpClient client(server.port());
    ASSERT_EQ(client.upgrade("/ws").status, 101);
    client.send_text(std::string(200, 'x'));
    EXPECT_EQ(client.message()->payload, "200");
    client.send_text(std::string(201, 'x'));
    const auto closing = client.message();
    ASSERT_TRUE(closing);
    EXPECT_EQ(closing->close_code(), 1009);
}

TEST(HttpLimits, FragmentsOfAWebSocketMessageCountTogether) {
    Limits limits;
    limits.websocket_message_bytes = 10;
    Router router;
    router.add_websocket("/ws", [](const Request&, const std::shared_ptr<WebSocketPeer>&) { return WebSocketCallbacks{}; });
    RunningServer server(std::move(router), limits);
    HttpClient client(server.port());
    ASSERT_EQ(client.upgrade("/ws").status, 101);
    client.send_frame(1, "123456", false);
    client.send_frame(0, "789ab", true);
    EXPECT_EQ(client.message()->close_code(), 1009);
}

TEST(HttpLimits, AWebSocketQueueUpToItsLimitIsKept) {
    WebSocketQueue queue(10, [] {});
    queue.send("12345");
    queue.send("67890");
    EXPECT_FALSE(queue.closing());
    queue.send("x");
    ASSERT_TRUE(queue.closing());
    EXPECT_EQ(queue.closing()->code, 1008);
    EXPECT_FALSE(queue.take()) << "what waited is dropped";
}

TEST(HttpLimits, AWebSocketClientThatReadsNothingIsClosedWith1008) {
    Limits limits;
    limits.websocket_queue_bytes = 64 * 1024;
    const auto sent = std::make_shared<std::atomic<std::size_t>>(0);
    Router router;
    router.add_websocket("/ws", [sent](const Request&, std::shared_ptr<WebSocketPeer> peer) {
        WebSocketCallbacks callbacks;
        callbacks.on_text = [peer, sent](std::string_view) {
            for (int i = 0; i < 4096; ++i) peer->send(std::string(4096, 'x'));
            *sent = 4096U * 4096U;
        };
        return callbacks;
    });
    RunningServer server(std::move(router), limits);
    HttpClient client(server.port(), "127.0.0.1", 4096);
    ASSERT_EQ(client.upgrade("/ws").status, 101);
    client.send_text("flood");
    ASSERT_TRUE(eventually([&] { return *sent > 0; }));
    int code = 0;
    std::size_t got = 0;
    for (auto next = client.frame(); next; next = client.frame()) {
        got += next->payload.size();
        code = next->close_code();
        if (code != 0) break;
    }
    EXPECT_EQ(code, 1008);
    EXPECT_LT(got, sent->load());
}

TEST(HttpLimits, SilenceOfAWebSocketIsTold) {
    Limits limits;
    limits.websocket_silence = milliseconds(50);
    Router router;
    router.add_websocket("/ws", [](const Request&, std::shared_ptr<WebSocketPeer> peer) {
        WebSocketCallbacks callbacks;
        callbacks.on_silence = [peer] { peer->send("ping"); };
        return callbacks;
    });
    RunningServer server(std::move(router), limits);
    HttpClient client(server.port());
    ASSERT_EQ(client.upgrade("/ws").status, 101);
    EXPECT_EQ(client.message()->payload, "ping");
    EXPECT_EQ(client.message()->payload, "ping") << "and again after as long";
}

}  // namespace
}  // namespace heart::test
