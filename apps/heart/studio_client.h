#pragma once

#include "core/cancel.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace heart::app {

using StudioJson = nlohmann::json;  ///< what a studio is told and answers

/// Tokens of the studios that one is signed in to, in a file that only its owner may read.
class TokenStore {
public:
    /// $XDG_CONFIG_HOME/heart/client.json, or ~/.config/heart/client.json. ErrorCode::usage when neither is set.
    [[nodiscard]] static std::filesystem::path usual_file();

    /// What the file says; nothing when it is not there. ErrorCode::usage when others may read it, ::malformed, ::io.
    explicit TokenStore(std::filesystem::path file);

    [[nodiscard]] std::optional<std::string> token(const std::string& server) const;
    /// The server that was signed in to last.
    [[nodiscard]] std::optional<std::string> last_server() const;
    /// Both write the file, 0600, whole or not at all. ErrorCode::io.
    void keep(const std::string& server, const std::string& token);
    bool forget(const std::string& server);

private:
    void write() const;

    std::filesystem::path file_;
    nlohmann::json content_;
};

/// "https://host/" -> "https://host". ErrorCode::usage for what is no http or https address, or has a password in it.
[[nodiscard]] std::string server_address(std::string_view text);
/// Whether what is sent there can be read on the way: http to another machine.
[[nodiscard]] bool is_readable_on_the_way(std::string_view server);

/// A studio on the other end of the line. Everything waits for its answer and ends within 0.2 s of `cancel`; answers are
/// not trusted: they are bounded, and must be what they should be (ErrorCode::malformed).
///
/// Refusals of the studio are errors with its words: ErrorCode::usage for 400 and 422, ::not_found for 404, ::io for others.
class StudioClient {
public:
    StudioClient(std::string server, std::string token, const CancelToken& cancel)
        : server_(std::move(server)), token_(std::move(token)), cancel_(cancel) {}

    [[nodiscard]] StudioJson get(const std::string& target) const { return call("GET", target, {}, {}); }
    [[nodiscard]] StudioJson post(const std::string& target, const StudioJson& body) const {
        return call("POST", target, body.dump(), {});
    }
    [[nodiscard]] StudioJson remove(const std::string& target) const { return call("DELETE", target, {}, {}); }
    /// Sends a request that must not be done twice: when the line breaks it is sent again under the same key.
    [[nodiscard]] StudioJson post_once(const std::string& target, const StudioJson& body) const;
    /// Writes the answer's body to a file, whole or not at all; returns its bytes.
    std::uint64_t download(const std::string& target, const std::filesystem::path& file) const;
    /// Calls `on_event` with every server-sent event until it returns false or the line breaks (true then).
    bool listen(const std::string& target, const std::function<bool(const StudioJson&)>& on_event) const;

    [[nodiscard]] const std::string& server() const noexcept { return server_; }

private:
    [[nodiscard]] StudioJson call(const std::string& method, const std::string& target, const std::string& body,
                                  const std::string& key) const;

    std::string server_, token_;
    const CancelToken& cancel_;
};

/// Takes server-sent events (HTML Living Standard, 9.2) out of pieces of a stream: the data of each.
class EventReader {
public:
    /// ErrorCode::limit for an event of more than 1 MiB.
    void feed(std::string_view piece, const std::function<void(const std::string& data)>& on_event);

private:
    void line(std::string_view text, const std::function<void(const std::string& data)>& on_event);

    std::string rest_, data_;
    bool has_data_ = false;
};

/// A line from the terminal without showing it, the first line of a file, or of standard input for "-". ErrorCode::usage
/// when there is no terminal, ::cancelled.
[[nodiscard]] std::string read_password(const std::string& file, const std::string& prompt, const CancelToken& cancel);

/// An id as part of an address; ErrorCode::usage for what can be none.
[[nodiscard]] const std::string& checked_id(const std::string& id);

/// A name for a file, of a title that came from elsewhere: no separators, no control characters, not hidden, not long.
[[nodiscard]] std::string file_name_of(std::string_view title);

}  // namespace heart::app
