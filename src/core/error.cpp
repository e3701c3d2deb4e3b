#include "core/error.h"

#include "core/utf8.h"

#include <utility>

namespace heart {

std::string_view error_code_name(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::usage: return "usage";
        case ErrorCode::not_found: return "not_found";
        case ErrorCode::io: return "io";
        case ErrorCode::malformed: return "malformed";
        case ErrorCode::mismatch: return "mismatch";
        case ErrorCode::unsupported: return "unsupported";
        case ErrorCode::limit: return "limit";
        case ErrorCode::memory: return "memory";
        case ErrorCode::cancelled: return "cancelled";
        case ErrorCode::internal: return "internal";
    }
    return "internal";
}

Error::Error(ErrorCode code, std::string_view message) : code_(code), message_(printable(message, 1000)) {
    compose();
}

Error& Error::expected(std::string_view text) & {
    expected_ = printable(text, 500);
    compose();
    return *this;
}

Error& Error::found(std::string_view text) & {
    found_ = printable(text, 500);
    compose();
    return *this;
}

Error& Error::hint(std::string_view text) & {
    hint_ = printable(text, 500);
    compose();
    return *this;
}

Error&& Error::expected(std::string_view text) && {
    return std::move(expected(text));
}

Error&& Error::found(std::string_view text) && {
    return std::move(found(text));
}

Error&& Error::hint(std::string_view text) && {
    return std::move(hint(text));
}

void Error::compose() {
    line_ = message_;
    if (!expected_.empty()) line_ += ": expected " + expected_;
    if (!found_.empty()) line_ += (expected_.empty() ? ": found " : ", found ") + found_;
    if (!hint_.empty()) line_ += " (" + hint_ + ")";
}

std::string printable(std::string_view text, std::size_t max_bytes) {
    std::string out;
    out.reserve(std::min(text.size(), max_bytes));
    for (std::size_t i = 0; i < text.size();) {
        if (out.size() >= max_bytes) return out + "...";
        const Utf8Char c = decode_utf8(text, i);
        const bool control = c.code < 0x20 || (c.code >= 0x7f && c.code < 0xa0) || (c.code >= 0x2028 && c.code <= 0x202e) ||
                             (c.code >= 0x2066 && c.code <= 0x2069);
        if (c.length == 0 || control) {
            out += '?';
            i += c.length == 0 ? 1 : c.length;
        } else {
            out.append(text.substr(i, c.length));
            i += c.length;
        }
    }
    return out;
}

void ensure(bool holds, const char* what) {
    if (!holds) throw Error(ErrorCode::internal, what);
}

}  // namespace heart
