#pragma once

#include "core/cancel.h"
#include "core/error.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::net {

struct HttpAnswer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  ///< names in small letters
    std::string body;

    /// "" when there is none.
    [[nodiscard]] std::string_view header(std::string_view small_name) const noexcept;
};

/// One exchange with an HTTP server, by libcurl: proxies from the usual variables, TLS verified, "http" and "https" only.
struct HttpRequest {
    std::string method = "GET", url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::chrono::milliseconds connect_timeout{10'000}, timeout{60'000};
    std::size_t max_answer = std::size_t{16} << 20;  ///< bytes; more is ErrorCode::limit
    bool follow_redirects = false;
    /// Refuses loopback, private and link-local addresses after the name is resolved, and uses no proxy: for addresses that
    /// strangers give.
    bool public_addresses_only = false;
    /// Ends an exchange, as out of time, over which nothing came for so long; 0: never. `timeout` may be 0 then: none.
    std::chrono::seconds stall{0};
    /// Called with status and headers before the first piece of the body that `on_data` takes. What it throws ends the
    /// exchange.
    std::function<void(const HttpAnswer&)> on_head;
    /// Takes the body piece by piece in place of HttpAnswer::body, and then `max_answer` does not count. What it throws ends
    /// the exchange.
    std::function<void(std::string_view)> on_data;
};

/// There was no whole answer in time; its code is ErrorCode::io.
class TimeoutError : public Error {
public:
    using Error::Error;
};

/// Waits for the whole answer, of whatever status. Throws ErrorCode::io when there is none (unreachable, TLS, TimeoutError),
/// ErrorCode::usage for a URL, method or header that is none and for an address that is not public where it must be,
/// ErrorCode::limit, ErrorCode::cancelled within 0.2 s. Errors never hold headers, bodies, or a URL's user, password, path
/// or query.
[[nodiscard]] HttpAnswer exchange(const HttpRequest& request, const CancelToken& cancel);

}  // namespace heart::net
