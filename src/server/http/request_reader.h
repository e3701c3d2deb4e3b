#pragma once

#include "server/http/message.h"
#include "server/http/server.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace heart::server::http {

/// Makes one request of the bytes of a connection, without sockets or waiting. What is ambiguous is refused: two readers of
/// one connection (a proxy and this) must never see different requests in it.
class RequestReader {
public:
    enum class State {
        header,   ///< wants more bytes
        body,     ///< the header is whole: see `head`, then call allow_body; after that it wants more bytes
        done,     ///< whole
        refused,  ///< see `refusal`; nothing more can be read from this connection
    };
    struct Head {
        std::string method, target;
        Headers headers;
        bool version_1_1 = true, keep_alive = true;
        bool expects_continue = false, wants_websocket = false;
        bool has_body = false;
        std::optional<std::uint64_t> body_length;  ///< none: chunked
    };

    explicit RequestReader(const Limits& limits);
    RequestReader(const RequestReader&) = delete;
    RequestReader& operator=(const RequestReader&) = delete;
    ~RequestReader();

    /// How many of these bytes were taken; the rest must come again, with more behind it. Stops after the header.
    [[nodiscard]] std::size_t take(std::string_view bytes);
    /// The most bytes that may be its body: 413 for a length that says more. Call before the body is taken.
    void allow_body(std::size_t most);

    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] Head& head() noexcept { return head_; }
    [[nodiscard]] const HttpError& refusal() const noexcept { return *refusal_; }
    [[nodiscard]] std::string take_body();

private:
    class Parser;
    void refuse(int status, const char* detail);
    std::size_t take_header(std::string_view bytes);
    std::size_t take_body_bytes(std::string_view bytes);
    std::size_t take_chunks(std::string_view bytes);
    void take_chunk_line(std::string_view line);
    void check_header();
    void check_framing();

    const Limits& limits_;
    State state_ = State::header;
    Head head_;
    std::optional<HttpError> refusal_;
    std::unique_ptr<Parser> parser_;
    std::size_t searched_ = 0;  ///< bytes of the header that hold no end of it

    std::size_t most_body_ = 0;
    std::string body_;
    enum class ChunkPart { size, data_end, trailer } chunk_part_ = ChunkPart::size;
    std::uint64_t chunk_left_ = 0;
    std::size_t trailer_bytes_ = 0;
};

}  // namespace heart::server::http
