#pragma once

// Inside src/text only: what the readers of tokenizer.json files share.

#include "core/error.h"
#include "formats/json.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/tokenizer_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace heart::text {

/// A value in the file together with the way to it. All reading goes through here, so that every wrong type is refused with
/// its place and no exception of the JSON library can arise.
class Node {
public:
    Node(const formats::Json& value, std::string_view file, std::string path)
        : value_(&value), file_(file), path_(std::move(path)) {}

    /// Where it stands, for messages.
    [[nodiscard]] std::string place() const { return fmt::format("{}: {}", file_, path_.empty() ? "the file" : path_); }
    [[nodiscard]] Error error(ErrorCode code, std::string_view what) const {
        return Error(code, fmt::format("{} {}", place(), what));
    }
    [[nodiscard]] Error wrong(std::string_view expected) const {
        return error(ErrorCode::malformed, "is malformed").expected(expected).found(described());
    }
    [[nodiscard]] Error unsupported(std::string_view expected) const {
        return error(ErrorCode::unsupported, "is not implemented").expected(expected).found(described());
    }

    [[nodiscard]] const formats::Json& object() const {
        if (!value_->is_object()) throw wrong("an object");
        return *value_;
    }
    [[nodiscard]] const formats::Json& array() const {
        if (!value_->is_array()) throw wrong("an array");
        return *value_;
    }
    [[nodiscard]] const std::string& string() const {
        if (!value_->is_string()) throw wrong("a string");
        return value_->get_ref<const std::string&>();
    }
    [[nodiscard]] bool boolean() const {
        if (!value_->is_boolean()) throw wrong("true or false");
        return value_->get<bool>();
    }
    [[nodiscard]] std::int32_t id() const {
        constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();
        if (!value_->is_number_unsigned() || value_->get<std::uint64_t>() > largest) {
            throw wrong("a whole number from 0 to 2147483647");
        }
        return static_cast<std::int32_t>(value_->get<std::uint64_t>());
    }
    /// Short description of the value for errors.
    [[nodiscard]] std::string described() const;

    [[nodiscard]] bool is_string() const noexcept { return value_->is_string(); }
    [[nodiscard]] const formats::Json& json() const noexcept { return *value_; }

    [[nodiscard]] Node member(const std::string& key) const {
        const formats::Json& all = object();
        const auto it = all.find(key);
        if (it == all.end()) throw error(ErrorCode::malformed, fmt::format("lacks '{}'", key));
        return {*it, file_, path_.empty() ? key : path_ + "." + key};
    }
    /// Nothing when the member is absent or null, which mean the same in this format.
    [[nodiscard]] std::optional<Node> optional_member(const std::string& key) const {
        const formats::Json& all = object();
        const auto it = all.find(key);
        if (it == all.end() || it->is_null()) return std::nullopt;
        return member(key);
    }
    [[nodiscard]] Node element(std::size_t index) const {
        return {array()[index], file_, fmt::format("{}[{}]", path_, index)};
    }
    [[nodiscard]] Node entry(const std::string& key, const formats::Json& value) const {
        return {value, file_, fmt::format("{}['{}']", path_, printable(key, 60))};
    }

    /// Refuses a value other than the one that Heart implements.
    void require_boolean(const std::string& key, bool implemented) const {
        const Node node = member(key);
        if (node.boolean() != implemented) throw node.unsupported(implemented ? "true" : "false");
    }
    void require_string(const std::string& key, std::string_view implemented) const {
        const Node node = member(key);
        if (node.string() != implemented) throw node.unsupported(fmt::format("'{}'", implemented));
    }
    void require_absent(const std::string& key) const {
        if (const auto node = optional_member(key)) throw node->unsupported("null");
    }

private:
    const formats::Json* value_;
    std::string_view file_;
    std::string path_;
};

/// Which token has which id, over the model's vocabulary and the added tokens.
using Owners = std::unordered_map<std::int32_t, std::string_view>;

/// The list "added_tokens". Ids that belong to another token, of `owners` or of `vocabulary`, are refused; those that are
/// new become owners, whose names lie in the result. Errors as in Tokenizer::from_json.
[[nodiscard]] std::vector<AddedToken> read_added_tokens(const Node& node, const TokenizerLimits& limits,
                                                        const Vocabulary& vocabulary, Owners& owners);

/// A post-processor: TemplateProcessing, ByteLevel, which adds no ids, or a Sequence of them.
void read_post_processor(const Node& node, const TokenizerLimits& limits, const Owners& owners, IdsAround& around);

}  // namespace heart::text
