// Are requests read as the Python studio reads them, and are its words used for what is wrong?

#include "server/api/json_fault.h"
#include "server/api/validation.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>

namespace heart::test {
namespace {

using server::api::Fields;
using server::api::Json;
using server::api::TextRange;
using server::api::ValidationError;
using server::http::Request;

Request body(const std::string& text, const std::string& type = "application/json") {
    Request out;
    out.body = text;
    if (!type.empty()) out.headers.set("Content-Type", type);
    return out;
}

/// What is wrong; null when nothing is.
Json faults_of(const Request& request, const std::function<void(Fields&)>& read) {
    try {
        Fields fields = Fields::of_body(request);
        read(fields);
        fields.finish();
    } catch (const ValidationError& e) {
        return e.detail();
    }
    return nullptr;
}

Json faults_of(
    const std::string& text, const std::function<void(Fields&)>& read = [](Fields&) {}) {
    return faults_of(body(text), read);
}

Json only_fault(const std::string& text, const std::function<void(Fields&)>& read) {
    const Json faults = faults_of(text, read);
    return faults.is_array() && faults.size() == 1 ? faults[0] : Json{{"faults", faults}};
}

const auto kTopk = [](Fields& f) { (void)f.integer_or("topk", 50, 1, 500); };
const auto kTemperature = [](Fields& f) { (void)f.number_or("temperature", 1.0, 0.1, 2.0); };
const auto kUsername = [](Fields& f) { (void)f.text("username", {.least = 3, .most = 50}); };

TEST(Validation, MissingFieldsTellTheWholeBodyButNoSecrets) {
    const Json fault = only_fault(R"({"email":"a","password":"geheim"})", kUsername);
    EXPECT_EQ(fault, Json::parse(R"({"type":"missing","loc":["body","username"],"msg":"Field required",
        "input":{"email":"a","password":null}})"));
}

TEST(Validation, TextsAreMeasuredInCharacters) {
    EXPECT_EQ(only_fault(R"({"username":"ab"})", kUsername),
              Json::parse(R"({"type":"string_too_short","loc":["body","username"],
        "msg":"String should have at least 3 characters","input":"ab","ctx":{"min_length":3}})"));
    EXPECT_TRUE(faults_of(R"({"username":"äöü"})", kUsername).is_null());
    const std::string fifty(50, 'x');
    EXPECT_TRUE(faults_of(R"({"username":")" + fifty + "\"}", kUsername).is_null());
    const Json fault = only_fault(R"({"username":")" + fifty + "x\"}", kUsername);
    EXPECT_EQ(fault.at("type"), "string_too_long");
    EXPECT_EQ(fault.at("msg"), "String should have at most 50 characters");
    EXPECT_EQ(fault.at("ctx"), Json({{"max_length", 50}}));
}

TEST(Validation, OtherKindsAreNoText) {
    for (const char* value : {"1", "true", "null", "[]", "{}"}) {
        const Json fault = only_fault(std::string(R"({"username":)") + value + "}", kUsername);
        EXPECT_EQ(fault.at("type"), "string_type") << value;
        EXPECT_EQ(fault.at("msg"), "Input should be a valid string");
        EXPECT_EQ(fault.at("input"), Json::parse(value));
    }
}

TEST(Validation, SecretsAreNotSentBack) {
    const auto read = [](Fields& f) {
        (void)f.text("password", {.least = 6});
        (void)f.text("phrase", {.least = 6, .secret = true});
    };
    const Json faults = faults_of(R"({"password":"p4ss","phrase":"w0rd"})", read);
    ASSERT_EQ(faults.size(), 2U);
    EXPECT_TRUE(faults[0].at("input").is_null());
    EXPECT_TRUE(faults[1].at("input").is_null());
    EXPECT_EQ(faults.dump().find("p4ss"), std::string::npos);
    EXPECT_EQ(faults.dump().find("w0rd"), std::string::npos);
}

TEST(Validation, LongInputIsCutAfter200Characters) {
    std::string text;
    for (int i = 0; i < 300; ++i) text += "ü";
    const Json fault = only_fault(R"({"username":")" + text + "\"}", kUsername);
    EXPECT_EQ(fault.at("input").get<std::string>(), text.substr(0, 400));
    std::string many = "1";
    for (int i = 0; i < 300; ++i) many += ",1";
    const Json list = only_fault(R"({"topk":[)" + many + "]}", kTopk);
    EXPECT_LE(list.at("input").get<std::string>().size(), 200U);
}

struct Number {
    const char* text;
    const char* type;  ///< "": taken
    const char* message = "";
};

TEST(Validation, WholeNumbers) {
    const Number cases[] = {
        {"7", ""},
        {"7.0", ""},
        {R"("7")", ""},
        {R"(" +7 ")", ""},
        {R"("7.0")", ""},
        {"7.5", "int_from_float", "Input should be a valid integer, got a number with a fractional part"},
        {R"("7.5")", "int_parsing", "Input should be a valid integer, unable to parse string as an integer"},
        {R"("seven")", "int_parsing", "Input should be a valid integer, unable to parse string as an integer"},
        {R"("")", "int_parsing", "Input should be a valid integer, unable to parse string as an integer"},
        {"null", "int_type", "Input should be a valid integer"},
        {"true", "int_type", "Input should be a valid integer"},
        {"[7]", "int_type", "Input should be a valid integer"},
        {"0", "greater_than_equal", "Input should be greater than or equal to 1"},
        {"-1e300", "greater_than_equal", "Input should be greater than or equal to 1"},
        {"501", "less_than_equal", "Input should be less than or equal to 500"},
        {"18446744073709551615", "less_than_equal", "Input should be less than or equal to 500"},
        {R"("99999999999999999999999")", "less_than_equal", "Input should be less than or equal to 500"},
    };
    for (const Number& c : cases) {
        const std::string text = std::string(R"({"topk":)") + c.text + "}";
        if (*c.type == '\0') {
            EXPECT_TRUE(faults_of(text, kTopk).is_null()) << c.text;
            Fields fields = Fields::of_body(body(text));
            EXPECT_EQ(fields.integer_or("topk", 50, 1, 500), 7) << c.text;
        } else {
            const Json fault = only_fault(text, kTopk);
            EXPECT_EQ(fault.value("type", ""), c.type) << c.text << fault;
            EXPECT_EQ(fault.value("msg", ""), c.message) << c.text;
        }
    }
    EXPECT_EQ(only_fault(R"({"topk":0})", kTopk).at("ctx"), Json({{"ge", 1}}));
    EXPECT_EQ(only_fault(R"({"topk":501})", kTopk).at("ctx"), Json({{"le", 500}}));
}

TEST(Validation, Numbers) {
    const Number cases[] = {
        {"0.5", ""},
        {R"("0.5")", ""},
        {R"(" 5e-1 ")", ""},
        {R"("half")", "float_parsing", "Input should be a valid number, unable to parse string as a number"},
        {"true", "float_type", "Input should be a valid number"},
        {"null", "float_type", "Input should be a valid number"},
        {R"("NaN")", "finite_number", "Input should be a finite number"},
        {R"("inf")", "finite_number", "Input should be a finite number"},
        {"0.09", "greater_than_equal", "Input should be greater than or equal to 0.1"},
        {"2.01", "less_than_equal", "Input should be less than or equal to 2"},
    };
    for (const Number& c : cases) {
        const std::string text = std::string(R"({"temperature":)") + c.text + "}";
        if (*c.type == '\0') {
            Fields fields = Fields::of_body(body(text));
            EXPECT_EQ(fields.number_or("temperature", 1.0, 0.1, 2.0), 0.5) << c.text;
            EXPECT_NO_THROW(fields.finish());
        } else {
            const Json fault = only_fault(text, kTemperature);
            EXPECT_EQ(fault.value("type", ""), c.type) << c.text << fault;
            EXPECT_EQ(fault.value("msg", ""), c.message) << c.text;
        }
    }
}

TEST(Validation, LimitsThemselvesAreTaken) {
    for (const char* text : {R"({"temperature":0.1})", R"({"temperature":2})"}) {
        EXPECT_TRUE(faults_of(text, kTemperature).is_null()) << text;
    }
    for (const char* text : {R"({"topk":1})", R"({"topk":500})"}) EXPECT_TRUE(faults_of(text, kTopk).is_null()) << text;
}

TEST(Validation, SeedsKeepEveryBit) {
    Fields fields =
        Fields::of_body(body(R"({"a":18446744073709551615,"b":"18446744073709551615","c":null,"d":-1,"e":1.5})"));
    EXPECT_EQ(fields.optional_natural("a", UINT64_MAX), UINT64_MAX);
    EXPECT_EQ(fields.optional_natural("b", UINT64_MAX), UINT64_MAX);
    EXPECT_EQ(fields.optional_natural("c", UINT64_MAX), std::nullopt);
    EXPECT_NO_THROW(fields.finish());
    EXPECT_EQ(fields.optional_natural("d", 10), std::nullopt);
    EXPECT_EQ(fields.optional_natural("e", 10), std::nullopt);
    EXPECT_EQ(fields.optional_natural("a", 10), std::nullopt);
    EXPECT_THROW(fields.finish(), ValidationError);
}

TEST(Validation, AllFaultsAreToldAtOnceInTheirOrder) {
    const auto read = [](Fields& f) {
        (void)f.text("lyrics");
        (void)f.text("tags");
        kTopk(f);
        kTemperature(f);
    };
    const Json faults = faults_of(R"({"topk":0,"temperature":9,"unknown":1})", read);
    ASSERT_EQ(faults.size(), 4U);
    EXPECT_EQ(faults[0].at("loc"), Json({"body", "lyrics"}));
    EXPECT_EQ(faults[1].at("loc"), Json({"body", "tags"}));
    EXPECT_EQ(faults[2].at("loc"), Json({"body", "topk"}));
    EXPECT_EQ(faults[3].at("loc"), Json({"body", "temperature"}));
}

TEST(Validation, TextThatIsNoJsonTellsWhere) {
    const std::tuple<const char*, std::size_t, const char*> cases[] = {
        {"{bad", 1, "Expecting property name enclosed in double quotes"},
        {R"({"a")", 4, "Expecting ':' delimiter"},
        {R"({"a":)", 5, "Expecting value"},
        {R"({"a":1 "b")", 7, "Expecting ',' delimiter"},
        {R"({"a":1} x)", 8, "Extra data"},
        {R"({"ä":x})", 5, "Expecting value"},
        {R"({"a":"b)", 5, "Unterminated string starting at"},
        {"{\"a\":\"\n\"}", 6, "Invalid control character at"},
        {R"({"a":"\x"})", 6, "Invalid \\escape"},
        {R"({"a":NaN})", 5, "Expecting value"},
        {R"({"a":01})", 6, "Expecting ',' delimiter"},
    };
    for (const auto& [text, offset, why] : cases) {
        const Json fault = only_fault(text, [](Fields&) {});
        EXPECT_EQ(fault, Json({{"type", "json_invalid"},
                               {"loc", {"body", offset}},
                               {"msg", "JSON decode error"},
                               {"input", Json::object()},
                               {"ctx", {{"error", why}}}}))
            << text;
    }
}

TEST(Validation, HostileJsonIsRefused) {
    std::string deep;
    for (int i = 0; i < 17; ++i) deep += "[";
    for (const std::string& text :
         {deep, std::string(100'000, '['), std::string(R"({"a":1,"a":2})"), std::string("{\"a\":\"\xff\"}"),
          std::string(R"({"a":1e999})"), std::string("{\"a\":1}\0", 8)}) {
        const Json faults = faults_of(text);
        ASSERT_TRUE(faults.is_array()) << text.substr(0, 40);
        EXPECT_EQ(faults[0].at("type"), "json_invalid") << text.substr(0, 40);
    }
}

TEST(Validation, BodiesThatAreNoObjects) {
    const char* kWhat = "Input should be a valid dictionary or object to extract fields from";
    for (const char* text : {"[]", "1", "null", R"("x")"}) {
        const Json fault = only_fault(text, [](Fields&) {});
        EXPECT_EQ(fault.at("type"), "model_attributes_type") << text;
        EXPECT_EQ(fault.at("loc"), Json::array({"body"}));
        EXPECT_EQ(fault.at("msg"), kWhat);
        EXPECT_EQ(fault.at("input"), Json::parse(text));
    }
    const Json form = faults_of(body("email=a&password=geheim", "application/x-www-form-urlencoded"), [](Fields&) {});
    EXPECT_EQ(form[0].at("type"), "model_attributes_type");
    EXPECT_EQ(form.dump().find("geheim"), std::string::npos);
    EXPECT_EQ(only_fault("", [](Fields&) {}),
              Json({{"type", "missing"}, {"loc", {"body"}}, {"msg", "Field required"}, {"input", nullptr}}));
}

TEST(Validation, JsonIsTakenUnderItsNamesAndWithoutOne) {
    for (const char* type : {"application/json", "Application/JSON; charset=utf-8", "application/problem+json", ""}) {
        EXPECT_TRUE(faults_of(body("{}", type), [](Fields&) {}).is_null()) << type;
    }
    EXPECT_FALSE(faults_of(body("{}", "text/plain"), [](Fields&) {}).is_null());
}

TEST(Validation, QueriesAreTextAndTheirLastValueCounts) {
    Request request;
    request.query = {{"page", "1"}, {"page", "3"}, {"page_size", "x"}};
    Fields fields = Fields::of_query(request);
    EXPECT_EQ(fields.integer_or("page", 1, 1, 10), 3);
    (void)fields.integer_or("page_size", 20, 1, 100);
    try {
        fields.finish();
        FAIL();
    } catch (const ValidationError& e) {
        EXPECT_EQ(e.detail()[0].at("loc"), Json({"query", "page_size"}));
        EXPECT_EQ(e.detail()[0].at("input"), "x");
    }
}

TEST(Validation, ChoicesListsAndBooleans) {
    const Json choice = only_fault(R"({"format":"ogg"})", [](Fields& f) {
        (void)f.choice_or("format", "a", {"a", "b", "c"});
    });
    EXPECT_EQ(choice.at("type"), "literal_error");
    EXPECT_EQ(choice.at("msg"), "Input should be 'a', 'b' or 'c'");
    const Json item = only_fault(R"({"ids":["a",1]})", [](Fields& f) { (void)f.texts("ids", 5); });
    EXPECT_EQ(item.at("loc"), Json({"body", "ids", 1}));
    const Json many = only_fault(R"({"ids":["a","b"]})", [](Fields& f) { (void)f.texts("ids", 1); });
    EXPECT_EQ(many.at("msg"), "List should have at most 1 item after validation, not 2");
    Fields fields = Fields::of_body(body(R"({"a":true,"b":"off","c":1,"d":"maybe"})"));
    EXPECT_EQ(fields.optional_bool("a"), true);
    EXPECT_EQ(fields.optional_bool("b"), false);
    EXPECT_EQ(fields.optional_bool("c"), true);
    EXPECT_NO_THROW(fields.finish());
    EXPECT_EQ(fields.optional_bool("d"), std::nullopt);
    EXPECT_THROW(fields.finish(), ValidationError);
}

TEST(Validation, AnyBytesGiveFieldsOrAFaultThatCanBeSent) {
    rc::check([](const std::string& text) {
        const Json faults = faults_of(text, kUsername);
        RC_ASSERT(faults.is_null() || !faults.dump().empty());
    });
}

TEST(JsonFault, FindsNothingInWhatTheParserTakes) {
    rc::check([](const std::vector<std::string>& texts, double number) {
        Json value = Json::array({number, true, nullptr});
        for (const std::string& t : texts)
            value.push_back({{"k", Json(t).dump(-1, ' ', true, Json::error_handler_t::replace)}});
        RC_ASSERT(!server::api::find_json_fault(value.dump()));
    });
}

}  // namespace
}  // namespace heart::test
