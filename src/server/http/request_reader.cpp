#include "server/http/request_reader.h"

#include "server/http/request_parts.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <charconv>

namespace heart::server::http {
namespace {

namespace beast = boost::beast;

/// A chunk's size with its extensions, or a field after the last chunk.
constexpr std::size_t kMostChunkLine = 8 * 1024;

/// Line ends are CRLF, nothing else, and no line goes on in the next one: what readers disagree about (RFC 9112, 2.2, 5.2).
bool lines_are_plain(std::string_view header) noexcept {
    for (std::size_t i = 0; i < header.size(); ++i) {
        const char c = header[i];
        if (c == '\0') return false;
        if (c == '\n' && (i == 0 || header[i - 1] != '\r')) return false;
        if (c == '\r' && (i + 1 == header.size() || header[i + 1] != '\n')) return false;
        if ((c == ' ' || c == '\t') && i > 0 && header[i - 1] == '\n') return false;
    }
    return true;
}

/// Text and tabs only, of a line without its end.
bool line_is_plain(std::string_view line) noexcept {
    return std::none_of(line.begin(), line.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; });
}

/// A request to a proxy names the whole address; the part behind the host is ours (RFC 9112, 3.2.2).
std::string origin_form(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.size() <= scheme.size() || !equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
        const auto path = target.find_first_of("/?", scheme.size());
        if (path == std::string_view::npos) return "/";
        return (target[path] == '?' ? "/" : "") + std::string(target.substr(path));
    }
    return std::string(target);
}

std::size_t count_of(const Headers& headers, std::string_view name) {
    return static_cast<std::size_t>(std::count_if(headers.all().begin(), headers.all().end(), [&](const auto& field) {
        return equal_ignoring_case(field.first, name);
    }));
}

bool any_has_token(const Headers& headers, std::string_view name, std::string_view token) {
    return std::any_of(headers.all().begin(), headers.all().end(), [&](const auto& field) {
        return equal_ignoring_case(field.first, name) && list_has_token(field.second, token);
    });
}

}  // namespace

class RequestReader::Parser : public beast::http::request_parser<beast::http::empty_body> {};

RequestReader::RequestReader(const Limits& limits) : limits_(limits), parser_(std::make_unique<Parser>()) {
    parser_->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.header_bytes, UINT32_MAX)));
    parser_->body_limit(boost::none);
}

RequestReader::~RequestReader() = default;

void RequestReader::refuse(int status, const char* detail) {
    state_ = State::refused;
    refusal_.emplace(status, detail);
}

std::size_t RequestReader::take(std::string_view bytes) {
    switch (state_) {
        case State::header: return take_header(bytes);
        case State::body: return take_body_bytes(bytes);
        default: return 0;
    }
}

std::size_t RequestReader::take_header(std::string_view bytes) {
    static constexpr std::string_view kEnd = "\r\n\r\n";
    const auto end = bytes.find(kEnd, searched_);
    const auto line_end = std::min(bytes.find('\r'), bytes.size());
    const auto target = std::min(bytes.find(' '), line_end);
    if (line_end - target > limits_.target_bytes + std::string_view("  HTTP/1.1").size()) {
        refuse(414, "The request's target is too long.");
        return 0;
    }
    if (end == std::string_view::npos ? bytes.size() >= limits_.header_bytes : end + kEnd.size() > limits_.header_bytes) {
        refuse(431, "The request's header is too large.");
        return 0;
    }
    if (end == std::string_view::npos) {
        // A bare LF never ends a line: without this, such a client would wait for its timeout.
        if (bytes.find("\n\n", searched_) != std::string_view::npos) refuse(400, "The request is malformed.");
        searched_ = bytes.size() - std::min(bytes.size(), kEnd.size() - 1);
        return 0;
    }
    const auto header = bytes.substr(0, end + kEnd.size());
    beast::error_code error;
    if (!lines_are_plain(header)) {
        refuse(400, "The request is malformed.");
        return 0;
    }
    const auto taken = parser_->put(boost::asio::buffer(header), error);
    if (error == beast::http::error::bad_version) {
        refuse(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    } else if (error || taken != header.size() || !parser_->is_header_done()) {
        refuse(400, "The request is malformed.");
    } else {
        check_header();
    }
    return state_ == State::refused ? 0 : taken;
}

void RequestReader::check_header() {
    const auto& message = parser_->get();
    head_.method = std::string(message.method_string());
    head_.target = origin_form(message.target());
    head_.version_1_1 = message.version() == 11;
    try {
        for (const auto& field : message) head_.headers.add(field.name_string(), field.value());
    } catch (const std::exception&) {
        refuse(400, "The request is malformed.");
        return;
    }
    const auto& headers = head_.headers;
    const bool asks_close = any_has_token(headers, "Connection", "close");
    head_.keep_alive = !asks_close && (head_.version_1_1 || any_has_token(headers, "Connection", "keep-alive"));
    head_.wants_websocket = head_.method == "GET" && head_.version_1_1 && any_has_token(headers, "Connection", "upgrade") &&
                            any_has_token(headers, "Upgrade", "websocket");
    check_framing();
    if (state_ == State::refused) return;
    if (const auto expect = headers.find("Expect")) {
        if (!equal_ignoring_case(*expect, "100-continue")) {
            refuse(417, "This expectation cannot be met.");
            return;
        }
        head_.expects_continue = head_.has_body && head_.version_1_1;
    }
    state_ = head_.has_body ? State::body : State::done;
}

void RequestReader::check_framing() {
    const auto& headers = head_.headers;
    const auto hosts = count_of(headers, "Host");
    if (hosts > 1 || (hosts == 0 && head_.version_1_1)) {
        refuse(400, "The request needs one Host.");
        return;
    }
    const auto lengths = count_of(headers, "Content-Length"), encodings = count_of(headers, "Transfer-Encoding");
    if (lengths + encodings > 1 || (encodings == 1 && !head_.version_1_1)) {
        refuse(400, "The length of the request's body is ambiguous.");
        return;
    }
    if (encodings == 1 && !equal_ignoring_case(*headers.find("Transfer-Encoding"), "chunked")) {
        refuse(501, "Only the transfer encoding \"chunked\" is understood.");
        return;
    }
    if (lengths == 1) {
        const auto text = *headers.find("Content-Length");
        if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
            refuse(400, "The length of the request's body is malformed.");
            return;
        }
        head_.body_length = parser_->content_length() ? std::optional<std::uint64_t>(*parser_->content_length()) : 0;
    }
    head_.has_body = encodings == 1 || head_.body_length.value_or(0) > 0;
}

void RequestReader::allow_body(std::size_t most) {
    most_body_ = most;
    if (state_ == State::body && head_.body_length && *head_.body_length > most) {
        refuse(413, "The request's body is too large.");
    }
}

std::size_t RequestReader::take_body_bytes(std::string_view bytes) {
    if (!head_.body_length) return take_chunks(bytes);
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(*head_.body_length - body_.size(), bytes.size()));
    body_.append(bytes.substr(0, taken));
    if (body_.size() == *head_.body_length) state_ = State::done;
    return taken;
}

/// RFC 9112, 7.1, read strictly. Beast's own reader lets quoted text of an extension run over the line's end, so that what
/// it takes for a chunk depends on how the bytes arrive.
std::size_t RequestReader::take_chunks(std::string_view bytes) {
    std::size_t taken = 0;
    while (state_ == State::body) {
        const auto rest = bytes.substr(taken);
        if (chunk_left_ > 0) {
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, rest.size()));
            if (count == 0) break;
            body_.append(rest.substr(0, count));
            chunk_left_ -= count;
            taken += count;
            if (chunk_left_ == 0) chunk_part_ = ChunkPart::data_end;
            continue;
        }
        const auto end = rest.substr(0, kMostChunkLine).find('\n');
        if (end == std::string_view::npos) {
            if (rest.size() >= kMostChunkLine) refuse(400, "A chunk of the request's body is malformed.");
            break;
        }
        taken += end + 1;
        const auto line = rest.substr(0, end);
        if (!line.ends_with('\r') || !line_is_plain(line.substr(0, end - 1))) {
            refuse(400, "A chunk of the request's body is malformed.");
        } else {
            take_chunk_line(line.substr(0, end - 1));
        }
    }
    return taken;
}

void RequestReader::take_chunk_line(std::string_view line) {
    switch (chunk_part_) {
        case ChunkPart::data_end:
            chunk_part_ = ChunkPart::size;
            if (!line.empty()) refuse(400, "A chunk of the request's body is malformed.");
            return;
        case ChunkPart::trailer:  // fields that come after the body are read over: a proxy may not have checked them
            trailer_bytes_ += line.size() + 2;
            if (line.empty()) {
                state_ = State::done;
            } else if (trailer_bytes_ > limits_.header_bytes) {
                refuse(431, "The request's trailer is too large.");
            }
            return;
        case ChunkPart::size: break;
    }
    std::uint64_t size = 0;
    const char* const end = line.data() + line.size();
    const auto [stopped, error] = std::from_chars(line.data(), end, size, 16);
    const auto extension = trimmed(line.substr(static_cast<std::size_t>(stopped - line.data())));
    if (error == std::errc::invalid_argument || (!extension.empty() && !extension.starts_with(';'))) {
        refuse(400, "A chunk of the request's body is malformed.");
    } else if (error != std::errc() || size > most_body_ - body_.size()) {
        refuse(413, "The request's body is too large.");
    } else if (size == 0) {
        chunk_part_ = ChunkPart::trailer;
    } else {
        chunk_left_ = size;
    }
}

std::string RequestReader::take_body() {
    return std::move(body_);
}

}  // namespace heart::server::http
