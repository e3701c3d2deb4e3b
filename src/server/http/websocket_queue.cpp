#include "server/http/websocket_queue.h"

#include "core/utf8.h"

#include <utility>

namespace heart::server::http {
namespace {

/// What may stand in a close frame (RFC 6455, 5.5.1, 7.4).
int valid_code(int code) noexcept {
    const bool registered = code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
    return registered || (code >= 3000 && code <= 4999) ? code : 1011;
}

std::string valid_reason(std::string_view reason) {
    static constexpr std::size_t kMost = 123;
    std::string out(reason.substr(0, kMost));
    const auto invalid = find_invalid_utf8(out);
    if (invalid != std::string::npos) out.resize(invalid);
    return out;
}

}  // namespace

void WebSocketQueue::tell() {
    if (!told_ && tell_) {
        told_ = true;
        tell_();
    }
}

void WebSocketQueue::send(std::string text) {
    const std::lock_guard lock(mutex_);
    if (!tell_ || closing_) return;
    if (text.size() > most_bytes_ || bytes_ > most_bytes_ - text.size()) {
        queue_.clear();
        closing_ = Closing{1008, "too slow", true};
    } else {
        bytes_ += text.size();
        queue_.push_back(std::move(text));
    }
    tell();
}

void WebSocketQueue::close(int code, std::string_view reason) {
    const std::lock_guard lock(mutex_);
    if (!tell_ || closing_) return;
    closing_ = Closing{valid_code(code), valid_reason(reason), false};
    tell();
}

void WebSocketQueue::close_at_once(int code, std::string_view reason) {
    const std::lock_guard lock(mutex_);
    if (!tell_ || (closing_ && closing_->at_once)) return;
    queue_.clear();
    closing_ = Closing{valid_code(code), valid_reason(reason), true};
    tell();
}

std::optional<std::string> WebSocketQueue::take() {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    auto text = std::move(queue_.front());
    queue_.pop_front();
    return text;
}

void WebSocketQueue::written(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ -= bytes;
}

std::optional<WebSocketQueue::Closing> WebSocketQueue::closing() {
    const std::lock_guard lock(mutex_);
    told_ = false;
    // A close in turn comes after all that was sent before it.
    return closing_ && (closing_->at_once || queue_.empty()) ? closing_ : std::nullopt;
}

void WebSocketQueue::end() {
    const std::lock_guard lock(mutex_);
    tell_ = nullptr;
    queue_.clear();
}

}  // namespace heart::server::http
