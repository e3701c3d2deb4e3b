#include "core/error.h"
#include "server/api/page_files.h"
#include "server/api/reply.h"
#include "server/http/request_parts.h"

#include <string>
#include <string_view>

namespace heart::server::api {

namespace {

// Pages run their own script and nothing else, and talk to this server only.
constexpr const char* kDocumentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

struct Document {
    const char* route;
    const char* file;
    const char* media_type;
};

constexpr Document kDocuments[] = {
    {"/openapi.json", "openapi.json", "application/json"},
    {"/docs", "pages/docs.html", "text/html; charset=utf-8"},
    {"/docs/docs.js", "pages/docs.js", "text/javascript; charset=utf-8"},
    {"/docs/docs.css", "pages/docs.css", "text/css; charset=utf-8"},
};

std::string_view embedded(std::string_view name) {
    for (const formats::EmbeddedFile& f : kPageFiles) {
        if (f.name == name) return {reinterpret_cast<const char*>(f.bytes.data()), f.bytes.size()};
    }
    throw Error(ErrorCode::internal, "a page is missing in the program").found(std::string(name));
}

}  // namespace

void add_document_endpoints(http::Router& router, Services& /*services*/) {
    for (const Document& document : kDocuments) {
        const std::string_view text = embedded(document.file);
        const std::string etag = "\"" + accounts::hash_secret(text).substr(0, 32) + "\"";
        router.add("GET", document.route, [&document, text, etag](const http::Request& request) {
            http::Response out;
            out.headers.set("Content-Security-Policy", kDocumentPolicy);
            out.headers.set("Cache-Control", "no-cache");
            out.headers.set("ETag", etag);
            const auto known = request.headers.find("If-None-Match");
            if (known && http::etag_matches(*known, etag)) {
                out.status = 304;
                return out;
            }
            out.headers.set("Content-Type", document.media_type);
            out.body = std::string(text);
            return out;
        });
    }
}

}  // namespace heart::server::api
