#include "text/unigram.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace heart::text {
namespace {

using Ids = std::vector<std::int32_t>;

/// A model whose token 0 is the unknown one.
Unigram model_of(const std::vector<std::pair<const char*, double>>& tokens) {
    std::vector<Unigram::Token> all{{"<unk>", 0.0}};
    for (const auto& [text, score] : tokens) all.push_back({text, score});
    return {all, 0};
}

Ids encoded(const Unigram& model, const std::string& text) {
    Ids ids;
    model.encode(text, ids);
    return ids;
}

TEST(Unigram, TakesTheTokensWithTheLargestSum) {
    const Unigram model = model_of({{"a", -1}, {"b", -1}, {"ab", -2.5}, {"abc", -1.5}, {"c", -0.25}});
    EXPECT_EQ(encoded(model, "ab"), (Ids{1, 2}));
    EXPECT_EQ(encoded(model, "abc"), (Ids{4}));
    EXPECT_EQ(encoded(model, "abca"), (Ids{4, 1}));
    EXPECT_EQ(encoded(model, ""), Ids{});
}

TEST(Unigram, AppendsToWhatIsThere) {
    Ids ids{7, 8};
    model_of({{"a", -1}, {"b", -1}}).encode("ab", ids);
    EXPECT_EQ(ids, (Ids{7, 8, 1, 2}));
}

TEST(Unigram, OfEqualSumsTheLongerLastTokenWins) {
    const Unigram model = model_of({{"a", -1}, {"aa", -1}, {"aaaa", -2}});
    EXPECT_EQ(encoded(model, "aaa"), (Ids{1, 2}));
    EXPECT_EQ(encoded(model, "aaaa"), (Ids{3}));
}

TEST(Unigram, ARunOfUnknownCharactersIsOneToken) {
    const Unigram model = model_of({{"a", -1}, {"é", -1}});
    EXPECT_EQ(encoded(model, "x"), (Ids{0}));
    EXPECT_EQ(encoded(model, "x春🎵"), (Ids{0}));
    EXPECT_EQ(encoded(model, "xxaxéxx"), (Ids{0, 1, 0, 2, 0}));
}

TEST(Unigram, AnUnknownCharacterCostsTenLessThanTheSmallestScore) {
    // The smallest score is that of <unk>, 0: "a" and an unknown character are worth 11 - 10.
    EXPECT_EQ(encoded(model_of({{"a", 11}, {"ax", 1.5}}), "ax"), (Ids{2}));
    EXPECT_EQ(encoded(model_of({{"a", 11}, {"ax", 0.5}}), "ax"), (Ids{1, 0}));
}

TEST(Unigram, UnknownCharactersThatMakeATokenTogetherAreThatToken) {
    const Unigram model({{"?", 40}, {"xy", 30}}, 0);  // an unknown character is worth 20
    EXPECT_EQ(encoded(model, "xy"), (Ids{1}));
    EXPECT_EQ(encoded(model, "xyx"), (Ids{0}));  // three of them are more than the token and one
}

TEST(Unigram, TheUnknownTokenInTheTextJoinsWithWhatIsUnknown) {
    const Unigram model = model_of({{"a", -1}});
    EXPECT_EQ(encoded(model, "<unk>"), (Ids{0}));
    EXPECT_EQ(encoded(model, "a<unk><unk>x"), (Ids{1, 0}));
}

TEST(Unigram, FindsTokensByTheirText) {
    const Unigram model = model_of({{"a", -1}, {"abc", -1}});
    EXPECT_EQ(model.id_of("abc"), 2);
    EXPECT_EQ(model.id_of("ab"), std::nullopt);
    EXPECT_EQ(model.id_of("abcd"), std::nullopt);
    EXPECT_EQ(model.id_of(""), std::nullopt);
    EXPECT_EQ(model.size(), 3U);
}

TEST(UnigramScores, AreReadAsTheReferenceReadsThem) {
    EXPECT_EQ(score_as_the_reference_reads_it(-7.5018744468688965), -7.501874446868896);
    EXPECT_EQ(score_as_the_reference_reads_it(7.5018744468688965), 7.501874446868896);
    for (const double same :
         {0.0, -2.101339340209961, -10.0, -9.5, 1e300, -1e-300, 1e16, -0.001, 120.0, 1e5, 123456789012.0}) {
        EXPECT_EQ(score_as_the_reference_reads_it(same), same);
    }
}

TEST(UnigramScores, EqualSumsFallAsInTheReference) {
    // Recorded from tokenizers 0.23.2. With the scores that the decimal digits mean, the three sums would be equal.
    const auto read = score_as_the_reference_reads_it;
    const Unigram model =
        model_of({{"a", read(-8.698905944824219)}, {"aa", read(-10.167774200439453)}, {"aaa", read(-11.569724082946777)}});
    EXPECT_EQ(encoded(model, "aaaaaaa"), (Ids{3, 3, 1}));
}

}  // namespace
}  // namespace heart::text
