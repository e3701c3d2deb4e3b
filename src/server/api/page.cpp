// Heart Studio's page: built from web/, embedded as it is. Every address of the page answers with the same document, whose
// script reads the address; so links into the page and its reload button work. It names what it loads relative to itself, so
// that it works under any path that a proxy puts before it.

#include "core/error.h"
#include "server/api/services.h"
#include "server/api/web_files.h"
#include "server/http/request_parts.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string>
#include <string_view>

namespace heart::server::api {

namespace {

// The page runs its own scripts and nothing else, and talks to this server only. Styles may be set on elements: positions
// and widths are numbers that only the script knows.
constexpr const char* kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data: "
    "blob:; "
    "media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

// What the page's own router knows: see web/src/shell/App.tsx.
constexpr const char* kPlaces[] = {"/",       "/create", "/queue",   "/library", "/compare",
                                   "/system", "/admin",  "/profile", "/sign-in", "/register"};
// Those that are a folder further down.
constexpr const char* kInnerPlaces[] = {"/library/{id}", "/playlists/{id}", "/shared/{token}"};

std::string_view media_type_of(std::string_view name) {
    constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".webmanifest", "application/manifest+json"},
    };
    for (const auto& [ending, type] : kTypes) {
        if (name.ends_with(ending)) return type;
    }
    return "application/octet-stream";
}

/// Whether an Accept-Encoding field (RFC 9110, 12.5.3) takes gzip: named, or covered by "*", and not with a weight of 0.
bool takes_gzip(std::string_view list) {
    bool any = false;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        const std::string_view item = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        const std::size_t semicolon = std::min(item.find(';'), item.size());
        const std::string_view coding = http::trimmed(item.substr(0, semicolon));
        const bool gzip = http::equal_ignoring_case(coding, "gzip");
        if (!gzip && coding != "*") continue;
        std::string_view weight = http::trimmed(item.substr(std::min(semicolon + 1, item.size())));
        double q = 1;
        if (weight.starts_with("q=")) {
            weight.remove_prefix(2);
            if (std::from_chars(weight.data(), weight.data() + weight.size(), q).ec != std::errc{}) q = 0;
        }
        if (gzip) return q > 0;
        any = q > 0;
    }
    return any;
}

struct WebFile {
    std::string_view plain, gzip;  ///< gzip: empty where it would not be smaller
    std::string_view media_type;
    std::string etag;  ///< without the quotes
    bool hashed = false;
};

/// By the path under which they are served: "/assets/index-1234.js".
std::map<std::string, WebFile, std::less<>> web_files() {
    std::map<std::string, WebFile, std::less<>> out;
    for (const formats::EmbeddedFile& f : kWebFiles) {
        const std::string_view bytes{reinterpret_cast<const char*>(f.bytes.data()), f.bytes.size()};
        if (f.name.ends_with(".gz")) {
            out["/" + std::string(f.name.substr(0, f.name.size() - 3))].gzip = bytes;
            continue;
        }
        WebFile& file = out["/" + std::string(f.name)];
        file.plain = bytes;
        file.media_type = media_type_of(f.name);
        file.etag = accounts::hash_secret(bytes).substr(0, 32);
        file.hashed = f.name.starts_with("assets/");
    }
    if (!out.contains("/index.html")) throw Error(ErrorCode::internal, "the page is missing in the program");
    return out;
}

/// The document for an address a folder further down.
std::string inner_document(std::string_view html) {
    constexpr std::string_view kHere = "=\"./";
    std::string out;
    for (std::size_t at = html.find(kHere); at != html.npos; at = html.find(kHere)) {
        out.append(html.substr(0, at)).append("=\"../");
        html.remove_prefix(at + kHere.size());
    }
    return out.append(html);
}

http::Response answer(const WebFile& file, const http::Request& request) {
    http::Response out;
    const auto accepted = request.headers.find("Accept-Encoding");
    const bool gzip = !file.gzip.empty() && accepted && takes_gzip(*accepted);
    // What is sent packed is another representation, and has a tag of its own (RFC 9110, 8.8.3.3).
    const std::string etag = fmt::format("\"{}{}\"", file.etag, gzip ? "-gz" : "");
    out.headers.set("Content-Security-Policy", kPagePolicy);
    out.headers.set("Cache-Control", file.hashed ? "public, max-age=31536000, immutable" : "no-cache");
    out.headers.set("ETag", etag);
    if (!file.gzip.empty()) out.headers.set("Vary", "Accept-Encoding");
    const auto known = request.headers.find("If-None-Match");
    if (known && http::etag_matches(*known, etag)) {
        out.status = 304;
        return out;
    }
    out.headers.set("Content-Type", file.media_type);
    if (gzip) out.headers.set("Content-Encoding", "gzip");
    out.body = std::string(gzip ? file.gzip : file.plain);
    return out;
}

}  // namespace

void add_page_endpoints(http::Router& router) {
    static const auto files = web_files();
    for (const auto& entry : files) {
        const WebFile& file = entry.second;
        router.add("GET", entry.first, [&file](const http::Request& r) { return answer(file, r); });
    }
    const WebFile& index = files.at("/index.html");
    for (const char* place : kPlaces)
        router.add("GET", place, [&index](const http::Request& r) { return answer(index, r); });
    static const std::string inner_text = inner_document(index.plain);
    static const WebFile inner{inner_text, {}, index.media_type, accounts::hash_secret(inner_text).substr(0, 32)};
    for (const char* place : kInnerPlaces) router.add("GET", place, [](const http::Request& r) { return answer(inner, r); });
}

}  // namespace heart::server::api
