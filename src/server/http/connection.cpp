#include "server/http/connection.h"

#include "server/http/request_parts.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

namespace heart::server::http {
namespace {

constexpr std::size_t kHeaderRead = 4 * 1024, kBodyRead = 32 * 1024;
constexpr std::chrono::seconds kLinger{2};

/// 16 hex digits: not a secret, only different from others.
std::string new_request_id() {
    thread_local std::mt19937_64 random{std::random_device{}()};
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string id(16, '0');
    for (auto bits = random(); char& c : id) {
        c = kHex[bits & 15];
        bits >>= 4;
    }
    return id;
}

bool is_request_id(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

}  // namespace

HttpError Connection::busy() {
    Headers headers;
    headers.set("Retry-After", "1");
    return HttpError(503, "The server is busy.", headers);
}

Connection::Connection(Shared& shared, Loop& loop, Transport transport, std::string address)
    : shared_(shared),
      loop_(loop),
      transport_(std::move(transport)),
      signal_(loop.context.get_executor()),
      address_(std::move(address)) {}

Transport& Connection::transport() noexcept {
    return websocket_ ? websocket_->next_layer() : transport_;
}

std::string_view Connection::input() const noexcept {
    const auto data = in_.data();
    return {static_cast<const char*>(data.data()), data.size()};
}

void Connection::start() {
    loop_.connections.insert(this);
    asio::co_spawn(
        loop_.context.get_executor(), [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void Connection::wind_down() {
    winding_down_ = woken_ = true;
    notify();
}

void Connection::cut() noexcept {
    if (!cut_) {
        cut_ = true;
        error_code ignored;
        transport().socket().close(ignored);
    }
    notify();
}

void Connection::begin_read(std::size_t most) {
    if (reading_ || read_error_) return;
    reading_ = true;
    transport_.async_read_some(in_.prepare(most), [self = shared_from_this()](const error_code& error, std::size_t bytes) {
        self->reading_ = false;
        self->read_error_ = error;
        self->in_.commit(bytes);
        self->notify();
    });
}

auto Connection::more_bytes(std::size_t most, Clock::time_point until) -> Async<Bytes> {
    begin_read(most);
    const bool came = co_await wait_for([this] { return !reading_; }, until);
    co_return !came ? Bytes::late : read_error_ ? Bytes::closed : Bytes::came;
}

/// False when the client left or took nothing for too long; the connection is cut then.
Async<bool> Connection::write(std::string_view data) {
    while (!data.empty() && !cut_) {
        writing_ = true;
        transport_.async_write_some(asio::buffer(data),
                                    [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                                        self->writing_ = false;
                                        self->write_error_ = error;
                                        self->written_ = bytes;
                                        self->notify();
                                    });
        const auto until = Clock::now() + shared_.options.limits.body_time;
        const bool in_time = co_await wait_for([this] { return !writing_; }, until);
        if (!in_time) cut();
        co_await wait_for([this] { return !writing_; });  // `data` is in use until then
        if (write_error_) cut();
        if (!cut_) data.remove_prefix(written_);
    }
    co_return !cut_;
}

Async<void> Connection::run() {
    const auto self = shared_from_this();
    try {
        bool open = co_await handshake();
        while (open) open = co_await serve_one();
        if (linger_) co_await close_gently();
    } catch (const std::exception&) {  // memory is short: this connection ends, the others go on
    }
    end();
}

Async<bool> Connection::handshake() {
    if (!transport_.tls()) co_return true;
    bool done = false;
    error_code failure;
    transport_.async_handshake([&, self = shared_from_this()](const error_code& error) {
        done = true;
        failure = error;
        notify();
    });
    const bool in_time = co_await wait_for([&] { return done; }, Clock::now() + shared_.options.limits.header_time);
    if (!in_time) cut();
    co_await wait_for([&] { return done; });
    co_return !failure && !cut_;
}

/// Waits for the first byte of a request; idle connections hold no more memory than one small buffer.
Async<bool> Connection::await_request() {
    const auto until = Clock::now() + shared_.options.limits.idle_time;
    if (!reading_ && in_.size() == 0 && in_.capacity() > kHeaderRead) in_ = {};
    for (;;) {
        if (!reading_) {
            while (input().starts_with("\r\n"))
                in_.consume(2);  // some clients end a body with an empty line (RFC 9112, 2.2)
            if (in_.size() > 0 && input() != "\r") co_return !winding_down_;
        }
        begin_read(kIdleRead);
        const bool news = co_await wait_for([this] { return !reading_ || winding_down_ || cut_; }, until);
        if (!news || winding_down_ || cut_ || (!reading_ && read_error_)) co_return false;
    }
}

Async<bool> Connection::serve_one() {
    const bool asked = co_await await_request();
    if (!asked) co_return false;
    const auto exchange = std::make_shared<Exchange>();
    exchange->began = Clock::now();
    exchange->request.id = new_request_id();
    RequestReader reader(shared_.options.limits);
    bool answerable = co_await read_header(reader, *exchange);
    if (!answerable) co_return false;
    const auto unanswered = [&] { return exchange->outgoing.head.empty(); };
    if (unanswered() && exchange->match.websocket != nullptr && reader.head().wants_websocket) {
        const bool more = co_await upgrade(reader, exchange);
        co_return more;
    }
    if (unanswered()) answerable = co_await read_body(reader, *exchange);
    if (!answerable) co_return false;
    if (unanswered()) co_await call_handler(exchange);
    const bool more = co_await respond(*exchange);
    co_return more;
}

/// False when there is nobody to answer. What is refused has its answer in `exchange.outgoing`.
Async<bool> Connection::read_header(RequestReader& reader, Exchange& exchange) {
    const auto until = exchange.began + shared_.options.limits.header_time;
    for (;;) {
        in_.consume(reader.take(input()));
        if (reader.state() != RequestReader::State::header) break;
        const auto bytes = co_await more_bytes(kHeaderRead, until);
        if (bytes == Bytes::closed) co_return false;
        if (bytes == Bytes::late) {
            refuse(exchange, HttpError(408, "The request did not come in time."), false);
            co_return true;
        }
    }
    if (understand(reader, exchange)) route(reader.head(), exchange);
    co_return true;
}

/// Fills the request from its header. False when it is refused.
bool Connection::understand(RequestReader& reader, Exchange& exchange) {
    auto& head = reader.head();
    auto& request = exchange.request;
    request.method = head.method;
    request.headers = head.headers;
    exchange.form = {head.method == "HEAD", head.version_1_1, head.keep_alive};
    shared_.proxies.identify(request, address_, transport_.tls());
    if (const auto id = request.headers.find("X-Request-Id"); id && is_request_id(*id)) request.id = std::string(*id);
    if (reader.state() == RequestReader::State::refused) {
        refuse(exchange, reader.refusal(), false);
        return false;
    }
    auto target = parse_target(head.target);
    if (!target) {
        refuse(exchange, HttpError(400, "The request's target is malformed."), !head.has_body);
        return false;
    }
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    return true;
}

/// Finds the handler. False when there is none, and the answer says so.
bool Connection::route(const RequestReader::Head& head, Exchange& exchange) {
    auto& match = exchange.match;
    match = shared_.router.find(exchange.request.method, exchange.request.path);
    exchange.request.parameters = match.parameters;
    if (match.handler != nullptr || (match.websocket != nullptr && head.wants_websocket)) return true;
    Headers headers;
    if (match.websocket != nullptr) {
        headers.set("Upgrade", "websocket");
        headers.set("Connection", "Upgrade");
        refuse(exchange, HttpError(426, "This is a WebSocket.", headers), !head.has_body);
    } else if (!match.allowed.empty()) {
        std::string allowed;
        for (const auto& method : match.allowed) allowed += (allowed.empty() ? "" : ", ") + method;
        headers.set("Allow", allowed);
        refuse(exchange, HttpError(405, "Method Not Allowed", headers), !head.has_body);
    } else {
        refuse(exchange, HttpError(404, "Not Found"), !head.has_body);
    }
    return false;
}

void Connection::refuse(Exchange& exchange, const HttpError& error, bool keep_alive) {
    // What was not read of the request would be taken for the next one.
    exchange.form.keep_alive = exchange.form.keep_alive && keep_alive;
    exchange.outgoing = shared_.answerer.refusal(exchange.request, exchange.form, error);
}

/// Asks the route whether it wants the body. False when it does not, and the answer says why.
bool Connection::admit(Exchange& exchange) {
    const auto& asked = exchange.match.options.admit;
    if (!asked) return true;
    try {
        exchange.admission = asked(exchange.request);
        return true;
    } catch (...) {
        exchange.form.keep_alive = false;
        exchange.outgoing = shared_.answerer.refusal(exchange.request, exchange.form, std::current_exception());
        return false;
    }
}

/// Like read_header.
Async<bool> Connection::read_body(RequestReader& reader, Exchange& exchange) {
    const auto& limits = shared_.options.limits;
    if (!admit(exchange)) co_return true;
    reader.allow_body(exchange.match.options.max_body > 0 ? exchange.match.options.max_body : limits.body_bytes);
    if (reader.state() == RequestReader::State::body && reader.head().expects_continue && in_.size() == 0) {
        const bool told = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
        if (!told) co_return false;
    }
    while (reader.state() == RequestReader::State::body) {
        in_.consume(reader.take(input()));
        if (reader.state() != RequestReader::State::body) break;
        const auto bytes = co_await more_bytes(kBodyRead, Clock::now() + limits.body_time);
        if (bytes == Bytes::closed) co_return false;
        if (bytes == Bytes::late) {
            refuse(exchange, HttpError(408, "The request's body did not come in time."), false);
            co_return true;
        }
    }
    if (reader.state() == RequestReader::State::refused) {
        refuse(exchange, reader.refusal(), false);
    } else {
        exchange.request.body = reader.take_body();
    }
    co_return true;
}

/// On a thread of the route's lane.
Async<void> Connection::call_handler(const std::shared_ptr<Exchange>& exchange) {
    const auto done = std::make_shared<bool>(false);
    const RouteOptions& options = exchange->match.options;
    auto& lane = shared_.lane(options.lane_of ? options.lane_of(exchange->request) : options.lane);
    const bool taken = lane.submit([self = shared_from_this(), exchange, done](bool abandoned) {
        const auto& answerer = self->shared_.answerer;
        exchange->outgoing = abandoned ? answerer.refusal(exchange->request, exchange->form, busy())
                                       : answerer.answer(exchange->request, exchange->form,
                                                         [&] { return (*exchange->match.handler)(exchange->request); });
        asio::post(self->loop_.context, [self, done] {
            *done = true;
            self->notify();
        });
    });
    if (!taken) {
        refuse(*exchange, busy(), true);
        co_return;
    }
    co_await wait_for([&] { return *done; });
}

/// Lets the client read the last answer before the connection goes: closing with unread input would discard it.
Async<void> Connection::close_gently() {
    const auto until = Clock::now() + kLinger;
    if (transport_.tls()) {
        if (reading_ || read_error_) co_return;
        bool done = false;
        transport_.async_shutdown([&, self = shared_from_this()](const error_code&) {
            done = true;
            notify();
        });
        const bool in_time = co_await wait_for([&] { return done; }, until);
        if (!in_time) cut();
        co_await wait_for([&] { return done; });
    } else {
        error_code ignored;
        transport_.socket().shutdown(TcpSocket::shutdown_send, ignored);
        std::size_t discarded = 0;
        while (!read_error_ && !cut_ && !winding_down_ && discarded < (std::size_t{1} << 20)) {
            if (!reading_) {
                discarded += in_.size();
                in_.consume(in_.size());
            }
            const auto bytes = co_await more_bytes(kHeaderRead, until);
            if (bytes != Bytes::came) break;
        }
    }
}

void Connection::end() noexcept {
    cut();
    loop_.connections.erase(this);
    shared_.census.leave(address_);
}

}  // namespace heart::server::http
