#include "server/api/security.h"

#include <algorithm>

namespace heart::server::api {

namespace {

void set_if_missing(http::Headers& headers, std::string_view name, std::string_view value) {
    if (!headers.find(name)) headers.set(name, value);
}

/// The request's origin when it is one of those that are allowed.
std::optional<std::string_view> allowed_origin(const http::Request& request, const std::vector<std::string>& origins) {
    const auto origin = request.headers.find("Origin");
    return origin && std::find(origins.begin(), origins.end(), *origin) != origins.end() ? origin : std::nullopt;
}

void allow_origin(const http::Request& request, http::Response& response, std::string_view origin) {
    http::Headers& headers = response.headers;
    headers.set("Access-Control-Allow-Origin", origin);
    headers.set("Access-Control-Expose-Headers",
                "Content-Disposition, ETag, Idempotency-Replayed, Retry-After, WWW-Authenticate, X-Request-Id");
    if (request.method != "OPTIONS" || !request.headers.find("Access-Control-Request-Method")) return;
    response.status = 204;
    response.body = std::string();
    http::Headers preflight;
    for (const auto& [name, value] : headers.all()) {
        if (name != "Content-Type" && name != "Allow") preflight.add(name, value);
    }
    headers = std::move(preflight);
    headers.set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    headers.set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-None-Match, Range");
    headers.set("Access-Control-Max-Age", "600");
}

}  // namespace

void secure(const http::Request& request, http::Response& response, const std::vector<std::string>& cors_origins) {
    const auto origin = allowed_origin(request, cors_origins);
    if (!cors_origins.empty()) response.headers.add("Vary", "Origin");
    if (origin) allow_origin(request, response, *origin);
    http::Headers& headers = response.headers;
    set_if_missing(headers, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
    set_if_missing(headers, "X-Content-Type-Options", "nosniff");
    set_if_missing(headers, "X-Frame-Options", "DENY");
    set_if_missing(headers, "Referrer-Policy", "no-referrer");
    set_if_missing(headers, "Cross-Origin-Opener-Policy", "same-origin");
    set_if_missing(headers, "Cross-Origin-Resource-Policy", origin ? "cross-origin" : "same-origin");
    set_if_missing(headers, "Cache-Control", "no-store");
    if (request.secure) set_if_missing(headers, "Strict-Transport-Security", "max-age=31536000");
}

}  // namespace heart::server::api
