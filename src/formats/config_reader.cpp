#include "formats/config_reader.h"

#include "core/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace heart::formats {

namespace {

Error wrong(const std::string& where, std::string_view key, std::string_view expected, const Json* found) {
    return Error(ErrorCode::malformed, fmt::format("{}: '{}'", where, printable(key)))
        .expected(std::string(expected))
        .found(found == nullptr ? "nothing" : printable(found->dump(-1, ' ', true), 80));
}

}  // namespace

ConfigReader::ConfigReader(const Json& object, std::string where) : object_(&object), where_(std::move(where)) {
    if (!object.is_object()) throw Error(ErrorCode::malformed, where_ + " is not a configuration").expected("a JSON object");
}

bool ConfigReader::has(const char* key) const {
    return object_->contains(key);
}

bool ConfigReader::has_value(const char* key) const {
    const auto it = object_->find(key);
    return it != object_->end() && !it->is_null();
}

const Json& ConfigReader::value(const char* key, std::string_view expected) const {
    const auto it = object_->find(key);
    if (it == object_->end()) throw wrong(where_, key, expected, nullptr);
    return *it;
}

std::int64_t ConfigReader::in_range(const Json& v, const char* key, std::int64_t least, std::int64_t most) const {
    if (!v.is_number_integer()) throw wrong(where_, key, "a whole number", &v);
    const bool too_big = v.is_number_unsigned() && v.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    const std::int64_t n = too_big ? INT64_MAX : v.get<std::int64_t>();
    if (n < least || n > most || too_big) {
        throw Error(ErrorCode::limit, fmt::format("{}: '{}' is out of range", where_, printable(key)))
            .expected(fmt::format("{} to {}", least, most))
            .found(v.dump());
    }
    return n;
}

std::int64_t ConfigReader::integer(const char* key, std::int64_t least, std::int64_t most) const {
    return in_range(value(key, "a whole number"), key, least, most);
}

std::int64_t ConfigReader::integer_or(const char* key, std::int64_t otherwise, std::int64_t least, std::int64_t most) const {
    return has(key) ? integer(key, least, most) : otherwise;
}

double ConfigReader::number(const char* key, double least, double most) const {
    const Json& v = value(key, "a number");
    if (!v.is_number()) throw wrong(where_, key, "a number", &v);
    const auto x = v.get<double>();
    if (!(x >= least && x <= most)) {  // also refuses NaN
        throw Error(ErrorCode::limit, fmt::format("{}: '{}' is out of range", where_, printable(key)))
            .expected(fmt::format("{} to {}", least, most))
            .found(v.dump());
    }
    return x;
}

double ConfigReader::number_or(const char* key, double otherwise, double least, double most) const {
    return has(key) ? number(key, least, most) : otherwise;
}

bool ConfigReader::boolean(const char* key) const {
    const Json& v = value(key, "true or false");
    if (!v.is_boolean()) throw wrong(where_, key, "true or false", &v);
    return v.get<bool>();
}

std::string ConfigReader::string(const char* key) const {
    const Json& v = value(key, "a text");
    if (!v.is_string()) throw wrong(where_, key, "a text", &v);
    return v.get<std::string>();
}

std::vector<std::int64_t> ConfigReader::integers(const char* key, std::size_t max_count, std::int64_t least,
                                                 std::int64_t most) const {
    const Json& v = value(key, "a list of whole numbers");
    if (!v.is_array() || v.empty() || v.size() > max_count) {
        throw wrong(where_, key, fmt::format("a list of 1 to {} whole numbers", max_count), &v);
    }
    std::vector<std::int64_t> out;
    for (const Json& n : v) out.push_back(in_range(n, key, least, most));
    return out;
}

ConfigReader ConfigReader::object(const std::string& key) const {
    const Json& v = value(key.c_str(), "an object");
    if (!v.is_object()) throw wrong(where_, key, "an object", &v);
    return {v, where_ + ": " + printable(key)};
}

}  // namespace heart::formats
