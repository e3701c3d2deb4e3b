// Does JSON from a stranger stay within its limits, and does a configuration say which field is wrong?

#include "formats/config_reader.h"
#include "support/patience.h"
#include "unit/formats_test_support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace heart::formats {
namespace {

using test::Refusal;
using test::refusal_of;

Refusal refused_json(const std::string& text, const JsonLimits& limits = {}) {
    return refusal_of([&] { (void)parse_json(text, "x.json", limits); });
}

TEST(ParseJson, ReadsWhatTheLibraryReads) {
    for (const char* text :
         {"null", "true", "-3", "18446744073709551615", "1.5e3", "\"\\u00e9\\n\"", "[]", "{}",
          " [1, [2, {\"a\": [3]}], {}] ", R"({"a": {"b": [1, {"c": null}, 2], "d": {}}, "e": [[], [[]]], "f": false})"}) {
        EXPECT_EQ(parse_json(text, "x"), Json::parse(text)) << text;
    }
    EXPECT_TRUE(parse_json("7", "x").is_number_unsigned());
    EXPECT_TRUE(parse_json("-7", "x").is_number_integer());
    EXPECT_FALSE(parse_json("-7", "x").is_number_unsigned());
    EXPECT_TRUE(parse_json("7.0", "x").is_number_float());
}

TEST(ParseJson, RefusesWhatIsNoJson) {
    for (const char* text :
         {"",  " ",   "{",  "[1,]",  "{\"a\":1,}", "nul",          "1 2",     "{} {}",  "'a'",     "{a:1}",      "[1}",
          "]", "\"a", "01", "1e999", "NaN",        "\xef\xbb\xbf", "// c\n1", "\"\t\"", "\"\\x\"", "\"\\ud800\""}) {
        const Refusal r = refused_json(text);
        EXPECT_EQ(r.code, ErrorCode::malformed) << text << ": " << r.message;
        EXPECT_NE(r.message.find("x.json"), std::string::npos) << r.message;
    }
    const Refusal bytes = refused_json("[\"\xc0\x80\"]");
    EXPECT_EQ(bytes.code, ErrorCode::malformed);
    EXPECT_NE(bytes.message.find("offset 2"), std::string::npos) << bytes.message;
    EXPECT_EQ(refused_json(std::string("[1]\0", 4)).code, ErrorCode::malformed);
}

TEST(ParseJson, RefusesARepeatedKeyInOneObjectOnly) {
    for (const char* text : {R"({"a":1,"a":1})", R"([{"b":{}},{"a":{},"a":{}}])", R"({"x":{"a":1,"b":{"a":2},"a":3}})",
                             R"({"a":[{"a":1}],"a":2})", R"({"a":1,"\u0061":2})"}) {
        const Refusal r = refused_json(text);
        EXPECT_EQ(r.code, ErrorCode::malformed) << text;
        EXPECT_NE(r.message.find("repeats the key 'a'"), std::string::npos) << r.message;
    }
    EXPECT_EQ(refused_json(R"([{"a":{"a":[{"a":1}]}},{"a":1}])").message, "accepted");
    EXPECT_EQ(refused_json(R"({"a":null,"a":null})").code, ErrorCode::malformed);
}

TEST(ParseJson, LimitsBytesAndDepth) {
    EXPECT_EQ(refused_json("[1,2]", {.max_bytes = 5}).message, "accepted");
    const Refusal large = refused_json("[1,23]", {.max_bytes = 5});
    EXPECT_EQ(large.code, ErrorCode::limit);
    EXPECT_NE(large.message.find("6 bytes"), std::string::npos) << large.message;

    EXPECT_EQ(refused_json("[{\"a\":[1]}]", {.max_depth = 3}).message, "accepted");
    EXPECT_EQ(refused_json("[{\"a\":[[1]]}]", {.max_depth = 3}).code, ErrorCode::limit);
    EXPECT_EQ(refused_json(R"(["[[[[[[", "\"[[[[", [1]])", {.max_depth = 2}).message, "accepted");  // inside texts
    EXPECT_EQ(refused_json(R"(["\\",[[1]]])", {.max_depth = 2}).code, ErrorCode::limit);            // behind an escape
    EXPECT_EQ(refused_json(std::string(1'000'000, '[')).code, ErrorCode::limit);
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
    EXPECT_EQ(refused_json(objects).code, ErrorCode::limit);
}

TEST(ParseJson, TakesTimeInProportionToTheText) {
    std::string list = "[{}";
    for (int i = 0; i < 400'000; ++i) list += ",{}";
    const double start = test::processor_seconds();
    EXPECT_EQ(parse_json(list + "]", "x").size(), 400'001U);
    EXPECT_LT(test::processor_seconds() - start, 20);
}

// --- ConfigReader -------------------------------------------------------------------------------------------------------

const Json& sample() {
    static const Json json = Json::parse(R"({"n": 12, "low": -5, "big": 18446744073709551615, "x": 2.5, "yes": true,
        "word": "abc", "list": [1, 2, 3], "empty": [], "mixed": [1, "2"], "inner": {"n": "twelve"}, "nothing": null})");
    return json;
}

ConfigReader reader() {
    return {sample(), "dir/config.json"};
}

TEST(ConfigReader, ReadsWhatIsThere) {
    const ConfigReader c = reader();
    EXPECT_EQ(c.integer("n", 12, 12), 12);
    EXPECT_EQ(c.integer("low", -5, 0), -5);
    EXPECT_EQ(c.integer_or("n", 3, 0, 100), 12);
    EXPECT_EQ(c.integer_or("absent", 3, 0, 100), 3);
    EXPECT_DOUBLE_EQ(c.number("x", 2.5, 2.5), 2.5);
    EXPECT_DOUBLE_EQ(c.number("n", 0, 100), 12);
    EXPECT_DOUBLE_EQ(c.number_or("absent", 0.5, 0, 1), 0.5);
    EXPECT_TRUE(c.boolean("yes"));
    EXPECT_EQ(c.string("word"), "abc");
    EXPECT_EQ(c.integers("list", 3, 1, 3), (std::vector<std::int64_t>{1, 2, 3}));
    EXPECT_TRUE(c.has("nothing"));
    EXPECT_FALSE(c.has("absent"));
    EXPECT_EQ(c.object("inner").string("n"), "twelve");
}

struct BadField {
    const char* what;
    Refusal refusal;
    ErrorCode code;
    const char* in_message;
};

TEST(ConfigReader, RefusesWhatIsNotByNameOfFileAndField) {
    const ConfigReader c = reader();
    const BadField fields[] = {
        {"missing", refusal_of([&] { (void)c.integer("absent", 0, 9); }), ErrorCode::malformed, "'absent'"},
        {"number below", refusal_of([&] { (void)c.integer("n", 13, 99); }), ErrorCode::limit, "13 to 99, found 12"},
        {"number above", refusal_of([&] { (void)c.integer("n", 0, 11); }), ErrorCode::limit, "found 12"},
        {"negative", refusal_of([&] { (void)c.integer("low", 0, 11); }), ErrorCode::limit, "found -5"},
        {"2^64 - 1", refusal_of([&] { (void)c.integer("big", INT64_MIN, INT64_MAX); }), ErrorCode::limit,
         "1844674407370955"},
        {"fraction", refusal_of([&] { (void)c.integer("x", 0, 9); }), ErrorCode::malformed, "a whole number, found 2.5"},
        {"text for integer", refusal_of([&] { (void)c.integer("word", 0, 9); }), ErrorCode::malformed, "\"abc\""},
        {"null", refusal_of([&] { (void)c.integer("nothing", 0, 9); }), ErrorCode::malformed, "null"},
        {"optional, wrong", refusal_of([&] { (void)c.integer_or("word", 1, 0, 9); }), ErrorCode::malformed, "'word'"},
        {"number out of range", refusal_of([&] { (void)c.number("x", 0, 2); }), ErrorCode::limit, "found 2.5"},
        {"text for number", refusal_of([&] { (void)c.number("word", 0, 2); }), ErrorCode::malformed, "'word'"},
        {"number for truth", refusal_of([&] { (void)c.boolean("n"); }), ErrorCode::malformed, "true or false"},
        {"number for text", refusal_of([&] { (void)c.string("n"); }), ErrorCode::malformed, "a text"},
        {"list too long", refusal_of([&] { (void)c.integers("list", 2, 0, 9); }), ErrorCode::malformed, "1 to 2"},
        {"empty list", refusal_of([&] { (void)c.integers("empty", 2, 0, 9); }), ErrorCode::malformed, "'empty'"},
        {"text in list", refusal_of([&] { (void)c.integers("mixed", 2, 0, 9); }), ErrorCode::malformed, "'mixed'"},
        {"list out of range", refusal_of([&] { (void)c.integers("list", 3, 0, 2); }), ErrorCode::limit, "'list'"},
        {"number for list", refusal_of([&] { (void)c.integers("n", 3, 0, 2); }), ErrorCode::malformed, "'n'"},
        {"no object", refusal_of([&] { (void)c.object("n"); }), ErrorCode::malformed, "an object"},
        {"inside", refusal_of([&] { (void)c.object("inner").integer("n", 0, 9); }), ErrorCode::malformed, ": inner: 'n'"},
    };
    for (const BadField& f : fields) {
        EXPECT_EQ(f.refusal.code, f.code) << f.what << ": " << f.refusal.message;
        EXPECT_NE(f.refusal.message.find(f.in_message), std::string::npos) << f.what << ": " << f.refusal.message;
        EXPECT_TRUE(f.refusal.message.starts_with("dir/config.json")) << f.what << ": " << f.refusal.message;
    }
}

TEST(ConfigReader, WantsAnObject) {
    for (const char* text : {"[]", "1", "null", "\"a\""}) {
        const Json json = Json::parse(text);
        EXPECT_EQ(refusal_of([&] { (void)ConfigReader(json, "c"); }).code, ErrorCode::malformed) << text;
    }
}

}  // namespace
}  // namespace heart::formats
