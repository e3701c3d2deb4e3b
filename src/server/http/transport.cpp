#include "server/http/transport.h"

#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/teardown.hpp>

namespace heart::server::http {

TcpSocket& Transport::socket() noexcept {
    if (auto* const secure = std::get_if<TlsStream>(&stream_)) return secure->next_layer();
    return *std::get_if<TcpSocket>(&stream_);
}

void Transport::async_handshake(Done done) {
    std::get<TlsStream>(stream_).async_handshake(asio::ssl::stream_base::server, std::move(done));
}

void Transport::async_shutdown(Done done) {
    std::get<TlsStream>(stream_).async_shutdown(std::move(done));
}

void Transport::read_some(asio::mutable_buffer into, Moved done) {
    std::visit([&](auto& stream) { stream.async_read_some(into, std::move(done)); }, stream_);
}

void Transport::write_some(const Pieces& from, Moved done) {
    std::visit([&](auto& stream) { stream.async_write_some(from, std::move(done)); }, stream_);
}

void Transport::tear_down(boost::beast::role_type role, Done done) {
    using boost::beast::websocket::async_teardown;
    std::visit([&](auto& stream) { async_teardown(role, stream, std::move(done)); }, stream_);
}

void beast_close_socket(Transport& transport) noexcept {
    error_code ignored;
    transport.socket().close(ignored);
}

void teardown(boost::beast::role_type role, Transport& transport, error_code& error) {
    using boost::beast::websocket::teardown;
    std::visit([&](auto& stream) { teardown(role, stream, error); }, transport.stream_);
}

}  // namespace heart::server::http
