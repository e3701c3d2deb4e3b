#pragma once

#include "server/http/message.h"
#include "server/http/router.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace heart::server::http {

/// What a stranger may ask of the server. Every one is tested at its edge (tests/server/http_limits_test.cpp).
struct Limits {
    std::size_t header_bytes = 16 * 1024;  ///< request line and fields: 431
    std::size_t target_bytes = 8 * 1024;   ///< 414
    std::size_t body_bytes =
        1024 * 1024;                 ///< unless its route says otherwise: 413, before it is read where its length is told
    std::size_t connections = 4096;  ///< more are closed at once with 503
    std::size_t connections_per_address = 2048;
    std::size_t queued_requests = 1024;              ///< in a lane, waiting for its threads: 503 with Retry-After
    std::chrono::milliseconds header_time{10'000};   ///< from the first byte, and for a TLS handshake: 408
    std::chrono::milliseconds idle_time{75'000};     ///< between requests of a connection
    std::chrono::milliseconds body_time{30'000};     ///< without any progress of a request's or response's body
    std::size_t websocket_message_bytes = 4 * 1024;  ///< 1009
    std::size_t websocket_queue_bytes = 256 * 1024;  ///< waiting for a slow client: 1008
    std::chrono::milliseconds websocket_silence{30'000};
    std::chrono::milliseconds keep_alive_time{15'000};  ///< of bodies that come to be, see BodySource::keep_alive
};

struct ServerOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8000;             ///< 0: any free one
    std::string tls_certificate, tls_key;  ///< PEM files; both or none
    /// Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
    std::vector<std::string> trusted_proxies;
    int io_threads = 1;
    int quick_threads = 4, heavy_threads = 2, upstream_threads = 8;
    Limits limits;
};

/// What is told about every answered request.
struct AccessRecord {
    std::string id, method, path, pattern, remote_address;  ///< `path` without its query, which may hold secrets
    int status = 0;
    std::uint64_t bytes = 0;  ///< of the body
    double seconds = 0;       ///< from the first byte of the request to the last of the response
};

/// Called from any thread, several at once, and in the way of answers: they must not wait.
struct Hooks {
    /// Makes an answer of what a handler threw, and of what the server refuses itself (thrown as HttpError).
    std::function<Response(const Request&, std::exception_ptr)> on_error;
    /// Last touch on every response: security headers and the like.
    std::function<void(const Request&, Response&)> decorate;
    std::function<void(const AccessRecord&)> on_access;
};

/// A refusal with its status: of the server's own (404, 405 with Allow, 413, 431, ...) or of a handler's.
class HttpError : public std::exception {
public:
    HttpError(int status, std::string detail, Headers headers = {})
        : status_(status), detail_(std::move(detail)), headers_(std::move(headers)) {}
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
    [[nodiscard]] const Headers& headers() const noexcept { return headers_; }
    [[nodiscard]] const char* what() const noexcept override { return detail_.c_str(); }

private:
    int status_;
    std::string detail_;
    Headers headers_;
};

struct ServerCounters {
    std::uint64_t connections = 0, accepted = 0, refused = 0, websockets = 0, streams = 0, requests = 0;
};

/// An HTTP/1.1 and WebSocket server. Connections are coroutines on few threads (a thousand idle ones cost memory only);
/// handlers run on worker threads.
class Server {
public:
    /// Binds; throws ErrorCode::io when the address is taken, ErrorCode::usage for a bad address, certificate or key.
    Server(ServerOptions options, Router router, Hooks hooks);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    /// Stops at once.
    ~Server();

    void start();
    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] ServerCounters counters() const noexcept;
    /// Takes no more connections, lets answers that are under way finish for at most so long (streams and WebSockets are
    /// closed, 1001), and returns when no handler runs any more.
    void stop(std::chrono::milliseconds grace);

private:
    class Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace heart::server::http
