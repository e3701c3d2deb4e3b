#include "server/http/answer.h"

#include "core/error.h"
#include "server/http/request_parts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <random>
#include <utility>

namespace heart::server::http {

OpenFile::OpenFile(const std::string& path)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor_ < 0) {
        const int reason = errno;
        if (reason == ENOENT || reason == ELOOP || reason == ENOTDIR) throw HttpError(404, "Not Found");
        if (reason == EMFILE || reason == ENFILE) {
            Headers headers;
            headers.set("Retry-After", "1");
            throw HttpError(503, "The server is busy.", headers);
        }
        throw Error(ErrorCode::io, "a file to be sent cannot be opened").found(std::strerror(reason));
    }
    struct stat facts {};
    if (::fstat(descriptor_, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        ::close(descriptor_);
        throw HttpError(404, "Not Found");
    }
    size_ = static_cast<std::uint64_t>(facts.st_size);
}

OpenFile::~OpenFile() {
    ::close(descriptor_);
}

OpenFile::Read OpenFile::read(std::uint64_t offset, char* out, std::size_t size, bool may_wait) const noexcept {
    while (size > 0) {
        const iovec target{out, size};
        const auto got = ::preadv2(descriptor_, &target, 1, static_cast<off_t>(offset), may_wait ? 0 : RWF_NOWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            // Some file systems cannot tell whether they would wait; then they might. Less than is there means so too.
            return may_wait ? Read::failed : Read::would_wait;
        }
        out += got;
        offset += static_cast<std::uint64_t>(got);
        size -= static_cast<std::size_t>(got);
    }
    return Read::done;
}

namespace {

/// Fields that frame the message: the connection's own.
constexpr std::string_view kFraming[] = {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
                                         "Date",           "X-Request-Id"};

Response plain(int status, std::string text) {
    Response out;
    out.status = status;
    out.headers.set("Content-Type", "text/plain; charset=utf-8");
    out.body = std::move(text);
    return out;
}

/// Tells a body that nobody will pull it.
void leave(const Response& response) noexcept {
    if (const auto* source = std::get_if<std::shared_ptr<BodySource>>(&response.body); source != nullptr && *source) {
        try {
            (*source)->set_wake({});
        } catch (const std::exception&) {  // a source that fails at its end has nothing left to say
        }
    }
}

enum class Condition { holds, not_modified, failed };

/// The conditions of a request on an answer that would be 200 (RFC 9110, 13.2.2).
Condition check_conditions(const Request& request, std::string_view etag, const std::optional<std::int64_t>& modified_s) {
    const auto& headers = request.headers;
    const auto date = [&](std::string_view name) {
        const auto text = headers.find(name);
        return text && modified_s ? parse_http_date(*text) : std::nullopt;
    };
    if (const auto list = headers.find("If-Match")) {
        if (!etag_matches(*list, etag)) return Condition::failed;
    } else if (const auto since = date("If-Unmodified-Since")) {
        if (*modified_s > *since) return Condition::failed;
    }
    if (const auto list = headers.find("If-None-Match")) {
        if (etag_matches(*list, etag)) return Condition::not_modified;
    } else if (const auto since = date("If-Modified-Since")) {
        if (*modified_s <= *since) return Condition::not_modified;
    }
    return Condition::holds;
}

/// Whether a Range counts: without If-Range always, with it only for the very version it names (RFC 9110, 13.1.5).
bool range_applies(const Request& request, std::string_view etag, const std::optional<std::int64_t>& modified_s) {
    const auto condition = request.headers.find("If-Range");
    if (!condition) return true;
    if (condition->starts_with('"')) return !etag.empty() && *condition == etag;
    const auto date = parse_http_date(*condition);
    return date && modified_s && *date == *modified_s;
}

std::string new_boundary() {
    thread_local std::mt19937_64 random{std::random_device{}()};
    return fmt::format("{:016x}{:016x}", random(), random());
}

std::vector<Piece> one_range(Response& response, std::shared_ptr<const OpenFile> file, const ByteRange& range) {
    response.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", range.first, range.last, file->size()));
    return {FilePart{std::move(file), range.first, range.last - range.first + 1}};
}

std::vector<Piece> many_ranges(Response& response, const std::shared_ptr<const OpenFile>& file,
                               const std::vector<ByteRange>& ranges) {
    const auto type = std::string(response.headers.find("Content-Type").value_or("application/octet-stream"));
    const auto boundary = new_boundary();
    std::vector<Piece> pieces;
    for (const auto& range : ranges) {
        pieces.emplace_back(fmt::format("{}--{}\r\nContent-Type: {}\r\nContent-Range: bytes {}-{}/{}\r\n\r\n",
                                        pieces.empty() ? "" : "\r\n", boundary, type, range.first, range.last,
                                        file->size()));
        pieces.emplace_back(FilePart{file, range.first, range.last - range.first + 1});
    }
    pieces.emplace_back(fmt::format("\r\n--{}--\r\n", boundary));
    response.headers.set("Content-Type", "multipart/byteranges; boundary=" + boundary);
    return pieces;
}

/// The pieces of a file that a request asks for; sets the status and fields that go with them.
std::vector<Piece> file_pieces(const Request& request, Response& response) {
    const auto asked = std::get<FileBody>(response.body);
    auto file = std::make_shared<const OpenFile>(asked.path);
    std::optional<std::int64_t> modified_s;
    if (asked.modified_ms) modified_s = *asked.modified_ms / 1000;
    if (!asked.etag.empty()) response.headers.set("ETag", asked.etag);
    if (asked.modified_ms) response.headers.set("Last-Modified", http_date(*asked.modified_ms));
    response.headers.set("Accept-Ranges", "bytes");
    const auto whole = [&] { return std::vector<Piece>{FilePart{file, 0, file->size()}}; };
    if (response.status != 200 || (request.method != "GET" && request.method != "HEAD")) return whole();
    switch (check_conditions(request, asked.etag, modified_s)) {
        case Condition::failed: throw HttpError(412, "Precondition Failed");
        case Condition::not_modified: response.status = 304; return {};
        case Condition::holds: break;
    }
    const auto header = request.headers.find("Range");
    if (!header || request.method != "GET" || !range_applies(request, asked.etag, modified_s)) return whole();
    const auto range = parse_range(*header, file->size());
    switch (range.kind) {
        case RangeRequest::Kind::ignored: return whole();
        case RangeRequest::Kind::malformed: response = plain(400, "Malformed range header."); return {};
        case RangeRequest::Kind::unsatisfiable:
            // The interface that clients know has it without the unit.
            response.status = 416;
            response.headers.set("Content-Range", fmt::format("*/{}", file->size()));
            response.headers.remove("Content-Disposition");
            response.body = std::string();
            return {};
        case RangeRequest::Kind::satisfiable: break;
    }
    response.status = 206;
    return range.ranges.size() == 1 ? one_range(response, std::move(file), range.ranges.front())
                                    : many_ranges(response, file, range.ranges);
}

/// A text that has an ETag need not be sent to those who hold it.
void check_text_conditions(const Request& request, Response& response) {
    const auto etag = response.headers.find("ETag");
    if (response.status != 200 || !etag || (request.method != "GET" && request.method != "HEAD")) return;
    if (check_conditions(request, *etag, std::nullopt) != Condition::not_modified) return;
    response.status = 304;
    response.body = std::string();
}

std::string serialised_head(const Request& request, const Response& response, const Form& form, const Outgoing& out,
                            const std::optional<std::uint64_t>& length) {
    std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
    const auto add = [&head](std::string_view name, std::string_view value) {
        head.append(name).append(": ").append(value).append("\r\n");
    };
    for (const auto& [name, value] : response.headers.all()) {
        const std::string& field = name;
        const bool framing = std::any_of(std::begin(kFraming), std::end(kFraming),
                                         [&](std::string_view own) { return equal_ignoring_case(own, field); });
        if (!framing) add(name, value);
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    add("Date", http_date(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
    if (!request.id.empty()) add("X-Request-Id", request.id);
    if (length) add("Content-Length", std::to_string(*length));
    if (out.chunked) add("Transfer-Encoding", "chunked");
    if (!out.keep_alive) {
        add("Connection", "close");
    } else if (!form.version_1_1) {
        add("Connection", "keep-alive");
    }
    return head += "\r\n";
}

std::uint64_t size_of(const std::vector<Piece>& pieces) noexcept {
    std::uint64_t size = 0;
    for (const auto& piece : pieces) {
        const auto* text = std::get_if<std::string>(&piece);
        size += text != nullptr ? text->size() : std::get<FilePart>(piece).size;
    }
    return size;
}

Outgoing last_resort(const Request& request, const Form& form) {
    Outgoing out;
    out.keep_alive = form.keep_alive;
    auto response = plain(500, "Internal Server Error");
    const auto& text = std::get<std::string>(response.body);
    out.head = serialised_head(request, response, form, out, text.size());
    if (!form.head_only) out.pieces.emplace_back(text);
    return out;
}

}  // namespace

Response Answerer::error_response(const Request& request, const std::exception_ptr& error) const {
    Response response = plain(500, "Internal Server Error");
    Headers own;
    bool asked = false;
    if (hooks_.on_error) {
        try {
            response = hooks_.on_error(request, error);
            asked = true;
        } catch (const std::exception&) {  // its answer is the plain one
        }
    }
    try {
        std::rethrow_exception(error);
    } catch (const HttpError& refusal) {
        own = refusal.headers();
        if (!hooks_.on_error) response = plain(refusal.status(), refusal.detail());
        asked = asked || !hooks_.on_error;
    } catch (...) {  // told to on_error already
    }
    if (asked) {
        for (const auto& [name, value] : own.all()) {
            if (!response.headers.find(name)) response.headers.add(name, value);
        }
    }
    return response;
}

Outgoing Answerer::finished(const Request& request, const Form& form, Response response) const {
    std::vector<Piece> pieces;
    if (std::holds_alternative<FileBody>(response.body)) {
        pieces = file_pieces(request, response);
    } else if (std::holds_alternative<std::string>(response.body)) {
        check_text_conditions(request, response);
    }
    if (hooks_.decorate) hooks_.decorate(request, response);
    if (response.status < 200 || response.status > 599) {
        throw Error(ErrorCode::internal, "a handler's status is none")
            .expected("200 to 599")
            .found(std::to_string(response.status));
    }
    if (auto* text = std::get_if<std::string>(&response.body)) {
        pieces.clear();
        if (!text->empty()) pieces.emplace_back(std::move(*text));
    }
    Outgoing out;
    out.status = response.status;
    out.keep_alive = form.keep_alive;
    const bool no_body = response.status == 204 || response.status == 304;
    std::optional<std::uint64_t> length;
    if (auto* source = std::get_if<std::shared_ptr<BodySource>>(&response.body); source != nullptr && *source) {
        if (no_body || form.head_only) {
            leave(response);
        } else {
            out.source = std::move(*source);
            out.chunked = form.version_1_1;
            out.keep_alive = form.keep_alive && out.chunked;  // without chunks only the connection's end tells the body's
        }
    } else if (!no_body) {
        length = size_of(pieces);
        if (!form.head_only) out.pieces = std::move(pieces);
    }
    out.head = serialised_head(request, response, form, out, length);
    return out;
}

Outgoing Answerer::answer(const Request& request, const Form& form,
                          const std::function<Response()>& handler) const noexcept {
    Response kept;  // so that a source is told when its response is not sent
    try {
        auto response = handler();
        if (std::holds_alternative<std::shared_ptr<BodySource>>(response.body)) kept.body = response.body;
        return finished(request, form, std::move(response));
    } catch (...) {
        leave(kept);
        return refusal(request, form, std::current_exception());
    }
}

Outgoing Answerer::refusal(const Request& request, const Form& form, const std::exception_ptr& error) const noexcept {
    try {
        return finished(request, form, error_response(request, error));
    } catch (...) {
        return last_resort(request, form);
    }
}

}  // namespace heart::server::http
