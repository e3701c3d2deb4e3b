#include "formats/json.h"

#include "core/error.h"
#include "core/utf8.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace heart::formats {

namespace {

/// Deepest nesting of arrays and objects, found without building anything.
std::size_t nesting_depth(std::string_view text) {
    std::size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            deepest = std::max(deepest, ++depth);
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return deepest;
}

/// Builds the value while the text is read and refuses a key as soon as it repeats. (The library's own callback parser
/// looks through all siblings at the end of every object, which takes hours for a list of a million.)
class Builder : public nlohmann::json_sax<Json> {
public:
    explicit Builder(std::string_view what) : what_(what) {}

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    bool number_float(number_float_t value, const string_t& /*text*/) override { return put(value); }
    bool string(string_t& value) override { return put(std::move(value)); }
    bool binary(binary_t& /*value*/) override { return false; }  // not in JSON text
    bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
    bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        const auto [place, fresh] = open_.back()->emplace(name, nullptr);
        if (!fresh) throw Error(ErrorCode::malformed, fmt::format("{} repeats the key '{}'", what_, name));
        member_ = &*place;
        return true;
    }

    bool parse_error(std::size_t /*position*/, const std::string& /*token*/, const Json::exception& e) override {
        throw Error(ErrorCode::malformed, fmt::format("{} is not valid JSON", what_)).found(e.what());
    }

    Json root;

private:
    /// Puts a value where the next one belongs: the root, the member whose key came last, or the end of the array.
    Json& place(Json value) {
        if (open_.empty()) return root = std::move(value);
        if (open_.back()->is_object()) return *member_ = std::move(value);
        open_.back()->push_back(std::move(value));
        return open_.back()->back();
    }
    bool put(Json value) {
        place(std::move(value));
        return true;
    }
    bool open(Json value) {
        open_.push_back(&place(std::move(value)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::string_view what_;
    std::vector<Json*> open_;  // arrays and objects around this point; none moves while it is open
    Json* member_ = nullptr;
};

}  // namespace

Json parse_json(std::string_view text, std::string_view what, const JsonLimits& limits) {
    if (text.size() > limits.max_bytes) {
        throw Error(ErrorCode::limit, fmt::format("{} is too large", what))
            .expected(fmt::format("at most {} bytes", limits.max_bytes))
            .found(fmt::format("{} bytes", text.size()));
    }
    if (const std::size_t bad = find_invalid_utf8(text); bad != std::string_view::npos) {
        throw Error(ErrorCode::malformed, fmt::format("{} is not JSON", what))
            .expected("UTF-8 text")
            .found(fmt::format("an invalid byte at offset {}", bad));
    }
    if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {  // the library takes it for the end
        throw Error(ErrorCode::malformed, fmt::format("{} is not valid JSON", what))
            .found(fmt::format("a zero byte at offset {}", zero));
    }
    if (const std::size_t depth = nesting_depth(text); depth > limits.max_depth) {
        throw Error(ErrorCode::limit, fmt::format("{} is nested too deeply", what))
            .expected(fmt::format("at most {} levels", limits.max_depth))
            .found(fmt::format("{} levels", depth));
    }
    Builder builder(what);
    Json::sax_parse(text.begin(), text.end(), &builder);
    return std::move(builder.root);
}

}  // namespace heart::formats
