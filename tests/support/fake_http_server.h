#pragma once

#include "support/patience.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace heart::test {

struct FakeRequest {
    std::string method, target;
    std::vector<std::pair<std::string, std::string>> headers;  ///< names in small letters
    std::string body;

    [[nodiscard]] std::string header(std::string_view small_name) const;  ///< "" when there is none
};

struct FakeAnswer {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::string raw;       ///< sent as it is in place of all of the above
    bool hang = false;     ///< nothing more is sent after `raw` until the client goes
    bool endless = false;  ///< the body is sent again and again, without a length, until the client goes
};

/// An HTTP server on a random port of 127.0.0.1 that answers as it was told and remembers what it was asked. One request a
/// connection. Destroying it ends all connections.
class FakeHttpServer {
public:
    /// `script` is called for each request, on the thread of its connection.
    explicit FakeHttpServer(std::function<FakeAnswer(const FakeRequest&)> script);
    /// The same answer always.
    explicit FakeHttpServer(FakeAnswer answer);
    FakeHttpServer(const FakeHttpServer&) = delete;
    FakeHttpServer& operator=(const FakeHttpServer&) = delete;
    ~FakeHttpServer();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// "http://127.0.0.1:<port>" and `path`.
    [[nodiscard]] std::string url(std::string_view path = "") const;
    [[nodiscard]] std::vector<FakeRequest> requests() const;
    /// Waits until so many requests came. False after `most`.
    [[nodiscard]] bool wait_for_requests(std::size_t count, std::chrono::milliseconds most = kPatience) const;

private:
    struct Connection {
        int socket = -1;
        std::thread thread;
    };
    void accept_all();
    void serve(int socket);

    std::function<FakeAnswer(const FakeRequest&)> script_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<FakeRequest> requests_;
    std::list<Connection> connections_;  // kept, sockets open, until the server goes
    std::thread accepting_;
};

/// A port of 127.0.0.1 on which nobody listens.
[[nodiscard]] std::uint16_t unused_port();

}  // namespace heart::test
