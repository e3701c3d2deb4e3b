#include "server/http/connection.h"

#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/option.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <exception>
#include <utility>

namespace heart::server::http {
namespace {

constexpr std::chrono::seconds kCloseTime{5};
/// For the client to end the connection after it closed; the answer has gone by then.
constexpr std::chrono::seconds kClosedTime{1};
/// Messages that wait for their callback; more are not read until it has caught up.
constexpr std::size_t kMostEvents = 16;

}  // namespace

struct Connection::Conversation {
    struct Event {
        bool silence = false;
        std::string text;
    };

    std::shared_ptr<WebSocketQueue> queue;
    WebSocketCallbacks callbacks;
    boost::beast::flat_buffer message;
    std::string sending;
    std::deque<Event> events;
    bool reading = false, writing = false, closing = false, close_outstanding = false, calling = false, over = false;
    bool closed_by_client = false;
    Clock::time_point heard = Clock::now(), close_until;
};

/// Asks the handler, and holds the conversation if it agrees. False when the connection ends.
Async<bool> Connection::upgrade(RequestReader& reader, const std::shared_ptr<Exchange>& exchange) {
    // A client may send nothing before its answer (RFC 6455, 4.1).
    if (reader.head().has_body || in_.size() > 0) {
        refuse(*exchange, HttpError(400, "A WebSocket begins with a request without a body."), false);
        const bool more = co_await respond(*exchange);
        co_return more;
    }
    const auto talk = std::make_shared<Conversation>();
    const auto& limits = shared_.options.limits;
    talk->queue = std::make_shared<WebSocketQueue>(limits.websocket_queue_bytes, [self = shared_from_this()] {
        asio::post(self->loop_.context, [self] {
            self->woken_ = true;
            self->notify();
        });
    });
    const auto done = std::make_shared<bool>(false);
    const bool taken =
        shared_.lane(exchange->match.options.lane).submit([self = shared_from_this(), exchange, talk, done](bool abandoned) {
            const auto& answerer = self->shared_.answerer;
            try {
                if (abandoned) throw busy();
                talk->callbacks = (*exchange->match.websocket)(exchange->request, talk->queue);
            } catch (...) {
                exchange->outgoing = answerer.refusal(exchange->request, exchange->form, std::current_exception());
            }
            asio::post(self->loop_.context, [self, done] {
                *done = true;
                self->notify();
            });
        });
    if (taken) {
        co_await wait_for([&] { return *done; });
    } else {
        refuse(*exchange, busy(), true);
    }
    if (!exchange->outgoing.head.empty()) {
        talk->queue->end();
        const bool more = co_await respond(*exchange);
        co_return more;
    }
    const bool accepted = co_await accept_websocket(reader.head(), *exchange, talk->callbacks.subprotocol);
    record(*exchange, accepted ? 101 : 400);
    if (accepted) {
        ++shared_.websockets;
        co_await converse(*talk);
        --shared_.websockets;
    }
    co_await finish_conversation(*talk);
    co_return false;
}

Async<bool> Connection::accept_websocket(RequestReader::Head& head, const Exchange& exchange, const std::string& protocol) {
    namespace beast = boost::beast;
    websocket_ = std::make_unique<WebSocketStream>(std::move(transport_));
    const auto& limits = shared_.options.limits;
    websocket_->set_option(beast::websocket::stream_base::timeout{limits.header_time, limits.idle_time, true});
    websocket_->set_option(beast::websocket::stream_base::decorator(
        [id = exchange.request.id, protocol](beast::websocket::response_type& response) {
            response.set("X-Request-Id", id);
            response.set(beast::http::field::server, "Heart");  // else it tells its own name
            if (!protocol.empty()) response.set(beast::http::field::sec_websocket_protocol, protocol);
        }));
    websocket_->read_message_max(limits.websocket_message_bytes);
    websocket_->auto_fragment(false);
    websocket_->text(true);
    beast::http::request<beast::http::empty_body> request;
    request.method_string(head.method);
    request.target(head.target);
    request.version(11);
    for (const auto& [name, value] : head.headers.all()) request.insert(name, value);
    bool done = false;
    error_code failure;
    websocket_->async_accept(request, [&, self = shared_from_this()](const error_code& error) {
        done = true;
        failure = error;
        notify();
    });
    co_await wait_for([&] { return done; });  // Beast's own timeout ends it
    co_return !failure && !cut_;
}

Async<void> Connection::converse(Conversation& talk) {
    const auto silence = shared_.options.limits.websocket_silence;
    websocket_->control_callback([this, &talk](boost::beast::websocket::frame_type kind, boost::beast::string_view) {
        if (kind != boost::beast::websocket::frame_type::close) return;
        talk.closed_by_client = woken_ = true;
        talk.close_until = Clock::now() + kClosedTime;
        notify();
    });
    while (!talk.over && !cut_) {
        woken_ = false;
        advance(talk);
        const bool ending = talk.closing || talk.closed_by_client;
        const bool listens = talk.callbacks.on_silence && !ending;
        const auto until = ending ? talk.close_until : listens ? talk.heard + silence : Clock::now() + std::chrono::hours(1);
        const bool news = co_await wait_for([this] { return woken_ || cut_; }, until);
        if (news) continue;
        if (ending) {
            cut();
        } else if (listens) {
            talk.heard = Clock::now();
            const bool known = !talk.events.empty() && talk.events.back().silence;
            if (!known) talk.events.push_back({true, {}});
        }
    }
}

/// Begins whatever can be begun.
void Connection::advance(Conversation& talk) {
    if (winding_down_) talk.queue->close_at_once(1001, "going away");
    const auto closing = talk.queue->closing();
    if (closing && !talk.closing && !talk.closed_by_client && (closing->at_once || !talk.writing))
        close_websocket(talk, *closing);
    if (!talk.writing && !talk.closing && !talk.closed_by_client) write_next(talk);
    if (!talk.reading && !talk.closing && talk.events.size() < kMostEvents) read_next(talk);
    if (!talk.calling && !talk.events.empty()) run_event(talk);
}

void Connection::write_next(Conversation& talk) {
    auto text = talk.queue->take();
    if (!text) return;
    talk.sending = std::move(*text);
    talk.writing = true;
    websocket_->async_write(asio::buffer(talk.sending),
                            [this, &talk, self = shared_from_this()](const error_code& error, std::size_t) {
                                talk.writing = false;
                                talk.queue->written(talk.sending.size());
                                if (error && !talk.closing) talk.over = true;
                                woken_ = true;
                                notify();
                            });
}

void Connection::read_next(Conversation& talk) {
    talk.reading = true;
    websocket_->async_read(talk.message, [this, &talk, self = shared_from_this()](const error_code& error, std::size_t) {
        talk.reading = false;
        woken_ = true;
        notify();
        if (error) {
            // A close that is under way ends the conversation itself, when its last frame has
            // gone.
            if (!talk.closing) talk.over = true;
            return;
        }
        talk.heard = Clock::now();
        if (!websocket_->got_text()) {
            talk.queue->close_at_once(1003, "only text");
        } else if (talk.callbacks.on_text && !talk.closing) {
            talk.events.push_back({false, boost::beast::buffers_to_string(talk.message.data())});
        }
        talk.message.clear();
    });
}

void Connection::close_websocket(Conversation& talk, const WebSocketQueue::Closing& closing) {
    talk.closing = talk.close_outstanding = true;
    talk.close_until = Clock::now() + kCloseTime;
    boost::beast::websocket::close_reason reason;
    reason.code = static_cast<std::uint16_t>(closing.code);
    reason.reason.assign(closing.reason.data(), closing.reason.size());
    websocket_->async_close(reason, [this, &talk, self = shared_from_this()](const error_code&) {
        talk.close_outstanding = false;
        talk.over = woken_ = true;
        notify();
    });
}

/// The callbacks' own order and one at a time: the next is handed over when the last has returned.
void Connection::run_event(Conversation& talk) {
    auto event = std::move(talk.events.front());
    talk.events.pop_front();
    talk.calling = true;
    shared_.lane(Lane::quick).submit_always([this, &talk, self = shared_from_this(), event = std::move(event)](bool) {
        try {
            if (event.silence) {
                talk.callbacks.on_silence();
            } else {
                talk.callbacks.on_text(event.text);
            }
        } catch (...) {
            talk.queue->close_at_once(1011, "internal error");
        }
        asio::post(loop_.context, [this, &talk, self] {
            talk.calling = false;
            woken_ = true;
            notify();
        });
    });
}

/// Waits for all that still refers to the conversation, then says that it has ended.
Async<void> Connection::finish_conversation(Conversation& talk) {
    talk.queue->end();
    cut();
    co_await wait_for([&] { return !talk.reading && !talk.writing && !talk.close_outstanding; });
    while (talk.calling || !talk.events.empty()) {
        if (!talk.calling) run_event(talk);
        co_await wait_for([&] { return !talk.calling; });
    }
    if (!talk.callbacks.on_end) co_return;
    bool done = false;
    shared_.lane(Lane::quick).submit_always([&, self = shared_from_this()](bool) {
        try {
            talk.callbacks.on_end();
        } catch (...) {  // its last call: there is nothing left to end
        }
        asio::post(loop_.context, [&done, self] {
            done = true;
            self->notify();
        });
    });
    co_await wait_for([&] { return done; });
    talk.callbacks = {};
}

}  // namespace heart::server::http
