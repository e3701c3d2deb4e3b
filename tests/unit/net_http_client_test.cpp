// Does the HTTP client say what was asked, bring back what came, stop when it must, and keep secrets out of errors?

#include "net/http_client.h"
#include "support/fake_http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <netdb.h>

namespace heart::net {
namespace {

using namespace std::chrono_literals;
using test::FakeAnswer;
using test::FakeHttpServer;
using test::FakeRequest;

/// What an exchange threw.
struct Failure {
    ErrorCode code = ErrorCode::internal;
    std::string words;
    bool timeout = false;
};

std::optional<Failure> failure_of(const HttpRequest& request, const CancelToken& cancel = {}) {
    try {
        (void)exchange(request, cancel);
    } catch (const TimeoutError& e) {
        return Failure{e.code(), e.what(), true};
    } catch (const Error& e) {
        return Failure{e.code(), e.what(), false};
    }
    return std::nullopt;
}

ErrorCode code_of(const HttpRequest& request) {
    const auto failure = failure_of(request);
    EXPECT_TRUE(failure.has_value()) << "there was an answer";
    return failure ? failure->code : ErrorCode::internal;
}

TEST(HttpClient, SendsMethodTargetHeadersAndBody) {
    const FakeHttpServer server(FakeAnswer{});
    (void)exchange({.method = "POST",
                    .url = server.url("/a/b?c=d"),
                    .headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}, {"Authorization", "Bearer k"}},
                    .body = std::string("{\0}", 3)},
                   {});
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].method, "POST");
    EXPECT_EQ(requests[0].target, "/a/b?c=d");
    EXPECT_EQ(requests[0].header("content-type"), "application/json");
    EXPECT_EQ(requests[0].header("authorization"), "Bearer k");
    EXPECT_EQ(requests[0].body, std::string("{\0}", 3));
    bool empty_header = false;
    for (const auto& [name, value] : requests[0].headers) empty_header |= name == "x-empty" && value.empty();
    EXPECT_TRUE(empty_header);
}

TEST(HttpClient, SendsEveryMethodAndClaimsNoContentTypeOfItsOwn) {
    const FakeHttpServer server(FakeAnswer{});
    for (const char* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}) {
        for (const char* body : {"", "x"}) {
            if (std::string_view(method) == "HEAD" && *body != '\0') continue;
            (void)exchange({.method = method, .url = server.url(), .body = body}, {});
            const FakeRequest request = server.requests().back();
            EXPECT_EQ(request.method, method);
            EXPECT_EQ(request.body, body);
            EXPECT_EQ(request.header("content-type"), "");
            EXPECT_EQ(request.header("expect"), "");
        }
    }
}

TEST(HttpClient, BringsBackAnyStatusHeadersAndBody) {
    for (const int status : {200, 204, 301, 404, 500}) {
        const std::string body = status == 204 ? "" : std::string("a\0b", 3);
        const FakeHttpServer server(
            FakeAnswer{.status = status, .headers = {{"X-Thing", "  Some words \t"}, {"ETag", "\"1\""}}, .body = body});
        const HttpAnswer answer = exchange({.url = server.url()}, {});
        EXPECT_EQ(answer.status, status);
        EXPECT_EQ(answer.body, body);
        EXPECT_EQ(answer.header("x-thing"), "Some words");
        EXPECT_EQ(answer.header("etag"), "\"1\"");
        EXPECT_EQ(answer.header("nothing"), "");
    }
}

TEST(HttpClient, KeepsHeadersOfTheFinalAnswerOnly) {
    const FakeHttpServer server(
        FakeAnswer{.raw = "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Late: 2\r\nConnection: close\r\n\r\n"
                          "3\r\nabc\r\n0\r\nX-Trailer: 3\r\n\r\n"});
    const HttpAnswer answer = exchange({.url = server.url()}, {});
    EXPECT_EQ(answer.body, "abc");
    EXPECT_EQ(answer.header("x-late"), "2");
    EXPECT_EQ(answer.header("x-early"), "");
    EXPECT_EQ(answer.header("x-trailer"), "");
}

TEST(HttpClient, FollowsRedirectsOnlyWhenAsked) {
    const FakeHttpServer server([](const FakeRequest& request) {
        if (request.target == "/old") return FakeAnswer{.status = 302, .headers = {{"Location", "/new"}}, .body = "moved"};
        if (request.target == "/loop") return FakeAnswer{.status = 302, .headers = {{"Location", "/loop"}}};
        if (request.target == "/file") return FakeAnswer{.status = 302, .headers = {{"Location", "file:///etc/passwd"}}};
        return FakeAnswer{.body = "here"};
    });
    EXPECT_EQ(exchange({.url = server.url("/old")}, {}).status, 302);
    const HttpAnswer answer = exchange({.url = server.url("/old"), .follow_redirects = true}, {});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "here");
    EXPECT_EQ(code_of({.url = server.url("/loop"), .follow_redirects = true}), ErrorCode::io);
    EXPECT_EQ(code_of({.url = server.url("/file"), .follow_redirects = true}), ErrorCode::io);
}

TEST(HttpClient, LimitsTheAnswer) {
    const FakeHttpServer server(FakeAnswer{.body = std::string(1000, 'x')});
    EXPECT_EQ(exchange({.url = server.url(), .max_answer = 1000}, {}).body.size(), 1000U);
    EXPECT_EQ(code_of({.url = server.url(), .max_answer = 999}), ErrorCode::limit);

    const FakeHttpServer endless(FakeAnswer{.body = std::string(5000, 'x'), .endless = true});
    EXPECT_EQ(code_of({.url = endless.url(), .max_answer = 1 << 20}), ErrorCode::limit);
}

TEST(HttpClient, LimitsTheHeaders) {
    std::string raw = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 400; ++i) raw += "X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n";
    const FakeHttpServer server(FakeAnswer{.raw = raw + "\r\n"});
    EXPECT_EQ(code_of({.url = server.url()}), ErrorCode::limit);
}

TEST(HttpClient, HandsTheBodyOnPieceByPiece) {
    const FakeHttpServer server(FakeAnswer{.body = std::string(100'000, 'y')});
    std::string all;
    HttpRequest request{.url = server.url(), .max_answer = 10, .on_data = [&](std::string_view piece) { all += piece; }};
    const HttpAnswer answer = exchange(request, {});
    EXPECT_EQ(all, std::string(100'000, 'y'));
    EXPECT_EQ(answer.body, "");
    request.on_data = [](std::string_view) { throw std::runtime_error("the disk is full"); };
    EXPECT_THROW((void)exchange(request, {}), std::runtime_error);
}

TEST(HttpClient, RefusesWhatIsNoUrlMethodOrHeader) {
    const FakeHttpServer server(FakeAnswer{});
    for (const std::string url :
         {"", "nothing", "http://", "file:///etc/passwd", "gopher://h/", "ftp://h/x", "scp://h/x", "http://h/ x",
          "http://h/\r\nX: y", "javascript:1", "//h/x", "http://[::1", "http://h:99999/"}) {
        EXPECT_EQ(code_of({.url = url}), ErrorCode::usage) << url;
    }
    EXPECT_EQ(code_of({.url = server.url() + std::string("/\0", 2)}), ErrorCode::usage);
    EXPECT_EQ(code_of({.method = "GET / HTTP/1.1\r\nX: y", .url = server.url()}), ErrorCode::usage);
    EXPECT_EQ(code_of({.method = "", .url = server.url()}), ErrorCode::usage);
    EXPECT_EQ(code_of({.url = server.url(), .headers = {{"X", "a\r\nY: b"}}}), ErrorCode::usage);
    EXPECT_EQ(code_of({.url = server.url(), .headers = {{"X: y\r\nZ", "a"}}}), ErrorCode::usage);
    EXPECT_EQ(code_of({.url = server.url(), .headers = {{"X", std::string("a\0b", 3)}}}), ErrorCode::usage);
    EXPECT_TRUE(server.requests().empty());
}

TEST(HttpClient, SaysThatNobodyAnswers) {
    EXPECT_EQ(code_of({.url = "http://127.0.0.1:" + std::to_string(test::unused_port())}), ErrorCode::io);
    const FakeHttpServer junk(FakeAnswer{.raw = "what?\r\n\r\n"});
    EXPECT_EQ(code_of({.url = junk.url()}), ErrorCode::io);
    const FakeHttpServer cut(FakeAnswer{.raw = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"});
    EXPECT_EQ(code_of({.url = cut.url()}), ErrorCode::io);
}

TEST(HttpClient, SpeaksTlsOnlyToWhoSpeaksIt) {
    const FakeHttpServer server(FakeAnswer{});
    std::string url = server.url();
    const auto failure = failure_of({.url = url.replace(0, 4, "https")});
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->code, ErrorCode::io);
    EXPECT_FALSE(failure->timeout);
}

TEST(HttpClient, TellsATimeoutFromOtherFailures) {
    const FakeHttpServer silent(FakeAnswer{.hang = true});
    const FakeHttpServer stuck(FakeAnswer{.raw = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .hang = true});
    for (const FakeHttpServer* server : {&silent, &stuck}) {
        const auto failure = failure_of({.url = server->url(), .timeout = 100ms});
        ASSERT_TRUE(failure.has_value());
        EXPECT_EQ(failure->code, ErrorCode::io);
        EXPECT_TRUE(failure->timeout);
    }
    const auto failure = failure_of({.url = "http://127.0.0.1:" + std::to_string(test::unused_port())});
    ASSERT_TRUE(failure.has_value());
    EXPECT_FALSE(failure->timeout);
}

/// Cancels once the server has the request; how long the exchange still took.
std::chrono::milliseconds time_to_cancel(const FakeHttpServer& server) {
    CancelToken cancel;
    std::chrono::steady_clock::time_point asked;
    std::thread canceller([&] {
        EXPECT_TRUE(server.wait_for_requests(1));
        asked = std::chrono::steady_clock::now();
        cancel.cancel();
    });
    const auto failure = failure_of({.url = server.url(), .timeout = 600s, .on_data = [](std::string_view) {}}, cancel);
    const auto ended = std::chrono::steady_clock::now();
    canceller.join();
    EXPECT_TRUE(failure && failure->code == ErrorCode::cancelled);
    return std::chrono::duration_cast<std::chrono::milliseconds>(ended - asked);
}

TEST(HttpClient, IsCancelledWhileNothingComesAndWhileMuchComes) {
    const FakeHttpServer silent(FakeAnswer{.hang = true});
    const FakeHttpServer endless(FakeAnswer{.body = std::string(5000, 'x'), .endless = true});
    for (const FakeHttpServer* server : {&silent, &endless}) {
        const auto took = time_to_cancel(*server);
        std::printf("cancelled after %lld ms\n", static_cast<long long>(took.count()));
        EXPECT_LT(took, test::kPatience);  // 0.2 s on a machine with time
    }
    CancelToken cancelled;
    cancelled.cancel();
    EXPECT_EQ(failure_of({.url = silent.url()}, cancelled)->code, ErrorCode::cancelled);
}

TEST(HttpClient, RefusesAddressesInsideWhereAStrangerGaveThem) {
    const FakeHttpServer server(FakeAnswer{});
    const std::string port = std::to_string(server.port());
    for (const std::string host : {"127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0.0.0.0", "[::1]",
                                   "[::ffff:127.0.0.1]", "[::]", "10.0.0.1", "169.254.169.254", "192.168.0.1"}) {
        const HttpRequest request{.url = "http://" + host + ":" + port + "/", .timeout = 5s, .public_addresses_only = true};
        EXPECT_EQ(code_of(request), ErrorCode::usage) << host;
    }
    EXPECT_TRUE(server.requests().empty());
    EXPECT_EQ(exchange({.url = server.url()}, {}).status, 200);
}

TEST(HttpClient, UsesAProxyExceptForAddressesOfStrangers) {
    const FakeHttpServer proxy(FakeAnswer{.body = "from the proxy"});
    setenv("http_proxy", proxy.url().c_str(), 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    const HttpAnswer answer = exchange({.url = "http://heart.invalid/x"}, {});
    const auto failure = failure_of({.url = "http://127.0.0.1/x", .public_addresses_only = true});
    unsetenv("http_proxy");
    EXPECT_EQ(answer.body, "from the proxy");
    EXPECT_EQ(proxy.requests().size(), 1U);
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->code, ErrorCode::usage);
}

TEST(HttpClient, KeepsSecretsOutOfErrors) {
    const std::string secret = "s3cr3t", closed = "127.0.0.1:" + std::to_string(test::unused_port());
    const FakeHttpServer large(FakeAnswer{.headers = {{"X", secret}}, .body = secret + secret});
    const FakeHttpServer silent(FakeAnswer{.hang = true});
    const FakeHttpServer junk(FakeAnswer{.raw = secret});
    const auto with_secrets = [&](std::string place) {
        return HttpRequest{.method = "POST",
                           .url = "http://" + secret + ":" + secret + "@" + place + "/" + secret + "?key=" + secret,
                           .headers = {{"Authorization", secret}},
                           .body = secret,
                           .timeout = 100ms,
                           .max_answer = 3};
    };
    const auto place_of = [](const FakeHttpServer& server) { return "127.0.0.1:" + std::to_string(server.port()); };
    std::vector<HttpRequest> requests{
        with_secrets(closed),         with_secrets(place_of(large)),   with_secrets(place_of(silent)),
        with_secrets(place_of(junk)), with_secrets("127.0.0.1:99999"), with_secrets("h.invalid")};
    requests.push_back(with_secrets(closed));
    requests.back().public_addresses_only = true;
    requests.push_back(with_secrets(closed));
    requests.back().headers = {{"Authorization", secret + "\n"}};
    for (const HttpRequest& request : requests) {
        const auto failure = failure_of(request);
        ASSERT_TRUE(failure.has_value());
        EXPECT_EQ(failure->words.find(secret), std::string::npos) << failure->words;
    }
}

TEST(HttpClient, ServesManyThreads) {
    const FakeHttpServer server([](const FakeRequest& request) { return FakeAnswer{.body = request.target}; });
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 5; ++i) {
                const std::string path = "/" + std::to_string(t * 100 + i);
                if (exchange({.url = server.url(path)}, {}).body == path) ++right;
            }
        });
    }
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(right, 40);
}

}  // namespace
}  // namespace heart::net
