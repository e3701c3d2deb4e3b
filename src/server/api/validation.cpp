#include "server/api/validation.h"

#include "core/error.h"
#include "core/utf8.h"
#include "server/api/json_fault.h"
#include "server/http/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

namespace heart::server::api {

namespace {

constexpr std::size_t kMostEchoed = 200;  // characters of a text, bytes of other values
constexpr std::size_t kMostDepth = 16;
constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostMembersEchoed = 32;
constexpr std::size_t kLargestFormField = std::size_t{4} << 10;  // bytes

/// Names whose values are secrets wherever they stand.
bool is_secret_name(const std::string& name) {
    static const std::set<std::string> names{"password", "old_password", "new_password", "secret",
                                             "token",    "invite",       "api_key"};
    return names.contains(name);
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string first_characters(const std::string& text, std::size_t most) {
    std::size_t at = 0;
    for (std::size_t n = 0; n < most && at < text.size(); ++n) {
        const std::size_t length = decode_utf8(text, at).length;
        at += length == 0 ? 1 : length;
    }
    return text.substr(0, at);
}

/// A value as it may be sent back: no longer than what helps to find it.
Json echo(const Json& value) {
    if (value.is_string()) return first_characters(value.get_ref<const std::string&>(), kMostEchoed);
    if (value.is_structured()) {
        const std::string text = value.dump();
        return text.size() <= kMostEchoed ? value : Json(first_characters(text, kMostEchoed));
    }
    return value;
}

/// The whole body, for a field that is not in it.
Json echo_whole(const Json& body) {
    if (!body.is_object()) return nullptr;
    Json out = Json::object();
    for (const auto& [name, value] : body.items()) {
        if (out.size() == kMostMembersEchoed) break;
        out[first_characters(name, kMostEchoed)] = is_secret_name(name) ? Json(nullptr) : echo(value);
    }
    return out;
}

[[noreturn]] void refuse_json(std::size_t offset, const std::string& error) {
    throw ValidationError(Json::array({{{"type", "json_invalid"},
                                        {"loc", {"body", offset}},
                                        {"msg", "JSON decode error"},
                                        {"input", Json::object()},
                                        {"ctx", {{"error", error}}}}}));
}

[[noreturn]] void refuse_body(const char* type, const char* message, Json input) {
    throw ValidationError(Json::array({{{"type", type}, {"loc", {"body"}}, {"msg", message}, {"input", std::move(input)}}}));
}

[[noreturn]] void refuse_no_object(const Json& found) {
    refuse_body("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", echo(found));
}

/// "application/json", with or without parameters, or a kind of it ("application/problem+json").
bool is_json_type(std::string_view type) {
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
    while (type.starts_with(' ')) type.remove_prefix(1);
    std::string small(type);
    std::transform(small.begin(), small.end(), small.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return small.starts_with("application/") && (small == "application/json" || small.ends_with("+json"));
}

Json parse_body(const std::string& body) {
    try {
        return formats::parse_json(body, "the body", {.max_bytes = kMostBytes, .max_depth = kMostDepth});
    } catch (const Error& e) {
        if (e.code() != ErrorCode::malformed) refuse_json(0, e.message());
        if (const std::size_t bad = find_invalid_utf8(body); bad != std::string_view::npos) {
            refuse_json(characters(std::string_view(body).substr(0, bad)), "Invalid UTF-8");
        }
        if (const auto fault = find_json_fault(body)) refuse_json(fault->offset, fault->message);
        refuse_json(0, e.message());  // a key twice, a number beyond all measure
    }
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n\v\f";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// What became of reading a number out of a value.
template <typename Number>
struct Reading {
    std::optional<Number> number;
    const char* fault = nullptr;  ///< the type of error
};

constexpr double kBeyond = 9.2e18;  // of 64-bit integers

std::int64_t clamped(double whole) {
    if (whole >= kBeyond) return std::numeric_limits<std::int64_t>::max();
    if (whole <= -kBeyond) return std::numeric_limits<std::int64_t>::min();
    return static_cast<std::int64_t>(whole);
}

/// "20000", "+20000", "20000.0"; what is too large for 64 bits is the largest there is.
Reading<std::int64_t> integer_of_text(std::string_view text) {
    text = trimmed(text);
    const bool negative = text.starts_with('-');
    if (text.starts_with('+') || negative) text.remove_prefix(1);
    const std::size_t dot = std::min(text.find('.'), text.size());
    const std::string_view tail = text.substr(std::min(dot + 1, text.size()));
    const std::string_view whole = text.substr(0, dot);
    if (whole.empty() || (dot < text.size() && tail.empty()) || tail.find_first_not_of('0') != std::string_view::npos ||
        whole.find_first_not_of("0123456789") != std::string_view::npos) {
        return {{}, "int_parsing"};
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
    (void)end;
    if (error != std::errc{}) {
        value = negative ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
        return {value, nullptr};
    }
    return {negative ? -value : value, nullptr};
}

Reading<std::int64_t> integer_of(const Json& value) {
    if (value.is_number_unsigned()) {
        const auto n = value.get<std::uint64_t>();
        const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        return {static_cast<std::int64_t>(std::min(n, most)), nullptr};
    }
    if (value.is_number_integer()) return {value.get<std::int64_t>(), nullptr};
    if (value.is_number_float()) {
        const double x = value.get<double>();
        if (!std::isfinite(x)) return {{}, "finite_number"};
        if (x != std::trunc(x)) return {{}, "int_from_float"};
        return {clamped(x), nullptr};
    }
    if (value.is_string()) return integer_of_text(value.get_ref<const std::string&>());
    return {{}, "int_type"};
}

Reading<double> number_of(const Json& value) {
    double x = 0;
    if (value.is_number()) {
        x = value.get<double>();
    } else if (value.is_string()) {
        std::string_view text = trimmed(value.get_ref<const std::string&>());
        if (text.starts_with('+')) text.remove_prefix(1);
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
        if (text.empty() || text.starts_with('+') || end != text.data() + text.size()) return {{}, "float_parsing"};
        if (error != std::errc{}) return {{}, "finite_number"};
    } else {
        return {{}, "float_type"};
    }
    if (!std::isfinite(x)) return {{}, "finite_number"};
    return {x, nullptr};
}

std::string message_of(std::string_view type) {
    if (type == "int_parsing") return "Input should be a valid integer, unable to parse string as an integer";
    if (type == "int_from_float") return "Input should be a valid integer, got a number with a fractional part";
    if (type == "int_type") return "Input should be a valid integer";
    if (type == "float_parsing") return "Input should be a valid number, unable to parse string as a number";
    if (type == "float_type") return "Input should be a valid number";
    if (type == "finite_number") return "Input should be a finite number";
    if (type == "bool_parsing") return "Input should be a valid boolean, unable to interpret input";
    if (type == "bool_type") return "Input should be a valid boolean";
    return "Input should be a valid string";
}

/// "'a', 'b' or 'c'".
std::string quoted_list(const std::vector<std::string>& choices) {
    std::string out;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (i > 0) out += i + 1 == choices.size() ? " or " : ", ";
        out += "'" + choices[i] + "'";
    }
    return out;
}

std::string plural(std::size_t n, const char* thing) {
    return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}

std::optional<bool> bool_of_text(std::string_view text) {
    std::string small(text);
    std::transform(small.begin(), small.end(), small.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    for (const char* yes : {"true", "1", "yes", "on", "y", "t"}) {
        if (small == yes) return true;
    }
    for (const char* no : {"false", "0", "no", "off", "n", "f"}) {
        if (small == no) return false;
    }
    return std::nullopt;
}

}  // namespace

Fields Fields::of_body(const http::Request& request) {
    if (request.body.empty()) refuse_body("missing", "Field required", nullptr);
    const auto type = request.headers.find("Content-Type");
    if (type && !is_json_type(*type)) {
        const bool text = find_invalid_utf8(request.body) == std::string_view::npos;
        // A form may hold a password: nothing of it goes back.
        const bool form = type->starts_with("application/x-www-form-urlencoded") || type->starts_with("multipart/");
        refuse_no_object(text && !form ? Json(request.body) : Json(nullptr));
    }
    Json values = parse_body(request.body);
    if (!values.is_object()) refuse_no_object(values);
    return {"body", std::move(values)};
}

Fields Fields::of_form(const http::Request& request, std::vector<http::FormPart>& files) {
    const auto boundary = http::form_boundary(request.headers.find("Content-Type").value_or(""));
    if (!boundary) throw http::HttpError(415, "The body must be a form (multipart/form-data)");
    const auto parts = http::parse_form(request.body, *boundary);
    if (!parts) throw http::HttpError(400, "The form is malformed");
    Json values = Json::object();
    for (const http::FormPart& part : *parts) {
        if (part.filename) {
            files.push_back(part);
        } else if (part.data.size() > kLargestFormField || find_invalid_utf8(part.data) != std::string_view::npos) {
            throw http::HttpError(400, fmt::format("The form's field '{}' is no text of at most {} bytes",
                                                   printable(part.name, 60), kLargestFormField));
        } else if (part.name.ends_with("[]")) {
            values[part.name].push_back(part.data);
        } else if (values.contains(part.name)) {
            throw http::HttpError(400, fmt::format("The form's field '{}' is there twice", printable(part.name, 60)));
        } else {
            values[part.name] = part.data;
        }
    }
    return {"body", std::move(values)};
}

Fields Fields::of_query(const http::Request& request) {
    Json values = Json::object();
    for (const auto& [name, value] : request.query) {
        if (values.size() < 256 || values.contains(name)) values[name] = value;
    }
    return {"query", std::move(values)};
}

const Json* Fields::find(const std::string& name) const {
    const auto it = values_.find(name);
    return it == values_.end() ? nullptr : &*it;
}

bool Fields::has(const std::string& name) const {
    const Json* value = find(name);
    return value != nullptr && !value->is_null();
}

void Fields::add(const std::string& type, const std::string& name, const std::string& message, const Json* input,
                 Json context, bool secret) {
    Json fault{{"type", type}, {"loc", {place_, name}}, {"msg", message}};
    if (input == nullptr) fault["input"] = place_ == "body" ? echo_whole(values_) : Json(nullptr);
    else fault["input"] = secret || is_secret_name(name) ? Json(nullptr) : echo(*input);
    if (!context.is_null()) fault["ctx"] = std::move(context);
    faults_.push_back(std::move(fault));
}

void Fields::fault(const std::string& name, const std::string& message) {
    const Json none = nullptr;
    const Json* value = find(name);
    add("value_error", name, "Value error, " + message, value == nullptr ? &none : value, {{"error", Json::object()}});
}

void Fields::finish() const {
    if (!faults_.empty()) throw ValidationError(faults_);
}

std::optional<std::string> Fields::checked_text(const std::string& name, const Json& value, const TextRange& range) {
    if (!value.is_string()) {
        add("string_type", name, message_of("string_type"), &value, nullptr, range.secret);
        return std::nullopt;
    }
    auto text = value.get<std::string>();
    const std::size_t length = characters(text);
    if (length < range.least) {
        add("string_too_short", name, "String should have at least " + plural(range.least, "character"), &value,
            {{"min_length", range.least}}, range.secret);
    } else if (range.most > 0 && length > range.most) {
        add("string_too_long", name, "String should have at most " + plural(range.most, "character"), &value,
            {{"max_length", range.most}}, range.secret);
    }
    return text;
}

std::string Fields::text(const std::string& name, const TextRange& range) {
    if (const Json* value = find(name)) return checked_text(name, *value, range).value_or("");
    add("missing", name, "Field required", nullptr, nullptr);
    return {};
}

std::string Fields::text_or(const std::string& name, std::string fallback, const TextRange& range) {
    if (const Json* value = find(name)) return checked_text(name, *value, range).value_or("");
    return fallback;
}

std::optional<std::string> Fields::optional_text(const std::string& name, const TextRange& range) {
    return has(name) ? checked_text(name, *find(name), range) : std::nullopt;
}

std::int64_t Fields::integer_or(const std::string& name, std::int64_t fallback, std::int64_t least, std::int64_t most) {
    const Json* value = find(name);
    if (value == nullptr) return fallback;
    const auto reading = integer_of(*value);
    if (!reading.number) {
        add(reading.fault, name, message_of(reading.fault), value, nullptr);
    } else if (*reading.number < least) {
        add("greater_than_equal", name, fmt::format("Input should be greater than or equal to {}", least), value,
            {{"ge", least}});
    } else if (*reading.number > most) {
        add("less_than_equal", name, fmt::format("Input should be less than or equal to {}", most), value, {{"le", most}});
    } else {
        return *reading.number;
    }
    return fallback;
}

std::optional<std::uint64_t> Fields::optional_natural(const std::string& name, std::uint64_t most) {
    if (!has(name)) return std::nullopt;
    const Json& value = *find(name);
    std::uint64_t natural = 0;
    bool exact = value.is_number_unsigned();
    if (exact) natural = value.get<std::uint64_t>();
    if (value.is_string()) {  // beyond 63 bits as well
        const std::string_view text = trimmed(value.get_ref<const std::string&>());
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), natural);
        exact = error == std::errc{} && end == text.data() + text.size() && !text.empty();
    }
    if (!exact) {
        const auto reading = integer_of(value);
        if (!reading.number) {
            add(reading.fault, name, message_of(reading.fault), &value, nullptr);
            return std::nullopt;
        }
        if (*reading.number < 0) {
            add("greater_than_equal", name, "Input should be greater than or equal to 0", &value, {{"ge", 0}});
            return std::nullopt;
        }
        natural = static_cast<std::uint64_t>(*reading.number);
    }
    if (natural <= most) return natural;
    add("less_than_equal", name, fmt::format("Input should be less than or equal to {}", most), &value, {{"le", most}});
    return std::nullopt;
}

double Fields::number_or(const std::string& name, double fallback, double least, double most) {
    const Json* value = find(name);
    if (value == nullptr) return fallback;
    const auto reading = number_of(*value);
    if (!reading.number) {
        add(reading.fault, name, message_of(reading.fault), value, nullptr);
    } else if (*reading.number < least) {
        add("greater_than_equal", name, fmt::format("Input should be greater than or equal to {:g}", least), value,
            {{"ge", least}});
    } else if (*reading.number > most) {
        add("less_than_equal", name, fmt::format("Input should be less than or equal to {:g}", most), value, {{"le", most}});
    } else {
        return *reading.number;
    }
    return fallback;
}

std::optional<bool> Fields::optional_bool(const std::string& name) {
    if (!has(name)) return std::nullopt;
    const Json& value = *find(name);
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number_integer() && (value == 0 || value == 1)) return value == 1;
    if (value.is_string()) {
        if (const auto read = bool_of_text(value.get_ref<const std::string&>())) return read;
    }
    const char* type = value.is_string() || value.is_number() ? "bool_parsing" : "bool_type";
    add(type, name, message_of(type), &value, nullptr);
    return std::nullopt;
}

bool Fields::bool_or(const std::string& name, bool fallback) {
    return optional_bool(name).value_or(fallback);
}

std::vector<std::string> Fields::texts(const std::string& name, std::size_t most_items, const TextRange& range) {
    const Json* value = find(name);
    std::vector<std::string> out;
    if (value == nullptr) {
        add("missing", name, "Field required", nullptr, nullptr);
    } else if (!value->is_array()) {
        add("list_type", name, "Input should be a valid list", value, nullptr, range.secret);
    } else if (value->size() > most_items) {
        add("too_long", name,
            fmt::format("List should have at most {} after validation, not {}", plural(most_items, "item"), value->size()),
            value, {{"field_type", "List"}, {"max_length", most_items}, {"actual_length", value->size()}}, range.secret);
    } else {
        for (std::size_t i = 0; i < value->size(); ++i) {
            const std::size_t before = faults_.size();
            if (auto text = checked_text(name, (*value)[i], range)) out.push_back(std::move(*text));
            for (std::size_t f = before; f < faults_.size(); ++f) faults_[f]["loc"].push_back(i);
        }
    }
    return out;
}

std::string Fields::choice_or(const std::string& name, const std::string& fallback,
                              const std::vector<std::string>& choices) {
    const Json* value = find(name);
    if (value == nullptr) return fallback;
    if (value->is_string()) {
        auto text = value->get<std::string>();
        if (std::find(choices.begin(), choices.end(), text) != choices.end()) return text;
    }
    const std::string list = quoted_list(choices);
    add("literal_error", name, "Input should be " + list, value, {{"expected", list}});
    return fallback;
}

}  // namespace heart::server::api
