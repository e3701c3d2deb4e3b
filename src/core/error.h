#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace heart {

/// What kind of thing went wrong. The C API returns these numbers; they never change meaning.
enum class ErrorCode : std::int32_t {
    usage = 1,        ///< the caller asked for something that makes no sense (bad option, bad value)
    not_found = 2,    ///< a file, folder, tensor or device that was named does not exist
    io = 3,           ///< the operating system refused to read or write
    malformed = 4,    ///< a file or text does not follow its format
    mismatch = 5,     ///< two well-formed things disagree (config and tensors, index and shard)
    unsupported = 6,  ///< well-formed, but Heart does not implement it
    limit = 7,        ///< larger than a stated limit
    memory = 8,       ///< not enough memory
    cancelled = 9,    ///< the caller asked to stop
    internal = 10,    ///< a defect in Heart itself
};

/// Short stable name of a code: "usage", "not_found", ...
[[nodiscard]] std::string_view error_code_name(ErrorCode code) noexcept;

/// The one exception that leaves Heart's rooms.
///
/// Built in one chain, so that the place that knows the facts states them:
///
///     throw Error(ErrorCode::mismatch, "tensor 'a.weight' has the wrong shape")
///         .expected("[64, 32]").found("[32, 64]").hint("is config.json from the same checkpoint?");
///
/// `what()` is always one line of valid UTF-8: control characters of hostile input are replaced.
class Error : public std::exception {
public:
    Error(ErrorCode code, std::string_view message);

    Error& expected(std::string_view text) &;
    Error& found(std::string_view text) &;
    Error& hint(std::string_view text) &;
    Error&& expected(std::string_view text) &&;
    Error&& found(std::string_view text) &&;
    Error&& hint(std::string_view text) &&;

    [[nodiscard]] ErrorCode code() const noexcept { return code_; }
    [[nodiscard]] const std::string& message() const noexcept { return message_; }
    [[nodiscard]] const std::string& expected_text() const noexcept { return expected_; }
    [[nodiscard]] const std::string& found_text() const noexcept { return found_; }
    [[nodiscard]] const std::string& hint_text() const noexcept { return hint_; }

    [[nodiscard]] const char* what() const noexcept override { return line_.c_str(); }

private:
    void compose();

    ErrorCode code_;
    std::string message_, expected_, found_, hint_;
    std::string line_;
};

/// Makes text fit for one line of an error or a terminal: control characters become '?', invalid UTF-8 bytes become
/// '?', and text longer than `max_bytes` ends in "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_bytes = 200);

/// A defect in Heart if it does not hold; throws ErrorCode::internal.
void ensure(bool holds, const char* what);

}  // namespace heart
