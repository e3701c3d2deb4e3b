#include "text/json_node.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <limits>
#include <utility>

namespace heart::text {

using formats::Json;

namespace {

/// Short description of a value for errors.
std::string describe(const Json& value) {
    switch (value.type()) {
        case Json::value_t::null: return "null";
        case Json::value_t::object: return "an object";
        case Json::value_t::array: return fmt::format("an array of {}", value.size());
        case Json::value_t::string: return fmt::format("'{}'", printable(value.get_ref<const std::string&>(), 120));
        case Json::value_t::boolean: return value.get<bool>() ? "true" : "false";
        case Json::value_t::number_integer: return fmt::format("{}", value.get<std::int64_t>());
        case Json::value_t::number_unsigned: return fmt::format("{}", value.get<std::uint64_t>());
        case Json::value_t::number_float: return fmt::format("{}", value.get<double>());
        default: return "something else";
    }
}

}  // namespace

JsonNode::JsonNode(const Json& value, std::string_view file, std::string path)
    : value_(&value), file_(file), path_(std::move(path)) {}

std::string JsonNode::where() const {
    return fmt::format("{}: {}", file_, path_.empty() ? "the file" : path_);
}

Error JsonNode::error(ErrorCode code, std::string_view what) const {
    return {code, fmt::format("{} {}", where(), what)};
}

Error JsonNode::wrong(std::string_view expected) const {
    return error(ErrorCode::malformed, "is malformed").expected(expected).found(describe(*value_));
}

Error JsonNode::unsupported(std::string_view expected) const {
    return error(ErrorCode::unsupported, "is not implemented").expected(expected).found(describe(*value_));
}

Error JsonNode::beyond(std::string_view expected, std::size_t found) const {
    return error(ErrorCode::limit, "is too large").expected(expected).found(fmt::format("{}", found));
}

const Json& JsonNode::object() const {
    if (!value_->is_object()) throw wrong("an object");
    return *value_;
}

const Json& JsonNode::array() const {
    if (!value_->is_array()) throw wrong("an array");
    return *value_;
}

const std::string& JsonNode::string() const {
    if (!value_->is_string()) throw wrong("a string");
    return value_->get_ref<const std::string&>();
}

bool JsonNode::boolean() const {
    if (!value_->is_boolean()) throw wrong("true or false");
    return value_->get<bool>();
}

std::int32_t JsonNode::id() const {
    constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();
    if (!value_->is_number_unsigned() || value_->get<std::uint64_t>() > largest) {
        throw wrong("a whole number from 0 to 2147483647");
    }
    return static_cast<std::int32_t>(value_->get<std::uint64_t>());
}

JsonNode JsonNode::member(const std::string& key) const {
    const Json& all = object();
    const auto it = all.find(key);
    if (it == all.end()) throw error(ErrorCode::malformed, fmt::format("lacks '{}'", key));
    return {*it, file_, path_.empty() ? key : path_ + "." + key};
}

std::optional<JsonNode> JsonNode::optional_member(const std::string& key) const {
    const Json& all = object();
    const auto it = all.find(key);
    if (it == all.end() || it->is_null()) return std::nullopt;
    return member(key);
}

JsonNode JsonNode::element(std::size_t index) const {
    return {array()[index], file_, fmt::format("{}[{}]", path_, index)};
}

JsonNode JsonNode::entry(const std::string& key, const Json& value) const {
    return {value, file_, fmt::format("{}['{}']", path_, printable(key, 60))};
}

void JsonNode::require_boolean(const std::string& key, bool implemented) const {
    const JsonNode node = member(key);
    if (node.boolean() != implemented) throw node.unsupported(implemented ? "true" : "false");
}

void JsonNode::require_string(const std::string& key, std::string_view implemented) const {
    const JsonNode node = member(key);
    if (node.string() != implemented) throw node.unsupported(fmt::format("'{}'", implemented));
}

void JsonNode::require_absent(const std::string& key) const {
    if (const auto node = optional_member(key)) throw node->unsupported("null");
}

}  // namespace heart::text
