#include "core/error.h"
#include "support/character_maps.h"
#include "text/character_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace heart::text {
namespace {

using test::as_bytes;
using test::character_map;
using Rules = std::map<std::string, std::string>;

constexpr std::size_t kPlenty = 1 << 20;

std::string mapped(const Rules& rules, const std::string& text) {
    const std::string bytes = character_map(rules);
    return CharacterMap(as_bytes(bytes), "a map").apply(text, kPlenty);
}

/// The message with which a map is refused; "accepted" where it is not.
std::string refusal(const std::string& bytes) {
    try {
        (void)CharacterMap(as_bytes(bytes), "a map");
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::malformed) << e.what();
        return e.what();
    }
    return "accepted";
}

void put_u32(std::string& bytes, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) bytes.at(at + i) = static_cast<char>(value >> (8 * i) & 0xff);
}

TEST(CharacterMap, ReplacesCharactersAndLeavesTheOthers) {
    EXPECT_EQ(mapped({{"a", "b"}, {"é", "e"}, {"①", "1"}}, "aéz①ÄA"), "bez1ÄA");
    EXPECT_EQ(mapped({}, "nothing"), "nothing");
    EXPECT_EQ(mapped({{"a", "b"}}, ""), "");
}

TEST(CharacterMap, AReplacementMayBeLongOrEmpty) {
    EXPECT_EQ(mapped({{"½", "1/2"}, {"\x01", ""}}, "\x01½\x01"), "1/2");
}

TEST(CharacterMap, ReplacesAShortClusterAsAWholeByItsShortestPrefix) {
    EXPECT_EQ(mapped({{"e\u0301", "é"}}, "e\u0301"), "é");
    EXPECT_EQ(mapped({{"e", "x"}, {"e\u0301", "é"}}, "e\u0301e"), "xx");  // and the accent is gone
    EXPECT_EQ(mapped({{"\r", " "}, {"\n", "!"}}, "\r\n\n\r"), " ! ");     // a cluster too
}

TEST(CharacterMap, ReplacesTheCharactersOfALongClusterEachAlone) {
    const Rules rules{{"e", "x"}, {"e\u0301", "é"}, {"\u0301", "'"}};
    EXPECT_EQ(mapped(rules, "e\u0302\u0302"), "x");                     // five bytes
    EXPECT_EQ(mapped({{"€", "E"}, {"\u20d0", "'"}}, "€\u20d0"), "E'");  // six bytes
    EXPECT_EQ(mapped(rules, "e\u0301\u0301\u0302"), "x''\u0302");       // seven
    EXPECT_EQ(mapped({{"\u0301", "'"}}, "z\u0301"), "z'");              // no prefix of the cluster
}

TEST(CharacterMap, KnowsTheClustersOfUnicode) {
    // Each is one cluster of fewer than 6 bytes, replaced by its first character's rule.
    const Rules rules{{"a", "x"}, {"\u0600", "y"}};
    EXPECT_EQ(mapped(rules, "a\u200d"), "x");          // a zero-width joiner extends
    EXPECT_EQ(mapped(rules, "a\u0903"), "x");          // a spacing mark
    EXPECT_EQ(mapped(rules, "\u06001"), "y");          // a sign that prepends
    EXPECT_EQ(mapped(rules, "a\u200bb"), "x\u200bb");  // a zero-width space stands alone
}

TEST(CharacterMap, ReadsOffsetsInTheFormForLargeArrays) {
    const Rules rules{{"a", "b"}, {"é", "e"}, {"①", "1"}, {"\xf0\x9f\x8e\xb5", "note"}};
    const std::string bytes = character_map(rules, true);
    EXPECT_EQ(CharacterMap(as_bytes(bytes), "a map").apply("aé①🎵🎶", kPlenty), "be1note🎶");
}

TEST(CharacterMap, TheLastReplacementMayEndWithTheMap) {
    std::string bytes = character_map({{"a", "b"}});
    bytes.pop_back();
    EXPECT_EQ(CharacterMap(as_bytes(bytes), "a map").apply("aa", kPlenty), "bb");
}

TEST(CharacterMap, AZeroByteInATextStays) {
    EXPECT_EQ(mapped({{"a", "b"}}, std::string("a\0a", 3)), std::string("b\0b", 3));
}

TEST(CharacterMap, RefusesToWriteMoreThanItMay) {
    const std::string bytes = character_map({{"a", std::string(100, 'b')}});
    const CharacterMap map(as_bytes(bytes), "a map");
    EXPECT_EQ(map.apply("aaa", 300).size(), 300U);
    for (const char* text : {"aaaa", "aaac"}) {
        try {
            (void)map.apply(text, 300);
            ADD_FAILURE() << text;
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::limit);
        }
    }
}

TEST(CharacterMap, TruncatedMapsAreRefused) {
    const std::string bytes = character_map({{"a", "b"}, {"é", "e"}});
    const std::size_t trie_end = 4 + 4 * 256 * 4;
    for (const std::size_t length : {std::size_t{0}, std::size_t{3}, std::size_t{4}, std::size_t{1028}, trie_end - 1}) {
        EXPECT_NE(refusal(bytes.substr(0, length)), "accepted") << length;
    }
    EXPECT_NE(refusal(bytes.substr(0, trie_end)).find("offset 2"), std::string::npos);  // all replacements are gone
}

TEST(CharacterMap, BrokenMapsAreRefused) {
    const std::string good = character_map({{"a", "é"}});
    ASSERT_EQ(refusal(good), "accepted");
    const std::size_t trie = 4, size = 2 * 256 * 4, unit = trie + 4 * 'a', value = trie + 4 * 256, blob = trie + size;
    const auto with = [&](std::size_t at, std::uint32_t word) {
        std::string bytes = good;
        put_u32(bytes, at, word);
        return refusal(bytes);
    };
    EXPECT_NE(with(0, 0), "accepted");
    EXPECT_NE(with(0, size - 4), "accepted");  // no whole blocks
    EXPECT_NE(with(0, size + 1024), "accepted");
    EXPECT_NE(with(0, 0xfffffc00U), "accepted");
    EXPECT_NE(with(trie, 512U << 10).find("the unit 512"), std::string::npos);  // the root
    EXPECT_NE(with(unit, (0x200U << 10) | 0x100U | 'a').find("the unit 609"), std::string::npos);
    EXPECT_NE(with(unit, 0x7ffffe00U | 'a').find("the unit"), std::string::npos);  // far away
    EXPECT_NE(with(value, 0x80000004U).find("the offset 4"), std::string::npos);   // behind the end
    EXPECT_NE(with(value, 0x80000001U).find("the offset 1"), std::string::npos);   // within a character
    EXPECT_EQ(with(value, 0x80000003U), "accepted");                               // nothing, at the end
    std::string bytes = good;
    bytes.at(blob) = '\xff';
    EXPECT_NE(refusal(bytes).find("offset 2052"), std::string::npos);
}

TEST(CharacterMap, ATrieThatLeadsBackToItselfEnds) {
    std::string bytes = character_map({{"a", "b"}});
    put_u32(bytes, 4 + 4 * 'a', (std::uint32_t{'a'} << 10) | 'a');  // "a" leads to the root again
    const CharacterMap map(as_bytes(bytes), "a map");
    EXPECT_EQ(map.apply("aaa", kPlenty), "aaa");
}

}  // namespace
}  // namespace heart::text
