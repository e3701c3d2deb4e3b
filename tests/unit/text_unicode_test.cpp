#include "core/error.h"
#include "text/lyrics.h"
#include "text/pretokenizer.h"
#include "text/unicode.h"

#include <gtest/gtest.h>

#include <ctime>
#include <initializer_list>
#include <string>
#include <vector>

namespace heart::text {
namespace {

using Pieces = std::vector<std::string_view>;

// The expected values of the Lower tests are those of Python's str.lower() (CPython 3.11, Unicode 14).

TEST(Lower, MapsLettersOfManyScripts) {
    EXPECT_EQ(lower("Hello WORLD 123"), "hello world 123");
    EXPECT_EQ(lower("ÀÉÎÕÜ ŁŻ ПРИВЕТ ԱԲ"), "àéîõü łż привет աբ");
    EXPECT_EQ(lower("Ǆ ǅ Ⅷ Ⓐ Ａ 𐐀"), "ǆ ǆ ⅷ ⓐ ａ 𐐨");
    EXPECT_EQ(lower("ẞ ß Ω K Å"), "ß ß ω k å");  // the last three: Ohm, Kelvin, Angstrom signs
}

TEST(Lower, LeavesTextWithoutCaseAlone) {
    const std::string text = "春天 さくら 사랑해 مرحبا שלום 🎵\r\n\t";
    EXPECT_EQ(lower(text), text);
    EXPECT_EQ(lower(""), "");
    EXPECT_EQ(lower(std::string_view("\0A\0", 3)), std::string("\0a\0", 3));
}

TEST(Lower, TurnsCapitalDottedIIntoTwoCodePoints) {
    EXPECT_EQ(lower("İ"), "i\u0307");
    EXPECT_EQ(lower("İSTANBUL"), "i\u0307stanbul");
}

TEST(Lower, UsesTheFinalSigmaOnlyAtTheEndOfAWord) {
    EXPECT_EQ(lower("ΟΔΥΣΣΕΥΣ"), "οδυσσευς");
    EXPECT_EQ(lower("ΚΟΣΜΟΣ ΣΟΦΟΣ"), "κοσμος σοφος");
    EXPECT_EQ(lower("Σ"), "σ");  // nothing cased before
    EXPECT_EQ(lower(" Σ "), " σ ");
    EXPECT_EQ(lower("1Σ"), "1σ");
    EXPECT_EQ(lower("ΑΣ"), "ας");
    EXPECT_EQ(lower("ΑΣ1"), "ας1");
    EXPECT_EQ(lower("ΣΣ"), "σς");
}

TEST(Lower, LooksPastCaseIgnorableCharactersAroundASigma) {
    EXPECT_EQ(lower("Α'Σ"), "α'ς");
    EXPECT_EQ(lower("ΑΣ'Α"), "ασ'α");
    EXPECT_EQ(lower("ΑΣ’"), "ας’");
    EXPECT_EQ(lower("Α.:·Σ"), "α.:·ς");
    EXPECT_EQ(lower("Α\u0301Σ\u0301Α"), "α\u0301σ\u0301α");
    EXPECT_EQ(lower("ⅠΣ ⒶΣ ªΣ 🄰Σ"), "ⅰς ⓐς ªς 🄰ς");  // cased, though not letters with case
    EXPECT_EQ(lower("一Σ"), "一σ");
}

TEST(Lower, RefusesTextThatIsNotUtf8) {
    try {
        (void)lower("ab\xff");
        FAIL() << "accepted";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::malformed);
        EXPECT_NE(std::string(e.what()).find("offset 2"), std::string::npos) << e.what();
    }
}

TEST(Lower, TakesLinearTimeOnManySigmas) {
    std::string text;
    while (text.size() < 200'000) text += "Σ'";
    const std::clock_t start = std::clock();
    EXPECT_EQ(lower(text).size(), text.size());
    EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC);
}

TEST(CharacterClass, LettersAreThoseOfTheGeneralCategories) {
    for (const std::uint32_t c :
         std::initializer_list<std::uint32_t>{'a', 'Z', 0xaa, 0xe9, 0x1c5, 0x2b0, 0x5d0, 0x4e00, 0xac00, 0x3042, 0x1d400}) {
        EXPECT_TRUE(is_letter(c)) << c;
    }
    for (const std::uint32_t c : std::initializer_list<std::uint32_t>{'1', '_', ' ', 0x301, 0x93e, 0x24b6, 0x2160, 0x1f3b5,
                                                                      0x10ffff, 0xe000, 0x378}) {
        EXPECT_FALSE(is_letter(c)) << c;
    }
}

TEST(CharacterClass, NumbersAreDigitsRomanNumeralsAndFractions) {
    for (const std::uint32_t c :
         std::initializer_list<std::uint32_t>{'0', '9', 0xb2, 0xbd, 0x663, 0x96b, 0x2167, 0x2460, 0x3007, 0xff11})
        EXPECT_TRUE(is_number(c)) << c;
    for (const std::uint32_t c : std::initializer_list<std::uint32_t>{'a', '-', 0x4e00, 0x2b, 0x24b6})
        EXPECT_FALSE(is_number(c)) << c;
}

TEST(CharacterClass, SpaceIsUnicodeWhiteSpaceAndNothingElse) {
    std::vector<std::uint32_t> found;
    for (std::uint32_t c = 0; c < 0x110000; ++c) {
        if (is_space(c)) found.push_back(c);
    }
    const std::vector<std::uint32_t> white_space{0x09,   0x0a,   0x0b,   0x0c,   0x0d,   0x20,   0x85,   0xa0,   0x1680,
                                                 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                                                 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};
    EXPECT_EQ(found, white_space);
}

TEST(Split, CutsContractionsOffInEitherCase) {
    EXPECT_EQ(split_llama3("don't DON'T"), (Pieces{"don", "'t", " DON", "'T"}));
    EXPECT_EQ(split_llama3("i'm we're they've i'll he'd it's"),
              (Pieces{"i", "'m", " we", "'re", " they", "'ve", " i", "'ll", " he", "'d", " it", "'s"}));
    EXPECT_EQ(split_llama3("'rE'Ve'lL"), (Pieces{"'rE", "'Ve", "'lL"}));
}

TEST(Split, TakesAContractionBeforeTheRestOfTheWord) {
    EXPECT_EQ(split_llama3("'tis"), (Pieces{"'t", "is"}));
    EXPECT_EQ(split_llama3("'ra 'la"), (Pieces{"'ra", " '", "la"}));
    EXPECT_EQ(split_llama3("'r"), (Pieces{"'r"}));
    EXPECT_EQ(split_llama3("n'roll"), (Pieces{"n", "'roll"}));
    EXPECT_EQ(split_llama3("'"), (Pieces{"'"}));
}

TEST(Split, FoldsTheLongSInAContraction) {
    EXPECT_EQ(split_llama3("'ſa"), (Pieces{"'ſ", "a"}));
    EXPECT_EQ(split_llama3("’sa"), (Pieces{"’sa"}));  // the curly apostrophe is none
}

TEST(Split, LetsAWordTakeOneCharacterBeforeIt) {
    EXPECT_EQ(split_llama3(" a\tb(c—d\u00a0e"), (Pieces{" a", "\tb", "(c", "—d", "\u00a0e"}));
    EXPECT_EQ(split_llama3("((c\nd1e"), (Pieces{"((", "c", "\n", "d", "1", "e"}));
    EXPECT_EQ(split_llama3("e\u0301e"), (Pieces{"e", "\u0301e"}));  // a combining mark is no letter
}

TEST(Split, GroupsDigitsByThreeFromTheLeft) {
    EXPECT_EQ(split_llama3("12345678"), (Pieces{"123", "456", "78"}));
    EXPECT_EQ(split_llama3("a1 22"), (Pieces{"a", "1", " ", "22"}));
    EXPECT_EQ(split_llama3("1२٣४Ⅷ½"), (Pieces{"1२٣", "४Ⅷ½"}));
}

TEST(Split, LetsSymbolsTakeASpaceBeforeAndLineBreaksBehind) {
    EXPECT_EQ(split_llama3("a !?\r\n\nb"), (Pieces{"a", " !?\r\n\n", "b"}));
    EXPECT_EQ(split_llama3("\t!"), (Pieces{"\t", "!"}));
    EXPECT_EQ(split_llama3("🎵🎶 ❤️"), (Pieces{"🎵🎶", " ❤️"}));
}

TEST(Split, EndsWhiteSpaceAtItsLastLineBreak) {
    EXPECT_EQ(split_llama3(" \n \r\n  x"), (Pieces{" \n \r\n", " ", " x"}));
    EXPECT_EQ(split_llama3("\n\n"), (Pieces{"\n\n"}));
    EXPECT_EQ(split_llama3("x \n "), (Pieces{"x", " \n", " "}));
}

TEST(Split, LeavesTheLastSpaceToWhatFollows) {
    EXPECT_EQ(split_llama3("a   b"), (Pieces{"a", "  ", " b"}));
    EXPECT_EQ(split_llama3("a   1"), (Pieces{"a", "  ", " ", "1"}));
    EXPECT_EQ(split_llama3("a   "), (Pieces{"a", "   "}));
    EXPECT_EQ(split_llama3("\u3000\u2003!"), (Pieces{"\u3000", "\u2003", "!"}));
}

TEST(Split, GivesNoPieceForAnEmptyText) {
    EXPECT_TRUE(split_llama3("").empty());
}

TEST(Split, RefusesTextThatIsNotUtf8) {
    EXPECT_THROW((void)split_llama3("a\x80"), Error);
}

TEST(Sections, AreFoundInOrderWithTheirLines) {
    const auto found = find_sections("[Intro]\n\n[Verse 1]\nla la\n  [ Chorus 2 ]\t\r\nla\r[Outro]");
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].name, "Intro");
    EXPECT_EQ(found[0].line, 0U);
    EXPECT_EQ(found[1].name, "Verse 1");
    EXPECT_EQ(found[1].line, 2U);
    EXPECT_EQ(found[2].name, "Chorus 2");
    EXPECT_EQ(found[2].line, 4U);
    EXPECT_EQ(found[3].name, "Outro");
    EXPECT_EQ(found[3].line, 6U);
}

TEST(Sections, MustStandAloneOnTheirLine) {
    EXPECT_TRUE(find_sections("").empty());
    EXPECT_TRUE(find_sections("[Verse] la\nla [Verse]\n[]\n[ ]\n[a][b]\n[[a]]\n[\n]\n[a\nb]\n(Verse)").empty());
}

TEST(Sections, MayBeNamedInAnyScript) {
    const auto found = find_sections("\u3000[副歌]\u00a0\n");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].name, "副歌");
}

TEST(Sections, RefuseLyricsThatAreNotUtf8) {
    EXPECT_THROW((void)find_sections("[Verse\xc3]"), Error);
}

}  // namespace
}  // namespace heart::text
