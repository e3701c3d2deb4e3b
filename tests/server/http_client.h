#pragma once

// A client for tests that sends any bytes, right or wrong, and reads what comes back. Waits are bounded: a server that does
// not answer makes a test fail, not hang.

#include "support/patience.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace heart::test {

struct HttpReply {
    int status = 0;
    std::string reason, head, body;
    std::map<std::string, std::string> headers;  ///< names in small letters

    [[nodiscard]] std::string header(const std::string& small_name) const {
        const auto found = headers.find(small_name);
        return found == headers.end() ? "" : found->second;
    }
};

struct WebSocketFrame {
    int opcode = 0;
    std::string payload;
    [[nodiscard]] int close_code() const {
        if (opcode != 8 || payload.size() < 2) return 0;
        return static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
    }
};

/// Whether `holds` becomes true before long.
inline bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds most = kPatience) {
    const auto until = std::chrono::steady_clock::now() + most;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

class HttpClient {
public:
    explicit HttpClient(std::uint16_t port, const std::string& address = "127.0.0.1", int receive_buffer = 0) {
        const bool v6 = address.find(':') != std::string::npos;
        socket_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (receive_buffer > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in6 six{};
        sockaddr_in four{};
        int result = -1;
        if (v6) {
            six.sin6_family = AF_INET6;
            six.sin6_port = htons(port);
            ::inet_pton(AF_INET6, address.c_str(), &six.sin6_addr);
            result = ::connect(socket_, reinterpret_cast<const sockaddr*>(&six), sizeof six);
        } else {
            four.sin_family = AF_INET;
            four.sin_port = htons(port);
            ::inet_pton(AF_INET, address.c_str(), &four.sin_addr);
            result = ::connect(socket_, reinterpret_cast<const sockaddr*>(&four), sizeof four);
        }
        if (result != 0) {
            ::close(socket_);
            throw std::runtime_error("cannot connect");
        }
    }
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    ~HttpClient() { close(); }

    void close() {
        if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    }
    void finish_sending() { ::shutdown(socket_, SHUT_WR); }

    /// False when the server has closed.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    /// Reads one response. `head_only`: it answers a HEAD. Status 0 when the server closed before a whole one.
    HttpReply reply(bool head_only = false) {
        HttpReply out;
        std::size_t end;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!fill()) return out;
        }
        out.head = take(end + 4);
        parse_head(out);
        if (out.status == 204 || out.status == 304 || out.status < 200 || head_only) return out;
        bool whole = true;
        if (out.header("transfer-encoding") == "chunked") {
            for (std::optional<std::string> chunk; (chunk = this->chunk()) && !chunk->empty();) out.body += *chunk;
        } else if (!out.header("content-length").empty()) {
            const auto size = std::stoul(out.header("content-length"));
            while (buffer_.size() < size && (whole = fill())) {
            }
            out.body = take(size);
        } else {
            out.body = rest();
        }
        if (!whole) out.status = 0;
        return out;
    }
    HttpReply ask(std::string_view request, bool head_only = false) {
        send(request);
        return reply(head_only);
    }
    HttpReply get(const std::string& target, const std::string& fields = "") {
        return ask("GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n");
    }

    /// Reads only the head of a response; its body follows by `chunk` or `rest`.
    HttpReply head() {
        HttpReply out;
        std::size_t end;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!fill()) return out;
        }
        out.head = take(end + 4);
        parse_head(out);
        return out;
    }
    /// The next chunk of a chunked body: "" is the last. None when the body broke off.
    std::optional<std::string> chunk() {
        std::size_t end;
        while ((end = buffer_.find("\r\n")) == std::string::npos) {
            if (!fill()) return std::nullopt;
        }
        const auto size = std::strtoul(take(end + 2).c_str(), nullptr, 16);
        while (buffer_.size() < size + 2) {
            if (!fill()) return std::nullopt;
        }
        auto data = take(size);
        take(2);
        return data;
    }
    /// All that comes until the server closes.
    std::string rest() {
        while (fill()) {
        }
        return take(buffer_.size());
    }
    /// Whether the server closes (anything it still sends is read).
    bool closed() {
        rest();
        return ended_;
    }

    // WebSocket
    HttpReply upgrade(const std::string& target, const std::string& fields = "") {
        return ask("GET " + target +
                   " HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                   fields + "\r\n");
    }
    bool send_frame(int opcode, std::string_view payload, bool final = true) {
        std::string frame(1, static_cast<char>((final ? 0x80 : 0) | opcode));
        if (payload.size() < 126) {
            frame += static_cast<char>(0x80 | payload.size());
        } else {
            frame += static_cast<char>(0xfe);
            frame += static_cast<char>(payload.size() >> 8);
            frame += static_cast<char>(payload.size() & 0xff);
        }
        const std::string mask{0x11, 0x22, 0x33, 0x44};
        frame += mask;
        for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
        return send(frame);
    }
    bool send_text(std::string_view text) { return send_frame(1, text); }
    /// None when the connection ends.
    std::optional<WebSocketFrame> frame() {
        if (!need(2)) return std::nullopt;
        WebSocketFrame out{buffer_[0] & 0x0f, {}};
        std::uint64_t size = static_cast<unsigned char>(buffer_[1]) & 0x7fU;
        std::size_t at = 2;
        const std::size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (!need(at + extra)) return std::nullopt;
        if (extra > 0) size = 0;
        for (std::size_t i = 0; i < extra; ++i) size = size * 256 + static_cast<unsigned char>(buffer_[at++]);
        if (!need(at + size)) return std::nullopt;
        take(at);
        out.payload = take(static_cast<std::size_t>(size));
        return out;
    }
    /// The next text or close frame; answers pings on the way.
    std::optional<WebSocketFrame> message() {
        for (auto next = frame(); next; next = frame()) {
            if (next->opcode == 1 || next->opcode == 8) return next;
            if (next->opcode == 9) send_frame(10, next->payload);
        }
        return std::nullopt;
    }

private:
    bool need(std::size_t bytes) {
        while (buffer_.size() < bytes) {
            if (!fill()) return false;
        }
        return true;
    }

    /// False at the end, or when nothing came for 20 seconds.
    bool fill() {
        if (ended_ || socket_ < 0) return false;
        pollfd wait{socket_, POLLIN, 0};
        if (::poll(&wait, 1, 20'000) != 1) return false;
        char data[16384];
        const auto got = ::recv(socket_, data, sizeof data, 0);
        if (got <= 0) {
            ended_ = true;
            return false;
        }
        buffer_.append(data, static_cast<std::size_t>(got));
        return true;
    }

    std::string take(std::size_t bytes) {
        bytes = std::min(bytes, buffer_.size());
        auto out = buffer_.substr(0, bytes);
        buffer_.erase(0, bytes);
        return out;
    }

    static void parse_head(HttpReply& out) {
        std::size_t line = out.head.find("\r\n");
        const auto first = out.head.substr(0, line);
        if (first.size() < 12) return;
        out.status = std::atoi(first.c_str() + 9);
        out.reason = first.size() > 13 ? first.substr(13) : "";
        for (line += 2; line < out.head.size();) {
            const auto end = out.head.find("\r\n", line);
            const auto field = out.head.substr(line, end - line);
            line = end + 2;
            const auto colon = field.find(": ");
            if (colon == std::string::npos) continue;
            auto name = field.substr(0, colon);
            for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            out.headers[name] = field.substr(colon + 2);
        }
    }

    int socket_ = -1;
    std::string buffer_;
    bool ended_ = false;
};

}  // namespace heart::test
