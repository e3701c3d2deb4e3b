// Are the parts of requests and responses what they stand for, and is what is ambiguous refused?

#include "server/http/proxies.h"
#include "server/http/request_parts.h"
#include "server/http/request_reader.h"
#include "server/http/router.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace heart::test {
namespace {

using namespace std::string_literals;

using namespace server::http;

TEST(HttpParts, BrokenEscapesAreNoText) {
    EXPECT_EQ(percent_decoded("a%20b+c", false), "a b+c");
    EXPECT_EQ(percent_decoded("a%20b+c", true), "a b c");
    EXPECT_FALSE(percent_decoded("a%2", false));
    EXPECT_FALSE(percent_decoded("a%zz", false));
    EXPECT_EQ(percent_encoded("\xC3\xA9 /~"), "%C3%A9%20%2F~");
}

TEST(HttpParts, TargetsThatLeaveTheirPlaceAreNone) {
    for (const char* bad : {"", "x", "*", "http://h/", "/..", "/a/../b", "/%2e%2e/x", "/a/%2E", "/a\\b", "/a%5Cb", "/%00",
                            "/%FF", "/%C0%AF", "/a#b", "/%", "/?a=%f", "/?a=%00", "/a/.%2e/b", "/a%2f..%2fb"}) {
        EXPECT_FALSE(parse_target(bad)) << bad;
    }
    const auto target = parse_target("/a%20b/c..d?x=1&y=%C3%A9+z&x=2&&flag");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/a b/c..d");
    const std::vector<std::pair<std::string, std::string>> query{{"x", "1"}, {"y", "\xC3\xA9 z"}, {"x", "2"}, {"flag", ""}};
    EXPECT_EQ(target->query, query);
}

TEST(HttpParts, RangesAreMalformedUnsatisfiableOrInsideOfTheFile) {
    using Kind = RangeRequest::Kind;
    const auto kind = [](std::string_view header, std::uint64_t size = 100) { return parse_range(header, size).kind; };
    for (const char* bad : {"bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=1-2,x", "bytes=1 -2", "bytes=--1",
                            "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16"}) {
        EXPECT_EQ(kind(bad), Kind::malformed) << bad;
    }
    EXPECT_EQ(kind("items=0-5"), Kind::ignored);
    for (const char* outside : {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"}) {
        EXPECT_EQ(kind(outside), Kind::unsatisfiable) << outside;
    }
    EXPECT_EQ(kind("bytes=0-", 0), Kind::unsatisfiable);
    EXPECT_EQ(kind("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14"), Kind::satisfiable) << "eight are allowed";
    const auto one = [](std::string_view header) {
        const auto range = parse_range(header, 100);
        return range.ranges.size() == 1 ? std::to_string(range.ranges[0].first) + "-" + std::to_string(range.ranges[0].last)
                                        : "";
    };
    EXPECT_EQ(one("bytes=0-0"), "0-0");
    EXPECT_EQ(one("bytes=99-"), "99-99");
    EXPECT_EQ(one("bytes=-5"), "95-99");
    EXPECT_EQ(one("bytes=-500"), "0-99");
    EXPECT_EQ(one("bytes=10-99999999999999999999999"), "10-99");
    EXPECT_EQ(one("bytes=10-20,200-"), "10-20") << "what can be satisfied is";
    EXPECT_EQ(one("bytes=0-50,10-60,-100"), "0-99") << "overlapping ones are sent once";
}

TEST(HttpParts, EntityTagsAreComparedWeaklyInLists) {
    EXPECT_TRUE(etag_matches("\"a\"", "\"a\""));
    EXPECT_TRUE(etag_matches("\"x,y\" , W/\"a\"", "\"a\""));
    EXPECT_TRUE(etag_matches("*", "\"a\""));
    EXPECT_FALSE(etag_matches("\"ab\"", "\"a\""));
    EXPECT_FALSE(etag_matches("a", "\"a\""));
    EXPECT_FALSE(etag_matches("\"x,\"a\"", "\"a\""));
}

TEST(HttpParts, AnyTitleIsAFileName) {
    EXPECT_EQ(content_disposition("Title.wav"), "attachment; filename=\"Title.wav\"");
    EXPECT_EQ(content_disposition("My Song.wav"), "attachment; filename*=utf-8''My%20Song.wav");
    EXPECT_EQ(content_disposition("\xC3\xA9.wav", false), "inline; filename*=utf-8''%C3%A9.wav");
    EXPECT_EQ(content_disposition("a/../b\r\nSet-Cookie: x"), "attachment; filename*=utf-8''a_.._b__Set-Cookie%3A%20x");
    EXPECT_EQ(content_disposition("\xFF"), "attachment; filename=\"_\"");
}

TEST(HttpParts, DatesGoBothWays) {
    EXPECT_EQ(http_date(1795825420000), "Sat, 28 Nov 2026 00:23:40 GMT");
    EXPECT_EQ(parse_http_date("Sat, 28 Nov 2026 00:23:40 GMT"), 1795825420);
    EXPECT_FALSE(parse_http_date("Sun, 28 Nov 2026 00:23:40 GMT"));
    EXPECT_FALSE(parse_http_date("Sat, 31 Feb 2026 00:23:40 GMT"));
    EXPECT_FALSE(parse_http_date("yesterday"));
}

TEST(HttpParts, NoHeaderCanBreakItsMessage) {
    Headers headers;
    headers.set("X-A", "1");
    headers.add("x-a", "2");
    headers.set("X-a", "3");
    EXPECT_EQ(headers.all().size(), 1U);
    EXPECT_EQ(headers.find("x-A"), "3");
    for (const char* name : {"", "a b", "a:b", "a\r\nb", "\xC3\xA9"}) EXPECT_THROW(headers.set(name, "v"), Error) << name;
    for (const auto& value : {std::string("a\r\nb"), std::string("a\nb"), std::string("a\0b", 3)}) {
        EXPECT_THROW(headers.add("X", value), Error);
    }
}

TEST(HttpParts, CookiesAndQueryValuesAreFound) {
    Request request;
    request.headers.add("Cookie", "a=1; token=\"x=y\"; b");
    request.headers.add("Cookie", "c=3");
    request.query = {{"page", "1"}, {"page", "2"}};
    EXPECT_EQ(request.cookie("token"), "x=y");
    EXPECT_EQ(request.cookie("c"), "3");
    EXPECT_FALSE(request.cookie("b"));
    EXPECT_EQ(request.query_value("page"), "2");
    EXPECT_THROW((void)request.parameter("id"), Error);
}

TEST(HttpRouter, TheMostExactPatternAnswers) {
    Router router;
    const auto handler = [](const Request&) { return Response{}; };
    router.add("GET", "/songs/{id}", handler);
    router.add("GET", "/songs/new", handler);
    router.add("DELETE", "/songs/{id}", handler);
    router.add("GET", "/songs/{id}/audio", handler);
    router.add("GET", "/{rest...}", handler);
    router.add_websocket("/ws", [](const Request&, const std::shared_ptr<WebSocketPeer>&) { return WebSocketCallbacks{}; });
    const auto pattern = [&](std::string_view method, std::string_view path) { return router.find(method, path).pattern; };
    EXPECT_EQ(pattern("GET", "/songs/new"), "/songs/new");
    EXPECT_EQ(pattern("GET", "/songs/7"), "/songs/{id}");
    EXPECT_EQ(pattern("DELETE", "/songs/new"), "/songs/{id}");
    EXPECT_EQ(pattern("GET", "/songs/"), "/{rest...}") << "a parameter is never empty";
    EXPECT_EQ(router.find("GET", "/songs/7/audio").parameters.at("id"), "7");
    EXPECT_EQ(router.find("GET", "/a/b//c").parameters.at("rest"), "a/b//c");
    EXPECT_EQ(router.find("GET", "/").parameters.at("rest"), "");
    EXPECT_NE(router.find("HEAD", "/songs/7").handler, nullptr);
    EXPECT_NE(router.find("GET", "/ws").websocket, nullptr);
    const auto wrong = router.find("POST", "/songs/7");
    EXPECT_EQ(wrong.handler, nullptr);
    EXPECT_EQ(wrong.allowed, (std::vector<std::string>{"DELETE", "GET", "HEAD"}));
    EXPECT_EQ(router.routes().back(), "WS /ws");
    EXPECT_THROW(router.add("GET", "/songs/{other}", handler), Error) << "it is there already";
    EXPECT_THROW(router.add("GET", "/{rest...}/x", handler), Error);
    EXPECT_THROW(router.add("GET", "songs", handler), Error);
}

/// 200 for a request that is whole, 0 for one that waits for more, or the status of its refusal.
int outcome_of(std::string_view bytes) {
    const Limits limits;
    RequestReader reader(limits);
    auto rest = bytes.substr(reader.take(bytes));
    reader.allow_body(100);
    while (reader.state() == RequestReader::State::body) {
        const auto taken = reader.take(rest);
        if (taken == 0) break;
        rest.remove_prefix(taken);
    }
    switch (reader.state()) {
        case RequestReader::State::done: return 200;
        case RequestReader::State::refused: return reader.refusal().status();
        default: return 0;
    }
}

TEST(HttpRequestReader, WhatTwoReadersMayTakeForDifferentRequestsIsRefused) {
    const std::string host = "Host: x\r\n";
    const auto post = [&](const std::string& fields, const std::string& body = "abc") {
        return outcome_of("POST / HTTP/1.1\r\n" + host + fields + "\r\n" + body);
    };
    EXPECT_EQ(post("Content-Length: 3\r\n"), 200);
    EXPECT_EQ(post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400);
    EXPECT_EQ(post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400);
    EXPECT_EQ(post("Content-Length: 3\r\nContent-Length: 3\r\n"), 400);
    EXPECT_EQ(post("Content-Length: 3\r\nContent-Length: 4\r\n"), 400);
    for (const char* length : {"3, 3", "+3", "-3", "0x3", "3 ", "", "3a", "99999999999999999999"}) {
        const int status = post("Content-Length: " + std::string(length) + "\r\n");
        EXPECT_TRUE(status == 400 || std::string(length) == "3 ") << length << " " << status;
    }
    for (const char* coding : {"gzip", "gzip, chunked", "chunked, gzip", "xchunked", "chunked;a=b"}) {
        const int status = post("Transfer-Encoding: " + std::string(coding) + "\r\n");
        EXPECT_TRUE(status == 501 || status == 400) << coding << " " << status;
    }
    EXPECT_EQ(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
    EXPECT_EQ(post("Transfer-Encoding : chunked\r\n"), 400) << "a space before the colon";
    EXPECT_EQ(post("X: a\r\n Content-Length: 3\r\n"), 400) << "a line that goes on";
    EXPECT_EQ(post("X: a\nContent-Length: 3\r\n"), 400) << "a bare LF";
    EXPECT_EQ(post("X: a\rContent-Length: 3\r\n"), 400) << "a bare CR";
    EXPECT_EQ(outcome_of("GET / HTTP/1.1\nHost: x\n\n"), 400);
    EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n"s), 400);
    EXPECT_EQ(outcome_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
    EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\n\r\n"), 400) << "no Host";
    EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    EXPECT_EQ(outcome_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
    EXPECT_EQ(outcome_of("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: a\r\nExpect: money\r\n\r\n"), 417);
}

TEST(HttpRequestReader, ChunksAreReadStrictly) {
    const auto chunks = [](const std::string& body) {
        return outcome_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
    };
    EXPECT_EQ(chunks("3\r\nabc\r\n0\r\n\r\n"), 200);
    EXPECT_EQ(chunks("3;name=\"v\"\r\nabc\r\n00\r\nTrailer: t\r\n\r\n"), 200);
    EXPECT_EQ(chunks("3\r\nabc\r\n0\r\n"), 0) << "not at its end";
    for (const char* bad : {"\r\n", "x\r\n", "-3\r\nabc\r\n", "0x3\r\nabc\r\n", "3\nabc\r\n", "3\r\nabcd\r\n",
                            "3\r\nabc\n0\r\n\r\n", "3 3\r\nabc\r\n", "3;a=\"\n\"\r\nabc\r\n", " 3\r\nabc\r\n"}) {
        EXPECT_EQ(chunks(bad), 400) << bad;
    }
}

TEST(HttpProxies, OnlyTrustedPeersAreBelieved) {
    const Proxies proxies({"127.0.0.1", "10.0.0.0/8", "::1"});
    const auto of = [&](std::string_view peer, const char* forwarded, const char* proto = "") {
        Request request;
        if (*forwarded != '\0') request.headers.add("X-Forwarded-For", forwarded);
        if (*proto != '\0') request.headers.add("X-Forwarded-Proto", proto);
        proxies.identify(request, peer, false);
        return request.remote_address + (request.secure ? " secure" : "");
    };
    EXPECT_EQ(of("1.2.3.4", "5.6.7.8", "https"), "1.2.3.4");
    EXPECT_EQ(of("127.0.0.1", ""), "127.0.0.1");
    EXPECT_EQ(of("127.0.0.1", "5.6.7.8", "https"), "5.6.7.8 secure");
    EXPECT_EQ(of("127.0.0.1", "9.9.9.9, 5.6.7.8, 10.1.2.3"), "5.6.7.8") << "the rightmost that is not trusted";
    EXPECT_EQ(of("127.0.0.1", "10.0.0.1"), "10.0.0.1");
    EXPECT_EQ(of("127.0.0.1", "9.9.9.9, nonsense"), "127.0.0.1");
    EXPECT_EQ(of("::1", "[2001:db8::1]:443"), "2001:db8::1");
    EXPECT_EQ(of("127.0.0.1", "5.6.7.8:99"), "5.6.7.8");
    EXPECT_EQ(canonical_address("::ffff:1.2.3.4"), "1.2.3.4");
    EXPECT_THROW(Proxies({"proxy.local"}), Error);
    EXPECT_THROW(Proxies({"10.0.0.0/33"}), Error);
}

}  // namespace
}  // namespace heart::test
