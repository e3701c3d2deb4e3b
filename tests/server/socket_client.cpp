#include "server/socket_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace heart::test {

RawSocket::RawSocket(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(socket_);
        throw std::runtime_error("no connection");
    }
}

RawSocket::~RawSocket() {
    ::close(socket_);
}

void RawSocket::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) throw std::runtime_error("the connection is gone");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

bool RawSocket::more() {
    char block[65536];
    const ssize_t n = ::recv(socket_, block, sizeof block, 0);
    if (n < 0) throw std::runtime_error("nothing came");
    buffer_.append(block, static_cast<std::size_t>(n));
    return n > 0;
}

std::string RawSocket::read(std::size_t bytes) {
    while (buffer_.size() < bytes && more()) {
    }
    std::string out = buffer_.substr(0, bytes);
    buffer_.erase(0, out.size());
    return out;
}

std::string RawSocket::read_until(std::string_view end) {
    while (buffer_.find(end) == std::string::npos && more()) {
    }
    const std::size_t at = buffer_.find(end);
    return read(at == std::string::npos ? buffer_.size() : at + end.size());
}

std::string RawSocket::read_all() {
    while (more()) {
    }
    return read(buffer_.size());
}

SocketClient::SocketClient(std::uint16_t port, const std::string& target, const std::string& headers) : socket_(port) {
    socket_.send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                 "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                 headers + "\r\n");
    answer_ = socket_.read_until("\r\n\r\n");
    status_ = answer_.size() > 12 ? std::atoi(answer_.c_str() + 9) : 0;
}

void SocketClient::send(std::string_view text) {
    if (text.size() > 65535) throw std::runtime_error("too long for this client");
    std::string frame{static_cast<char>(0x81)};
    if (text.size() < 126) {
        frame += static_cast<char>(0x80 | text.size());
    } else {
        frame += static_cast<char>(0x80 | 126);
        frame += static_cast<char>(text.size() >> 8);
        frame += static_cast<char>(text.size() & 0xFF);
    }
    frame += std::string(4, '\0');  // a mask that changes nothing
    frame += text;
    socket_.send(frame);
}

std::optional<std::string> SocketClient::next() {
    while (true) {
        const std::string head = socket_.read(2);
        if (head.size() < 2) return std::nullopt;
        const int kind = head[0] & 0x0F;
        std::size_t length = static_cast<unsigned char>(head[1]) & 0x7F;
        if (length == 127) throw std::runtime_error("a message that is too long");
        if (length == 126) {
            const std::string more = socket_.read(2);
            length = static_cast<std::size_t>(static_cast<unsigned char>(more.at(0))) << 8 |
                     static_cast<unsigned char>(more.at(1));
        }
        std::string payload = socket_.read(length);
        if (kind == 1) return payload;
        if (kind == 8) {
            if (payload.size() >= 2) {
                close_code_ = static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
            }
            return std::nullopt;
        }
    }
}

std::uint16_t port_of(const std::string& url) {
    return static_cast<std::uint16_t>(std::atoi(url.c_str() + url.rfind(':') + 1));
}

}  // namespace heart::test
