#pragma once

#include "server/http/message.h"
#include "server/http/server.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace heart::server::http {

/// A regular file that is open for reading.
class OpenFile {
public:
    /// Never follows a link at the path's end. Throws HttpError 404 when there is no such file, 503 when too many are open,
    /// ErrorCode::io for what else the system refuses.
    explicit OpenFile(const std::string& path);
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile();

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    enum class Read { done, would_wait, failed };
    /// Fills `out` from `offset` on. With `may_wait` false it takes only what is in memory already. A file that became
    /// shorter fails.
    [[nodiscard]] Read read(std::uint64_t offset, char* out, std::size_t size, bool may_wait) const noexcept;

private:
    int descriptor_;
    std::uint64_t size_ = 0;
};

struct FilePart {
    std::shared_ptr<const OpenFile> file;
    std::uint64_t offset = 0, size = 0;
};
using Piece = std::variant<std::string, FilePart>;

/// A response as it goes over the wire.
struct Outgoing {
    int status = 500;
    std::string head;           ///< status line and fields, with the empty line
    std::vector<Piece> pieces;  ///< the body, unless there is a source
    std::shared_ptr<BodySource> source;
    bool chunked = false, keep_alive = false;
};

/// What the request and the connection say about the form of its response.
struct Form {
    bool head_only = false, version_1_1 = true, keep_alive = true;
};

/// Makes responses of what handlers return or throw. Safe to call from any thread.
class Answerer {
public:
    explicit Answerer(const Hooks& hooks) : hooks_(hooks) {}

    /// Calls `handler`; whatever happens, there is an answer.
    [[nodiscard]] Outgoing answer(const Request& request, const Form& form,
                                  const std::function<Response()>& handler) const noexcept;
    [[nodiscard]] Outgoing refusal(const Request& request, const Form& form, const std::exception_ptr& error) const noexcept;
    [[nodiscard]] Outgoing refusal(const Request& request, const Form& form, const HttpError& error) const noexcept {
        return refusal(request, form, std::make_exception_ptr(error));
    }

private:
    [[nodiscard]] Response error_response(const Request& request, const std::exception_ptr& error) const;
    [[nodiscard]] Outgoing finished(const Request& request, const Form& form, Response response) const;

    const Hooks& hooks_;
};

}  // namespace heart::server::http
