#include "server/api/progress_json.h"
#include "server/api/reply.h"
#include "server/api/streams.h"

#include <algorithm>

namespace heart::server::api {

namespace {

/// A page of another site must not read what this browser's user may: sockets know no CORS.
void check_origin(const Services& services, const http::Request& request) {
    const auto origin = request.headers.find("Origin");
    if (!origin) return;  // not a browser
    const auto& allowed = services.options.cors_origins;
    if (std::find(allowed.begin(), allowed.end(), *origin) != allowed.end()) return;
    const std::size_t scheme = origin->find("://");
    const auto host = request.headers.find("Host");
    if (host && scheme != std::string_view::npos && origin->substr(scheme + 3) == *host) return;
    refuse(403, "This origin is not allowed");
}

/// The parts of a comma-separated list, trimmed.
std::vector<std::string_view> list_of(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string_view part = text.substr(0, comma);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        if (!part.empty()) out.push_back(part);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return out;
}

/// What a text message says as a token: the token itself, or {"token": "..."}; "" for anything else.
std::string token_in(std::string_view text) {
    if (text.starts_with('{')) {
        const Json value = Json::parse(text, nullptr, false);
        const auto it = value.is_object() ? value.find("token") : value.end();
        return value.is_object() && it != value.end() && it->is_string() ? it->get<std::string>() : std::string();
    }
    return std::count(text.begin(), text.end(), '.') == 2 && text.find(' ') == std::string_view::npos ? std::string(text)
                                                                                                      : std::string();
}

/// One client of /ws/progress.
class ProgressSocket {
public:
    ProgressSocket(Services& services, std::shared_ptr<http::WebSocketPeer> peer)
        : services_(services), peer_(std::move(peer)) {}

    /// False when the token is not good.
    bool sign_in(const std::string& token) {
        const auto identity = services_.accounts.identify(token);
        if (!identity.user) return false;
        watch_ = std::make_shared<TokenWatch>(services_.accounts, token);
        subscription_ =
            services_.hub.listen(identity.user->id, [peer = peer_, watch = watch_](const jobs::JobProgress& news) {
                if (!watch->good()) return peer->close(kPolicy, "signed out");
                peer->send(progress_json(news).dump(-1, ' ', false, Json::error_handler_t::replace));
            });
        return true;
    }

    void hear(std::string_view text) {
        if (text == "ping") {
            if (watch_ && !watch_->good()) return peer_->close(kPolicy, "signed out");
            return peer_->send("pong");
        }
        if (watch_) return;  // whatever else a client says is ignored, as ever
        const std::string token = token_in(text);
        if (!token.empty() && !sign_in(token)) peer_->close(kPolicy, "Invalid or expired token");
    }
    void silence() {
        if (watch_ && !watch_->good()) return peer_->close(kPolicy, "signed out");
        peer_->send("ping");
    }
    void end() { subscription_.end(); }

private:
    static constexpr int kPolicy = 1008;  // RFC 6455, 7.4.1

    Services& services_;
    std::shared_ptr<http::WebSocketPeer> peer_;
    std::shared_ptr<TokenWatch> watch_;
    jobs::ProgressHub::Subscription subscription_;
};

http::WebSocketCallbacks welcome(Services& services, const http::Request& request,
                                 std::shared_ptr<http::WebSocketPeer> peer) {
    check_origin(services, request);
    const auto socket = std::make_shared<ProgressSocket>(services, std::move(peer));
    http::WebSocketCallbacks calls;
    std::string token;
    if (const auto in_address = request.query_value("token")) token = *in_address;
    if (const auto offered = request.headers.find("Sec-WebSocket-Protocol"); offered && token.empty()) {
        // Browsers can send a token only here: new WebSocket(address, ["bearer", token]).
        const auto protocols = list_of(*offered);
        if (protocols.size() == 2 && protocols[0] == "bearer") {
            token = protocols[1];
            calls.subprotocol = "bearer";
        }
    }
    if (!token.empty() && !socket->sign_in(token)) refuse(401, "Invalid or expired token");
    calls.on_text = [socket](std::string_view text) { socket->hear(text); };
    calls.on_silence = [socket] { socket->silence(); };
    calls.on_end = [socket] { socket->end(); };
    return calls;
}

http::Response events(Services& services, const http::Request& request) {
    database::User user;
    std::string token;
    if (const auto in_address = request.query_value("token")) {
        const auto identity = services.accounts.identify(*in_address);
        if (!identity.user) {
            http::Headers headers;
            headers.set("WWW-Authenticate", "Bearer");
            refuse(401, "Invalid or expired token", std::move(headers));
        }
        user = *identity.user;
        token = *in_address;
    } else {
        user = user_of(services, request);
        token = *bearer_token(request);
    }
    http::Response out;
    out.headers.set("Content-Type", "text/event-stream");
    out.headers.set("Cache-Control", "no-store");
    out.headers.set("X-Accel-Buffering", "no");  // proxies pass it on at once
    out.body = event_stream(services.hub, user.id, std::make_shared<TokenWatch>(services.accounts, token));
    return out;
}

http::Response live_audio(const Services& services, const http::Request& request) {
    const std::string& id = request.parameter("id");
    if (!has_media_proof(services, request, "jobs/" + id + "/audio")) {
        const database::User user = user_of(services, request);
        const auto job = services.jobs.by_id(id);
        if (!job || job->user_id != user.id) refuse(404, "Job not found");
    }
    auto song = services.runner.live(id);
    if (song == nullptr) refuse(404, "Nothing of this song can be heard now");
    http::Response out;
    out.headers.set("Content-Type", "audio/wav");
    out.headers.set("Cache-Control", "no-store");
    out.body = live_wav(std::move(song));
    return out;
}

}  // namespace

void add_progress_endpoints(http::Router& router, Services& services) {
    router.add_websocket("/ws/progress", [&services](const http::Request& r, std::shared_ptr<http::WebSocketPeer> peer) {
        return welcome(services, r, std::move(peer));
    });
    router.add("GET", "/api/events", [&services](const auto& r) { return events(services, r); });
    router.add("GET", "/api/jobs/{id}/audio", [&services](const auto& r) { return live_audio(services, r); });
}

}  // namespace heart::server::api
