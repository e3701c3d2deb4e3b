// Does the server speak HTTP/1.1 as its clients expect, whatever they send and whatever handlers do?

#include "server/http_test_support.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace heart::test {
namespace {

using namespace server::http;
using std::chrono::milliseconds;

TEST(HttpServer, AConnectionServesOneRequestAfterTheOther) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.get("/hello").body, "hello");
    EXPECT_EQ(server->counters().accepted, 1U);
    EXPECT_EQ(client.get("/hello", "Connection: close\r\n").header("connection"), "close");
    EXPECT_TRUE(client.closed());
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    std::string all;
    for (int i = 0; i < 50; ++i) {
        const auto text = std::to_string(i);
        all += "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
    }
    client.send(all);
    for (int i = 0; i < 50; ++i) ASSERT_EQ(client.reply().body, std::to_string(i));
}

TEST(HttpServer, ARequestMayComeByteByByte) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    for (const char c :
         std::string("\r\nPOST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")) {
        client.send(std::string(1, c));
    }
    EXPECT_EQ(client.reply().body, "ab");
}

TEST(HttpServer, HeadIsAGetWithoutItsBody) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    const auto head = client.ask("HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n", true);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.header("content-length"), "5");
    EXPECT_EQ(client.get("/hello").body, "hello") << "nothing was left over";
}

TEST(HttpServer, UnknownPathsAre404AndWrongMethods405WithAllow) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    EXPECT_EQ(client.get("/nothing").status, 404);
    const auto wrong = client.get("/echo");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.header("allow"), "POST");
    EXPECT_EQ(client.get("/../etc/passwd").status, 400);
    EXPECT_EQ(client.get("/hello").status, 200);
}

TEST(HttpServer, EveryResponseHasARequestId) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    EXPECT_EQ(client.get("/hello").header("x-request-id").size(), 16U);
    EXPECT_EQ(client.get("/hello", "X-Request-Id: my-id_1.2\r\n").header("x-request-id"), "my-id_1.2");
    EXPECT_EQ(client.get("/hello", "X-Request-Id: " + std::string(64, 'a') + "\r\n").header("x-request-id").size(), 64U);
    EXPECT_EQ(client.get("/hello", "X-Request-Id: " + std::string(65, 'a') + "\r\n").header("x-request-id").size(), 16U);
    EXPECT_EQ(client.get("/hello", "X-Request-Id: a b\r\n").header("x-request-id").size(), 16U);
    EXPECT_EQ(client.ask("nonsense\r\n\r\n").header("x-request-id").size(), 16U);
}

TEST(HttpServer, ABodyThatWaitsForItsPermissionGetsIt) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    const std::string request = "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: ";
    EXPECT_EQ(client.ask(request + "3\r\n\r\n").status, 100);
    EXPECT_EQ(client.ask("abc").body, "abc");
    EXPECT_EQ(client.ask(request + "99999999\r\n\r\n").status, 413) << "or a refusal before it is sent";
}

TEST(HttpServer, OldClientsAreAnsweredAndClosed) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    EXPECT_EQ(client.ask("GET /hello HTTP/1.0\r\n\r\n").body, "hello");
    EXPECT_TRUE(client.closed());
    HttpClient keeps(server.port());
    EXPECT_EQ(keeps.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").header("connection"), "keep-alive");
    EXPECT_EQ(keeps.ask("GET /hello HTTP/1.0\r\n\r\n").body, "hello");
}

TEST(HttpServer, AClientThatFinishedSendingIsStillAnswered) {
    RunningServer server(small_router());
    HttpClient client(server.port());
    client.send("GET /hello HTTP/1.1\r\nHost: t\r\n\r\n");
    client.finish_sending();
    EXPECT_EQ(client.reply().body, "hello");
}

TEST(HttpServer, ASmuggledRequestIsNeverServed) {
    std::atomic<int> served{0};
    Router router;
    router.add("POST", "/first", [](const Request&) { return text_response("first"); });
    router.add("GET", "/second", [&](const Request&) {
        ++served;
        return text_response("second");
    });
    RunningServer server(std::move(router));
    const std::string second = "GET /second HTTP/1.1\r\nHost: t\r\n\r\n";
    for (const std::string fields :
         {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 0\r\n",
          "Transfer-Encoding: identity\r\n", "Transfer-Encoding : chunked\r\n"}) {
        HttpClient client(server.port());
        client.send("POST /first HTTP/1.1\r\nHost: t\r\n" + fields + "\r\n0\r\n\r\n" + second);
        const auto reply = client.reply();
        EXPECT_TRUE(reply.status == 400 || reply.status == 501) << fields;
        EXPECT_EQ(client.rest(), "");
    }
    // What was refused before its body was read is not taken for a request either.
    HttpClient client(server.port());
    client.send("POST /nothing HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(second.size()) + "\r\n\r\n" +
                second);
    EXPECT_EQ(client.reply().status, 404);
    EXPECT_EQ(client.rest(), "");
    EXPECT_EQ(served, 0);
}

TEST(HttpServer, WhatHandlersThrowIsAnsweredByOnError) {
    Router router;
    router.add("GET", "/error", [](const Request&) -> Response { throw std::runtime_error("a secret"); });
    router.add("GET", "/refusal", [](const Request&) -> Response { throw HttpError(409, "taken"); });
    router.add("GET", "/injection", [](const Request&) {
        Response out;
        out.headers.set("X", "a\r\nSet-Cookie: b");
        return out;
    });
    router.add("GET", "/status", [](const Request&) {
        Response out;
        out.status = 1;
        return out;
    });
    Hooks hooks;
    hooks.on_error = [](const Request& request, const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const HttpError& refusal) {
            if (request.path == "/nothing") throw std::runtime_error("the hook fails");
            auto out = text_response("told: " + refusal.detail());
            out.status = refusal.status();
            return out;
        } catch (const std::exception&) {
            auto out = text_response("told: a defect");
            out.status = 500;
            return out;
        }
    };
    hooks.decorate = [](const Request&, Response& response) { response.headers.set("X-Decorated", "yes"); };
    RunningServer server(router, {}, hooks);
    HttpClient client(server.port());
    EXPECT_EQ(client.get("/error").body, "told: a defect");
    const auto refusal = client.get("/refusal");
    EXPECT_EQ(refusal.status, 409);
    EXPECT_EQ(refusal.body, "told: taken");
    EXPECT_EQ(refusal.header("x-decorated"), "yes");
    EXPECT_EQ(client.get("/injection").status, 500);
    EXPECT_EQ(client.get("/status").status, 500);
    const auto own = client.ask("DELETE /error HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_EQ(own.status, 405);
    EXPECT_EQ(own.header("allow"), "GET, HEAD") << "though the hook did not set it";
    const auto plain = client.get("/nothing");
    EXPECT_EQ(plain.status, 500);
    EXPECT_EQ(plain.body, "Internal Server Error");

    RunningServer bare(router);
    const auto unhooked = HttpClient(bare.port()).get("/error");
    EXPECT_EQ(unhooked.status, 500);
    EXPECT_EQ(unhooked.body, "Internal Server Error") << "nothing of the inside leaves";
}

TEST(HttpServer, HandlersCannotFrameTheMessageThemselves) {
    Router router;
    router.add("GET", "/x", [](const Request&) {
        auto out = text_response("four");
        out.headers.set("Content-Length", "1");
        out.headers.set("Transfer-Encoding", "chunked");
        return out;
    });
    RunningServer server(std::move(router));
    HttpClient client(server.port());
    const auto reply = client.get("/x");
    EXPECT_EQ(reply.body, "four");
    EXPECT_EQ(reply.header("transfer-encoding"), "");
}

TEST(HttpServer, ATextWithAnEntityTagIsSentOnce) {
    Router router;
    router.add("GET", "/page", [](const Request&) {
        auto out = text_response("page");
        out.headers.set("ETag", "\"v1\"");
        return out;
    });
    RunningServer server(std::move(router));
    HttpClient client(server.port());
    EXPECT_EQ(client.get("/page").body, "page");
    EXPECT_EQ(client.get("/page", "If-None-Match: \"v1\"\r\n").status, 304);
    EXPECT_EQ(client.get("/page", "If-None-Match: \"v2\"\r\n").body, "page");
}

TEST(HttpServer, RequestsArriveDecodedAndWithTheirParameters) {
    Router router;
    router.add("GET", "/songs/{id}/{rest...}", [](const Request& request) {
        return text_response(request.parameter("id") + "|" + request.parameter("rest") + "|" +
                             std::string(request.query_value("q").value_or("none")) + "|" + request.remote_address +
                             (request.secure ? "|secure" : "|plain"));
    });
    ServerOptions options;
    options.trusted_proxies = {"127.0.0.1"};
    RunningServer server(std::move(router), {}, {}, options);
    HttpClient client(server.port());
    EXPECT_EQ(client.get("/songs/a%20b/c/d?q=x+y").body, "a b|c/d|x y|127.0.0.1|plain");
    EXPECT_EQ(client.get("http://test/songs/a/c", "X-Forwarded-For: 9.9.9.9, 8.8.8.8\r\nX-Forwarded-Proto: https\r\n").body,
              "a|c|none|8.8.8.8|secure");
}

TEST(HttpServer, EveryAnswerIsRecordedWithoutItsQuery) {
    std::mutex mutex;
    std::vector<AccessRecord> records;
    Hooks hooks;
    hooks.on_access = [&](const AccessRecord& record) {
        const std::lock_guard lock(mutex);
        records.push_back(record);
    };
    Router router;
    router.add("GET", "/songs/{id}", [](const Request&) { return text_response("hello"); });
    RunningServer server(std::move(router), {}, hooks);
    HttpClient client(server.port());
    client.get("/songs/7?token=secret", "X-Request-Id: abc\r\n");
    client.get("/nothing");
    ASSERT_TRUE(eventually([&] {  // a record is made when its answer has gone
        const std::lock_guard lock(mutex);
        return records.size() == 2;
    }));
    const std::lock_guard lock(mutex);
    EXPECT_EQ(records[0].id, "abc");
    EXPECT_EQ(records[0].method, "GET");
    EXPECT_EQ(records[0].path, "/songs/7");
    EXPECT_EQ(records[0].pattern, "/songs/{id}");
    EXPECT_EQ(records[0].status, 200);
    EXPECT_EQ(records[0].bytes, 5U);
    EXPECT_EQ(records[1].status, 404);
    EXPECT_EQ(records[1].pattern, "");
}

TEST(HttpServer, NamesAndBothFamiliesOfAddressesAreListenedAt) {
    ServerOptions options;
    options.host = "localhost";
    RunningServer named(small_router(), {}, {}, options);
    EXPECT_EQ(HttpClient(named.port()).get("/hello").status, 200);
    options.host = "[::1]";
    try {
        RunningServer six(small_router(), {}, {}, options);
        EXPECT_EQ(HttpClient(six.port(), "::1").get("/hello").status, 200);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::io) << "this machine has no IPv6";
    }
}

ErrorCode error_of(ServerOptions options) {
    try {
        const Server server(std::move(options), small_router(), {});
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

TEST(HttpServer, WhatItCannotStartWithIsSaid) {
    RunningServer server(small_router());
    ServerOptions options;
    options.port = server.port();
    EXPECT_EQ(error_of(options), ErrorCode::io) << "the port is taken";
    options.port = 0;
    options.host = "no such host";
    EXPECT_EQ(error_of(options), ErrorCode::usage);
    options.host = "127.0.0.1";
    options.tls_certificate = "missing.pem";
    EXPECT_EQ(error_of(options), ErrorCode::usage) << "a certificate without a key";
    options.tls_key = "missing.pem";
    EXPECT_EQ(error_of(options), ErrorCode::usage);
    options.tls_certificate = options.tls_key = "";
    options.trusted_proxies = {"somebody"};
    EXPECT_EQ(error_of(options), ErrorCode::usage);
}

TEST(HttpServer, StoppingLetsAnAnswerUnderWayFinish) {
    const auto gate = std::make_shared<Gate>();
    auto router = small_router();
    router.add("GET", "/slow", [gate](const Request&) {
        gate->pass();
        return text_response("slow");
    });
    RunningServer server(std::move(router));
    HttpClient busy(server.port()), idle(server.port());
    EXPECT_EQ(idle.get("/hello").status, 200);
    busy.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));
    std::thread stopping([&] { server->stop(std::chrono::seconds(20)); });
    EXPECT_TRUE(idle.closed()) << "idle connections end at once";
    EXPECT_THROW(HttpClient(server.port()).get("/hello"), std::runtime_error) << "and nobody new comes";
    gate->open();
    EXPECT_EQ(busy.reply().body, "slow");
    stopping.join();
    EXPECT_EQ(server->counters().connections, 0U);
}

TEST(HttpServer, StoppingWithoutGraceStillWaitsForHandlers) {
    const auto gate = std::make_shared<Gate>();
    std::atomic<bool> returned{false}, stopped{false};
    Router router;
    router.add("GET", "/slow", [&, gate](const Request&) {
        gate->pass();
        returned = true;
        return text_response("slow");
    });
    ServerOptions options;
    options.quick_threads = 1;
    RunningServer server(std::move(router), {}, {}, options);
    HttpClient runs(server.port()), waits(server.port());
    runs.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));
    waits.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
    std::thread stopping([&] {
        server->stop(milliseconds(10));
        stopped = true;
    });
    EXPECT_TRUE(runs.closed());
    EXPECT_FALSE(stopped);
    gate->open();
    stopping.join();
    EXPECT_TRUE(returned);
}

TEST(HttpServer, ManyClientsOnSeveralLoopsAreServed) {
    ServerOptions options;
    options.io_threads = 3;
    RunningServer server(small_router(), {}, {}, options);
    std::vector<std::thread> clients;
    std::atomic<int> right{0};
    for (int c = 0; c < 8; ++c) {
        clients.emplace_back([&, c] {
            HttpClient client(server.port());
            for (int i = 0; i < 50; ++i) {
                const auto text = std::to_string(c * 1000 + i);
                const auto request =
                    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n";
                if (client.ask(request + text).body == text) ++right;
            }
        });
    }
    for (auto& client : clients) client.join();
    EXPECT_EQ(right, 400);
}

}  // namespace
}  // namespace heart::test
