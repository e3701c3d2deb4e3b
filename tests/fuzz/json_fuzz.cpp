// JSON from strangers, with the limits of the server: what is taken means the same after writing and reading it again, and
// another reader finds no key twice and nothing too deep in it.

#include "core/error.h"
#include "formats/json.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using heart::formats::Json;

constexpr heart::formats::JsonLimits kLimits{.max_bytes = 65536, .max_depth = 16};

void must(bool holds) {
    if (!holds) std::abort();
}

/// Walks the text by the library's event reader.
class Watcher : public nlohmann::json_sax<Json> {
public:
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return open(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        must(keys_.back().insert(name).second);
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const Json::exception&) override { std::abort(); }

private:
    bool open() {
        keys_.emplace_back();
        must(keys_.size() <= kLimits.max_depth);
        return true;
    }
    bool close() {
        keys_.pop_back();
        return true;
    }
    std::vector<std::set<std::string>> keys_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Json json;
    try {
        json = heart::formats::parse_json(text, "a text", kLimits);
    } catch (const heart::Error& e) {
        must(e.code() == heart::ErrorCode::malformed || e.code() == heart::ErrorCode::limit);
        return 0;
    }
    must(text.size() <= kLimits.max_bytes);
    Watcher watcher;
    must(Json::sax_parse(text.begin(), text.end(), &watcher));
    const std::string written = json.dump();  // throws for what is no UTF-8
    const Json again = heart::formats::parse_json(written, "a text", {.max_bytes = written.size(), .max_depth = 16});
    must(again == json && again.dump() == written);
    return 0;
}
