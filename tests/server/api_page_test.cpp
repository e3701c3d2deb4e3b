#include "server/api/services.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace heart::test {
namespace {

namespace api = server::api;
namespace http = server::http;

class Page : public ::testing::Test {
protected:
    Page() { api::add_page_endpoints(router); }

    http::Response ask(const std::string& path, const http::Headers& headers = {}) const {
        const auto match = router.find("GET", path);
        if (match.handler == nullptr) return {404, {}, std::string()};
        http::Request request;
        request.method = "GET";
        request.path = path;
        request.headers = headers;
        return (*match.handler)(request);
    }
    static std::string text_of(const http::Response& response) { return std::get<std::string>(response.body); }
    static std::string header_of(const http::Response& response, std::string_view name) {
        return std::string(response.headers.find(name).value_or(""));
    }
    static http::Headers accepting(std::string_view codings) {
        http::Headers headers;
        headers.set("Accept-Encoding", codings);
        return headers;
    }
    /// The address of the page's first script, as the page names it.
    std::string script() const {
        const std::string page = text_of(ask("/"));
        const std::size_t begin = page.find("./assets/") + 1;
        return page.substr(begin, page.find('"', begin) - begin);
    }

    http::Router router;
};

TEST_F(Page, EveryAddressOfItAnswersWithTheSameDocument) {
    const std::string page = text_of(ask("/"));
    ASSERT_NE(page.find("<div id=\"root\">"), std::string::npos);
    for (const char* path : {"/create", "/queue", "/library", "/compare", "/system", "/admin", "/profile", "/sign-in",
                             "/register", "/index.html"}) {
        const http::Response answer = ask(path);
        EXPECT_EQ(answer.status, 200) << path;
        EXPECT_EQ(text_of(answer), page) << path;
        EXPECT_EQ(header_of(answer, "Cache-Control"), "no-cache") << path;
    }
}

// A proxy may put any path before the studio's: nothing is named from the root of the host, and a folder further down the
// same files are one folder up.
TEST_F(Page, WhatItLoadsIsNamedRelativeToItsAddress) {
    const std::string page = text_of(ask("/create"));
    EXPECT_EQ(page.find("=\"/"), std::string::npos);
    ASSERT_NE(page.find("src=\"./assets/"), std::string::npos);
    for (const char* path : {"/library/some-song", "/playlists/one", "/shared/some-token"}) {
        const http::Response answer = ask(path, accepting("gzip"));
        std::string expected = page;
        for (std::size_t at = 0; (at = expected.find("=\"./", at)) != std::string::npos; at += 5)
            expected.insert(at + 2, ".");
        EXPECT_EQ(answer.status, 200) << path;
        EXPECT_EQ(text_of(answer), expected) << path;
        EXPECT_EQ(header_of(answer, "Cache-Control"), "no-cache") << path;
        EXPECT_NE(header_of(answer, "ETag"), header_of(ask("/create"), "ETag")) << path;
    }
}

// It may only look after addresses beside and below its own.
TEST_F(Page, TheWorkerThatKeepsItIsAtItsRoot) {
    const http::Response answer = ask("/sw.js");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(header_of(answer, "Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(header_of(answer, "Cache-Control"), "no-cache");
}

TEST_F(Page, WhatIsNotItsOwnIsLeftToOthers) {
    for (const char* path : {"/api/none", "/assets/none.js", "/nowhere", "/createx", "/library/a/b"})
        EXPECT_EQ(ask(path).status, 404) << path;
}

TEST_F(Page, FilesWithAHashInTheirNameAreKeptForEver) {
    const http::Response answer = ask(script());
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(header_of(answer, "Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_NE(header_of(answer, "Cache-Control").find("immutable"), std::string::npos);
}

TEST_F(Page, ItIsSentPackedToThoseWhoTakeIt) {
    for (const char* codings : {"gzip", "br, GZIP;q=0.5", "*", "*;q=0, gzip"}) {
        const http::Response answer = ask("/", accepting(codings));
        EXPECT_EQ(header_of(answer, "Content-Encoding"), "gzip") << codings;
        EXPECT_EQ(text_of(answer).substr(0, 2), "\x1f\x8b") << codings;
    }
    for (const char* codings : {"", "br", "gzip;q=0", "gzip;q=0.0, *", "gzip;q=x", "*;q=0", "gzipped"}) {
        const http::Response answer = ask("/", accepting(codings));
        EXPECT_EQ(header_of(answer, "Content-Encoding"), "") << codings;
        EXPECT_EQ(header_of(answer, "Vary"), "Accept-Encoding") << codings;
    }
}

TEST_F(Page, WhatIsKnownIsNotSentAgain) {
    const std::string plain = header_of(ask("/"), "ETag"), packed = header_of(ask("/", accepting("gzip")), "ETag");
    EXPECT_NE(plain, packed);
    http::Headers headers = accepting("gzip");
    headers.set("If-None-Match", packed);
    EXPECT_EQ(ask("/", headers).status, 304);
    headers.set("If-None-Match", plain);
    EXPECT_EQ(ask("/", headers).status, 200);
}

TEST_F(Page, NothingOfAnotherSiteRunsInIt) {
    const std::string policy = header_of(ask("/create"), "Content-Security-Policy");
    EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
    EXPECT_NE(policy.find("script-src 'self';"), std::string::npos);
    EXPECT_EQ(policy.find("http"), std::string::npos);
    EXPECT_EQ(text_of(ask("/")).find("<script>"), std::string::npos);
}

}  // namespace
}  // namespace heart::test
