#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heart::test {

/// A connection to 127.0.0.1, byte by byte: for what HTTP clients do not show. Reads wait for at most 60 s and throw
/// std::runtime_error then.
class RawSocket {
public:
    explicit RawSocket(std::uint16_t port);
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;
    ~RawSocket();

    void send(std::string_view bytes);
    /// So many bytes; fewer when the other side ended.
    [[nodiscard]] std::string read(std::size_t bytes);
    /// Up to and with `end`; what came when the other side ended before.
    [[nodiscard]] std::string read_until(std::string_view end);
    /// All that still comes.
    [[nodiscard]] std::string read_all();

private:
    bool more();

    int socket_ = -1;
    std::string buffer_;
};

/// A WebSocket client (RFC 6455) for small text messages.
class SocketClient {
public:
    /// Opens ws://127.0.0.1:port/target; `headers`: more lines, each with its CRLF. `status()` tells whether it was opened.
    SocketClient(std::uint16_t port, const std::string& target, const std::string& headers = "");

    [[nodiscard]] int status() const noexcept { return status_; }  ///< 101: open
    [[nodiscard]] const std::string& answer() const noexcept { return answer_; }

    void send(std::string_view text);
    /// The next text message; none when the server closed it: then `close_code()` says why.
    [[nodiscard]] std::optional<std::string> next();
    [[nodiscard]] int close_code() const noexcept { return close_code_; }

private:
    RawSocket socket_;
    int status_ = 0, close_code_ = 0;
    std::string answer_;
};

/// The number behind the last ':'.
[[nodiscard]] std::uint16_t port_of(const std::string& url);

}  // namespace heart::test
