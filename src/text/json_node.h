#pragma once

#include "core/error.h"
#include "formats/json.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heart::text {

/// A value in a tokenizer.json together with the way to it. All reading goes through here, so that every wrong type is
/// refused with its place and no exception of the JSON library can arise. `value` and `file` must outlive the node.
class JsonNode {
public:
    /// `file` names the file in errors; `path` is the way to the value ("model.vocab"), empty for the file as a whole.
    JsonNode(const formats::Json& value, std::string_view file, std::string path);

    /// The file and the place in it, as errors name them: "tokenizer.json: model.vocab".
    [[nodiscard]] std::string where() const;
    [[nodiscard]] Error error(ErrorCode code, std::string_view what) const;
    /// ErrorCode::malformed: the value is not what the format asks for.
    [[nodiscard]] Error wrong(std::string_view expected) const;
    /// ErrorCode::unsupported: the value asks for something that Heart does not implement.
    [[nodiscard]] Error unsupported(std::string_view expected) const;
    /// ErrorCode::limit: there is more of it than `expected`.
    [[nodiscard]] Error beyond(std::string_view expected, std::size_t found) const;

    // Each throws ErrorCode::malformed for a value of another type.
    [[nodiscard]] const formats::Json& object() const;
    [[nodiscard]] const formats::Json& array() const;
    [[nodiscard]] const std::string& string() const;
    [[nodiscard]] bool boolean() const;
    [[nodiscard]] std::int32_t id() const;  ///< a whole number from 0 to 2^31 - 1

    [[nodiscard]] const formats::Json& json() const noexcept { return *value_; }

    /// Throws ErrorCode::malformed where the object lacks it.
    [[nodiscard]] JsonNode member(const std::string& key) const;
    /// Nothing when the member is absent or null, which mean the same in this format.
    [[nodiscard]] std::optional<JsonNode> optional_member(const std::string& key) const;
    [[nodiscard]] JsonNode element(std::size_t index) const;
    /// `value`, which stands in this object under `key`, a text of any kind.
    [[nodiscard]] JsonNode entry(const std::string& key, const formats::Json& value) const;

    // Each throws ErrorCode::unsupported for a value other than the one that Heart implements.
    void require_boolean(const std::string& key, bool implemented) const;
    void require_string(const std::string& key, std::string_view implemented) const;
    void require_absent(const std::string& key) const;  ///< null counts as absent

private:
    const formats::Json* value_;
    std::string_view file_;
    std::string path_;
};

}  // namespace heart::text
