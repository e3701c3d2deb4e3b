// Are words found in time, and are their times written as players read them?

#include "speech/languages.h"
#include "speech/subtitles.h"
#include "speech/time_warping.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace heart::speech {
namespace {

/// Cross-attention of a head that follows `starts` (seconds of each token, ascending; the last is the end): each row a
/// softmax with a hump on its token's time, over noise.
Matrix head_that_follows(const std::vector<double>& starts, std::size_t columns, double noise, std::uint32_t seed) {
    Matrix m{starts.size(), columns, std::vector<float>(starts.size() * columns)};
    std::uint32_t state = seed;
    const auto random = [&] {
        state = state * 1664525U + 1013904223U;
        return static_cast<double>(state >> 8) / (1 << 24);
    };
    for (std::size_t r = 0; r < m.rows; ++r) {
        const double next = r + 1 < m.rows ? starts[r + 1] : static_cast<double>(columns) * kColumnSeconds;
        double sum = 0;
        std::vector<double> row(columns);
        for (std::size_t c = 0; c < columns; ++c) {
            const double t = (static_cast<double>(c) + 0.5) * kColumnSeconds;
            const bool here = t >= starts[r] && t < next;
            row[c] = std::exp((here ? 3.0 : 0.0) + noise * random());
            sum += row[c];
        }
        for (std::size_t c = 0; c < columns; ++c) m.at(r, c) = static_cast<float>(row[c] / sum);
    }
    return m;
}

TEST(Alignment, KnownTimesAreFoundWithin100Ms) {
    const std::vector<double> starts{0.0, 0.7, 1.3,  1.58, 2.9,  4.0,  4.4,  6.1, 7.75,
                                     8.0, 9.9, 12.5, 13.0, 17.4, 18.0, 24.0, 29.0};
    std::vector<Matrix> heads;
    for (std::uint32_t seed = 1; seed <= 6; ++seed) heads.push_back(head_that_follows(starts, 1500, 2.0, seed));
    const auto entries = warp(alignment_matrix(heads, 1500));
    ASSERT_EQ(entries.size(), starts.size());
    for (std::size_t i = 0; i < starts.size(); ++i) {
        EXPECT_NEAR(static_cast<double>(entries[i]) * kColumnSeconds, starts[i], 0.1) << "token " << i;
    }
}

TEST(Alignment, SilenceBehindTheSoundIsNotLookedAt) {
    const std::vector<double> starts{0.0, 1.0, 2.0, 3.5};
    // All of a head's attention behind 5 s is junk that would draw the path there.
    Matrix head = head_that_follows(starts, 1500, 0.5, 3);
    for (std::size_t c = 250; c < 1500; ++c) head.at(2, c) = 0.01F;
    const auto entries = warp(alignment_matrix({&head, 1}, 250));
    for (std::size_t i = 0; i < starts.size(); ++i) {
        EXPECT_NEAR(static_cast<double>(entries[i]) * kColumnSeconds, starts[i], 0.1) << "token " << i;
    }
}

TEST(Alignment, ATextThatGoesOnBehindTheSoundEndsWhereTheSoundDoes) {
    // Rows 0 to 3 are sung in the 10 s; rows 4 to 7 look everywhere alike.
    const std::vector<double> sung{0.0, 2.0, 5.0, 8.0};
    Matrix part = head_that_follows(sung, 500, 0.5, 9);
    Matrix head{8, 500, std::vector<float>(8 * 500, 1.0F / 500)};
    std::copy(part.values.begin(), part.values.end(), head.values.begin());
    const auto entries = warp(alignment_matrix({&head, 1}, 500), false);
    for (std::size_t i = 0; i < sung.size(); ++i) {
        EXPECT_NEAR(static_cast<double>(entries[i]) * kColumnSeconds, sung[i], 0.1) << "token " << i;
    }
    EXPECT_GE(entries[5], 490U) << "not reached";
}

TEST(Warp, TakesTheBestPath) {
    const Matrix m{2, 4, {1, 1, -9, -9, -9, -9, 1, 1}};
    EXPECT_EQ(warp(m), (std::vector<std::size_t>{0, 2}));
    EXPECT_EQ(warp(Matrix{1, 1, {0}}), (std::vector<std::size_t>{0}));
    EXPECT_EQ(warp(Matrix{3, 1, {0, 0, 0}}), (std::vector<std::size_t>{0, 0, 0})) << "more tokens than places";
}

TEST(Subtitles, LrcHasLinesAndWords) {
    const std::vector<TimedLine> lines{{{" First line", 1.234, 3}, {}},
                                       {{"Second", 61.5, 62}, {{" Sec", 61.5, 61.7}, {" ond", 61.756, 62}}},
                                       {{"two\nlines", 3599.999, 3601}, {}}};
    EXPECT_EQ(to_lrc(lines), "[00:01.23]First line\n[01:01.50]<01:01.50>Sec <01:01.76>ond\n[60:00.00]two lines\n");
}

TEST(Subtitles, SrtIsNumbered) {
    const std::vector<TimedLine> lines{{{" a", 0, 1.5}, {}}, {{"b", 3661.0016, 3662}, {}}};
    EXPECT_EQ(to_srt(lines), "1\n00:00:00,000 --> 00:00:01,500\na\n\n2\n01:01:01,002 --> 01:01:02,000\nb\n\n");
}

TEST(Subtitles, VttEscapesItsMarks) {
    const std::vector<TimedLine> lines{{{" a <b> & c", 0, 1.5}, {}}, {{"b", 3661.0016, 3662}, {}}};
    EXPECT_EQ(to_vtt(lines),
              "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\na &lt;b&gt; &amp; c\n\n01:01:01.002 --> 01:01:02.000\nb\n\n");
}

TEST(Languages, HaveCodesAndNames) {
    EXPECT_EQ(language_code("German"), "de");
    EXPECT_EQ(language_code("ZH"), "zh");
    EXPECT_EQ(language_code("mandarin"), "zh");
    EXPECT_FALSE(language_code("Klingon").has_value());
    EXPECT_TRUE(is_written_without_spaces("ja"));
    EXPECT_FALSE(is_written_without_spaces("en"));
}

}  // namespace
}  // namespace heart::speech
