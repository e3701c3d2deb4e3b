#pragma once

#include "server/http/request_reader.h"
#include "server/http/shared.h"
#include "server/http/transport.h"
#include "server/http/websocket_queue.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace heart::server::http {

/// One connection: a coroutine on its loop's thread that serves one request after the other.
///
/// Reads, writes and everything that other threads do report by changing a member and calling `notify`; the coroutine waits
/// for what it needs with `wait_for`. So a wait has one form whatever it waits for, and always a deadline.
///
/// The server's calls come on that thread too.
class Connection final : public std::enable_shared_from_this<Connection> {
public:
    Connection(Shared& shared, Loop& loop, Transport transport, std::string address);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start();
    /// No more requests: ends when the answer under way is sent, at once without one. Streams and WebSockets end.
    void wind_down();
    void cut() noexcept;

private:
    using WebSocketStream = boost::beast::websocket::stream<Transport, false>;  // without compression: memory for strangers
    static constexpr std::size_t kIdleRead = 1024;
    enum class Bytes { came, late, closed };

    /// One request on its way through.
    struct Exchange {
        Request request;
        Router::Match match;
        Form form;
        Clock::time_point began;
        Outgoing outgoing;
        std::uint64_t sent = 0;           ///< bytes of the body
        std::shared_ptr<void> admission;  ///< see RouteOptions::admit
    };

    // waiting, reading, writing
    Transport& transport() noexcept;
    std::string_view input() const noexcept;
    void notify() noexcept { signal_.cancel(); }
    template <class Ready>
    Async<bool> wait_for(Ready ready, Clock::time_point until);
    template <class Ready>
    Async<void> wait_for(Ready ready);
    void begin_read(std::size_t most);
    Async<Bytes> more_bytes(std::size_t most, Clock::time_point until);
    Async<bool> write(std::string_view data);

    // requests
    Async<void> run();
    Async<bool> handshake();
    Async<bool> await_request();
    Async<bool> serve_one();
    Async<bool> read_header(RequestReader& reader, Exchange& exchange);
    Async<bool> read_body(RequestReader& reader, Exchange& exchange);
    bool understand(RequestReader& reader, Exchange& exchange);
    bool route(const RequestReader::Head& head, Exchange& exchange);
    bool admit(Exchange& exchange);
    void refuse(Exchange& exchange, const HttpError& error, bool keep_alive);
    Async<void> call_handler(const std::shared_ptr<Exchange>& exchange);
    Async<void> close_gently();
    void end() noexcept;

    static HttpError busy();

    // connection_responses.cpp
    Async<bool> respond(Exchange& exchange);
    Async<bool> send(Exchange& exchange);
    Async<bool> send_file(const FilePart& part, std::uint64_t& sent);
    Async<bool> send_source(Exchange& exchange);
    Async<bool> send_data(const std::string& data, bool chunked, std::uint64_t& sent);
    void record(const Exchange& exchange, int status) noexcept;

    // connection_websocket.cpp
    struct Conversation;
    Async<bool> upgrade(RequestReader& reader, const std::shared_ptr<Exchange>& exchange);
    Async<bool> accept_websocket(RequestReader::Head& head, const Exchange& exchange, const std::string& protocol);
    Async<void> converse(Conversation& conversation);
    void advance(Conversation& conversation);
    void write_next(Conversation& conversation);
    void read_next(Conversation& conversation);
    void close_websocket(Conversation& conversation, const WebSocketQueue::Closing& closing);
    void run_event(Conversation& conversation);
    Async<void> finish_conversation(Conversation& conversation);

    Shared& shared_;
    Loop& loop_;
    Transport transport_;
    std::unique_ptr<WebSocketStream> websocket_;  ///< has taken the transport over
    Timer signal_;
    const std::string address_;

    boost::beast::flat_buffer in_;  ///< not touched while `reading_`
    error_code read_error_, write_error_;
    std::size_t written_ = 0;
    bool reading_ = false, writing_ = false;
    bool winding_down_ = false, cut_ = false, linger_ = false;
    bool woken_ = false;  ///< by a source or a WebSocket
};

/// False when it was not ready at `until`.
template <class Ready>
Async<bool> Connection::wait_for(Ready ready, Clock::time_point until) {
    while (!ready()) {
        if (Clock::now() >= until) co_return false;
        signal_.expires_at(until);
        co_await signal_.async_wait(asio::as_tuple(use_async));
    }
    co_return true;
}

template <class Ready>
Async<void> Connection::wait_for(Ready ready) {
    while (!ready()) {
        signal_.expires_after(std::chrono::hours(1));
        co_await signal_.async_wait(asio::as_tuple(use_async));
    }
}

}  // namespace heart::server::http
