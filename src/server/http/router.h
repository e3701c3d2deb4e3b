#pragma once

#include "server/http/message.h"
#include "server/http/websocket.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::http {

/// Answers a request; called on a worker thread, where it may wait for a database or a disk. What it throws becomes the
/// answer of the server's error function.
using Handler = std::function<Response(const Request&)>;

/// Welcomes a WebSocket, or throws to refuse it, on a worker thread.
using WebSocketHandler = std::function<WebSocketCallbacks(const Request&, std::shared_ptr<WebSocketPeer>)>;

/// Threads of their own, so that what is quick never waits behind what is not.
enum class Lane {
    quick,     ///< a question to the database, a few milliseconds
    heavy,     ///< computes: hashes a password, encodes a song
    upstream,  ///< waits for another server
};

struct RouteOptions {
    std::size_t max_body = 0;  ///< bytes; 0: the server's limit
    Lane lane = Lane::quick;
    /// For a route whose requests differ in their work; it decides instead of `lane`, on a thread that must not wait.
    std::function<Lane(const Request&)> lane_of = nullptr;
    /// For a route with large bodies: asked before the body is read, when the request has none yet, on a thread that must
    /// not wait. What it throws is the answer; what it returns is held until the request is answered.
    std::function<std::shared_ptr<void>(const Request&)> admit = nullptr;
};

/// Which handler answers which path. Patterns are literal but for segments like "{id}", which match one non-empty segment;
/// a last segment "{rest...}" matches all that follows, slashes and all. Literal segments win over parameters.
class Router {
public:
    /// Throws ErrorCode::internal for a pattern that is there already.
    void add(std::string_view method, std::string_view pattern, Handler handler, RouteOptions options = {});
    void add_websocket(std::string_view pattern, WebSocketHandler handler);

    struct Match {
        const Handler* handler = nullptr;
        const WebSocketHandler* websocket = nullptr;
        RouteOptions options;
        std::map<std::string, std::string> parameters;
        std::vector<std::string> allowed;  ///< methods of this path when it has none for the one asked: 405
        std::string pattern;               ///< that matched, for metrics and logs: never what a stranger wrote
    };
    /// HEAD finds the handler of GET. A GET may find both a handler and a WebSocket; the more exact pattern of either has
    /// the parameters of the handler then, so give both the same pattern. Nothing found: no handler and nothing allowed:
    /// 404.
    [[nodiscard]] Match find(std::string_view method, std::string_view path) const;

    /// Every "METHOD /pattern" in the order in which they were added, "WS /pattern" among them.
    [[nodiscard]] std::vector<std::string> routes() const;

private:
    struct Route {
        std::string method, pattern;
        std::vector<std::string> segments;
        Handler handler;
        WebSocketHandler websocket;
        RouteOptions options;
    };
    void insert(Route route);

    std::vector<Route> routes_;
};

}  // namespace heart::server::http
