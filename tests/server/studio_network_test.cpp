// Is the running studio as safe on a network as its options promise: TLS, proxies, too many connections?

#include "server/certificate.h"
#include "server/running_studio.h"
#include "server/socket_client.h"

#include <gtest/gtest.h>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <nlohmann/json.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
namespace asio = boost::asio;
using formats::Json;

/// What the server answers over TLS; `certificate`: the only one that is trusted. Throws boost::system::system_error.
std::string ask_over_tls(std::uint16_t port, const fs::path& certificate, const std::string& request) {
    asio::io_context io;
    asio::ssl::context tls(asio::ssl::context::tls_client);
    tls.load_verify_file(certificate.string());
    asio::ssl::stream<asio::ip::tcp::socket> stream(io, tls);
    stream.set_verify_mode(asio::ssl::verify_peer);
    stream.set_verify_callback(asio::ssl::host_name_verification("localhost"));
    stream.lowest_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    stream.handshake(asio::ssl::stream_base::client);
    asio::write(stream, asio::buffer(request));
    std::string answer;
    boost::system::error_code end;
    asio::read(stream, asio::dynamic_buffer(answer), end);
    return answer;
}

class Network : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-network-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { fs::remove_all(folder); }

    [[nodiscard]] std::string data() const { return (folder / "data").string(); }
    /// The status of a log-in that fails, as a proxy passes it on for a client of this address.
    static int log_in_from(const RunningStudio& studio, const std::string& client) {
        const std::string body = R"({"email":"nobody","password":"wrong-password"})";
        RawSocket socket(port_of(studio.url()));
        socket.send("POST /api/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: " + client +
                    "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                    body);
        const std::string answer = socket.read_all();
        return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3));
    }
    fs::path folder;
};

TEST_F(Network, TlsIsSpokenWithTheCertificateThatWasNamed) {
    const fs::path certificate = folder / "cert.pem", key = folder / "key.pem";
    write_certificate(certificate, key);
    RunningStudio studio(data(), {"--tls-cert", certificate.string(), "--tls-key", key.string(), "--host", "127.0.0.1"});
    ASSERT_TRUE(studio.url().starts_with("https://")) << studio.url();
    const std::string get = "GET /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const std::string answer = ask_over_tls(port_of(studio.url()), certificate, get);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
    EXPECT_NE(answer.find("Strict-Transport-Security"), std::string::npos) << answer;

    write_certificate(folder / "other.pem", folder / "other-key.pem");
    EXPECT_THROW((void)ask_over_tls(port_of(studio.url()), folder / "other.pem", get), boost::system::system_error);

    RawSocket plain(port_of(studio.url()));
    plain.send(get);
    EXPECT_EQ(plain.read_all().find("HTTP/1.1 200"), std::string::npos) << "nothing is told without TLS";
    EXPECT_EQ(studio.stop(), 0);
}

TEST_F(Network, OnlyANamedProxySpeaksForItsClients) {
    constexpr int kLimit = 20;  // log-ins of one address in a minute
    {
        const RunningStudio studio(data(), {"--behind-proxy", "127.0.0.1"});
        for (int i = 0; i < kLimit + 5; ++i) {
            EXPECT_EQ(log_in_from(studio, "192.0.2." + std::to_string(i + 1)), 401) << "each client has its own limit";
        }
        int last = 0;
        for (int i = 0; i < kLimit + 5; ++i) last = log_in_from(studio, "198.51.100.7");
        EXPECT_EQ(last, 429) << "and is held to it";
    }
    const RunningStudio studio(data());
    int last = 0;
    for (int i = 0; i < kLimit + 5; ++i) last = log_in_from(studio, "203.0.113." + std::to_string(i + 1));
    EXPECT_EQ(last, 429) << "a stranger cannot give itself other addresses";
}

TEST_F(Network, WithoutFilesToOpenItWaitsAndServesAgain) {
    const RunningStudio studio(data());
    std::size_t open_now = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/" + std::to_string(studio.pid()) + "/fd")) {
        ++open_now;
    }
    const rlimit few{open_now + 8, open_now + 8};
    ASSERT_EQ(prlimit(studio.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
    {
        std::vector<std::unique_ptr<RawSocket>> crowd;
        for (int i = 0; i < 40; ++i) crowd.push_back(std::make_unique<RawSocket>(port_of(studio.url())));
        crowd.front()->send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_TRUE(crowd.front()->read_until("\r\n").starts_with("HTTP/1.1 200")) << "who is in is served";
    }
    const auto answer = studio.ask({.path = "/health"});  // waits in the backlog until there is room
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
}

}  // namespace
}  // namespace heart::test
