// Are files sent whole, in parts and conditionally, as players and caches ask for them?

#include "server/http_test_support.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

namespace heart::test {
namespace {

using namespace server::http;

class HttpFile : public ::testing::Test {
protected:
    HttpFile() {
        std::string pattern = (std::filesystem::temp_directory_path() / "heart-http-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        write("digits", "0123456789");
        write("empty", "");
        std::filesystem::create_symlink(folder_ / "digits", folder_ / "link");
        Router router;
        router.add("GET", "/{name}", [folder = folder_](const Request& request) {
            Response out;
            out.headers.set("Content-Type", "audio/wav");
            out.headers.set("Content-Disposition", "attachment; filename=\"a.wav\"");
            out.body = FileBody{(folder / request.parameter("name")).string(), "\"v1\"", 1795825420123};
            return out;
        });
        server_ = std::make_unique<RunningServer>(std::move(router));
        client_ = std::make_unique<HttpClient>(server_->port());
    }
    ~HttpFile() override {
        server_.reset();
        std::filesystem::remove_all(folder_);
    }

    void write(const std::string& name, const std::string& bytes) const {
        std::ofstream(folder_ / name, std::ios::binary) << bytes;
    }
    HttpReply get(const std::string& fields, const std::string& name = "digits") { return client_->get("/" + name, fields); }

    std::filesystem::path folder_;
    std::unique_ptr<RunningServer> server_;
    std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpFile, AWholeFileSaysWhatItIs) {
    const auto reply = get("");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "0123456789");
    EXPECT_EQ(reply.header("content-length"), "10");
    EXPECT_EQ(reply.header("accept-ranges"), "bytes");
    EXPECT_EQ(reply.header("etag"), "\"v1\"");
    EXPECT_EQ(reply.header("last-modified"), "Sat, 28 Nov 2026 00:23:40 GMT");
    EXPECT_EQ(get("", "empty").header("content-length"), "0");
    const auto head = client_->ask("HEAD /digits HTTP/1.1\r\nHost: t\r\nRange: bytes=0-1\r\n\r\n", true);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.header("content-length"), "10");
}

TEST_F(HttpFile, OneRangeIsAPart) {
    const auto part = get("Range: bytes=2-4\r\n");
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.body, "234");
    EXPECT_EQ(part.header("content-range"), "bytes 2-4/10");
    EXPECT_EQ(part.header("content-type"), "audio/wav");
    EXPECT_EQ(get("Range: bytes=8-\r\n").body, "89");
    EXPECT_EQ(get("Range: bytes=-3\r\n").body, "789");
    EXPECT_EQ(get("Range: bytes=5-100\r\n").header("content-range"), "bytes 5-9/10");
    EXPECT_EQ(get("Range: seconds=1-2\r\n").status, 200) << "of another unit";
}

TEST_F(HttpFile, SeveralRangesAreParts) {
    const auto parts = get("Range: bytes=0-1,5-6\r\n");
    EXPECT_EQ(parts.status, 206);
    const auto type = parts.header("content-type");
    ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary=")) << type;
    const auto line = "--" + type.substr(type.find('=') + 1);
    const std::string part = "Content-Type: audio/wav\r\nContent-Range: bytes ";
    EXPECT_EQ(parts.body, line + "\r\n" + part + "0-1/10\r\n\r\n01\r\n" + line + "\r\n" + part + "5-6/10\r\n\r\n56\r\n" +
                              line + "--\r\n");
}

TEST_F(HttpFile, RangesThatCannotBeAreRefused) {
    const auto past = get("Range: bytes=10-\r\n");
    EXPECT_EQ(past.status, 416);
    EXPECT_EQ(past.header("content-range"), "*/10");
    EXPECT_EQ(past.body, "");
    const auto malformed = get("Range: bytes=4-2\r\n");
    EXPECT_EQ(malformed.status, 400);
    EXPECT_EQ(malformed.body, "Malformed range header.");
    EXPECT_TRUE(malformed.header("content-type").starts_with("text/plain"));
    EXPECT_EQ(get("Range: bytes=0-0,2-2,4-4,6-6,8-8,1-1,3-3,5-5,7-7\r\n").status, 400);
    EXPECT_EQ(get("").body, "0123456789") << "the connection goes on";
}

TEST_F(HttpFile, ConditionsAreKept) {
    EXPECT_EQ(get("If-None-Match: \"v0\", W/\"v1\"\r\n").status, 304);
    EXPECT_EQ(get("If-None-Match: *\r\n").status, 304);
    EXPECT_EQ(get("If-None-Match: \"v0\"\r\n").status, 200);
    const auto unchanged = get("If-Modified-Since: Sat, 28 Nov 2026 00:23:40 GMT\r\n");
    EXPECT_EQ(unchanged.status, 304);
    EXPECT_EQ(unchanged.header("etag"), "\"v1\"");
    EXPECT_EQ(get("If-Modified-Since: Sat, 28 Nov 2026 00:23:39 GMT\r\n").status, 200);
    EXPECT_EQ(get("If-None-Match: \"v0\"\r\nIf-Modified-Since: Sat, 28 Nov 2026 00:23:40 GMT\r\n").status, 200)
        << "tags win";
    EXPECT_EQ(get("If-Match: \"v0\"\r\n").status, 412);
    EXPECT_EQ(get("If-Range: \"v1\"\r\nRange: bytes=0-1\r\n").status, 206);
    EXPECT_EQ(get("If-Range: \"v0\"\r\nRange: bytes=0-1\r\n").status, 200);
    EXPECT_EQ(get("If-Range: W/\"v1\"\r\nRange: bytes=0-1\r\n").status, 200) << "a weak tag is not enough";
    EXPECT_EQ(get("If-Range: Sat, 28 Nov 2026 00:23:40 GMT\r\nRange: bytes=0-1\r\n").status, 206);
}

TEST_F(HttpFile, OnlyRegularFilesAreSent) {
    EXPECT_EQ(get("", "missing").status, 404);
    EXPECT_EQ(get("", "link").status, 404) << "links are not followed";
    std::filesystem::create_directory(folder_ / "folder");
    EXPECT_EQ(get("", "folder").status, 404);
}

TEST_F(HttpFile, ALargeFileArrivesAsItIs) {
    std::string bytes(3'000'001, '\0');
    std::mt19937 random(1);
    for (char& c : bytes) c = static_cast<char>(random());
    write("large", bytes);
    EXPECT_TRUE(get("", "large").body == bytes);
    EXPECT_TRUE(get("Range: bytes=1000000-2999999\r\n", "large").body == bytes.substr(1'000'000, 2'000'000));
}

}  // namespace
}  // namespace heart::test
