#include "server/http/message.h"

#include "core/error.h"
#include "server/http/request_parts.h"

#include <algorithm>

namespace heart::server::http {
namespace {

/// Field names are tokens (RFC 9110, 5.6.2).
bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

void check_field(std::string_view name, std::string_view value) {
    if (!is_token(name)) {
        throw Error(ErrorCode::internal, "a header's name is not one").expected("a token").found(printable(name, 60));
    }
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
        // The value may be a secret: it is not shown.
        throw Error(ErrorCode::internal, "the value of header '" + std::string(name) + "' would break the message")
            .expected("no CR, LF or NUL");
    }
}

}  // namespace

void Headers::set(std::string_view name, std::string_view value) {
    check_field(name, value);
    std::erase_if(fields_, [&](const auto& field) { return equal_ignoring_case(field.first, name); });
    fields_.emplace_back(name, value);
}

void Headers::add(std::string_view name, std::string_view value) {
    check_field(name, value);
    fields_.emplace_back(name, value);
}

void Headers::remove(std::string_view name) noexcept {
    std::erase_if(fields_, [&](const auto& field) { return equal_ignoring_case(field.first, name); });
}

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept {
    for (const auto& [key, value] : fields_) {
        if (equal_ignoring_case(key, name)) return value;
    }
    return std::nullopt;
}

std::optional<std::string_view> Request::query_value(std::string_view name) const noexcept {
    for (auto pair = query.rbegin(); pair != query.rend(); ++pair) {
        if (pair->first == name) return pair->second;
    }
    return std::nullopt;
}

const std::string& Request::parameter(const std::string& name) const {
    const auto found = parameters.find(name);
    if (found == parameters.end()) throw Error(ErrorCode::internal, "the route has no parameter '" + name + "'");
    return found->second;
}

std::optional<std::string> Request::cookie(std::string_view name) const {
    for (const auto& [key, list] : headers.all()) {
        if (!equal_ignoring_case(key, "Cookie")) continue;
        const std::string_view text = list;
        for (std::size_t start = 0; start < text.size();) {
            const auto end = std::min(text.find(';', start), text.size());
            const auto pair = trimmed(text.substr(start, end - start));
            start = end + 1;
            const auto equals = pair.find('=');
            if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
            auto value = pair.substr(equals + 1);
            if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
            return std::string(value);
        }
    }
    return std::nullopt;
}

std::string_view reason_of(int status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 101: return "Switching Protocols";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 203: return "Non-Authoritative Information";
        case 204: return "No Content";
        case 205: return "Reset Content";
        case 206: return "Partial Content";
        case 300: return "Multiple Choices";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 307: return "Temporary Redirect";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 402: return "Payment Required";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 407: return "Proxy Authentication Required";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 411: return "Length Required";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 416: return "Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 421: return "Misdirected Request";
        case 422: return "Unprocessable Content";
        case 423: return "Locked";
        case 425: return "Too Early";
        case 426: return "Upgrade Required";
        case 428: return "Precondition Required";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 451: return "Unavailable For Legal Reasons";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        case 507: return "Insufficient Storage";
        default: return "Unknown";
    }
}

}  // namespace heart::server::http
