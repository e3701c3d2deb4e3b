// Does the reader of pickles build the tensors that PyTorch describes, and refuse every other program?

#include "formats/pickle.h"
#include "support/torch_text.h"
#include "unit/formats_test_support.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace heart::formats {
namespace {

using test::pickle_text;
using test::PickleText;
using test::Refusal;
using test::refusal_of;
using test::TensorText;

std::map<std::string, PickledTensor> unpickle(const std::string& pickle) {
    return unpickle_tensors(std::as_bytes(std::span(pickle)), "f: data.pkl");
}

TEST(Pickle, BuildsTensorsAsDescribed) {
    const TensorText a{.elements = 12, .offset = 6, .sizes = {2, 3}, .strides = {3, 1}, .type = "HalfStorage", .key = "5"};
    const auto found = unpickle(pickle_text({{"a.weight", a}, {"b", {.device = "cuda:0"}}}));
    ASSERT_EQ(found.size(), 2U);
    const PickledTensor& t = found.at("a.weight");
    EXPECT_EQ(t.dtype, DType::f16);
    EXPECT_EQ(t.storage, "5");
    EXPECT_EQ(t.storage_elements, 12U);
    EXPECT_EQ(t.offset, 6U);
    EXPECT_EQ(t.shape, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(t.strides, (std::vector<std::uint64_t>{3, 1}));
    EXPECT_EQ(found.at("b").storage, "0");
}

TEST(Pickle, KnowsTheTypesOfStorages) {
    const std::pair<const char*, DType> types[] = {{"FloatStorage", DType::f32},     {"HalfStorage", DType::f16},
                                                   {"BFloat16Storage", DType::bf16}, {"DoubleStorage", DType::f64},
                                                   {"LongStorage", DType::i64},      {"IntStorage", DType::i32},
                                                   {"BoolStorage", DType::boolean}};
    for (const auto& [name, type] : types) {
        EXPECT_EQ(unpickle(pickle_text({{"w", {.type = name}}})).at("w").dtype, type) << name;
    }
}

TEST(Pickle, ReadsEveryFormOfNumber) {
    using namespace std::string_literals;
    const std::pair<std::string, std::uint64_t> forms[] = {
        {"K\x07"s, 7},
        {"K\xff"s, 255},
        {"M\x01\x02"s, 0x201},
        {"M\xff\xff"s, 0xffff},
        {"J\x01\x02\x03\x04"s, 0x4030201},
        {"\x8a\0"s, 0},
        {"\x8a\x01\x7f"s, 127},
        {"\x8a\x02\xff\0"s, 255},
        {"\x8a\x05\0\0\0\0\x01"s, std::uint64_t{1} << 32},
        {"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"s, ~std::uint64_t{0} >> 1},
        {"\x8a\x09\x07\0\0\0\0\0\0\0\0"s, 7}};
    const std::string pickle = pickle_text({{"w", {.offset = 99}}});
    for (const auto& [form, value] : forms) {
        std::string changed = pickle;
        changed.replace(changed.find("Kc"), 2, form);
        EXPECT_EQ(unpickle(changed).at("w").offset, value) << value;
    }
    for (const std::string& negative : {"J\xff\xff\xff\xff"s, "\x8a\x01\xff"s, "\x8a\x01\x80"s,
                                        "\x8a\x08\0\0\0\0\0\0\0\x80"s, "\x8a\x09\xfe\xff\xff\xff\xff\xff\xff\xff\xff"s}) {
        std::string changed = pickle;
        changed.replace(changed.find("Kc"), 2, negative);
        EXPECT_EQ(refusal_of([&] { (void)unpickle(changed); }).code, ErrorCode::malformed);
    }
}

TEST(Pickle, RemembersAndRecalls) {
    PickleText p;
    p.ordered_dict().raw("(").text("a").raw("q\x05").tensor({.key = "7"}).raw("r\xff\xff\x0f").raw(std::string(1, '\0'));
    p.text("b").raw("j\xff\xff\x0f").raw(std::string(1, '\0')).raw("u");
    const auto found = unpickle(p.done());
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found.at("b").storage, "7");

    PickleText again;  // a place in the memo may be used twice
    again.raw("}").text("a").tensor({.key = "1"}).raw("q\x05s").text("b").tensor({.key = "2"}).raw("q\x05s");
    EXPECT_EQ(unpickle(again.text("c").raw("h\x05s").done()).at("c").storage, "2");
}

TEST(Pickle, DropsWhatIsBuiltIntoTheDictionary) {
    PickleText p;
    p.ordered_dict().raw("(").text("w").tensor({}).raw("u}").text("_metadata").ordered_dict().raw("(").text("").raw("}");
    p.text("version").number(1).raw("su").raw("sb");
    EXPECT_EQ(unpickle(p.done()).size(), 1U);
}

TEST(Pickle, LaterProtocolsMayUseTheSameInstructions) {
    for (unsigned protocol = 0; protocol < 256; ++protocol) {
        PickleText p(protocol);
        p.raw("}").text("w").tensor({}).raw("s");
        const Refusal r = refusal_of([&] { (void)unpickle(p.done()); });
        if (protocol >= 2 && protocol <= 5) {
            EXPECT_EQ(r.message, "accepted") << protocol;
        } else {
            EXPECT_EQ(r.code, ErrorCode::unsupported) << protocol;
        }
    }
}

TEST(Pickle, AnEmptyDictionaryHasNoTensors) {
    EXPECT_TRUE(unpickle(PickleText().raw("}").done()).empty());
    EXPECT_TRUE(unpickle(PickleText().ordered_dict().done()).empty());
}

// The list of what a weight file needs is complete: all else is refused, whatever comes behind it.
TEST(Pickle, NoOtherInstructionIsKnown) {
    const std::string known = "(.JKMNQRX)}bchjqrstu\x80\x85\x86\x87\x88\x89\x8a";
    for (int op = 0; op < 256; ++op) {
        if (known.find(static_cast<char>(op)) != std::string::npos && static_cast<char>(op) != '\x80') continue;
        // On the stack lies what most of them could use.
        PickleText p;
        p.raw("}").text("torch").text("FloatStorage").raw(")").raw(std::string(1, static_cast<char>(op)));
        const Refusal r = refusal_of([&] { (void)unpickle(p.raw(std::string(64, '.')).done()); });
        EXPECT_EQ(r.code, ErrorCode::unsupported) << op << ": " << r.message;
        EXPECT_NE(r.message.find("an instruction that no tensor needs"), std::string::npos) << r.message;
    }
}

TEST(Pickle, NoOtherNameIsKnown) {
    const std::pair<const char*, const char*> names[] = {{"builtins", "eval"},
                                                         {"__builtin__", "getattr"},
                                                         {"os", "system"},
                                                         {"posix", "system"},
                                                         {"nt", "system"},
                                                         {"subprocess", "Popen"},
                                                         {"collections", "OrderedDict.__init__"},
                                                         {"collections", "Counter"},
                                                         {"collections.", "OrderedDict"},
                                                         {"", "OrderedDict"},
                                                         {"collections", ""},
                                                         {"Collections", "OrderedDict"},
                                                         {"torch", "_rebuild_tensor_v2"},
                                                         {"torch._utils", "_rebuild_tensor"},
                                                         {"torch._utils", "_rebuild_tensor_v2.__globals__"},
                                                         {"torch._utils", "_rebuild_parameter"},
                                                         {"torch", "ByteStorage"},
                                                         {"torch", "FloatStorage "},
                                                         {"torch", "load"},
                                                         {"torch.storage", "FloatStorage"},
                                                         {"torch.nn.modules.linear", "Linear"}};
    for (const auto& [module, name] : names) {
        PickleText p;
        p.raw("}").text("w").global(module, name).raw(")Rs");
        const Refusal r = refusal_of([&] { (void)unpickle(p.done()); });
        EXPECT_EQ(r.code, ErrorCode::unsupported) << module << "." << name << ": " << r.message;
        EXPECT_NE(r.message.find(std::string("'") + module + "." + name + "'"), std::string::npos) << r.message;
    }
}

struct BadPickle {
    const char* what;
    std::string pickle;
    ErrorCode code;
    const char* in_message;
};

std::vector<BadPickle> bad_programs() {
    using enum ErrorCode;
    using namespace std::string_literals;
    const auto p = [](const std::string& raw) { return PickleText().raw(raw).done(); };
    const auto item = [](const std::function<void(PickleText&)>& value) {
        PickleText out;
        value(out.raw("}").text("w"));
        return out.raw("s").done();
    };
    return {
        {"empty", "", malformed, "ends before its end"},
        {"no protocol", "}.", malformed, "not a pickle"},
        {"a protocol's number missing", "\x80", malformed, "ends before its end"},
        {"no end", "\x80\x02}", malformed, "ends before its end"},
        {"a byte behind the end", p("}") + "x", malformed, "left over"},
        {"nothing on the stack", p(""), malformed, "stack is empty"},
        {"a tuple at the end", p(")"), malformed, "a dictionary from names to tensors"},
        {"a tensor at the end", PickleText().tensor({}).done(), malformed, "a dictionary from names to tensors"},
        {"two dictionaries at the end", p("}}"), malformed, "left over"},
        {"a mark at the end", p("}("), malformed, "stack is empty"},
        {"a mark below the end", p("(}"), malformed, "left over"},
        {"a text that is cut", "\x80\x02X\x04\0\0\0abc"s, malformed, "ends before its end"},
        {"a text of 2^32 bytes", "\x80\x02X\xff\xff\xff\xff."s, limit, "a text"},
        {"a text that is not UTF-8", p("}X\x02\0\0\0\xc0\x80Ns"s), malformed, "UTF-8"},
        {"half of a surrogate pair", p("}X\x03\0\0\0\xed\xa0\x80Ns"s), malformed, "UTF-8"},
        {"a number that is cut", "\x80\x02J\0\0"s, malformed, "ends before its end"},
        {"a number of 72 bits", p("}\x8a\x09\0\0\0\0\0\0\0\0\1"s), limit, "a number"},
        {"2^63", p("}\x8a\x09\0\0\0\0\0\0\0\x80\0"s), limit, "a number"},
        {"-2^63 - 1", p("}\x8a\x09\xff\xff\xff\xff\xff\xff\xff\x7f\xff"s), limit, "a number"},
        {"a long number that is cut", "\x80\x02\x8a\x08\0\0."s, malformed, "ends before its end"},
        {"a name without an end", "\x80\x02" + "ctorch"s, malformed, "a name without an end"},
        {"a name without its second line", p("ctorch\nFloatStorage"), malformed, "a name without an end"},
        {"a name of a kilobyte", PickleText().global(std::string(1024, 'a'), "b").done(), malformed,
         "a name without an end"},
        {"recalled, not remembered", p("h\x05"), malformed, "not remembered"},
        {"recalled from a hole", p("}q\x05h\x04"), malformed, "not remembered"},
        {"recalled from 2^32", p("}j\xff\xff\xff\xff"), malformed, "not remembered"},
        {"remembered at 2^32", p("}r\xff\xff\xff\xff"), limit, "the memo"},
        {"nothing to remember", p("q\x05"), malformed, "stack is empty"},
        {"nothing above the mark to remember", p("}(q\x05"), malformed, "stack is empty"},
        {"a tuple without a mark", p("}t"), malformed, "no mark"},
        {"a tuple of too many", p("NN\x87"), malformed, "stack is empty"},
        {"a tuple across a mark", p("N(N\x86"), malformed, "stack is empty"},
        {"items without a mark", p("}u"), malformed, "no mark"},
        {"items without a dictionary", p("(u"), malformed, "stack is empty"},
        {"items beyond a mark", p("}((u"), malformed, "stack is empty"},
        {"an item of a mark", p("}(Ns"), malformed, "stack is empty"},
        {"a key without a value", PickleText().raw("}(").text("w").raw("u").done(), malformed, "a key without a value"},
        {"items of a tuple", PickleText().raw(")").text("w").raw("Ns").done(), malformed,
         "something else than a dictionary"},
        {"a number as a key", p("}K\1Ns"), unsupported, "not texts"},
        {"a value that is no tensor", item([](PickleText& t) { t.raw("N"); }), unsupported, "'w' is not a tensor"},
        {"a dictionary in the dictionary", item([](PickleText& t) { t.raw("}"); }), unsupported, "'w' is not a tensor"},
        {"a bare storage", item([](PickleText& t) { t.storage({}); }), unsupported, "'w' is not a tensor"},
        {"a name twice", pickle_text({{"w", {}}, {"w", {}}}), malformed, "'w' stands there twice"},
        {"a state for a dictionary", p("}Nb"), unsupported, "a state"},
        {"a state for a tensor", item([](PickleText& t) { t.tensor({}).raw("}b"); }), unsupported, "a state"},
        {"a state for a name", PickleText().global("torch", "FloatStorage").raw("}b").done(), unsupported, "a state"},
        {"a state for nothing", p("}b"), malformed, "stack is empty"},
    };
}

std::vector<BadPickle> bad_calls() {
    using enum ErrorCode;
    const auto item = [](const std::function<void(PickleText&)>& value) {
        PickleText out;
        value(out.raw("}").text("w"));
        return out.raw("s").done();
    };
    const auto one = [](const TensorText& t) { return pickle_text({{"w", t}}); };
    /// With other arguments than six good ones: the storage's place is 0, then come these.
    const auto call = [&](const std::function<void(PickleText&)>& rest) {
        return item([&](PickleText& t) {
            t.global("torch._utils", "_rebuild_tensor_v2").raw("(");
            rest(t.storage({}));
            t.raw("tR");
        });
    };
    const std::string key = one({}), id_of_four = std::string(key).replace(key.find("X\x03"), 8, "");
    return {
        {"REDUCE on nothing", PickleText().raw("R").done(), malformed, "stack is empty"},
        {"a call of a number", item([](PickleText& t) { t.number(1).raw(")R"); }), malformed, "a name"},
        {"a call of a storage's type", item([](PickleText& t) { t.global("torch", "FloatStorage").raw(")R"); }), unsupported,
         "a call"},
        {"arguments that are no tuple", item([](PickleText& t) { t.global("collections", "OrderedDict").raw("NR"); }),
         malformed, "a tuple of arguments"},
        {"an OrderedDict of something", item([](PickleText& t) { t.global("collections", "OrderedDict").raw("N\x85R"); }),
         unsupported, "a call"},
        {"five arguments", call([](PickleText& t) { t.number(0).numbers({4}).numbers({1}).raw("\x89"); }), unsupported,
         "6 arguments"},
        {"seven arguments",
         call([](PickleText& t) { t.number(0).numbers({4}).numbers({1}).raw("\x89").ordered_dict().raw("}"); }), unsupported,
         "6 arguments"},
        {"a tensor in place of a storage", item([](PickleText& t) {
             t.global("torch._utils", "_rebuild_tensor_v2").raw("(").tensor({}).number(0).numbers({4}).numbers({1});
             t.raw("\x89").ordered_dict().raw("tR");
         }),
         malformed, "not described"},
        {"no offset", call([](PickleText& t) { t.raw("N").numbers({4}).numbers({1}).raw("\x89").ordered_dict(); }),
         malformed, "not described"},
        {"no flag", call([](PickleText& t) { t.number(0).numbers({4}).numbers({1}).raw("N").ordered_dict(); }), malformed,
         "not described"},
        {"no hooks", call([](PickleText& t) { t.number(0).numbers({4}).numbers({1}).raw("\x89N"); }), malformed,
         "not described"},
        {"hooks",
         call([](PickleText& t) { t.number(0).numbers({4}).numbers({1}).raw("\x89").ordered_dict().text("h").raw("Ns"); }),
         malformed, "not described"},
        {"sizes that are no tuple",
         call([](PickleText& t) { t.number(0).raw("K\4").numbers({1}).raw("\x89").ordered_dict(); }), malformed, "sizes"},
        {"a size that is no number",
         call([](PickleText& t) { t.number(0).raw("(Nt").numbers({1}).raw("\x89").ordered_dict(); }), malformed, "sizes"},
        {"a size that is a flag",
         call([](PickleText& t) { t.number(0).raw("(\x88t").numbers({1}).raw("\x89").ordered_dict(); }), malformed, "sizes"},
        {"a negative offset", one({.offset = -1}), malformed, "not described"},
        {"a negative size", one({.sizes = {-4}}), malformed, "sizes"},
        {"a negative stride", one({.strides = {-1}}), malformed, "strides"},
        {"a stride too many", one({.strides = {1, 1}}), malformed, "a stride too many"},
        {"nine dimensions", one({.sizes = {1, 1, 1, 1, 1, 1, 1, 1, 4}, .strides = {1, 1, 1, 1, 1, 1, 1, 1, 1}}), limit,
         "8 dimensions"},
        {"a storage of -1", one({.elements = -1}), malformed, "a storage that is not described"},
        {"a storage of another thing", item([](PickleText& t) { t.raw("(").text("module").raw("NNNNtQ"); }), unsupported,
         "something else than a storage"},
        {"a storage described by a text", item([](PickleText& t) { t.text("storage").raw("Q"); }), malformed,
         "a storage's description"},
        {"a storage of four parts", id_of_four, unsupported, "something else than a storage"},
        {"a storage of a type that is no name", item([](PickleText& t) {
             t.raw("(").text("storage").text("FloatStorage").text("0").text("cpu").number(4).raw("tQ");
         }),
         malformed, "a storage that is not described"},
        {"a storage of dictionaries", item([](PickleText& t) {
             t.raw("(").text("storage").global("collections", "OrderedDict").text("0").text("cpu").number(4).raw("tQ");
         }),
         malformed, "a storage that is not described"},
        {"a storage elsewhere", one({.key = "../data.pkl"}), malformed, "no name of a record"},
        {"a storage in a folder", one({.key = "a/b"}), malformed, "no name of a record"},
        {"a storage without a name", one({.key = ""}), malformed, "no name of a record"},
    };
}

TEST(Pickle, RefusesEveryOtherProgram) {
    auto all = bad_programs();
    for (BadPickle& p : bad_calls()) all.push_back(std::move(p));
    for (const BadPickle& p : all) {
        const Refusal r = refusal_of([&] { (void)unpickle(p.pickle); });
        EXPECT_EQ(r.code, p.code) << p.what << ": " << r.message;
        EXPECT_NE(r.message.find(p.in_message), std::string::npos) << p.what << ": " << r.message;
        EXPECT_NE(r.message.find("f: data.pkl"), std::string::npos) << p.what << ": " << r.message;
    }
}

// --- limits -------------------------------------------------------------------------------------------------------------

std::string repeated(const std::string& instructions, std::size_t times) {
    std::string out;
    out.reserve(instructions.size() * times);
    for (std::size_t i = 0; i < times; ++i) out += instructions;
    return out;
}

TEST(Pickle, StacksTextsMarksAndValuesHaveLimits) {
    const auto p = [](const std::string& raw) { return PickleText().raw(raw).done(); };
    constexpr std::size_t kStack = 1 << 18, kMarks = 256, kText = 65'535;
    EXPECT_EQ(refusal_of([&] { (void)unpickle(p("}(" + repeated("N", kStack - 1) + "t\x85Nu")); }).code,
              ErrorCode::malformed);
    EXPECT_EQ(refusal_of([&] { (void)unpickle(p("}(" + repeated("N", kStack) + "t")); }).code, ErrorCode::limit);
    EXPECT_EQ(refusal_of([&] { (void)unpickle(p(repeated("(", kMarks) + "}.")); }).code, ErrorCode::malformed);
    EXPECT_EQ(refusal_of([&] { (void)unpickle(p(repeated("(", kMarks + 1) + "}.")); }).code, ErrorCode::limit);
    EXPECT_EQ(unpickle(pickle_text({{std::string(kText, 'n'), {}}})).size(), 1U);
    EXPECT_EQ(refusal_of([&] { (void)unpickle(pickle_text({{std::string(kText + 1, 'n'), {}}})); }).code, ErrorCode::limit);
    std::string long_one = p("}");
    long_one.resize(64'000'001, '.');
    EXPECT_EQ(refusal_of([&] { (void)unpickle(long_one); }).code, ErrorCode::limit);
    const std::string many = "}" + repeated("(" + repeated("N", 4096) + "t", 600);
    const Refusal r = refusal_of([&] { (void)unpickle(p(many)); });
    EXPECT_EQ(r.code, ErrorCode::limit);
    EXPECT_NE(r.message.find("the pickle's values"), std::string::npos) << r.message;
}

TEST(Pickle, TensorsHaveALimit) {
    const auto file = [](std::size_t n) {
        PickleText p;
        p.raw("}").text("t").tensor({}).raw("q\1s");
        for (std::size_t i = 1; i < n; ++i) p.text(std::to_string(i)).raw("h\1s");
        return p.done();
    };
    EXPECT_EQ(unpickle(file(65'536)).size(), 65'536U);
    EXPECT_EQ(refusal_of([&] { (void)unpickle(file(65'537)); }).code, ErrorCode::limit);
}

TEST(Pickle, TensorsWithoutANameCountToo) {
    const auto file = [](std::size_t n) {
        PickleText p;
        p.global("torch._utils", "_rebuild_tensor_v2").raw("q\1(").storage({}).number(0).numbers({4}).numbers({1});
        p.raw("\x89").ordered_dict().raw("tq\2R");
        return p.raw(repeated("h\1h\2R", n - 1)).raw("}").done();
    };
    EXPECT_EQ(refusal_of([&] { (void)unpickle(file(65'536)); }).code, ErrorCode::malformed);  // they are left over
    EXPECT_EQ(refusal_of([&] { (void)unpickle(file(65'537)); }).code, ErrorCode::limit);
}

TEST(Pickle, ADictionaryMayHoldItself) {
    const std::string p = PickleText().raw("}q\1").text("me").raw("h\1s").done();
    EXPECT_EQ(refusal_of([&] { (void)unpickle(p); }).code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace heart::formats
