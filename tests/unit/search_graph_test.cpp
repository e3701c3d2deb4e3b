// Does a graph of neighbours find nearly what looking at everything finds, and survive a hostile file?

#include "search/neighbour_graph.h"

#include "search/vector_index.h"
#include "unit/formats_test_support.h"
#include "unit/search_test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace heart::test {
namespace {

using search::GraphWatch;
using search::Match;
using search::NeighbourGraph;
using search::VectorIndex;
using search::VectorRows;

#define SKIP_WITHOUT_GRAPHS \
    if (!NeighbourGraph::available()) GTEST_SKIP() << "built without hnswlib"

/// Rows of unit vectors.
VectorRows rows_of(std::int64_t count, std::int64_t dimension) {
    VectorIndex index(kind_of(dimension));
    fill(index, count);
    VectorRows out(dimension);
    out.reserve(count);
    for (std::int64_t i = 0; i < count; ++i) std::copy_n(index.vector(i).data(), dimension, out.row(i));
    return out;
}

/// The share of the ten nearest, over many queries, that a search gives too.
double recall(const VectorIndex& index, int queries) {
    ClusteredVectors vectors(index.kind().dimension, static_cast<int>(index.size() / 50 + 1));
    int hits = 0;
    for (int i = 0; i < queries; ++i) {
        const Vector query = vectors.next();
        const std::vector<Match> exact = index.search_exactly(query, 10), found = index.search(query, 10);
        for (const Match& m : exact) hits += static_cast<int>(std::count(found.begin(), found.end(), m));
    }
    return hits / (10.0 * queries);
}

class IndexWithGraph : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_GRAPHS;
        fill(index, 1500);
        index.save(folder.path());
    }
    [[nodiscard]] VectorIndex reopened() const { return VectorIndex::open(folder.path(), options); }
    [[nodiscard]] std::string graph_file() const {
        const formats::Bytes bytes = formats::Bytes::map_file(folder.path() / "graph.bin");
        return std::string(bytes.text());
    }

    ScratchFolder folder;
    search::IndexOptions options{.exact_up_to = 250, .threads = 2};
    VectorIndex index{kind_of(48), options};
};

TEST_F(IndexWithGraph, FindsNearlyAllOfTheNearest) {
    ASSERT_TRUE(index.has_graph());
    EXPECT_GE(recall(index, 100), 0.95);
    const VectorIndex again = reopened();
    ASSERT_TRUE(again.has_graph());
    EXPECT_GE(recall(again, 100), 0.95);
}

TEST_F(IndexWithGraph, SimilaritiesAreThoseOfTheExactSearch) {
    ClusteredVectors queries(48, 1);
    for (int i = 0; i < 20; ++i) {
        const Vector query = queries.next();
        const std::vector<Match> all = index.search_exactly(query, 1500);
        const std::vector<Match> found = index.search(query, 10);
        for (const Match& m : found) EXPECT_NE(std::find(all.begin(), all.end(), m), all.end()) << m.name;
        for (std::size_t r = 1; r < found.size(); ++r) EXPECT_GE(found[r - 1].similarity, found[r].similarity);
    }
}

TEST_F(IndexWithGraph, WhatChangedSinceIsFoundAndWhatIsGoneIsNot) {
    std::mt19937 random(5);
    std::vector<std::pair<std::string, Vector>> here;
    std::set<std::string> gone;
    for (int i = 0; i < 60; ++i) {
        const Vector vector = random_vector(48, random);
        const std::string name = i % 2 == 0 ? fmt::format("new {}", i) : fmt::format("{:05}", i * 11);  // added, replaced
        index.put({name, 2, 2}, vector);
        here.emplace_back(name, vector);
        const std::string victim = fmt::format("{:05}", 700 + i * 7);
        if (index.remove(victim)) gone.insert(victim);
    }
    ASSERT_EQ(gone.size(), 60U);
    const auto check = [&](const VectorIndex& which) {
        ASSERT_TRUE(which.has_graph());
        for (const auto& [name, vector] : here) EXPECT_EQ(which.search(vector, 5).at(0).name, name);
        for (std::int64_t i = 0; i < which.size(); i += 10) {
            for (const Match& m : which.search(which.vector(i), 20)) EXPECT_FALSE(gone.contains(m.name)) << m.name;
        }
        EXPECT_GE(recall(which, 50), 0.95);
    };
    check(index);
    const std::string before = graph_file();
    index.save(folder.path());
    EXPECT_EQ(graph_file(), before) << "a few changes are no reason to build it again";
    check(index);
    check(reopened());
}

TEST_F(IndexWithGraph, IsBuiltAnewWhenMuchHasChanged) {
    const std::string before = graph_file();
    std::mt19937 random(6);
    for (int i = 0; i < 300; ++i) index.put({fmt::format("new {}", i), 1, 1}, random_vector(48, random));
    index.save(folder.path());
    EXPECT_GT(graph_file().size(), before.size());
    EXPECT_GE(recall(reopened(), 50), 0.95);
}

TEST_F(IndexWithGraph, MostOfItCanGoAwayBeforeItIsSaved) {
    for (int i = 0; i < 1200; ++i) index.remove(fmt::format("{:05}", i));
    const VectorIndex& unsaved = index;
    ASSERT_EQ(unsaved.size(), 300);
    EXPECT_EQ(unsaved.search(unsaved.vector(3), 300).size(), 300U);
    EXPECT_EQ(recall(unsaved, 30), 1.0);
}

TEST_F(IndexWithGraph, LosesItWhenItIsSmallAgain) {
    for (int i = 0; i < 1300; ++i) index.remove(fmt::format("{:05}", i));
    index.save(folder.path());
    EXPECT_FALSE(index.has_graph());
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "graph.bin"));
    EXPECT_FALSE(reopened().has_graph());
    EXPECT_EQ(reopened().size(), 200);
}

TEST_F(IndexWithGraph, OpensWithoutAGraphThatIsNotAsItWasWritten) {
    const std::string good = graph_file();
    const std::string swapped = good.substr(0, good.size() - 4) + std::string(4, '\0');
    for (const std::string& bad : {std::string(), good.substr(1), swapped}) {
        (void)folder.write("graph.bin", bad);
        const VectorIndex again = reopened();
        EXPECT_FALSE(again.has_graph());
        EXPECT_EQ(recall(again, 5), 1.0);
    }
    std::filesystem::remove(folder.path() / "graph.bin");
    VectorIndex again = reopened();
    EXPECT_FALSE(again.has_graph());
    again.save(folder.path());
    EXPECT_TRUE(again.has_graph());
    EXPECT_TRUE(reopened().has_graph());
}

TEST_F(IndexWithGraph, StoppedWhileBuildingNothingIsWritten) {
    VectorIndex other(kind_of(48), options);
    fill(other, 1000);
    CancelToken cancel;
    std::int64_t last = 0;
    const GraphWatch watch{.cancel = &cancel, .progress = [&](std::int64_t done, std::int64_t total) {
                               EXPECT_GT(done, std::exchange(last, done));
                               EXPECT_EQ(total, 1000);
                               cancel.cancel();
                           }};
    const ScratchFolder empty;
    EXPECT_EQ(refusal_of([&] { other.save(empty.path() / "index", watch); }).code, ErrorCode::cancelled);
    EXPECT_GT(last, 0);
    EXPECT_FALSE(std::filesystem::exists(empty.path() / "index"));
    EXPECT_FALSE(other.has_graph());
}

TEST(NeighbourGraph, ReadBackItFindsTheSame) {
    SKIP_WITHOUT_GRAPHS;
    VectorRows rows = rows_of(500, 8);
    for (const std::int64_t count : {1, 2, 17, 500}) {
        const NeighbourGraph graph = NeighbourGraph::build(rows, count, 1);
        const std::string bytes = graph.bytes();
        const NeighbourGraph again = NeighbourGraph::parse(std::as_bytes(std::span(bytes)), rows, count);
        EXPECT_EQ(again.size(), count);
        EXPECT_EQ(again.bytes(), bytes);
        for (std::int64_t i = 0; i < count; i += 7) EXPECT_EQ(graph.nearest(rows.row(i), 5), again.nearest(rows.row(i), 5));
    }
}

TEST(NeighbourGraph, OneThreadAlwaysBuildsTheSame) {
    SKIP_WITHOUT_GRAPHS;
    const VectorRows rows = rows_of(300, 8);
    EXPECT_EQ(NeighbourGraph::build(rows, 300, 1).bytes(), NeighbourGraph::build(rows, 300, 1).bytes());
}

TEST(NeighbourGraphOnThreads, LinksEveryRow) {
    SKIP_WITHOUT_GRAPHS;
    const VectorRows rows = rows_of(500, 16);
    const NeighbourGraph graph = NeighbourGraph::build(rows, 500, 4);
    int missed = 0;
    for (std::int64_t i = 0; i < 500; ++i) {
        const auto found = graph.nearest(rows.row(i), 3);
        missed += std::find(found.begin(), found.end(), i) == found.end() ? 1 : 0;
    }
    EXPECT_LE(missed, 2);  // all but a few are found from themselves
}

TEST(NeighbourGraph, EqualRowsAreNoTrouble) {
    SKIP_WITHOUT_GRAPHS;
    VectorRows rows(4);
    rows.reserve(400);
    for (std::int64_t i = 0; i < 400; ++i) rows.row(i)[i % 2] = 1.0F;
    const NeighbourGraph graph = NeighbourGraph::build(rows, 400, 2);
    EXPECT_EQ(graph.nearest(rows.row(0), 30).size(), 30U);
}

/// A graph of rows 0 to 2, the first on level 1, written by hand.
struct HandWritten {
    std::string magic = "HEARTNG1", levels = std::string("\1\0\0", 3), rest;
    std::uint32_t count = 3, links = 16, first = 0;
    std::vector<std::uint32_t> lists{2, 1, 2, 0, 1, 0, 1, 0};  // row 0: level 0 -> 1, 2; level 1 -> none; 1 -> 0; 2 -> 0

    [[nodiscard]] std::string text() const {
        return magic + raw_bytes<std::uint32_t>({count, links, first}) + levels + raw_bytes(lists) + rest;
    }
};

TEST(NeighbourGraph, RefusesWhatDoesNotHoldTogether) {
    SKIP_WITHOUT_GRAPHS;
    const auto code = [](const std::string& text, std::int64_t most = 3) {
        VectorRows rows(4);
        return refusal_of([&] { (void)NeighbourGraph::parse(std::as_bytes(std::span(text)), rows, most); }).code;
    };
    const auto with = [](auto&& change) {
        HandWritten out;
        change(out);
        return out.text();
    };
    const std::string good = HandWritten{}.text();
    EXPECT_EQ(code(good), ErrorCode{});
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_EQ(code(good.substr(0, length)), ErrorCode::malformed) << length;
    }
    EXPECT_EQ(code(good, 2), ErrorCode::limit);
    EXPECT_EQ(code(with([](auto& h) { h.rest = "x"; })), ErrorCode::malformed);
    EXPECT_EQ(code(with([](auto& h) { h.magic = "HEARTNG2"; })), ErrorCode::unsupported);
    EXPECT_EQ(code(with([](auto& h) { h.links = 17; })), ErrorCode::unsupported);
    EXPECT_EQ(code(with([](auto& h) { h.count = 0xFFFFFFFFU; })), ErrorCode::limit);
    EXPECT_EQ(code(with([](auto& h) { h.count = 0; })), ErrorCode::malformed);
    EXPECT_EQ(code(with([](auto& h) { h.first = 3; })), ErrorCode::malformed);
    EXPECT_EQ(code(with([](auto& h) { h.first = 1; })), ErrorCode::malformed) << "not on the highest level";
    EXPECT_EQ(code(with([](auto& h) { h.levels[0] = '\x10'; })), ErrorCode::malformed) << "16 levels";
    EXPECT_EQ(code(with([](auto& h) { h.levels[0] = '\xff'; })), ErrorCode::malformed);
    EXPECT_EQ(code(with([](auto& h) { h.lists[1] = 3; })), ErrorCode::malformed) << "no such row";
    EXPECT_EQ(code(with([](auto& h) { h.lists[1] = 0xFFFFFFFFU; })), ErrorCode::malformed);
    EXPECT_EQ(code(with([](auto& h) { h.lists = {2, 1, 2, 1, 1, 1, 0, 1, 0}; })), ErrorCode::malformed) << "not on level 1";
    EXPECT_EQ(code(with([](auto& h) { h.lists[0] = 33; })), ErrorCode::malformed) << "too many links";
    EXPECT_EQ(code(with([](auto& h) { h.lists[3] = 17; })), ErrorCode::malformed);
}

TEST(NeighbourGraph, BrokenAnywhereItIsRefusedOrSearchedSafely) {
    SKIP_WITHOUT_GRAPHS;
    VectorRows rows = rows_of(60, 4);
    const std::string good = NeighbourGraph::build(rows, 60, 1).bytes();
    std::mt19937 random(9);
    int accepted = 0;
    for (int i = 0; i < 150; ++i) {
        std::string bytes = good;
        for (std::size_t n = random() % 3 + 1; n > 0; --n) {
            bytes[random() % bytes.size()] = static_cast<char>(random() % 4 == 0 ? random() : random() % 60);
        }
        try {
            const NeighbourGraph graph = NeighbourGraph::parse(std::as_bytes(std::span(bytes)), rows, 60);
            ++accepted;
            for (const std::int64_t row : graph.nearest(rows.row(i % 60), 20)) EXPECT_TRUE(row >= 0 && row < 60);
        } catch (const Error&) {
            continue;
        }
    }
    EXPECT_GT(accepted, 10);  // links that lead elsewhere are good ones
}

}  // namespace
}  // namespace heart::test
