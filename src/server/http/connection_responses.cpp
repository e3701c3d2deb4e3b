#include "server/http/connection.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <utility>
#include <variant>

namespace heart::server::http {
namespace {

constexpr std::size_t kFilePiece = 128 * 1024, kSourcePiece = 32 * 1024;
constexpr std::size_t kJoinedBody = 16 * 1024;  ///< a body up to this goes out together with its header

}  // namespace

/// False when the connection ends with this response.
Async<bool> Connection::respond(Exchange& exchange) {
    const bool sent = co_await send(exchange);
    record(exchange, exchange.outgoing.status);
    const bool more = sent && exchange.outgoing.keep_alive;
    linger_ = sent && !more;
    co_return more;
}

void Connection::record(const Exchange& exchange, int status) noexcept {
    ++shared_.requests;
    if (!shared_.hooks.on_access) return;
    try {
        const auto& request = exchange.request;
        AccessRecord record{request.id, request.method, request.path, exchange.match.pattern, request.remote_address};
        record.status = status;
        record.bytes = exchange.sent;
        record.seconds = std::chrono::duration<double>(Clock::now() - exchange.began).count();
        shared_.hooks.on_access(record);
    } catch (const std::exception&) {  // a log that fails stops no answers
    }
}

Async<bool> Connection::send(Exchange& exchange) {
    auto& out = exchange.outgoing;
    std::size_t next = 0;
    if (!out.pieces.empty() && std::holds_alternative<std::string>(out.pieces.front())) {
        const auto& text = std::get<std::string>(out.pieces.front());
        if (text.size() <= kJoinedBody) {
            out.head += text;
            exchange.sent += text.size();
            next = 1;
        }
    }
    bool open = co_await write(out.head);
    if (out.source) {
        if (open) {
            open = co_await send_source(exchange);
        } else {
            out.source->set_wake({});
        }
        co_return open;
    }
    for (; open && next < out.pieces.size(); ++next) {
        if (const auto* text = std::get_if<std::string>(&out.pieces[next])) {
            open = co_await write(*text);
            if (open) exchange.sent += text->size();
        } else {
            open = co_await send_file(std::get<FilePart>(out.pieces[next]), exchange.sent);
        }
    }
    co_return open;
}

/// Piece by piece: the next is read when the last has gone. What the page cache has not, a worker reads.
Async<bool> Connection::send_file(const FilePart& part, std::uint64_t& sent) {
    std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(part.size, kFilePiece)), '\0');
    for (std::uint64_t at = 0; at < part.size;) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(part.size - at, buffer.size()));
        auto outcome = part.file->read(part.offset + at, buffer.data(), size, false);
        if (outcome == OpenFile::Read::would_wait) {
            bool done = false;
            shared_.lane(Lane::quick).submit_always([&, self = shared_from_this()](bool) {
                outcome = part.file->read(part.offset + at, buffer.data(), size, true);
                asio::post(loop_.context, [&done, self] {
                    done = true;
                    self->notify();
                });
            });
            co_await wait_for([&] { return done; });
        }
        // The length is promised: a file that became shorter can only end in a broken connection.
        if (outcome != OpenFile::Read::done) co_return false;
        const bool written = co_await write(std::string_view(buffer).substr(0, size));
        if (!written) co_return false;
        at += size;
        sent += size;
    }
    co_return true;
}

Async<bool> Connection::send_data(const std::string& data, bool chunked, std::uint64_t& sent) {
    std::string framed;
    if (chunked) {
        std::array<char, 16> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), data.size(), 16).ptr;
        framed.assign(digits.data(), end).append("\r\n").append(data).append("\r\n");
    }
    const bool written = co_await write(chunked ? std::string_view(framed) : std::string_view(data));
    if (written) sent += data.size();
    co_return written;
}

/// Between a source, whose calls come from any thread and at any time, and a connection that may have ended.
class Waker : public std::enable_shared_from_this<Waker> {
public:
    Waker(std::shared_ptr<Connection> connection, std::function<void(Connection&)> wake)
        : connection_(std::move(connection)), wake_(std::move(wake)) {}

    void call(asio::io_context& context) {
        const std::lock_guard lock(mutex_);
        // While there is a connection, its loop runs.
        if (!connection_ || posted_) return;
        posted_ = true;
        asio::post(context, [self = shared_from_this()] { self->arrive(); });
    }
    void end() noexcept {
        const std::lock_guard lock(mutex_);
        connection_ = nullptr;
    }

private:
    void arrive() {
        std::shared_ptr<Connection> connection;
        {
            const std::lock_guard lock(mutex_);
            posted_ = false;
            connection = connection_;
        }
        if (connection) wake_(*connection);
    }

    std::mutex mutex_;
    std::shared_ptr<Connection> connection_;
    std::function<void(Connection&)> wake_;
    bool posted_ = false;
};

Async<bool> Connection::send_source(Exchange& exchange) {
    BodySource& source = *exchange.outgoing.source;
    const bool chunked = exchange.outgoing.chunked;
    const auto waker = std::make_shared<Waker>(shared_from_this(), [](Connection& connection) {
        connection.woken_ = true;
        connection.notify();
    });
    ++shared_.streams;
    const auto quiet = [this] { return Clock::now() + shared_.options.limits.keep_alive_time; };
    bool open = true, ended = false;
    try {
        auto until = quiet();
        while (open && !ended) {
            std::string data;
            woken_ = false;
            const auto state = source.pull(data, kSourcePiece);
            ended = state == BodySource::State::ended;
            if (!data.empty()) {
                open = co_await send_data(data, chunked, exchange.sent);
                until = quiet();
            }
            if (!open || ended || (state == BodySource::State::ready && !data.empty())) {
                open = open && !winding_down_;
                continue;
            }
            source.set_wake([waker, &context = loop_.context] { waker->call(context); });
            if (in_.size() == 0) begin_read(kIdleRead);  // tells that the reader left; what it sends is the next request's
            const auto left = [this] { return cut_ || winding_down_ || (!reading_ && read_error_); };
            const bool news = co_await wait_for([&] { return woken_ || left(); }, until);
            open = !left();
            if (open && !news) {
                const auto filler = source.keep_alive();
                if (!filler.empty()) open = co_await send_data(filler, chunked, exchange.sent);
                until = quiet();
            }
        }
    } catch (const std::exception&) {  // of the source: the body breaks off, which the reader can tell
        open = false;
    }
    waker->end();
    --shared_.streams;
    try {
        source.set_wake({});
    } catch (const std::exception&) {  // the reader left; nobody is there to tell
    }
    if (open && chunked) open = co_await write("0\r\n\r\n");
    co_return open;
}

}  // namespace heart::server::http
