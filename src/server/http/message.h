#pragma once

#include "server/http/body.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace heart::server::http {

/// Header fields in their order; names compare without regard to case (RFC 9110, 5.1).
class Headers {
public:
    /// Throws ErrorCode::internal for a name or value that would break the message: CR, LF, NUL, a name that is no token.
    void set(std::string_view name, std::string_view value);  ///< in place of all fields of that name
    void add(std::string_view name, std::string_view value);
    void remove(std::string_view name) noexcept;  ///< all fields of that name
    /// The first field of that name.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return fields_; }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// A request as it arrived, whole: within the server's limits, its path decoded and known to stay where it points.
struct Request {
    std::string method;  ///< "GET"; a HEAD is routed as a GET, and its body is left out by the connection
    std::string path;    ///< percent-decoded, valid UTF-8, without NUL and without "." or ".." segments
    std::vector<std::pair<std::string, std::string>> query;  ///< decoded ('+' is a space), in order
    Headers headers;
    std::string body;
    std::map<std::string, std::string> parameters;  ///< what the route's {name} segments stand for
    std::string remote_address;                     ///< of the client: the peer, or what a trusted proxy says
    bool secure = false;                            ///< came over TLS, here or to a trusted proxy
    std::string id;                                 ///< of this request, for logs and X-Request-Id: 16 hex digits

    /// The last value of that name, as form frameworks take it.
    [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const noexcept;
    /// "" for a missing parameter is a defect: ErrorCode::internal.
    [[nodiscard]] const std::string& parameter(const std::string& name) const;
    [[nodiscard]] std::optional<std::string> cookie(std::string_view name) const;
};

/// A part of a file that is sent from the disk. Its ranges (RFC 9110, 14), ETag and If-None-Match are the connection's work.
struct FileBody {
    std::string path;
    std::string etag;                         ///< quoted, as in the header; empty: none
    std::optional<std::int64_t> modified_ms;  ///< for Last-Modified
};

struct Response {
    int status = 200;
    Headers headers;
    std::variant<std::string, FileBody, std::shared_ptr<BodySource>> body;
};

/// "Not Found" for 404 (RFC 9110 names; 422 is "Unprocessable Content").
[[nodiscard]] std::string_view reason_of(int status) noexcept;

}  // namespace heart::server::http
