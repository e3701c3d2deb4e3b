#include "server/http/server.h"

#include "core/error.h"
#include "server/http/connection.h"
#include "server/http/listening.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace heart::server::http {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};

/// For those who are too many: said without a wait, read by those who can.
void turn_away(TcpSocket socket, bool tls) noexcept {
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    error_code ignored;
    socket.non_blocking(true, ignored);
    if (!tls) {
        socket.write_some(asio::buffer(kBusy), ignored);
        socket.shutdown(TcpSocket::shutdown_send, ignored);
        char unread[4096];
        socket.read_some(asio::buffer(unread), ignored);  // what is unread when it closes would discard the answer
    }
    socket.close(ignored);
}

}  // namespace

class Server::Inside {
public:
    Inside(ServerOptions options, Router router, Hooks hooks)
        : shared_(std::move(options), std::move(router), std::move(hooks)) {
        const auto& asked = shared_.options;
        if (asked.tls_certificate.empty() != asked.tls_key.empty()) {
            throw Error(ErrorCode::usage, "TLS needs both a certificate and its key");
        }
        if (!asked.tls_certificate.empty()) tls_ = make_tls_context(asked.tls_certificate, asked.tls_key);
        for (int i = 0; i < std::max(asked.io_threads, 1); ++i) loops_.push_back(std::make_unique<Loop>());
        acceptors_ = listen_at(loops_.front()->context, asked.host, asked.port);
        port_ = acceptors_.front().local_endpoint().port();
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { stop(std::chrono::milliseconds(0)); }

    void start() {
        ensure(!started_ && !stopped_, "a server starts once");
        started_ = true;
        raise_file_limit();
        for (auto& acceptor : acceptors_) {
            asio::co_spawn(
                acceptor.get_executor(), [this, &acceptor] { return accept(acceptor); }, asio::detached);
        }
        for (auto& loop : loops_) loop->thread = std::thread([&context = loop->context] { run(context); });
    }

    void stop(std::chrono::milliseconds grace) {
        const std::lock_guard lock(stopping_);
        if (std::exchange(stopped_, true)) return;
        const auto until = Clock::now() + grace;
        if (!started_) {
            acceptors_.clear();
        } else {
            asio::post(loops_.front()->context, [this] {
                closed_ = true;
                error_code ignored;
                for (auto& acceptor : acceptors_) acceptor.close(ignored);
            });
        }
        on_connections([](Connection& connection) { connection.wind_down(); });
        if (started_ && !shared_.census.wait_until_empty(until)) {
            for (auto& lane : shared_.lanes) lane->abandon();
            on_connections([](Connection& connection) { connection.cut(); });
            shared_.census.wait_until_empty();
        }
        for (auto& lane : shared_.lanes) lane->join();
        for (auto& loop : loops_) {
            loop->work.reset();
            if (loop->thread.joinable()) loop->thread.join();
        }
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] ServerCounters counters() const noexcept {
        return {shared_.census.open(), shared_.accepted, shared_.refused,
                shared_.websockets,    shared_.streams,  shared_.requests};
    }

private:
    static void run(asio::io_context& context) {
        for (;;) {
            try {
                context.run();
                return;
            } catch (const std::exception&) {  // memory was short in one handler; the others are still there
            }
        }
    }

    void on_connections(void (*call)(Connection&)) {
        for (auto& loop : loops_) {
            asio::post(loop->context, [&loop = *loop, call] {
                const auto now = loop.connections;  // a call may end a connection
                for (auto* connection : now) {
                    if (loop.connections.contains(connection)) call(*connection);
                }
            });
        }
    }

    Async<void> accept(Acceptor& acceptor) {
        Timer pause(acceptor.get_executor());
        while (acceptor.is_open()) {
            Loop& loop = *loops_[next_loop_++ % loops_.size()];
            auto [error, socket] = co_await acceptor.async_accept(loop.context, asio::as_tuple(use_async));
            if (!error) {
                welcome(loop, std::move(socket));
            } else if (error == asio::error::operation_aborted) {
                co_return;
            } else if (error != asio::error::connection_aborted) {
                // No descriptors or no memory: trying again at once would only spin.
                pause.expires_after(kAcceptPause);
                co_await pause.async_wait(asio::as_tuple(use_async));
            }
        }
    }

    void welcome(Loop& loop, TcpSocket socket) {
        error_code error;
        const auto peer = socket.remote_endpoint(error);
        if (error) return;  // it has left already
        socket.set_option(asio::ip::tcp::no_delay(true), error);
        auto address = canonical_address(peer.address().to_string());
        if (address.empty()) address = peer.address().to_string();  // one with a zone, of the local link
        if (!shared_.census.enter(address)) {
            ++shared_.refused;
            turn_away(std::move(socket), tls_ != nullptr);
            return;
        }
        ++shared_.accepted;
        try {
            auto transport = tls_ ? Transport(std::move(socket), *tls_) : Transport(std::move(socket));
            auto connection = std::make_shared<Connection>(shared_, loop, std::move(transport), address);
            asio::post(loop.context, [this, connection = std::move(connection)] {
                connection->start();
                if (closed_) connection->wind_down();
            });
        } catch (const std::exception&) {
            shared_.census.leave(address);
        }
    }

    Shared shared_;
    std::unique_ptr<asio::ssl::context> tls_;
    std::vector<std::unique_ptr<Loop>> loops_;
    std::vector<Acceptor> acceptors_;
    std::size_t next_loop_ = 0;  ///< the first loop's thread only
    std::uint16_t port_ = 0;
    std::mutex stopping_;
    std::atomic<bool> closed_{false};
    bool started_ = false, stopped_ = false;
};

Server::Server(ServerOptions options, Router router, Hooks hooks)
    : inside_(std::make_shared<Inside>(std::move(options), std::move(router), std::move(hooks))) {}

Server::~Server() = default;

void Server::start() {
    inside_->start();
}

std::uint16_t Server::port() const noexcept {
    return inside_->port();
}

ServerCounters Server::counters() const noexcept {
    return inside_->counters();
}

void Server::stop(std::chrono::milliseconds grace) {
    inside_->stop(grace);
}

}  // namespace heart::server::http
