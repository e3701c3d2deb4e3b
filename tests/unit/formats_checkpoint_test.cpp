// Are model folders opened as they are published, on disk and inside the program, and what is no file refused?

#include "formats/checkpoint.h"
#include "support/golden.h"
#include "unit/formats_test_support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace heart::formats {
namespace {

using test::raw_bytes;
using test::Refusal;
using test::refusal_of;
using test::ScratchFolder;

// --- Bytes and Folder ---------------------------------------------------------------------------------------------------

TEST(Bytes, MapsAFile) {
    const ScratchFolder dir;
    const Bytes b = Bytes::map_file(dir.write("f", "hello"));
    EXPECT_EQ(b.text(), "hello");
    EXPECT_EQ(b.view().size(), 5U);
}

TEST(Bytes, AnEmptyFileIsNoBytes) {
    const ScratchFolder dir;
    EXPECT_TRUE(Bytes::map_file(dir.write("f", "")).view().empty());
}

TEST(Bytes, CopiesOutliveTheirSourceAndTheFile) {
    Bytes copy;
    {
        const ScratchFolder dir;
        copy = Bytes::map_file(dir.write("f", "hello"));
    }
    EXPECT_EQ(copy.text(), "hello");
}

TEST(Bytes, ReadTheSameAfterRelease) {
    const ScratchFolder dir;
    std::string text;
    for (int i = 0; i < 50'000; ++i) text += static_cast<char>(i * 31);
    const Bytes b = Bytes::map_file(dir.write("f", text));
    b.release(b.view().subspan(1, 30'000));
    b.release(b.view());
    b.release({});
    EXPECT_EQ(b.text(), text);
    const Bytes borrowed = test::borrowed(text);
    borrowed.release(borrowed.view());
    EXPECT_EQ(borrowed.text(), text);
}

TEST(Bytes, RefusesWhatIsNoFile) {
    const ScratchFolder dir;
    const auto path = dir.path() / "thing";
    const auto refused = [&] { return refusal_of([&] { (void)Bytes::map_file(path); }); };

    EXPECT_EQ(refused().code, ErrorCode::not_found);
    EXPECT_NE(refused().message.find(path.string()), std::string::npos) << refused().message;
    EXPECT_EQ(refusal_of([&] { (void)Bytes::map_file(dir.write("f", "") / "below"); }).code, ErrorCode::not_found);

    std::filesystem::create_directory(path);
    EXPECT_EQ(refused().code, ErrorCode::malformed);
    EXPECT_NE(refused().message.find("a folder"), std::string::npos) << refused().message;
    std::filesystem::remove(path);

    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(refused().code, ErrorCode::malformed);  // and does not wait for a writer
    std::filesystem::remove(path);

    std::filesystem::create_symlink("nowhere", path);
    EXPECT_EQ(refused().code, ErrorCode::not_found);
    std::filesystem::remove(path);
    std::filesystem::create_symlink("thing", path);  // to itself
    EXPECT_EQ(refused().code, ErrorCode::io);
    std::filesystem::remove(path);

    EXPECT_EQ(refusal_of([] { (void)Bytes::map_file("/dev/zero"); }).code, ErrorCode::malformed);
}

TEST(Bytes, RefusesAFileItMayNotRead) {
    const ScratchFolder dir;
    if (geteuid() == 0) GTEST_SKIP() << "the superuser may read everything";
    const auto locked = dir.write("locked", "x");
    std::filesystem::permissions(locked, std::filesystem::perms::none);
    EXPECT_EQ(refusal_of([&] { (void)Bytes::map_file(locked); }).code, ErrorCode::io);
}

TEST(PlainFileName, IsAFileDirectlyInsideAFolder) {
    for (const char* name : {"a", "model-00001-of-00002.safetensors", ".hidden", "a b", "\xc3\xa9"}) {
        EXPECT_TRUE(is_plain_file_name(name)) << name;
    }
    for (const char* name : {"", ".", "..", "a/b", "/a", "a/", "..\\a", "a\\b", "../a", "a..b"}) {
        EXPECT_FALSE(is_plain_file_name(name)) << name;
    }
    EXPECT_FALSE(is_plain_file_name(std::string_view("a\0b", 3)));
}

/// The same files on disk and inside the program.
class Folders : public testing::Test {
protected:
    void SetUp() override {
        for (std::size_t i = 0; i < names_.size(); ++i) {
            dir_.write(names_[i], texts_[i]);
            embedded_.push_back({names_[i], std::as_bytes(std::span(texts_[i]))});
        }
        both_ = {Folder::on_disk(dir_.path()), Folder::embedded(embedded_, "(built in)")};
    }

    const std::array<std::string, 3> names_{"top.txt", "sub/a.txt", "sub/deep/b.txt"};
    const std::array<std::string, 3> texts_{"top", "a", "b"};
    ScratchFolder dir_;
    std::vector<EmbeddedFile> embedded_;
    std::vector<Folder> both_;
};

TEST_F(Folders, FindTheirFiles) {
    for (const Folder& f : both_) {
        EXPECT_TRUE(f.exists());
        EXPECT_TRUE(f.has("top.txt"));
        EXPECT_FALSE(f.has("a.txt"));
        EXPECT_EQ(f.open("top.txt").text(), "top");
        EXPECT_TRUE(f.sub("sub").exists());
        EXPECT_EQ(f.sub("sub").open("a.txt").text(), "a");
        EXPECT_EQ(f.sub("sub").sub("deep").open("b.txt").text(), "b");
        EXPECT_FALSE(f.sub("su").exists());
        EXPECT_FALSE(f.sub("sub").sub("nothing").exists());
        EXPECT_FALSE(f.sub("nothing").has("top.txt"));
    }
    EXPECT_FALSE(both_[0].is_embedded());
    EXPECT_TRUE(both_[1].is_embedded());
}

TEST_F(Folders, NameTheWholePathOfAMissingFile) {
    EXPECT_EQ(both_[1].sub("sub").sub("deep").describe(), "(built in)/sub/deep");
    EXPECT_EQ(both_[0].sub("sub").describe(), (dir_.path() / "sub").string());
    for (const Folder& f : both_) {
        const Refusal r = refusal_of([&] { (void)f.sub("sub").open("c.txt"); });
        EXPECT_EQ(r.code, ErrorCode::not_found);
        EXPECT_NE(r.message.find("sub/c.txt"), std::string::npos) << r.message;
    }
}

// --- Checkpoint ---------------------------------------------------------------------------------------------------------

TEST(Checkpoint, OpensASingleFile) {
    const Checkpoint c = Checkpoint::open(test::tiny("HeartMuLa-oss-3B-bf16"));
    EXPECT_EQ(c.config().at("model_type"), "heartmula");
    ASSERT_NE(c.find("text_embeddings.weight"), nullptr);
    EXPECT_EQ(c.find("text_embeddings.weight")->dtype, DType::bf16);
    EXPECT_EQ(c.find("text_embeddings.weight")->shape, (std::vector<std::uint64_t>{648, 64}));
    EXPECT_EQ(c.find("no.such.tensor"), nullptr);
    EXPECT_TRUE(c.describe().ends_with("HeartMuLa-oss-3B-bf16"));
}

TEST(Checkpoint, OpensShardsByTheirIndex) {
    const Checkpoint sharded = Checkpoint::open(test::tiny("HeartMuLa-oss-3B"));
    const Json index = Json::parse(test::tiny("HeartMuLa-oss-3B").open("model.safetensors.index.json").text());
    EXPECT_EQ(sharded.tensors().size(), index.at("weight_map").size());
    EXPECT_EQ(sharded.bytes(), index.at("metadata").at("total_size").get<std::uint64_t>());
    const Checkpoint single = Checkpoint::open(test::tiny("HeartMuLa-oss-3B-bf16"));
    ASSERT_EQ(sharded.tensors().size(), single.tensors().size());
    for (const auto& [name, tensor] : single.tensors()) {
        ASSERT_NE(sharded.find(name), nullptr) << name;
        EXPECT_EQ(sharded.find(name)->shape, tensor.shape) << name;
    }
}

TEST(Checkpoint, OpensFilesInsideTheProgram) {
    const auto dir = test::data_path("ckpt-tiny/HeartMuLa-oss-3B");
    std::vector<std::string> names, texts;
    for (const auto& file : std::filesystem::directory_iterator(dir)) {
        names.push_back("models/lm/" + file.path().filename().string());
        texts.emplace_back(Bytes::map_file(file.path()).text());
    }
    std::vector<EmbeddedFile> files;
    for (std::size_t i = 0; i < names.size(); ++i) files.push_back({names[i], std::as_bytes(std::span(texts[i]))});
    const Checkpoint inside = Checkpoint::open(Folder::embedded(files, "(built in)").sub("models").sub("lm"));
    const Checkpoint outside = Checkpoint::open(Folder::on_disk(dir));
    ASSERT_EQ(inside.tensors().size(), outside.tensors().size());
    for (const auto& [name, tensor] : outside.tensors()) {
        const auto& other = inside.find(name)->data;
        EXPECT_TRUE(std::equal(tensor.data.begin(), tensor.data.end(), other.begin(), other.end())) << name;
    }
    EXPECT_EQ(inside.describe(), "(built in)/models/lm");
}

TEST(Checkpoint, OneFileWinsOverAnIndexBesideIt) {
    const ScratchFolder dir;
    dir.write("config.json", "{}");
    dir.write("model.safetensors.index.json", R"({"weight_map": {"old": "gone.safetensors"}})");
    const TensorToWrite t[] = {{"new", DType::f32, {1}}};
    dir.write("model.safetensors", safetensors_header(t) + std::string(4, '\0'));
    const Checkpoint c = Checkpoint::open(Folder::on_disk(dir.path()));
    EXPECT_EQ(c.tensors().size(), 1U);
    EXPECT_NE(c.find("new"), nullptr);
}

TEST(Checkpoint, ShardsMayHoldMoreThanTheIndexNames) {
    const ScratchFolder dir;
    dir.write("config.json", "{}");
    dir.write("model.safetensors.index.json", R"({"metadata": {}, "weight_map": {"a": "s.safetensors"}})");
    const TensorToWrite t[] = {{"a", DType::f32, {1}}, {"b", DType::f32, {1}}};
    dir.write("s.safetensors", safetensors_header(t) + raw_bytes<float>({1, 2}));
    const Checkpoint c = Checkpoint::open(Folder::on_disk(dir.path()));
    EXPECT_NE(c.find("a"), nullptr);
    EXPECT_EQ(c.find("b"), nullptr);
    EXPECT_EQ(c.bytes(), 4U);
}

TEST(Checkpoint, ViewsOutliveTheCheckpoint) {
    TensorView view;
    {
        const Checkpoint c = Checkpoint::open(test::tiny("HeartMuLa-oss-3B"));
        view = *c.find("muq_linear.bias");
    }
    std::vector<float> out(view.elements());
    read_as_f32(view, 0, out);
    EXPECT_TRUE(std::any_of(out.begin(), out.end(), [](float x) { return x != 0; }));
}

}  // namespace
}  // namespace heart::formats
