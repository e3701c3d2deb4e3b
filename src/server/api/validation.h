#pragma once

#include "formats/json.h"
#include "server/http/message.h"
#include "server/http/multipart.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::api {

using Json = nlohmann::ordered_json;

/// All that is wrong with a request: 422 {"detail":[{"type","loc","msg","input","ctx"?}, ...]}, in the words that clients of
/// the Python studio know (pydantic 2). Values of secret fields are not echoed ("input": null), and long ones are cut.
class ValidationError : public std::exception {
public:
    explicit ValidationError(Json detail) : detail_(std::move(detail)) {}
    [[nodiscard]] const Json& detail() const noexcept { return detail_; }
    [[nodiscard]] const char* what() const noexcept override { return "the request is not valid"; }

private:
    Json detail_;
};

struct TextRange {
    std::size_t least = 0;  ///< characters
    std::size_t most = 0;   ///< characters; 0: no limit
    bool secret = false;
};

constexpr std::size_t kLongestId = 64;  ///< characters that a request may name a thing with

/// Reads fields one by one and collects what is wrong; `finish()` throws all of it at once. Unknown fields are ignored. As
/// the Python studio: numbers as text are taken ("0.5"), 50.0 is a whole number, true is not a number; NaN and infinities
/// are errors.
class Fields {
public:
    /// Of a JSON body: at most 1 MiB, 16 deep, valid UTF-8, no key twice. What is no JSON object throws ValidationError at
    /// once (json_invalid, model_attributes_type).
    [[nodiscard]] static Fields of_body(const http::Request& request);
    /// Of a form's parts that are no files; all values are text, and a name that ends in "[]" has a list of them. Throws
    /// HttpError 415 for what is no form, 400 for a malformed one. `files` gets the others; they lie in the request's body.
    [[nodiscard]] static Fields of_form(const http::Request& request, std::vector<http::FormPart>& files);
    /// Of the query; all values are text.
    [[nodiscard]] static Fields of_query(const http::Request& request);

    [[nodiscard]] std::string text(const std::string& name, const TextRange& range = {});  ///< required
    [[nodiscard]] std::string text_or(const std::string& name, std::string fallback, const TextRange& range = {});
    [[nodiscard]] std::optional<std::string> optional_text(const std::string& name,
                                                           const TextRange& range = {});  ///< or null
    [[nodiscard]] std::int64_t integer_or(const std::string& name, std::int64_t fallback, std::int64_t least,
                                          std::int64_t most);
    [[nodiscard]] std::optional<std::uint64_t> optional_natural(const std::string& name, std::uint64_t most);
    [[nodiscard]] double number_or(const std::string& name, double fallback, double least, double most);
    [[nodiscard]] std::optional<bool> optional_bool(const std::string& name);
    [[nodiscard]] bool bool_or(const std::string& name, bool fallback);
    /// Required list of texts.
    [[nodiscard]] std::vector<std::string> texts(const std::string& name, std::size_t most_items,
                                                 const TextRange& range = {});
    /// One of these; the message lists them.
    [[nodiscard]] std::string choice_or(const std::string& name, const std::string& fallback,
                                        const std::vector<std::string>& choices);
    [[nodiscard]] bool has(const std::string& name) const;  ///< and is not null

    /// Adds a fault of one's own: "value_error".
    void fault(const std::string& name, const std::string& message);
    void finish() const;

private:
    Fields(std::string place, Json values) : place_(std::move(place)), values_(std::move(values)) {}
    const Json* find(const std::string& name) const;
    /// The text, also when its length is a fault; none for what is no text.
    std::optional<std::string> checked_text(const std::string& name, const Json& value, const TextRange& range);
    void add(const std::string& type, const std::string& name, const std::string& message, const Json* input, Json context,
             bool secret = false);

    std::string place_;  ///< "body" or "query"
    Json values_;
    Json faults_ = Json::array();
};

}  // namespace heart::server::api
