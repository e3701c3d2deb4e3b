// Are model folders opened as they are published, on disk and inside the program, and what is no file refused?

#include "formats/checkpoint.h"
#include "formats/safetensors.h"
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
#include <utility>
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

/// A GGUF file with one tensor "w" of f32 numbers and, where asked for, a configuration inside.
std::string gguf_file(const char* config) {
    const TensorToWrite t[] = {{"w", DType::f32, {2}}};
    std::vector<std::pair<std::string, GgufValue>> metadata{{"general.architecture", std::string("heartmula")}};
    if (config != nullptr) metadata.emplace_back("heart.config", std::string(config));
    return gguf_header(metadata, t) + raw_bytes<float>({1, 2});
}

TEST(Checkpoint, OpensAGgufFileWithItsConfigInside) {
    const ScratchFolder dir;
    dir.write("model.gguf", gguf_file(R"({"from": "inside"})"));
    const Checkpoint inside = Checkpoint::open(Folder::on_disk(dir.path()));
    EXPECT_EQ(inside.config().at("from"), "inside");
    EXPECT_EQ(inside.find("w")->shape, std::vector<std::uint64_t>{2});
    EXPECT_EQ(*find_text(inside.metadata(), "general.architecture"), "heartmula");
    ASSERT_EQ(inside.weight_files().size(), 1U);
    EXPECT_EQ(inside.weight_files()[0].name, "model.gguf");

    dir.write("config.json", R"({"from": "beside"})");
    EXPECT_EQ(Checkpoint::open(Folder::on_disk(dir.path())).config().at("from"), "beside");
}

TEST(Checkpoint, AGgufFileNeedsAConfigSomewhere) {
    const ScratchFolder dir;
    const auto refused = [&] { return refusal_of([&] { (void)Checkpoint::open(Folder::on_disk(dir.path())); }); };
    dir.write("model.gguf", gguf_file(nullptr));
    EXPECT_EQ(refused().code, ErrorCode::not_found);
    EXPECT_NE(refused().message.find("config.json"), std::string::npos) << refused().message;
    for (const char* broken : {"[1]", "{", ""}) {
        dir.write("model.gguf", gguf_file(broken));
        EXPECT_EQ(refused().code, ErrorCode::malformed) << broken;
        EXPECT_NE(refused().message.find("heart.config"), std::string::npos) << refused().message;
    }
}

TEST(Checkpoint, WeightsThatStandThereTwiceAreRefused) {
    for (const char* other : {"model.safetensors", "model.safetensors.index.json"}) {
        const ScratchFolder dir;
        dir.write("model.gguf", gguf_file("{}"));
        dir.write(other, "anything");
        const Refusal r = refusal_of([&] { (void)Checkpoint::open(Folder::on_disk(dir.path())); });
        EXPECT_EQ(r.code, ErrorCode::mismatch);
        EXPECT_NE(r.message.find(other), std::string::npos) << r.message;
        EXPECT_NE(r.message.find("remove"), std::string::npos) << r.message;
    }
}

TEST(Checkpoint, OpensAFileOfPyTorch) {
    const Checkpoint pickled = Checkpoint::open(test::tiny("MuQ-MuLan-bin"));
    const Checkpoint same = Checkpoint::open(test::tiny("MuQ-MuLan"));
    EXPECT_EQ(pickled.config(), same.config());
    EXPECT_EQ(pickled.bytes(), same.bytes());
    ASSERT_EQ(pickled.tensors().size(), same.tensors().size());
    for (const auto& [name, tensor] : same.tensors()) {
        ASSERT_NE(pickled.find(name), nullptr) << name;
        EXPECT_TRUE(std::ranges::equal(pickled.find(name)->data, tensor.data)) << name;
    }
    ASSERT_EQ(pickled.weight_files().size(), 1U);
    EXPECT_EQ(pickled.weight_files()[0].name, "pytorch_model.bin");
    EXPECT_TRUE(pickled.metadata().empty());
}

// Folders are published with the same weights in both; the file that is no program wins.
TEST(Checkpoint, AnyOtherFileWinsOverPyTorchs) {
    const TensorToWrite t[] = {{"w", DType::f32, {2}}};
    const std::string numbers = raw_bytes<float>({1, 2});
    for (const char* other : {"model.safetensors", "model.safetensors.index.json", "model.gguf"}) {
        const ScratchFolder dir;
        dir.write("config.json", "{}");
        dir.write("pytorch_model.bin", "not even a file of PyTorch");
        dir.write("shard.safetensors", safetensors_header(t) + numbers);
        const std::string name = other;
        dir.write(name, name == "model.gguf"          ? gguf_file(nullptr)
                        : name == "model.safetensors" ? safetensors_header(t) + numbers
                                                      : std::string(R"({"weight_map": {"w": "shard.safetensors"}})"));
        EXPECT_NE(Checkpoint::open(Folder::on_disk(dir.path())).find("w"), nullptr) << other;
        std::filesystem::remove(dir.path() / other);
        const Refusal r = refusal_of([&] { (void)Checkpoint::open(Folder::on_disk(dir.path())); });
        EXPECT_EQ(r.code, ErrorCode::malformed);
        EXPECT_NE(r.message.find("pytorch_model.bin: not a zip archive"), std::string::npos) << r.message;
    }
}

TEST(Checkpoint, SaysWhichFilesOfWeightsAreKnown) {
    const ScratchFolder dir;
    dir.write("config.json", "{}");
    for (const char* where : {"", "/nothing"}) {
        const Refusal r = refusal_of([&] { (void)Checkpoint::open(Folder::on_disk(dir.path().string() + where)); });
        EXPECT_EQ(r.code, ErrorCode::not_found);
        for (const char* name : {"model.safetensors", "model.gguf", "pytorch_model.bin"}) {
            EXPECT_NE(r.message.find(name), std::string::npos) << r.message;
        }
    }
}

TEST(Checkpoint, NamesItsWeightFiles) {
    const auto names = [](const char* folder) {
        const Checkpoint c = Checkpoint::open(test::tiny(folder));
        std::vector<std::string> out;
        for (const auto& file : c.weight_files()) out.push_back(file.name);
        std::sort(out.begin(), out.end());
        return out;
    };
    EXPECT_EQ(names("HeartMuLa-oss-3B-bf16"), std::vector<std::string>{"model.safetensors"});
    EXPECT_EQ(names("HeartMuLa-oss-3B"),
              (std::vector<std::string>{"model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
                                        "model-00003-of-00003.safetensors"}));
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
