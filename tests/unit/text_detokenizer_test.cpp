// Does Whisper's tokenizer cut texts as its file says, and come back to the text?

#include "core/error.h"
#include "support/golden.h"
#include "text/detokenizer.h"
#include "text/pretokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace heart::text {
namespace {

const Tokenizer& whisper() {
    static const Tokenizer t =
        Tokenizer::from_json(test::tiny("HeartTranscriptor-oss").open("tokenizer.json").text(), "tokenizer.json");
    return t;
}

const Detokenizer& detokenizer() {
    static const Detokenizer d(whisper());
    return d;
}

using Pieces = std::vector<std::string_view>;

TEST(Gpt2Pattern, CutsAsItsAlternativesSay) {
    EXPECT_EQ(split_gpt2("Don't stop, we've 123 reasons!"),
              (Pieces{"Don", "'t", " stop", ",", " we", "'ve", " 123", " reasons", "!"}));
    EXPECT_EQ(split_gpt2("a  b \n c "), (Pieces{"a", " ", " b", " \n", " c", " "}));
    EXPECT_EQ(split_gpt2("IT'S 'quoted'"), (Pieces{"IT", "'", "S", " '", "quoted", "'"})) << "contractions are small";
    EXPECT_EQ(split_gpt2("你好，世界"), (Pieces{"你好", "，", "世界"}));
    EXPECT_EQ(split_gpt2("\n\n"), (Pieces{"\n\n"}));
    EXPECT_TRUE(split_gpt2("").empty());
}

TEST(Gpt2Pattern, LosesNothing) {
    const std::string text = " \t x'll\r\n 4½ ... \u00a0\u3000ok'";
    std::string joined;
    for (const auto piece : split_gpt2(text)) joined += piece;
    EXPECT_EQ(joined, text);
}

TEST(Detokenizer, AnyTextComesBack) {
    for (const std::string text : {" hello the sun", "Ünïcödé, ok?", "明日の歌 🎵", "a\nb  c", ""}) {
        EXPECT_EQ(detokenizer().decode(whisper().encode(text, false)), text);
    }
}

TEST(Detokenizer, SpecialTokensAreKnown) {
    const auto end = whisper().id_of("<|endoftext|>").value();
    EXPECT_TRUE(detokenizer().is_special(end));
    EXPECT_FALSE(detokenizer().is_special(whisper().id_of("<|0.00|>").value())) << "timestamps are not marked so";
    EXPECT_EQ(detokenizer().bytes_of(end), "<|endoftext|>");
    EXPECT_EQ(detokenizer().bytes_of(1 << 30), "");
}

TEST(Detokenizer, BrokenCharactersAreReplacedOnceForEachMaximalPart) {
    EXPECT_EQ(replace_invalid_utf8("a\xe6\x98z"), "a\ufffdz");
    EXPECT_EQ(replace_invalid_utf8("\xf0\x9f\x8e"), "\ufffd");
    EXPECT_EQ(replace_invalid_utf8("\x80\x80"), "\ufffd\ufffd");
    EXPECT_EQ(replace_invalid_utf8("\xed\xa0\x80"), "\ufffd\ufffd\ufffd") << "a surrogate is no character";
    EXPECT_EQ(replace_invalid_utf8("\xc0\xaf"), "\ufffd\ufffd") << "nor is an overlong form";
    EXPECT_EQ(replace_invalid_utf8("ok"), "ok");
}

TEST(CleanUpSpaces, TakesAwayThoseBeforePunctuation) {
    EXPECT_EQ(clean_up_spaces(" Hello , is n't it ? I 'm here ."), " Hello, isn't it? I'm here.");
    EXPECT_EQ(clean_up_spaces("it 's we 've you 're"), "it's we've you're");
    EXPECT_EQ(clean_up_spaces("rock ' n"), "rock'n");
    EXPECT_EQ(clean_up_spaces("no change"), "no change");
}

}  // namespace
}  // namespace heart::text
