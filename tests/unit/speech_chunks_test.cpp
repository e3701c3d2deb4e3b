// Are texts of overlapping sounds joined where they agree, and windows cut where their timestamps say?

#include "speech/chunks.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace heart::speech {
namespace {

constexpr std::int32_t kFirst = 1000;  // timestamp 0

/// Letters as tokens.
std::vector<TimedToken> tokens(const std::string& letters) {
    std::vector<TimedToken> out;
    for (const char c : letters) out.push_back({c});
    return out;
}

std::string letters(std::span<const TimedToken> all) {
    std::string out;
    for (const TimedToken& t : all) out += static_cast<char>(t.id);
    return out;
}

std::string joined(const std::vector<std::string>& texts) {
    std::vector<std::vector<TimedToken>> all;
    for (const auto& t : texts) all.push_back(tokens(t));
    return letters(join_overlapping(all));
}

TEST(JoinOverlapping, TextsAreJoinedWhereTheyAgree) {
    EXPECT_EQ(joined({"abcdef", "defghi"}), "abcdefghi");
    EXPECT_EQ(joined({"abcdef", "defghi", "ghijkl"}), "abcdefghijkl");
}

TEST(JoinOverlapping, ADifferenceWithinTheOverlapGoesToTheNearerSide) {
    // Overlap of 8: the left text is trusted in its left half, the right one in its right half.
    EXPECT_EQ(joined({"....abcXefgh", "aYcdefgZ----"}), "....abcXefgZ----");
}

TEST(JoinOverlapping, OneEqualTokenIsNoOverlap) {
    EXPECT_EQ(joined({"abc", "cde"}), "abccde");
}

TEST(JoinOverlapping, TextsWithNothingInCommonStandSideBySide) {
    EXPECT_EQ(joined({"abc", "xyz"}), "abcxyz");
    EXPECT_EQ(joined({"abc"}), "abc");
    EXPECT_EQ(joined({"", "abc", ""}), "abc");
}

TEST(JoinOverlapping, AgreementAgainstTheTimesDoesNotCount) {
    auto left = tokens("abab"), right = tokens("abxy");
    for (std::size_t i = 0; i < 4; ++i) {
        left[i].start = 10 + static_cast<double>(i), left[i].timed = true;
        right[i].start = 11 + static_cast<double>(i), right[i].timed = true;
    }
    // The last "ab" of the left one is at 12, after the right one's at 11.
    const std::vector<std::vector<TimedToken>> all{left, right};
    EXPECT_EQ(letters(join_overlapping(all)), "abxy");
    for (auto& t : left) t.timed = false;
    const std::vector<std::vector<TimedToken>> untimed{left, right};
    EXPECT_EQ(letters(join_overlapping(untimed)), "ababxy") << "without times the last two agree best";
}

std::vector<TimedToken> timed(std::initializer_list<std::variant<std::string, double>> parts) {
    std::vector<TimedToken> out;
    for (const auto& part : parts) {
        if (const auto* text = std::get_if<std::string>(&part)) {
            for (const char c : *text) out.push_back({c});
        } else {
            out.push_back({kFirst + static_cast<std::int32_t>(std::get<double>(part) / kTimestampStep + 0.5)});
        }
    }
    return out;
}

TEST(ChunkJoiner, WithoutTimestampsThereIsOneText) {
    ChunkJoiner joiner(kFirst);
    joiner.add(tokens("abcdef"), {30, 0, 5});
    joiner.add(tokens("defghi"), {22, 5, 0});
    const auto segments = joiner.finish();
    ASSERT_EQ(segments.size(), 1U);
    EXPECT_EQ(letters(segments[0].tokens), "abcdefghi");
    EXPECT_FALSE(segments[0].start.has_value());
}

TEST(ChunkJoiner, PairsOfTimestampsAreSegments) {
    ChunkJoiner joiner(kFirst);
    joiner.add(timed({1.0, "ab", 3.0, 4.0, "cd", 6.5}), {22, 0, 0});
    const auto segments = joiner.finish();
    ASSERT_EQ(segments.size(), 2U);
    EXPECT_EQ(letters(segments[1].tokens), "cd");
    EXPECT_DOUBLE_EQ(segments[1].start.value(), 4.0);
    EXPECT_DOUBLE_EQ(segments[1].end.value(), 6.5);
}

TEST(ChunkJoiner, TimesOfLaterChunksAreThoseOfTheWholeSound) {
    ChunkJoiner joiner(kFirst);
    joiner.add(timed({1.0, "ab", 3.0, 3.0, "cd", 27.0}), {30, 0, 5});
    joiner.add(timed({0.0, "cd", 7.0, 9.0, "ef", 11.0}), {22, 5, 0});
    const auto segments = joiner.finish();
    ASSERT_EQ(segments.size(), 3U);
    EXPECT_DOUBLE_EQ(segments[1].end.value(), 27.0) << "20 s to the chunk, 7 s within";
    EXPECT_EQ(letters(segments[2].tokens), "ef");
    EXPECT_DOUBLE_EQ(segments[2].start.value(), 29.0);
    EXPECT_DOUBLE_EQ(segments[2].end.value(), 31.0);
    EXPECT_EQ(segments[2].first_chunk, 1U);
}

TEST(ChunkJoiner, ASegmentAcrossTheStrideIsJoinedFromBothChunks) {
    ChunkJoiner joiner(kFirst);
    joiner.add(timed({1.0, "ab", 20.0, 20.0, "cdefg", 29.0}), {30, 0, 5});
    joiner.add(timed({0.0, "cdefg", 9.0, 9.0, "hi", 12.0}), {22, 5, 0});
    const auto segments = joiner.finish();
    ASSERT_EQ(segments.size(), 3U);
    EXPECT_EQ(letters(segments[1].tokens), "cdefg");
    EXPECT_DOUBLE_EQ(segments[1].start.value(), 20.0);
    EXPECT_DOUBLE_EQ(segments[1].end.value(), 29.0);
    EXPECT_EQ(letters(segments[2].tokens), "hi");
}

TEST(ChunkJoiner, SilenceBetweenChunksLeavesNothing) {
    ChunkJoiner joiner(kFirst);
    joiner.add({}, {30, 0, 5});
    joiner.add(tokens("ab"), {30, 5, 5});
    joiner.add({}, {12, 5, 0});
    const auto segments = joiner.finish();
    ASSERT_EQ(segments.size(), 1U);
    EXPECT_EQ(letters(segments[0].tokens), "ab");
    EXPECT_EQ(segments[0].first_chunk, 1U);
}

// --- windows ------------------------------------------------------------------------------------------------------------

WindowText cut(const std::vector<TimedToken>& all, double seconds = 30) {
    std::vector<std::int32_t> ids;
    for (const auto& t : all) ids.push_back(t.id);
    return cut_window(ids, kFirst, seconds);
}

TEST(CutWindow, WholeSegmentsAreTakenAndTheRestIsHeardAgain) {
    const WindowText w = cut(timed({1.0, "ab", 3.0, 3.0, "cd", 6.0, 6.0, "ef"}));
    ASSERT_EQ(w.segments.size(), 2U);
    EXPECT_EQ(w.segments[0].first, 1U);
    EXPECT_EQ(w.segments[0].last, 3U);
    EXPECT_DOUBLE_EQ(w.segments[1].start, 3.0);
    EXPECT_DOUBLE_EQ(w.segments[1].end, 6.0);
    EXPECT_DOUBLE_EQ(w.advance, 6.0);
}

TEST(CutWindow, ASingleTimestampAtTheEndEndsTheWindow) {
    const WindowText w = cut(timed({1.0, "ab", 3.0, 3.0, "cd", 6.0}));
    ASSERT_EQ(w.segments.size(), 2U);
    EXPECT_DOUBLE_EQ(w.segments[1].end, 6.0);
    EXPECT_DOUBLE_EQ(w.advance, 30.0);
}

TEST(CutWindow, TextWithoutPairsIsOneSegment) {
    const WindowText w = cut(timed({2.0, "abc", 7.0}));
    ASSERT_EQ(w.segments.size(), 1U);
    EXPECT_DOUBLE_EQ(w.segments[0].start, 2.0);
    EXPECT_DOUBLE_EQ(w.segments[0].end, 7.0);
    EXPECT_DOUBLE_EQ(cut(tokens("abc"), 12).segments.at(0).end, 12.0);
}

TEST(CutWindow, AWindowAlwaysGoesOn) {
    EXPECT_GT(cut({}, 30).advance, 0);
    EXPECT_GT(cut(timed({0.0, 0.0, "ab"})).advance, 0) << "a pair at 0 does not stop the song";
    EXPECT_TRUE(cut(timed({3.0, 3.0})).segments.empty());
}

}  // namespace
}  // namespace heart::speech
