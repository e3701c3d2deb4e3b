// Does an index of embeddings hold what was put into it, and answer as looking at everything would?

#include "search/vector_index.h"

#include "support/on_threads.h"
#include "unit/formats_test_support.h"
#include "unit/search_test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using search::Match;
using search::VectorIndex;
using Names = std::vector<std::string>;

/// The cosine of the angle between two vectors, slowly.
double cosine(std::span<const float> a, std::span<const float> b) {
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = a[i], y = b[i];
        ab += x * y, aa += x * x, bb += y * y;
    }
    return ab / std::sqrt(aa * bb);
}

/// What was put into an index, by name.
using Model = std::map<std::string, std::pair<search::IndexEntry, Vector>>;

/// Every similarity is the cosine, they fall, equal ones go by name, and nothing better was left out.
void expect_answers(const VectorIndex& index, const Model& model, const Vector& query, std::int64_t k) {
    const std::vector<Match> found = index.search(query, k);
    ASSERT_EQ(found.size(), std::min(static_cast<std::size_t>(k), model.size()));
    std::set<std::string> names;
    for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_TRUE(model.contains(found[i].name)) << found[i].name;
        EXPECT_TRUE(names.insert(found[i].name).second) << found[i].name << " twice";
        EXPECT_NEAR(static_cast<double>(found[i].similarity), cosine(query, model.at(found[i].name).second), 2e-6);
        if (i == 0) continue;
        EXPECT_GE(found[i - 1].similarity, found[i].similarity);
        if (found[i - 1].similarity == found[i].similarity) {
            EXPECT_LT(found[i - 1].name, found[i].name);
        }
    }
    for (const auto& [name, value] : model) {
        if (found.empty() || names.contains(name)) continue;
        EXPECT_LE(cosine(query, value.second), static_cast<double>(found.back().similarity) + 2e-6) << name;
    }
}

TEST(VectorIndex, AnswersAsLookingAtEverythingWould) {
    std::mt19937 random(1);
    for (const std::int64_t dimension : {1, 2, 16, 67, 512}) {
        VectorIndex index(kind_of(dimension));
        Model model;
        for (int i = 0; i < 300; ++i) {
            const search::IndexEntry entry{fmt::format("{}", i * 7919 % 300), 1, 2};
            const Vector vector = random_vector(dimension, random);
            index.put(entry, vector);
            model[entry.name] = {entry, vector};
        }
        for (const std::int64_t k : {0, 1, 10, 299, 300, 1000}) {
            expect_answers(index, model, random_vector(dimension, random), k);
        }
    }
}

TEST(VectorIndex, EqualSimilaritiesGoByName) {
    VectorIndex index(kind_of(3));
    Names names;
    for (int i = 0; i < 100; ++i) {  // in an order that is not theirs
        names.push_back(fmt::format("{:02}", i * 37 % 100));
        index.put({names.back(), 1, 1}, Vector{0, i % 2 == 0 ? 1.0F : 2.0F, 0});
    }
    index.put({"zz", 1, 1}, Vector{1, 1, 0});
    index.put({"00 worse", 1, 1}, Vector{0, -1, 0});
    std::sort(names.begin(), names.end());
    Names found = names_of(index.search(Vector{0, 5, 0}, 102));
    EXPECT_EQ(Names(found.begin(), found.begin() + 100), names);
    EXPECT_EQ(found[100], "zz");
    EXPECT_EQ(found[101], "00 worse");
    EXPECT_EQ(names_of(index.search(Vector{0, 5, 0}, 3)), Names(names.begin(), names.begin() + 3));
}

TEST(VectorIndex, HoldsWhatWasPutReplacedAndRemoved) {
    std::mt19937 random(2);
    VectorIndex index(kind_of(5));
    Model model;
    for (int step = 0; step < 3000; ++step) {
        const std::string name = fmt::format("folder/{}", random() % 60);
        if (random() % 3 == 0) {
            EXPECT_EQ(index.remove(name), model.erase(name) == 1);
        } else {
            const search::IndexEntry entry{name, random() % 4, static_cast<std::int64_t>(random() % 4)};
            const Vector vector = random_vector(5, random);
            index.put(entry, vector);
            model[name] = {entry, vector};
        }
        ASSERT_EQ(index.size(), static_cast<std::int64_t>(model.size()));
        if (step % 100 != 0) continue;
        for (std::int64_t i = 0; i < index.size(); ++i) {
            const search::IndexEntry& entry = index.entries()[static_cast<std::size_t>(i)];
            ASSERT_EQ(entry, model.at(entry.name).first);
            EXPECT_NEAR(cosine(index.vector(i), model.at(entry.name).second), 1.0, 1e-6) << entry.name;
        }
        expect_answers(index, model, random_vector(5, random), 10);
    }
}

TEST(VectorIndex, KnowsAFileByNameSizeAndTime) {
    VectorIndex index(kind_of(2));
    index.put({"a.wav", 10, -20}, Vector{1, 0});
    EXPECT_TRUE(index.contains("a.wav", 10, -20));
    EXPECT_FALSE(index.contains("a.wav", 11, -20));
    EXPECT_FALSE(index.contains("a.wav", 10, 20));
    EXPECT_FALSE(index.contains("b.wav", 10, -20));
    index.put({"a.wav", 11, 0}, Vector{1, 0});
    EXPECT_FALSE(index.contains("a.wav", 10, -20));
    EXPECT_TRUE(index.contains("a.wav", 11, 0));
    index.remove("a.wav");
    EXPECT_FALSE(index.contains("a.wav", 11, 0));
}

TEST(VectorIndex, LengthsPlayNoPart) {
    for (const float scale : {1.0F, 0.3F, 1e-30F, 1e-42F, 1e30F}) {  // their squares are not numbers of f32
        VectorIndex index(kind_of(2));
        index.put({"a", 1, 1}, Vector{3 * scale, 4 * scale});
        EXPECT_NEAR(index.vector(0)[0], 0.6F, scale < 1e-40F ? 1e-3F : 1e-6F);
        EXPECT_NEAR(index.search(Vector{3 * scale, 4 * scale}, 1).at(0).similarity, 1.0F, 1e-5F) << scale;
        EXPECT_NEAR(index.search(Vector{-4, 3}, 1).at(0).similarity, 0.0F, 1e-2F) << scale;
    }
}

TEST(VectorIndex, RefusesVectorsWithoutADirection) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    VectorIndex index(kind_of(2));
    index.put({"a", 1, 1}, Vector{1, 0});
    for (const Vector& bad : {Vector{0, 0}, Vector{1, NAN}, Vector{kInfinity, 0}, Vector{-kInfinity, 1}}) {
        EXPECT_EQ(refusal_of([&] { index.put({"a", 2, 2}, bad); }).code, ErrorCode::usage);
        EXPECT_EQ(refusal_of([&] { index.put({"b", 1, 1}, bad); }).code, ErrorCode::usage);
        EXPECT_EQ(refusal_of([&] { (void)index.search(bad, 1); }).code, ErrorCode::usage);
    }
    EXPECT_EQ(refusal_of([&] { index.put({"a", 2, 2}, Vector{1, 2, 3}); }).code, ErrorCode::mismatch);
    EXPECT_EQ(refusal_of([&] { (void)index.search(Vector{1}, 1); }).code, ErrorCode::mismatch);
    EXPECT_EQ(refusal_of([&] { (void)index.search(Vector{1, 0}, -1); }).code, ErrorCode::usage);
    EXPECT_EQ(index.size(), 1);
    EXPECT_TRUE(index.contains("a", 1, 1));
}

TEST(VectorIndex, RefusesNamesThatAreNotRelativePaths) {
    VectorIndex index(kind_of(1));
    const auto code = [&](const std::string& name) { return refusal_of([&] { index.put({name, 1, 1}, Vector{1}); }).code; };
    for (const char* bad : {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "\xff", "a\xc3"}) {
        EXPECT_EQ(code(bad), ErrorCode::usage) << bad;
    }
    EXPECT_EQ(code(std::string("a\0b", 3)), ErrorCode::usage);
    EXPECT_EQ(code(std::string(4097, 'a')), ErrorCode::usage);
    EXPECT_EQ(index.size(), 0);
    for (const char* good : {"a", ".a", "a..", "...", "a/b.c/d", "a b", "\xc3\xa4/\xe6\xad\x8c.flac", "a\nb", "a\\b"}) {
        EXPECT_EQ(code(good), ErrorCode{}) << good;
    }
    EXPECT_EQ(code(std::string(4096, 'a')), ErrorCode{});
}

TEST(VectorIndex, RefusesKindsThatCannotBe) {
    for (const search::EmbeddingKind& bad : {search::EmbeddingKind{"", "", 2},
                                             {"a", "", 0},
                                             {"a", "", -1},
                                             {"a", "", 8193},
                                             {"\xff", "", 2},
                                             {"a", "\xff", 2}}) {
        EXPECT_EQ(refusal_of([&] { (void)VectorIndex(bad); }).code, ErrorCode::usage);
    }
}

TEST(VectorIndex, AnEmptyOneFindsNothing) {
    EXPECT_TRUE(VectorIndex(kind_of(2)).search(Vector{1, 0}, 10).empty());
}

TEST(VectorIndex, ThreadsDoNotChangeABit) {
    VectorIndex one(kind_of(700), {.threads = 1}), four(kind_of(700), {.threads = 4});
    fill(one, 5000);
    fill(four, 5000);
    ClusteredVectors queries(700, 1);
    for (int i = 0; i < 5; ++i) {
        const Vector query = queries.next();
        EXPECT_EQ(one.search(query, 20), four.search(query, 20));
    }
}

TEST(VectorIndex, IsSearchedOnSeveralThreadsAtOnce) {
    VectorIndex index(kind_of(16), {.exact_up_to = 100, .threads = 2});
    fill(index, 400);
    const ScratchFolder folder;
    index.save(folder.path());  // has a graph now
    ClusteredVectors queries(16, 1);
    std::vector<Vector> asked;
    for (int i = 0; i < 20; ++i) asked.push_back(queries.next());
    std::vector<std::vector<Match>> expected;
    for (const Vector& query : asked) expected.push_back(index.search(query, 5));
    on_threads(3, [&](int) {
        for (std::size_t i = 0; i < asked.size(); ++i) EXPECT_EQ(index.search(asked[i], 5), expected[i]);
    });
}

}  // namespace
}  // namespace heart::test
