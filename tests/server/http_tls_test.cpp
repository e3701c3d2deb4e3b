// Does the server say over TLS what it says in the clear, and end it as TLS wants?

#include "server/certificate.h"
#include "server/http_test_support.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace server::http;

/// A client that trusts one certificate; reads wait for kPatience at most.
class TlsClient {
public:
    TlsClient(std::uint16_t port, const fs::path& certificate) : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
        if (SSL_CTX_load_verify_locations(context_.get(), certificate.c_str(), nullptr) != 1)
            throw std::runtime_error("no certificate");
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
        connection_.reset(BIO_new_ssl_connect(context_.get()));
        BIO_get_ssl(connection_.get(), &ssl_);
        BIO_set_conn_hostname(connection_.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
        if (BIO_do_connect(connection_.get()) != 1) throw std::runtime_error("no connection by TLS");
        const timeval patience{std::chrono::duration_cast<std::chrono::seconds>(kPatience).count(), 0};
        ::setsockopt(static_cast<int>(BIO_get_fd(connection_.get(), nullptr)), SOL_SOCKET, SO_RCVTIMEO, &patience,
                     sizeof patience);
    }

    [[nodiscard]] bool send(std::string_view bytes) {
        return BIO_write(connection_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
    }
    /// So many bytes, or what came before the end.
    std::string read(std::size_t bytes) {
        std::string out(bytes, '\0');
        std::size_t got = 0;
        while (got < bytes) {
            const int some = BIO_read(connection_.get(), out.data() + got, static_cast<int>(bytes - got));
            if (some <= 0) break;
            got += static_cast<std::size_t>(some);
        }
        out.resize(got);
        return out;
    }
    /// Up to and with the empty line behind a head.
    std::string read_head() {
        std::string head;
        while (!head.ends_with("\r\n\r\n")) {
            const auto next = read(1);
            if (next.empty()) break;
            head += next;
        }
        return head;
    }
    /// Whether the server said that nothing follows, which tells an end from a connection that was cut.
    [[nodiscard]] bool ended_by_the_server() {
        return read(1).empty() && (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
    }

private:
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<BIO, decltype(&BIO_free_all)> connection_{nullptr, BIO_free_all};
    SSL* ssl_ = nullptr;
};

class HttpTls : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-tls-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        write_certificate(certificate(), folder_ / "key.pem");
    }
    void TearDown() override { fs::remove_all(folder_); }

    [[nodiscard]] fs::path certificate() const { return folder_ / "certificate.pem"; }
    [[nodiscard]] RunningServer serve(Router router) const {
        ServerOptions options;
        options.tls_certificate = certificate().string();
        options.tls_key = (folder_ / "key.pem").string();
        return RunningServer(std::move(router), {}, {}, std::move(options));
    }

private:
    fs::path folder_;
};

TEST_F(HttpTls, RequestsFollowEachOtherAndTheLastOneEndsTheSession) {
    const auto server = serve(small_router());
    TlsClient client(server.port(), certificate());
    const std::string body(100'000, 'x');
    ASSERT_TRUE(client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n" + body));
    EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 200"));
    EXPECT_EQ(client.read(body.size()), body);
    ASSERT_TRUE(client.send("GET /hello HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
    EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 200"));
    EXPECT_EQ(client.read(5), "hello");
    EXPECT_TRUE(client.ended_by_the_server());
}

TEST_F(HttpTls, AWebSocketTalksBothWaysAndEnds) {
    Router router;
    std::atomic<int> ended{0};
    router.add_websocket("/ws", [&](const Request&, std::shared_ptr<WebSocketPeer> peer) {
        WebSocketCallbacks callbacks;
        callbacks.on_text = [peer](std::string_view text) { peer->send(std::string(50'000, text.front())); };
        callbacks.on_end = [&] { ++ended; };
        return callbacks;
    });
    const auto server = serve(std::move(router));
    TlsClient client(server.port(), certificate());
    ASSERT_TRUE(
        client.send("GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    ASSERT_TRUE(client.read_head().starts_with("HTTP/1.1 101"));
    // Frames as RFC 6455 (5.2) has them, with a mask of zeros.
    for (const char letter : {'a', 'b'}) {
        ASSERT_TRUE(client.send(std::string("\x81\x81\0\0\0\0", 6) + letter));
        EXPECT_EQ(client.read(4), std::string("\x81\x7e\xc3\x50", 4)) << "text, 50,000 bytes";
        EXPECT_EQ(client.read(50'000), std::string(50'000, letter));
    }
    ASSERT_TRUE(client.send(std::string("\x88\x82\0\0\0\0\x03\xe8", 8)));  // closes, code 1000
    EXPECT_EQ(client.read(4), std::string("\x88\x02\x03\xe8", 4));
    EXPECT_TRUE(client.ended_by_the_server());
    EXPECT_TRUE(eventually([&] { return ended == 1; }));
}

}  // namespace
}  // namespace heart::test
