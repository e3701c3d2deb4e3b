#include "core/error.h"
#include "formats/base64.h"
#include "support/character_maps.h"
#include "support/patience.h"
#include "text/sentence_pieces.h"

#include <gtest/gtest.h>
#include <algorithm>
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
    std::ifstream in(std::string(HEART_TEST_DATA) + "/ckpt-tiny/xlm-roberta-base/tokenizer.json", std::ios::binary);
    EXPECT_TRUE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

const SentencePieceTokenizer& tiny() {
    static const SentencePieceTokenizer tokenizer = SentencePieceTokenizer::from_json(tiny_file());
    return tokenizer;
}

/// The code and message with which something is refused; "accepted" where it is not.
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
    return refusal_of([&] { (void)SentencePieceTokenizer::from_json(text, "t.json", limits); });
}

struct BadFile {
    const char* change;  ///< what was done to a good file
    std::function<void(json&)> apply;
    ErrorCode code;
    const char* in_message;  ///< the place that the error must name
};

json& vocab(json& f) {
    return f["model"]["vocab"];
}
json& metaspace(json& f) {
    return f["pre_tokenizer"]["pretokenizers"][1];
}
json& mask(json& f) {
    return f["added_tokens"][4];
}
/// A step of the file's normalizer, which becomes the sequence of newer files.
json& step(json& f, std::size_t i) {
    if (f["normalizer"]["type"] != "Sequence") {
        json steps = json::array({f["normalizer"]});
        steps.push_back({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}});
        steps.push_back({{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "▁"}});
        f["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
    }
    return f["normalizer"]["normalizers"][i];
}
/// Gives the file the character map with these bytes.
void set_map(json& f, const std::string& bytes) {
    f["normalizer"]["precompiled_charsmap"] = formats::to_base64(test::as_bytes(bytes));
}

constexpr ErrorCode kMalformed = ErrorCode::malformed, kUnsupported = ErrorCode::unsupported,
                    kMismatch = ErrorCode::mismatch;

const std::vector<BadFile>& bad_models() {
    static const std::vector<BadFile> cases{
        {"no model", [](json& f) { f.erase("model"); }, kMalformed, "lacks 'model'"},
        {"a BPE model", [](json& f) { f["model"]["type"] = "BPE"; }, kUnsupported, "model.type"},
        {"no model type", [](json& f) { f["model"].erase("type"); }, kMalformed, "model lacks 'type'"},
        {"byte fallback", [](json& f) { f["model"]["byte_fallback"] = true; }, kUnsupported, "model.byte_fallback"},
        {"byte fallback is a string", [](json& f) { f["model"]["byte_fallback"] = "no"; }, kMalformed, "byte_fallback"},
        {"no vocabulary", [](json& f) { f["model"].erase("vocab"); }, kMalformed, "lacks 'vocab'"},
        {"vocabulary is an object", [](json& f) { vocab(f) = json::object(); }, kMalformed, "model.vocab"},
        {"an empty vocabulary", [](json& f) { vocab(f).clear(); }, kMismatch, "model.unk_id"},
        {"an entry is a string", [](json& f) { vocab(f)[7] = "s"; }, kMalformed, "model.vocab[7]"},
        {"an entry has no score", [](json& f) { vocab(f)[7].erase(1); }, kMalformed, "model.vocab[7]"},
        {"an entry has three parts", [](json& f) { vocab(f)[7].push_back(1); }, kMalformed, "model.vocab[7]"},
        {"a token is a number", [](json& f) { vocab(f)[7][0] = 5; }, kMalformed, "model.vocab[7][0]"},
        {"a token is empty", [](json& f) { vocab(f)[7][0] = ""; }, kMalformed, "model.vocab[7][0]"},
        {"a score is a string", [](json& f) { vocab(f)[7][1] = "-1"; }, kMalformed, "model.vocab[7][1]"},
        {"a score is null", [](json& f) { vocab(f)[7][1] = nullptr; }, kMalformed, "model.vocab[7][1]"},
        {"a token twice", [](json& f) { vocab(f)[9][0] = vocab(f)[7][0]; }, kMalformed, "model.vocab[9] repeats"},
        {"no unknown token", [](json& f) { f["model"].erase("unk_id"); }, kUnsupported, "unk_id"},
        {"unk_id is null", [](json& f) { f["model"]["unk_id"] = nullptr; }, kUnsupported, "unk_id"},
        {"unk_id is a string", [](json& f) { f["model"]["unk_id"] = "3"; }, kMalformed, "model.unk_id"},
        {"unk_id is negative", [](json& f) { f["model"]["unk_id"] = -1; }, kMalformed, "model.unk_id"},
        {"unk_id behind the tokens", [](json& f) { f["model"]["unk_id"] = 474; }, kMismatch, "model.unk_id"},
        {"no pad",
         [](json& f) {
             f["added_tokens"].erase(1);
             vocab(f)[1][0] = "<p>";
         },
         kUnsupported, "<pad>"},
    };
    return cases;
}

const std::vector<BadFile>& bad_normalizers() {
    static const std::vector<BadFile> cases{
        {"no normalizer", [](json& f) { f["normalizer"] = nullptr; }, kUnsupported, "normalizer"},
        {"another normalizer",
         [](json& f) {
             f["normalizer"] = {{"type", "NFKC"}};
         },
         kUnsupported, "normalizer.type"},
        {"no map", [](json& f) { f["normalizer"].erase("precompiled_charsmap"); }, kMalformed, "precompiled_charsmap"},
        {"a map that is null", [](json& f) { f["normalizer"]["precompiled_charsmap"] = nullptr; }, kMalformed,
         "normalizer.precompiled_charsmap"},
        {"a map that is no base64", [](json& f) { f["normalizer"]["precompiled_charsmap"] = "ABC*"; }, kMalformed,
         "normalizer.precompiled_charsmap"},
        {"an empty map", [](json& f) { set_map(f, ""); }, kMalformed, "normalizer.precompiled_charsmap"},
        {"half a map",
         [](json& f) {
             set_map(f, test::character_map({{"a", "b"}}).substr(0, 1500));
         },
         kMalformed, "normalizer.precompiled_charsmap"},
        {"a map without its texts",
         [](json& f) {
             set_map(f, test::character_map({{"a", "b"}, {"b", "c"}}).substr(0, 3076));
         },
         kMalformed, "normalizer.precompiled_charsmap"},
        {"two steps", [](json& f) { step(f, 0), f["normalizer"]["normalizers"].erase(1); }, kUnsupported, "normalizers"},
        {"four steps",
         [](json& f) {
             const json second = step(f, 1);  // makes the sequence that it is put behind
             f["normalizer"]["normalizers"].push_back(second);
         },
         kUnsupported, "normalizers"},
        {"steps in another order", [](json& f) { std::swap(step(f, 1), step(f, 2)); }, kUnsupported, "normalizers[1].type"},
        {"the map last", [](json& f) { std::swap(step(f, 0), step(f, 2)); }, kUnsupported, "normalizers[2].type"},
        {"strips at the left", [](json& f) { step(f, 1)["strip_left"] = true; }, kUnsupported, "strip_left"},
        {"strips nothing", [](json& f) { step(f, 1)["strip_right"] = false; }, kUnsupported, "strip_right"},
        {"strips by a number", [](json& f) { step(f, 1)["strip_right"] = 1; }, kMalformed, "strip_right"},
        {"replaces another pattern", [](json& f) { step(f, 2)["pattern"]["Regex"] = " +"; }, kUnsupported, "pattern.Regex"},
        {"replaces a string",
         [](json& f) {
             step(f, 2)["pattern"] = {{"String", "  "}};
         },
         kUnsupported, "pattern"},
        {"replaces by a space", [](json& f) { step(f, 2)["content"] = " "; }, kUnsupported, "content"},
        {"a broken map in a sequence", [](json& f) { step(f, 0)["precompiled_charsmap"] = "AAAA"; }, kMalformed,
         "normalizer.normalizers[0].precompiled_charsmap"},
    };
    return cases;
}

const std::vector<BadFile>& bad_components() {
    static const std::vector<BadFile> cases{
        {"another version", [](json& f) { f["version"] = "2.0"; }, kUnsupported, "version"},
        {"truncation",
         [](json& f) {
             f["truncation"] = {{"max_length", 5}};
         },
         kUnsupported, "truncation"},
        {"padding",
         [](json& f) {
             f["padding"] = {{"pad_id", 1}};
         },
         kUnsupported, "padding"},
        {"no pre_tokenizer", [](json& f) { f.erase("pre_tokenizer"); }, kUnsupported, "pre_tokenizer"},
        {"another pre_tokenizer",
         [](json& f) {
             f["pre_tokenizer"] = {{"type", "Whitespace"}};
         },
         kUnsupported, "pre_tokenizer.type"},
        {"WhitespaceSplit alone", [](json& f) { f["pre_tokenizer"]["pretokenizers"].erase(1); }, kUnsupported,
         "pretokenizers"},
        {"the sequence reversed", [](json& f) { std::swap(f["pre_tokenizer"]["pretokenizers"][0], metaspace(f)); },
         kUnsupported, "pretokenizers[0].type"},
        {"another mark", [](json& f) { metaspace(f)["replacement"] = "_"; }, kUnsupported, "pretokenizers[1].replacement"},
        {"no mark", [](json& f) { metaspace(f).erase("replacement"); }, kMalformed, "replacement"},
        {"another second mark", [](json& f) { metaspace(f)["str_rep"] = "_"; }, kUnsupported, "str_rep"},
        {"words not split", [](json& f) { metaspace(f)["split"] = false; }, kUnsupported, "split"},
        {"a mark at the first word only", [](json& f) { metaspace(f)["prepend_scheme"] = "first"; }, kUnsupported,
         "prepend_scheme"},
        {"prepend_scheme is a boolean", [](json& f) { metaspace(f)["prepend_scheme"] = true; }, kMalformed,
         "prepend_scheme"},
        {"add_prefix_space is a string", [](json& f) { metaspace(f)["add_prefix_space"] = "yes"; }, kMalformed,
         "add_prefix_space"},
        {"two spellings that disagree", [](json& f) { metaspace(f)["prepend_scheme"] = "never"; }, kMismatch,
         "pretokenizers[1]"},
        {"a single word", [](json& f) { mask(f)["single_word"] = true; }, kUnsupported, "added_tokens[4].single_word"},
        {"an added id of another token", [](json& f) { mask(f)["id"] = 64; }, kMismatch, "added_tokens[4]"},
        {"an added token with a model token's id", [](json& f) { mask(f)["content"] = "<m>"; }, kMalformed,
         "added_tokens[4]"},
        {"a normalised added token of nothing",
         [](json& f) {
             mask(f)["content"] = "\x01";
             mask(f)["id"] = 474;
             mask(f)["normalized"] = true;
         },
         kUnsupported, "added_tokens[4]"},
        {"two added tokens that become the same",
         [](json& f) {
             for (const char* content : {"ﬂx", "flx"}) {
                 json token = mask(f);
                 token.update({{"content", content}, {"normalized", true}, {"id", 474 + f["added_tokens"].size()}});
                 f["added_tokens"].push_back(token);
             }
         },
         kUnsupported, "added_tokens[6]"},
        {"another processor", [](json& f) { f["post_processor"]["type"] = "RobertaProcessing"; }, kUnsupported,
         "post_processor.type"},
        {"a template without the text", [](json& f) { f["post_processor"]["single"].erase(1); }, kUnsupported, "single"},
        {"a template id of no token", [](json& f) { f["post_processor"]["special_tokens"]["</s>"]["ids"] = {474}; },
         kMismatch, "474"},
    };
    return cases;
}

void expect_refused(const std::vector<BadFile>& cases) {
    const json good = json::parse(tiny_file());
    ASSERT_EQ(refusal_of_file(good.dump()).message, "accepted");
    json newer = good;
    step(newer, 0);
    ASSERT_EQ(refusal_of_file(newer.dump()).message, "accepted");
    for (const BadFile& bad : cases) {
        json file = good;
        bad.apply(file);
        const Refusal refusal = refusal_of_file(file.dump());
        EXPECT_EQ(refusal.code, bad.code) << bad.change << ": " << refusal.message;
        EXPECT_NE(refusal.message.find(bad.in_message), std::string::npos) << bad.change << ": " << refusal.message;
        EXPECT_EQ(refusal.message.rfind("t.json", 0), 0U) << bad.change << ": " << refusal.message;
    }
}

TEST(MalformedSentencePieces, ModelsAreRefusedWithTheirPlace) {
    expect_refused(bad_models());
}

TEST(MalformedSentencePieces, NormalizersAreRefusedWithTheirPlace) {
    expect_refused(bad_normalizers());
}

TEST(MalformedSentencePieces, OtherComponentsAreRefusedWithTheirPlace) {
    expect_refused(bad_components());
}

TEST(MalformedSentencePieces, TextThatIsNotAJsonObjectIsRefused) {
    for (const char* text : {"", "{", "[]", "null", "{}", "{\"model\": {}}x", "{\"model\": 5}", "\xff"}) {
        EXPECT_EQ(refusal_of_file(text).code, kMalformed) << text;
    }
}

TEST(MalformedSentencePieces, TruncatedFilesAreRefused) {
    const std::string text = tiny_file();
    for (std::size_t length = 0; length + 2 < text.size(); length += 20011) {
        EXPECT_EQ(refusal_of_file(text.substr(0, length)).code, kMalformed) << length;
    }
}

TEST(MalformedSentencePieces, EveryLimitHolds) {
    json file = json::parse(tiny_file());
    std::size_t bytes = 0, longest = 0;
    for (const json& entry : vocab(file)) {
        const std::size_t size = entry[0].get_ref<const std::string&>().size();
        bytes += size;
        longest = std::max(longest, size);
    }
    const std::size_t map_bytes = file["normalizer"]["precompiled_charsmap"].get_ref<const std::string&>().size() / 4 * 3;
    const std::string text = file.dump();
    const auto code_with = [&](auto change) {
        TokenizerLimits limits;
        change(limits);
        return refusal_of_file(text, limits).code;
    };
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_vocabulary = 473; }), ErrorCode::limit);
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_vocabulary = 474; }), ErrorCode{});
    EXPECT_EQ(code_with([&](TokenizerLimits& l) { l.max_token_bytes = longest - 1; }), ErrorCode::limit);
    EXPECT_EQ(code_with([&](TokenizerLimits& l) { l.max_token_bytes = longest; }), ErrorCode{});
    EXPECT_EQ(code_with([&](TokenizerLimits& l) { l.max_all_tokens_bytes = bytes - 1; }), ErrorCode::limit);
    EXPECT_EQ(code_with([&](TokenizerLimits& l) { l.max_all_tokens_bytes = bytes; }), ErrorCode{});
    EXPECT_EQ(code_with([&](TokenizerLimits& l) { l.max_character_map_bytes = map_bytes - 1; }), ErrorCode::limit);
    EXPECT_EQ(code_with([&](TokenizerLimits& l) { l.max_character_map_bytes = map_bytes; }), ErrorCode{});
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_added_tokens = 4; }), ErrorCode::limit);
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_added_token_bytes = 5; }), ErrorCode::limit);
    EXPECT_EQ(code_with([](TokenizerLimits& l) { l.max_template_ids = 1; }), ErrorCode::limit);
    EXPECT_EQ(code_with([&](TokenizerLimits& l) { l.max_file_bytes = text.size() - 1; }), ErrorCode::limit);
}

TEST(MalformedSentencePieces, ATextThatAMapBlowsUpIsRefused) {
    json file = json::parse(tiny_file());
    set_map(file, test::character_map({{"a", std::string(1000, 'b')}}));
    const SentencePieceTokenizer tokenizer = SentencePieceTokenizer::from_json(file.dump());
    EXPECT_EQ(refusal_of([&] { (void)tokenizer.encode(std::string(kMaxTextBytes, 'a')); }).code, ErrorCode::limit);
    // <s>, "▁b", the other 99,999 and </s>.
    EXPECT_EQ(tokenizer.encode(std::string(100, 'a')).size(), 100'002U);
}

TEST(MalformedPieceText, InvalidUtf8IsRefusedWithItsOffset) {
    struct Case {
        std::string text;
        const char* offset;
    };
    for (const Case& c : {Case{"\x80", "offset 0"}, Case{"ab\xff", "offset 2"}, Case{"é\xc3", "offset 2"},
                          Case{"a\xed\xa0\x80", "offset 1"}, Case{"<mask>\xfe", "offset 6"}}) {
        const Refusal refusal = refusal_of([&] { (void)tiny().encode(c.text); });
        EXPECT_EQ(refusal.code, kMalformed);
        EXPECT_NE(refusal.message.find(c.offset), std::string::npos) << refusal.message;
    }
}

TEST(HardPieceText, LargestTextIsAcceptedAndOneByteMoreIsNot) {
    EXPECT_EQ(tiny().encode(std::string(kMaxTextBytes, ' ')), (Ids{0, 2}));
    EXPECT_EQ(refusal_of([] { (void)tiny().encode(std::string(kMaxTextBytes + 1, ' ')); }).code, ErrorCode::limit);
}

/// Processor seconds that an action takes.
template <typename Action>
double seconds_for(Action action) {
    const double start = test::processor_seconds();
    action();
    return test::processor_seconds() - start;
}

/// A release build needs some tenths of a second; one with sanitizers some seconds. Quadratic time would be hours.
constexpr double kMostSeconds = 30.0;

TEST(HardPieceText, TextsOfTheLargestSizeAreEncodedQuickly) {
    json file = json::parse(tiny_file());
    std::string token;
    for (int i = 0; i < 200; ++i) vocab(file).push_back({token += "ab", -3.0 - i});  // many tokens at every place
    const SentencePieceTokenizer nested = SentencePieceTokenizer::from_json(file.dump());
    for (const char* unit : {"a", " ", "\n", "la la, 春天的风 12\n", "ab", "e\u0301", "\u0301", "🇯", "👩\u200d", "\u1100",
                             "▁", "ﷺ", "<mask>", " <", "<mas"}) {
        std::string text;
        while (text.size() + 30 < kMaxTextBytes) text += unit;
        EXPECT_LT(seconds_for([&] { (void)nested.encode(text); }), kMostSeconds) << unit;
    }
}

TEST(HardPieceText, AFileOfThePublishedSizeIsReadQuickly) {
    json file = json::parse(tiny_file());
    const std::vector<std::string> syllables{"ba", "kö",  "ти", "ле", "ちゃ", "na", "ro",
                                             "시", "des", "wa", "ma", "xi",   "م",  "un"};
    for (std::size_t i = vocab(file).size(); i < 250'002; ++i) {
        std::string token = i % 2 == 0 ? "▁" : "";
        for (std::size_t rest = i; rest > 0; rest /= syllables.size()) token += syllables[rest % syllables.size()];
        vocab(file).push_back({token, -7.0 - static_cast<double>(static_cast<float>(i) / 40'000.0F)});
    }
    const std::string text = file.dump();
    EXPECT_GT(text.size(), 8'000'000U);
    const double seconds = seconds_for([&] { EXPECT_EQ(SentencePieceTokenizer::from_json(text).largest_id(), 250'001); });
    RecordProperty("seconds", std::to_string(seconds));
    EXPECT_LT(seconds, kMostSeconds);
}

}  // namespace
}  // namespace heart::text
