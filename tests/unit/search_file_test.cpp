// Is an index on the disk the one that was saved, whatever happened meanwhile, and refused where it is not?

#include "search/vector_index.h"

#include "formats/digest.h"
#include "formats/json.h"
#include "formats/npy.h"
#include "unit/formats_test_support.h"
#include "unit/search_test_support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using formats::Json;
using search::VectorIndex;

std::string bytes_of(const fs::path& file) {
    return std::string(formats::Bytes::map_file(file).text());
}

void expect_same(const VectorIndex& a, const VectorIndex& b) {
    EXPECT_EQ(a.kind().model, b.kind().model);
    EXPECT_EQ(a.kind().licence, b.kind().licence);
    EXPECT_EQ(a.kind().dimension, b.kind().dimension);
    ASSERT_EQ(a.entries(), b.entries());
    for (std::int64_t i = 0; i < a.size(); ++i) {
        EXPECT_TRUE(std::equal(a.vector(i).begin(), a.vector(i).end(), b.vector(i).begin())) << "to the bit: " << i;
    }
}

/// An index of three entries in a folder.
class SavedIndex : public ::testing::Test {
protected:
    void SetUp() override {
        index.put({"a b/\xc3\xa4 \"c\".flac", 18446744073709551615ULL, std::numeric_limits<std::int64_t>::min()},
                  Vector{1, 2});
        index.put({"b\n\x7f", 0, 0}, Vector{-1, 0});
        index.put({"c", 5, 1700000000123456789}, Vector{0, 7});
        index.save(folder.path());
    }
    [[nodiscard]] VectorIndex opened() const { return VectorIndex::open(folder.path()); }
    [[nodiscard]] Refusal refused() const {
        return refusal_of([&] { (void)opened(); });
    }
    [[nodiscard]] std::string read(const char* name) const { return bytes_of(folder.path() / name); }
    void write(const char* name, const std::string& text) const { (void)folder.write(name, text); }

    /// index.json after a change.
    [[nodiscard]] std::string list_with(const std::function<void(Json&)>& change) const {
        Json list = Json::parse(read("index.json"));
        change(list);
        return list.dump();
    }
    /// Vectors, sealed in index.json as if they had been saved so.
    void put_vectors(const std::string& npy) const {
        const std::string list = list_with([&](Json& j) { j["vectors_sha256"] = formats::sha256(borrowed(npy)); });
        write("index.json", list);
        write("vectors.npy", npy);
    }

    ScratchFolder folder;
    VectorIndex index{kind_of(2)};
};

TEST_F(SavedIndex, OpensAsItWas) {
    expect_same(opened(), index);
    EXPECT_TRUE(opened().contains("c", 5, 1700000000123456789));
    EXPECT_EQ(opened().search(Vector{0, 1}, 2), index.search(Vector{0, 1}, 2));
}

TEST_F(SavedIndex, HasThreeNumbersInAFileThatNumpyReads) {
    const auto array = formats::read_float_array({folder.path() / "vectors.npy", ""});
    EXPECT_EQ(array.shape, (std::vector<std::uint64_t>{3, 2}));
    EXPECT_NEAR(array.values[0], 1 / std::sqrt(5.0F), 1e-6F);
    EXPECT_EQ(array.values[5], 1.0F);
}

TEST_F(SavedIndex, LeavesNothingElseBehind) {
    index.save(folder.path());
    std::set<std::string> names;
    for (const auto& file : fs::directory_iterator(folder.path())) names.insert(file.path().filename());
    EXPECT_EQ(names, (std::set<std::string>{"index.json", "vectors.npy"}));
}

TEST_F(SavedIndex, IsReplacedByTheNextOne) {
    index.remove("b\n\x7f");
    index.put({"d", 1, 1}, Vector{3, 3});
    index.put({"e", 1, 1}, Vector{3, 4});
    index.save(folder.path());
    expect_same(opened(), index);
}

TEST(VectorIndexFile, EveryNumberOfEntriesOpensAsItWas) {
    for (const std::int64_t count : {0, 1, 4095, 4096, 4097, 9000}) {  // around a block of rows
        VectorIndex index(kind_of(3));
        fill(index, count);
        const ScratchFolder folder;
        index.save(folder.path() / "new folder");
        expect_same(VectorIndex::open(folder.path() / "new folder"), index);
    }
}

TEST(VectorIndexFile, AnOpenedOneGoesOn) {
    const ScratchFolder folder;
    VectorIndex first(kind_of(3));
    fill(first, 4096);
    first.save(folder.path());
    VectorIndex index = VectorIndex::open(folder.path());
    index.put({"new", 1, 1}, Vector{1, 0, 0});
    index.remove("00000");
    index.put({"newer", 1, 1}, Vector{0, 1, 0});
    index.save(folder.path());
    expect_same(VectorIndex::open(folder.path()), index);
    EXPECT_EQ(index.size(), 4097);
}

TEST(VectorIndexFile, IsNotFoundWhereThereIsNone) {
    const ScratchFolder folder;
    EXPECT_FALSE(VectorIndex::is_in(folder.path()));
    EXPECT_EQ(refusal_of([&] { (void)VectorIndex::open(folder.path()); }).code, ErrorCode::not_found);
    EXPECT_EQ(refusal_of([&] { (void)VectorIndex::open(folder.path() / "no"); }).code, ErrorCode::not_found);
    VectorIndex index(kind_of(3));
    EXPECT_EQ(refusal_of([&] { index.save(folder.path() / "no/no"); }).code, ErrorCode::not_found);
    index.save(folder.path());
    EXPECT_TRUE(VectorIndex::is_in(folder.path()));
}

TEST_F(SavedIndex, OfAnotherModelIsRefusedWithBoth) {
    const auto open_as = [&](const std::string& model, std::int64_t dimension) {
        return refusal_of([&] { (void)VectorIndex::open(folder.path(), {}, search::EmbeddingKind{model, "", dimension}); });
    };
    EXPECT_EQ(open_as("a/model", 2).code, ErrorCode{});
    const Refusal model = open_as("b/model", 2), dimension = open_as("a/model", 512);
    EXPECT_EQ(model.code, ErrorCode::mismatch);
    EXPECT_NE(model.message.find("expected 2 numbers of 'b/model', found 2 numbers of 'a/model'"), std::string::npos)
        << model.message;
    EXPECT_EQ(dimension.code, ErrorCode::mismatch);
    EXPECT_NE(dimension.message.find("512"), std::string::npos) << dimension.message;
}

// --- stopped between two files ------------------------------------------------------------------------------------------

/// The files of an index that has changed since.
class StoppedWhileSaving : public SavedIndex {
protected:
    void SetUp() override {
        SavedIndex::SetUp();
        old_list = read("index.json"), old_vectors = read("vectors.npy");
        index.put({"new", 1, 1}, Vector{1, 1});
        index.put({"c", 6, 6}, Vector{-1, -1});
        index.save(folder.path());
        new_list = read("index.json"), new_vectors = read("vectors.npy");
    }
    std::string old_list, old_vectors, new_list, new_vectors;
};

TEST_F(StoppedWhileSaving, BeforeTheVectorsItIsTheOldOne) {
    write("index.json.new", new_list);
    write("index.json", old_list);
    write("vectors.npy", old_vectors);
    EXPECT_EQ(opened().size(), 3);
    EXPECT_TRUE(opened().contains("c", 5, 1700000000123456789));
}

TEST_F(StoppedWhileSaving, BehindTheVectorsItIsTheNewOne) {
    write("index.json.new", new_list);
    write("index.json", old_list);
    expect_same(opened(), index);
    VectorIndex again = opened();
    again.save(folder.path());
    EXPECT_FALSE(fs::exists(folder.path() / "index.json.new"));
    expect_same(opened(), index);
}

TEST_F(StoppedWhileSaving, TheFirstTimeToo) {
    fs::rename(folder.path() / "index.json", folder.path() / "index.json.new");
    EXPECT_TRUE(VectorIndex::is_in(folder.path()));
    expect_same(opened(), index);
}

TEST_F(StoppedWhileSaving, AtTheEndAnOldNextListDoesNoHarm) {
    write("index.json.new", old_list);
    expect_same(opened(), index);
}

TEST_F(StoppedWhileSaving, FilesThatDoNotBelongTogetherAreRefused) {
    write("index.json", old_list);
    Refusal r = refused();
    EXPECT_EQ(r.code, ErrorCode::mismatch);
    EXPECT_NE(r.message.find("not written together"), std::string::npos) << r.message;
    write("index.json.new", old_list);
    EXPECT_EQ(refused().code, ErrorCode::mismatch);
    write("index.json", new_list);
    std::string flipped = new_vectors;
    flipped.back() = static_cast<char>(flipped.back() ^ 1);
    write("vectors.npy", flipped);
    EXPECT_EQ(refused().code, ErrorCode::mismatch) << "one bit";
    write("vectors.npy", new_vectors + "x");
    EXPECT_EQ(refused().code, ErrorCode::mismatch) << "a byte behind";
}

// --- hostile files ------------------------------------------------------------------------------------------------------

TEST_F(SavedIndex, RefusesAListThatDoesNotFollowItsFormat) {
    struct Case {
        const char* what;
        std::function<void(Json&)> change;
        ErrorCode code = ErrorCode::malformed;
    };
    const std::string good = read("index.json");
    const auto set = [](const char* key, const Json& value) { return [=](Json& j) { j[key] = value; }; };
    const auto row = [](const Json& value) { return [=](Json& j) { j["entries"][1] = value; }; };
    const Case cases[] = {
        {"another format", set("format", "heart song index")},
        {"a later version", set("version", 2), ErrorCode::unsupported},
        {"version as text", set("version", "1")},
        {"no model", set("model", "")},
        {"model as number", set("model", 3)},
        {"dimension 0", set("dimension", 0), ErrorCode::limit},
        {"dimension of 2^63", set("dimension", 9223372036854775808ULL), ErrorCode::limit},
        {"another dimension", set("dimension", 3), ErrorCode::mismatch},
        {"broken digest", set("vectors_sha256", std::string(63, 'a'))},
        {"digest in capitals", set("vectors_sha256", std::string(64, 'A'))},
        {"another digest", set("vectors_sha256", std::string(64, 'a')), ErrorCode::mismatch},
        {"entries as object", set("entries", Json::object())},
        {"entries as text", set("entries", "abc")},
        {"an entry less", [](Json& j) { j["entries"].erase(0); }, ErrorCode::mismatch},
        {"an entry more",
         [](Json& j) {
             j["entries"].push_back({"d", 1, 1});
         },
         ErrorCode::mismatch},
        {"a name twice", row({"c", 1, 1})},
        {"a name that climbs", row({"../c", 1, 1})},
        {"an absolute name", row({"/c", 1, 1})},
        {"no name", row({"", 1, 1})},
        {"a zero in a name", row({std::string("a\0b", 3), 1, 1})},
        {"a name that is a number", row({1, 1, 1})},
        {"a negative size", row({"d", -1, 1})},
        {"half a byte", row({"d", 0.5, 1})},
        {"a time beyond 64 bits", row({"d", 1, 9223372036854775808ULL})},
        {"no time", row({"d", 1})},
        {"four fields", row({"d", 1, 1, 1})},
        {"an entry as object", row(Json::object())},
        {"a graph's broken digest", set("graph_sha256", std::string(63, 'a'))},
        {"changes as text", set("graph_changed", "0")},
        {"changes beyond the entries", set("graph_changed", {3}), ErrorCode::limit},
    };
    for (const Case& c : cases) {
        write("index.json", good);
        write("index.json", list_with(c.change));
        const Refusal r = refused();
        EXPECT_EQ(r.code, c.code) << c.what << ": " << r.message;
        EXPECT_NE(r.message.find("index.json"), std::string::npos) << c.what << ": " << r.message;
    }
    for (const char* key : {"format", "version", "model", "licence", "dimension", "vectors_sha256", "entries"}) {
        write("index.json", good);
        write("index.json", list_with([&](Json& j) { j.erase(key); }));
        EXPECT_EQ(refused().code, ErrorCode::malformed) << key;
    }
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, good.size() / 2, good.size() - 3}) {
        write("index.json", good.substr(0, length));
        EXPECT_EQ(refused().code, ErrorCode::malformed) << length;
    }
    write("index.json", "[[[[[[]]]]]]");
    EXPECT_EQ(refused().code, ErrorCode::limit);
    fs::remove(folder.path() / "index.json");
    fs::create_directory(folder.path() / "index.json");
    EXPECT_EQ(refused().code, ErrorCode::malformed);
}

TEST_F(SavedIndex, RefusesVectorsThatAreNotWhatItHolds) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const auto npy = [](const std::vector<std::uint64_t>& shape, const std::vector<float>& values) {
        return formats::npy_float_header(shape) + raw_bytes(values);
    };
    put_vectors(npy({3, 2}, {1, 0, 0, 1, -1, 0}));
    EXPECT_EQ(refused().code, ErrorCode{});
    put_vectors(npy({3, 2}, {1, 0, 0, 1, -1, NAN}));
    EXPECT_EQ(refused().code, ErrorCode::malformed);
    EXPECT_NE(refused().message.find("row 2"), std::string::npos) << refused().message;
    put_vectors(npy({3, 2}, {1, 0, kInfinity, 1, -1, 0}));
    EXPECT_EQ(refused().code, ErrorCode::malformed);
    put_vectors(npy({3, 2}, {1, 0, 0, 0, -1, 0}));
    EXPECT_EQ(refused().code, ErrorCode::malformed) << "zero";
    put_vectors(npy({3, 2}, {1, 0, 0, 1, -1.1F, 0}));
    EXPECT_EQ(refused().code, ErrorCode::malformed) << "too long";
    put_vectors(npy({2, 3}, {1, 0, 0, 1, 0, 0}));
    EXPECT_EQ(refused().code, ErrorCode::mismatch);
    put_vectors(npy({2, 2}, {1, 0, 0, 1}));
    EXPECT_EQ(refused().code, ErrorCode::mismatch);
    put_vectors(npy({6}, {1, 0, 0, 1, -1, 0}));
    EXPECT_EQ(refused().code, ErrorCode::malformed);
    put_vectors(npy({3, 0}, {}));
    EXPECT_EQ(refused().code, ErrorCode::malformed);
    put_vectors(npy({1000001, 1}, std::vector<float>(1000001, 1.0F)));
    EXPECT_EQ(refused().code, ErrorCode::limit);
    put_vectors(npy({4294967296, 1}, {}));
    EXPECT_EQ(refused().code, ErrorCode::limit);
    put_vectors(formats::npy_file(std::vector<std::uint64_t>{3, 2}, std::vector<std::int32_t>{1, 0, 0, 1, 1, 0}));
    EXPECT_EQ(refused().code, ErrorCode::unsupported);
    put_vectors("not an array");
    EXPECT_EQ(refused().code, ErrorCode::malformed);
}

TEST_F(SavedIndex, RefusesVectorsCutOffAnywhere) {
    const std::string good = read("vectors.npy");
    for (std::size_t length = 0; length < good.size(); ++length) {
        write("vectors.npy", good.substr(0, length));
        EXPECT_EQ(refused().code, ErrorCode::malformed) << length;
    }
    fs::remove(folder.path() / "vectors.npy");
    EXPECT_EQ(refused().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace heart::test
