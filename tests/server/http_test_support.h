#pragma once

#include "server/http_client.h"

#include "server/http/server.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace heart::test {

/// A server on a free port of loopback, started at once.
class RunningServer {
public:
    explicit RunningServer(server::http::Router router, server::http::Limits limits = {}, server::http::Hooks hooks = {},
                           server::http::ServerOptions options = {})
        : server_(with(std::move(options), limits), std::move(router), std::move(hooks)) {
        server_.start();
    }
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }
    server::http::Server* operator->() { return &server_; }

private:
    static server::http::ServerOptions with(server::http::ServerOptions options, const server::http::Limits& limits) {
        options.port = 0;
        options.limits = limits;
        return options;
    }
    server::http::Server server_;
};

inline server::http::Response text_response(std::string text) {
    server::http::Response out;
    out.headers.set("Content-Type", "text/plain");
    out.body = std::move(text);
    return out;
}

/// GET /hello, and POST /echo that returns its body.
inline server::http::Router small_router() {
    server::http::Router router;
    router.add("GET", "/hello", [](const server::http::Request&) { return text_response("hello"); });
    router.add("POST", "/echo", [](const server::http::Request& request) { return text_response(request.body); });
    return router;
}

/// What threads wait at until it opens.
class Gate {
public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.wait(lock, [this] { return open_; });
        --waiting_;
    }
    int waiting() {
        const std::lock_guard lock(mutex_);
        return waiting_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int waiting_ = 0;
};

}  // namespace heart::test
