#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace heart::server::http {

/// The server's end of one WebSocket. Any thread may call it; it outlives its connection harmlessly.
class WebSocketPeer {
public:
    WebSocketPeer() = default;
    WebSocketPeer(const WebSocketPeer&) = delete;
    WebSocketPeer& operator=(const WebSocketPeer&) = delete;
    virtual ~WebSocketPeer() = default;

    /// Queues a text message. A client whose queue is over its limit is too slow and is closed (1008). After the end it does
    /// nothing.
    virtual void send(std::string text) = 0;
    /// Closes with this code (RFC 6455, 7.4) and reason.
    virtual void close(int code, std::string_view reason) = 0;
};

/// What happens on it; one at a time, on worker threads. Empty ones are left out.
struct WebSocketCallbacks {
    std::string subprotocol;  ///< one that the client offered, for the handshake; empty: none
    std::function<void(std::string_view text)> on_text;
    std::function<void()> on_silence;  ///< nothing came for Limits::websocket_silence; and again after as long
    std::function<void()> on_end;      ///< the last call
};

}  // namespace heart::server::http
