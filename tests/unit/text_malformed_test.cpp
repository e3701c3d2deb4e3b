#include "core/error.h"
#include "support/patience.h"
#include "text/tokenizer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

namespace heart::text {
namespace {

using Ids = std::vector<std::int32_t>;
using nlohmann::json;

std::string tiny_file() {
    std::ifstream in(std::string(HEART_TEST_DATA) + "/tokenizer/tiny.json", std::ios::binary);
    EXPECT_TRUE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

const Tokenizer& tiny() {
    static const Tokenizer tokenizer = Tokenizer::from_json(tiny_file());
    return tokenizer;
}

/// The code and message with which a text is refused; "accepted" where it is not.
struct Refusal {
    ErrorCode code{};
    std::string message = "accepted";
};

template <typename Action>
Refusal refusal_of(Action action) {
    try {
        action();
    } catch (const Error& e) {
        return {e.code(), e.what()};
    }
    return {};
}

Refusal refusal_of_file(const std::string& text, const TokenizerLimits& limits = {}) {
    return refusal_of([&] { (void)Tokenizer::from_json(text, "t.json", limits); });
}

struct BadFile {
    const char* change;  ///< what was done to a good file
    std::function<void(json&)> apply;
    ErrorCode code;
    const char* in_message;  ///< the place that the error must name
};

json& model(json& f) {
    return f["model"];
}
json& split(json& f) {
    return f["pre_tokenizer"]["pretokenizers"][0];
}
json& bytes(json& f) {
    return f["pre_tokenizer"]["pretokenizers"][1];
}
json& added(json& f) {
    return f["added_tokens"][1];
}
json& templ(json& f) {
    return f["post_processor"]["processors"][1];
}

constexpr ErrorCode kMalformed = ErrorCode::malformed, kUnsupported = ErrorCode::unsupported,
                    kMismatch = ErrorCode::mismatch;

const std::vector<BadFile>& bad_models() {
    static const std::vector<BadFile> cases{
        {"no model", [](json& f) { f.erase("model"); }, kMalformed, "lacks 'model'"},
        {"model is a string", [](json& f) { f["model"] = "BPE"; }, kMalformed, "model is malformed"},
        {"no model type", [](json& f) { model(f).erase("type"); }, kMalformed, "model lacks 'type'"},
        {"a Unigram model", [](json& f) { model(f)["type"] = "Unigram"; }, kUnsupported, "model.type"},
        {"no vocabulary", [](json& f) { model(f).erase("vocab"); }, kMalformed, "lacks 'vocab'"},
        {"vocabulary is an array", [](json& f) { model(f)["vocab"] = json::array(); }, kMalformed, "model.vocab"},
        {"an id is a string", [](json& f) { model(f)["vocab"]["a"] = "64"; }, kMalformed, "model.vocab['a']"},
        {"an id is negative", [](json& f) { model(f)["vocab"]["a"] = -1; }, kMalformed, "model.vocab['a']"},
        {"an id is a fraction", [](json& f) { model(f)["vocab"]["a"] = 64.0; }, kMalformed, "model.vocab['a']"},
        {"an id is 2^31", [](json& f) { model(f)["vocab"]["a"] = 2147483648U; }, kMalformed, "model.vocab['a']"},
        {"an id is 2^64 - 1", [](json& f) { model(f)["vocab"]["a"] = ~std::uint64_t{0}; }, kMalformed, "model.vocab['a']"},
        {"two tokens share an id", [](json& f) { model(f)["vocab"]["new"] = 64; }, kMalformed, "the same id"},
        {"no merges", [](json& f) { model(f).erase("merges"); }, kMalformed, "lacks 'merges'"},
        {"merges are an object", [](json& f) { model(f)["merges"] = json::object(); }, kMalformed, "model.merges"},
        {"a merge is a number", [](json& f) { model(f)["merges"][3] = 5; }, kMalformed, "model.merges[3]"},
        {"a merge has one side", [](json& f) { model(f)["merges"][3] = {"t"}; }, kMalformed, "model.merges[3]"},
        {"a merge has three sides",
         [](json& f) {
             model(f)["merges"][3] = {"t", "h", "e"};
         },
         kMalformed, "model.merges[3]"},
        {"a merge side is null",
         [](json& f) {
             model(f)["merges"][3] = {"t", nullptr};
         },
         kMalformed, "model.merges[3][1]"},
        {"a merge of an unknown token",
         [](json& f) {
             model(f)["merges"][3] = {"t", "no!"};
         },
         kMalformed, "'no!'"},
        {"a merge into an unknown token",
         [](json& f) {
             model(f)["merges"][3] = {"!", "?"};
         },
         kMalformed, "'!?'"},
        {"both spellings mixed", [](json& f) { model(f)["merges"][3] = "t h"; }, kMalformed, "model.merges[3]"},
        {"a string without space", [](json& f) { model(f)["merges"] = {"th"}; }, kMalformed, "model.merges[0]"},
        {"a string with two spaces", [](json& f) { model(f)["merges"] = {"t h e"}; }, kMalformed, "model.merges[0]"},
        {"ignore_merges is a number", [](json& f) { model(f)["ignore_merges"] = 1; }, kMalformed, "model.ignore_merges"},
        {"dropout", [](json& f) { model(f)["dropout"] = 0.1; }, kUnsupported, "model.dropout"},
        {"dropout is a string", [](json& f) { model(f)["dropout"] = "0"; }, kMalformed, "model.dropout"},
        {"an unknown token", [](json& f) { model(f)["unk_token"] = "a"; }, kUnsupported, "model.unk_token"},
        {"a subword prefix", [](json& f) { model(f)["continuing_subword_prefix"] = "##"; }, kUnsupported, "subword_prefix"},
        {"a word suffix", [](json& f) { model(f)["end_of_word_suffix"] = "</w>"; }, kUnsupported, "end_of_word_suffix"},
        {"byte fallback", [](json& f) { model(f)["byte_fallback"] = true; }, kUnsupported, "model.byte_fallback"},
    };
    return cases;
}

const std::vector<BadFile>& bad_components() {
    static const std::vector<BadFile> cases{
        {"another version", [](json& f) { f["version"] = "2.0"; }, kUnsupported, "version"},
        {"a normalizer",
         [](json& f) {
             f["normalizer"] = {{"type", "NFC"}};
         },
         kUnsupported, "normalizer"},
        {"truncation",
         [](json& f) {
             f["truncation"] = {{"max_length", 5}};
         },
         kUnsupported, "truncation"},
        {"padding",
         [](json& f) {
             f["padding"] = {{"pad_id", 5}};
         },
         kUnsupported, "padding"},
        {"no pre_tokenizer", [](json& f) { f["pre_tokenizer"] = nullptr; }, kUnsupported, "pre_tokenizer"},
        {"pre_tokenizer is a list", [](json& f) { f["pre_tokenizer"] = json::array(); }, kMalformed, "pre_tokenizer"},
        {"ByteLevel alone without a pattern", [](json& f) { f["pre_tokenizer"] = json(bytes(f)); }, kUnsupported,
         "pre_tokenizer.use_regex"},
        {"an empty sequence", [](json& f) { f["pre_tokenizer"]["pretokenizers"].clear(); }, kUnsupported, "pretokenizers"},
        {"the sequence reversed", [](json& f) { std::swap(split(f), bytes(f)); }, kUnsupported, "pretokenizers[0].type"},
        {"another pattern", [](json& f) { split(f)["pattern"]["Regex"] = "\\s+"; }, kUnsupported, "pattern.Regex"},
        {"a string pattern",
         [](json& f) {
             split(f)["pattern"] = {{"String", " "}};
         },
         kUnsupported, "pattern"},
        {"pattern is a string", [](json& f) { split(f)["pattern"] = " "; }, kMalformed, "pattern"},
        {"another behavior", [](json& f) { split(f)["behavior"] = "Removed"; }, kUnsupported, "behavior"},
        {"an inverted split", [](json& f) { split(f)["invert"] = true; }, kUnsupported, "invert"},
        {"invert is missing", [](json& f) { split(f).erase("invert"); }, kMalformed, "lacks 'invert'"},
        {"GPT-2's pattern too", [](json& f) { bytes(f)["use_regex"] = true; }, kUnsupported, "use_regex"},
        {"GPT-2's pattern by default", [](json& f) { bytes(f).erase("use_regex"); }, kUnsupported, "use_regex"},
        {"a prefix space", [](json& f) { bytes(f)["add_prefix_space"] = true; }, kUnsupported, "add_prefix_space"},
        {"added_tokens is null", [](json& f) { f["added_tokens"] = nullptr; }, kMalformed, "added_tokens"},
        {"an added token is a string", [](json& f) { added(f) = "<s>"; }, kMalformed, "added_tokens[1]"},
        {"no content", [](json& f) { added(f).erase("content"); }, kMalformed, "lacks 'content'"},
        {"an empty content", [](json& f) { added(f)["content"] = ""; }, kMalformed, "added_tokens[1].content"},
        {"an added id is null", [](json& f) { added(f)["id"] = nullptr; }, kMalformed, "added_tokens[1].id"},
        {"lstrip is missing", [](json& f) { added(f).erase("lstrip"); }, kMalformed, "lacks 'lstrip'"},
        {"rstrip is a number", [](json& f) { added(f)["rstrip"] = 0; }, kMalformed, "added_tokens[1].rstrip"},
        {"a single word", [](json& f) { added(f)["single_word"] = true; }, kUnsupported, "added_tokens[1].single_word"},
        {"a repeated added token", [](json& f) { added(f)["content"] = "<|begin_of_text|>"; }, kMalformed, "repeats"},
        {"an added id of a model token", [](json& f) { added(f)["id"] = 64; }, kMalformed, "id of another token"},
        {"an added id twice", [](json& f) { added(f)["id"] = 640; }, kMalformed, "id of another token"},
        {"a model token with another id", [](json& f) { added(f)["content"] = "a"; }, kMismatch, "added_tokens[1]"},
        {"another processor", [](json& f) { templ(f)["type"] = "BertProcessing"; }, kUnsupported, "processors[1].type"},
        {"a processor without type", [](json& f) { templ(f).erase("type"); }, kMalformed, "lacks 'type'"},
        {"a template without single", [](json& f) { templ(f).erase("single"); }, kMalformed, "lacks 'single'"},
        {"a template without the text", [](json& f) { templ(f)["single"].erase(1); }, kUnsupported, "single"},
        {"a template with the text twice", [](json& f) { templ(f)["single"].push_back(json(templ(f)["single"][1])); },
         kUnsupported, "single"},
        {"a template of the second text", [](json& f) { templ(f)["single"][1]["Sequence"]["id"] = "B"; }, kUnsupported,
         "Sequence.id"},
        {"a template piece of no kind", [](json& f) { templ(f)["single"][0] = json::object(); }, kMalformed, "single[0]"},
        {"an undeclared special token", [](json& f) { templ(f)["special_tokens"].clear(); }, kMalformed,
         "<|begin_of_text|>"},
        {"a template id of no token", [](json& f) { templ(f)["special_tokens"]["<|begin_of_text|>"]["ids"] = {9999}; },
         kMismatch, "9999"},
        {"template ids are a number", [](json& f) { templ(f)["special_tokens"]["<|begin_of_text|>"]["ids"] = 640; },
         kMalformed, "ids"},
    };
    return cases;
}

void expect_refused(const std::vector<BadFile>& cases) {
    const json good = json::parse(tiny_file());
    ASSERT_EQ(refusal_of_file(good.dump()).message, "accepted");
    for (const BadFile& bad : cases) {
        json file = good;
        bad.apply(file);
        const Refusal refusal = refusal_of_file(file.dump());
        EXPECT_EQ(refusal.code, bad.code) << bad.change << ": " << refusal.message;
        EXPECT_NE(refusal.message.find(bad.in_message), std::string::npos) << bad.change << ": " << refusal.message;
        EXPECT_EQ(refusal.message.rfind("t.json", 0), 0U) << bad.change << ": " << refusal.message;
    }
}

TEST(MalformedTokenizer, ModelsAreRefusedWithTheirPlace) {
    expect_refused(bad_models());
}

TEST(MalformedTokenizer, OtherComponentsAreRefusedWithTheirPlace) {
    expect_refused(bad_components());
}

TEST(MalformedTokenizer, TextThatIsNotAJsonObjectIsRefused) {
    for (const char* text : {"", " ", "{", "nul", "[]", "null", "5", "\"x\"", "{}", "{\"model\": {}}x",
                             "{\"a\": \"\\ud800\"}", "{\"version\": 1.0}", "\xff"}) {
        const ErrorCode code = refusal_of_file(text).code;
        // An empty object is JSON, but has no pre_tokenizer.
        EXPECT_EQ(code, std::string(text) == "{}" ? kUnsupported : kMalformed) << text;
    }
}

TEST(MalformedTokenizer, TruncatedFilesAreRefused) {
    const std::string text = tiny_file();
    for (std::size_t length = 0; length + 2 < text.size(); length += 1009) {
        EXPECT_EQ(refusal_of_file(text.substr(0, length)).code, kMalformed) << length;
    }
}

TEST(MalformedTokenizer, RepeatedVocabularyEntriesAreRefused) {
    std::string text = tiny_file();
    text.insert(text.find("\"vocab\"") + std::string("\"vocab\": {").size(), "\"a\": 7777, ");
    EXPECT_EQ(refusal_of_file(text).code, kMalformed);
}

TEST(MalformedTokenizer, EveryLimitHolds) {
    const std::string text = tiny_file();
    const auto code_with = [&](auto change) {
        TokenizerLimits limits;
        change(limits);
        return refusal_of_file(text, limits).code;
    };
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_vocabulary = 639; }), ErrorCode::limit);
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_merges = 383; }), ErrorCode::limit);
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_added_tokens = 7; }), ErrorCode::limit);
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_added_token_bytes = 27; }), ErrorCode::limit);
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_all_added_tokens_bytes = 199; }), ErrorCode::limit);
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_template_ids = 0; }), ErrorCode::limit);
    EXPECT_EQ(code_with([&](TokenizerLimits& l) { l.max_file_bytes = text.size() - 1; }), ErrorCode::limit);
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_vocabulary = 640; }), ErrorCode{});
}

TEST(MalformedTokenizer, LegacyEmptyAffixesAreAccepted) {
    json file = json::parse(tiny_file());
    model(file)["continuing_subword_prefix"] = "";
    model(file)["end_of_word_suffix"] = "";
    model(file)["dropout"] = 0.0;
    EXPECT_EQ(refusal_of_file(file.dump()).message, "accepted");
}

TEST(MalformedText, InvalidUtf8IsRefusedWithItsOffset) {
    struct Case {
        std::string text;
        const char* offset;
    };
    for (const Case& c : {Case{"\x80", "offset 0"}, Case{"ab\xff", "offset 2"}, Case{"é\xc3", "offset 2"},
                          Case{"\xc0\x80", "offset 0"}, Case{"a\xed\xa0\x80", "offset 1"},
                          Case{"\xf4\x90\x80\x80", "offset 0"}, Case{"<|end_of_text|>\xfe", "offset 15"}}) {
        const Refusal refusal = refusal_of([&] { (void)tiny().encode(c.text); });
        EXPECT_EQ(refusal.code, kMalformed);
        EXPECT_NE(refusal.message.find(c.offset), std::string::npos) << refusal.message;
    }
}

TEST(MalformedText, AByteMissingFromTheVocabularyIsNamed) {
    json file = json::parse(tiny_file());
    model(file)["vocab"].erase("%");
    model(file)["merges"] = json::array();
    const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
    EXPECT_EQ(tokenizer.encode("a").size(), 2U);
    const Refusal refusal = refusal_of([&] { (void)tokenizer.encode("50%"); });
    EXPECT_EQ(refusal.code, kUnsupported);
    EXPECT_NE(refusal.message.find("0x25"), std::string::npos) << refusal.message;
}

TEST(HardText, EmptyTextHasOnlySpecialTokens) {
    EXPECT_EQ(tiny().encode(""), (Ids{640}));
    EXPECT_TRUE(tiny().encode("", false).empty());
}

TEST(HardText, EveryScriptAndControlCharacterIsEncoded) {
    for (const std::string& text : {std::string("\0\x01\x1b\x7f", 4), std::string("\u0085\u2028\u202e\ufeff\ufffd"),
                                    std::string("👩‍👩‍👧‍👦🏽❤️"), std::string("مرحبا שלום \u200f"),
                                    std::string("\U0010ffff\ue000")}) {
        EXPECT_GE(tiny().encode(text, false).size(), 1U);
    }
}

TEST(HardText, LargestTextIsAcceptedAndOneByteMoreIsNot) {
    EXPECT_FALSE(tiny().encode(std::string(kMaxTextBytes, ' ')).empty());
    EXPECT_EQ(refusal_of([] { (void)tiny().encode(std::string(kMaxTextBytes + 1, ' ')); }).code, ErrorCode::limit);
}

/// Processor seconds that encoding takes.
double seconds_for(const Tokenizer& tokenizer, const std::string& text) {
    const double start = test::processor_seconds();
    EXPECT_FALSE(tokenizer.encode(text).empty());
    return test::processor_seconds() - start;
}

/// A release build needs a few hundredths of a second; one with sanitizers a second. Quadratic time would be minutes.
constexpr double kMostSeconds = 5.0;

TEST(HardText, LongLyricsAreEncodedQuickly) {
    std::string text;
    while (text.size() < 200'000) text += "[Verse]\nThe sun creeps in, 春天的风 12345   across the floor!\r\n\n";
    EXPECT_LT(seconds_for(tiny(), text), kMostSeconds);
}

TEST(HardText, OneHugePieceIsEncodedQuickly) {
    json file = json::parse(tiny_file());
    std::string token = "a";
    for (int id = 900; token.size() < 2048; ++id) {  // merges at every level, so that the queue is really used
        model(file)["merges"].push_back({token, token});
        token += token;
        model(file)["vocab"][token] = id;
    }
    const Tokenizer doubling = Tokenizer::from_json(file.dump());
    EXPECT_LT(seconds_for(doubling, std::string(300'000, 'a')), kMostSeconds);
    EXPECT_EQ(doubling.encode(std::string(2048 * 5, 'a'), false).size(), 5U);
    for (const char* unit : {" ", "\n", "!", "1", "'", "\u00a0", "e\u0301", "<|", "<|end_of_text"}) {
        std::string text;
        while (text.size() < 300'000) text += unit;
        EXPECT_LT(seconds_for(tiny(), text), kMostSeconds) << unit;
    }
}

}  // namespace
}  // namespace heart::text
