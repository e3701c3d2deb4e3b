#pragma once

#include "server/http/websocket.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace heart::server::http {

/// The messages that wait for a client, between any thread and the connection.
class WebSocketQueue final : public WebSocketPeer {
public:
    struct Closing {
        int code = 0;
        std::string reason;
        bool at_once = false;  ///< without what still waits
    };

    /// `tell` makes the connection look here again; it is called from any thread, until `end`.
    WebSocketQueue(std::size_t most_bytes, std::function<void()> tell) : most_bytes_(most_bytes), tell_(std::move(tell)) {}

    void send(std::string text) override;
    void close(int code, std::string_view reason) override;

    // For the connection.
    [[nodiscard]] std::optional<std::string> take();
    void written(std::size_t bytes);                 ///< what was taken is gone
    [[nodiscard]] std::optional<Closing> closing();  ///< ask before `take`, whenever told
    void close_at_once(int code, std::string_view reason);
    void end();

private:
    void tell();

    std::mutex mutex_;
    std::size_t most_bytes_, bytes_ = 0;
    std::deque<std::string> queue_;
    std::optional<Closing> closing_;
    std::function<void()> tell_;
    bool told_ = false;
};

}  // namespace heart::server::http
