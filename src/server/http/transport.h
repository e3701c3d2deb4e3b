#pragma once

#include "server/http/asio_types.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/role.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace heart::server::http {

/// How a connection's bytes travel: in the clear or by TLS. An AsyncStream, as Asio calls it, that WebSockets can stand on.
///
/// It forgets the types of buffers and handlers, so that TLS and what stands on a stream are compiled once, not once for
/// each other. Handlers run on the connection's loop, as all of its do.
class Transport {
public:
    using executor_type = Executor;
    using Done = std::function<void(const error_code&)>;
    using Moved = std::function<void(const error_code&, std::size_t bytes)>;

    explicit Transport(TcpSocket socket) : stream_(std::move(socket)) {}
    Transport(TcpSocket socket, asio::ssl::context& context)
        : stream_(std::in_place_type<TlsStream>, std::move(socket), context) {}

    [[nodiscard]] executor_type get_executor() noexcept { return socket().get_executor(); }
    [[nodiscard]] bool tls() const noexcept { return std::holds_alternative<TlsStream>(stream_); }
    [[nodiscard]] TcpSocket& socket() noexcept;

    /// Of TLS alone. Precondition: tls().
    void async_handshake(Done done);
    void async_shutdown(Done done);

    /// Reads into the first of the buffers that has room.
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, asio::mutable_buffer into) { read_some(into, copyable(std::move(handler))); }, token,
            first_of(buffers));
    }

    /// Writes of the first few buffers.
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, const Pieces& from) { write_some(from, copyable(std::move(handler))); }, token,
            pieces_of(buffers));
    }

    // What Beast does with a stream below a WebSocket; it finds these by the type.
    friend void beast_close_socket(Transport& transport) noexcept;
    friend void teardown(boost::beast::role_type role, Transport& transport, error_code& error);
    template <class Handler>
    friend void async_teardown(boost::beast::role_type role, Transport& transport, Handler&& handler) {
        transport.tear_down(role, copyable(std::forward<Handler>(handler)));
    }

private:
    using Pieces = std::array<asio::const_buffer, 4>;  ///< a WebSocket's frame has two: its header and what it carries

    /// Handlers can only be moved, std::function copies what it calls.
    template <class Handler>
    static auto copyable(Handler&& handler) {
        return [held = std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler))](auto... outcome) {
            auto once = std::move(*held);
            once(outcome...);
        };
    }

    template <class Buffers>
    static asio::mutable_buffer first_of(const Buffers& buffers) {
        const auto end = asio::buffer_sequence_end(buffers);
        for (auto next = asio::buffer_sequence_begin(buffers); next != end; ++next) {
            if (const asio::mutable_buffer buffer = *next; buffer.size() > 0) return buffer;
        }
        return {};
    }

    template <class Buffers>
    static Pieces pieces_of(const Buffers& buffers) {
        Pieces pieces;
        std::size_t count = 0;
        const auto end = asio::buffer_sequence_end(buffers);
        for (auto next = asio::buffer_sequence_begin(buffers); next != end && count < pieces.size(); ++next) {
            if (const asio::const_buffer buffer = *next; buffer.size() > 0) pieces[count++] = buffer;
        }
        return pieces;
    }

    void read_some(asio::mutable_buffer into, Moved done);
    void write_some(const Pieces& from, Moved done);
    void tear_down(boost::beast::role_type role, Done done);

    std::variant<TcpSocket, TlsStream> stream_;
};

}  // namespace heart::server::http
