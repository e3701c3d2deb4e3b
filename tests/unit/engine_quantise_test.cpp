// Does a smaller checkpoint hold what its recipe says, and is it the same model?

#include "engine/quantise.h"
#include "formats/digest.h"
#include "formats/safetensors.h"
#include "graph/quantise.h"
#include "support/golden.h"
#include "unit/formats_test_support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace heart::engine {
namespace {

using formats::Checkpoint;
using formats::DType;
using formats::Folder;
using graph::Type;
using test::Refusal;
using test::refusal_of;
using test::ScratchFolder;
using test::tiny;

/// A copy of the tiny checkpoint under this request.
std::vector<QuantisedModel> quantise(const std::filesystem::path& output, const QuantiseRequest& request,
                                     const Folder& source = tiny()) {
    return quantise_checkpoint(CheckpointSet(source, "3B"), output, request, {}, {});
}

std::vector<float> numbers(const formats::TensorView& view) {
    std::vector<float> out(view.elements());
    formats::read_as_f32(view, 0, out);
    return out;
}

std::string bytes_of(const formats::TensorView& view) {
    return {reinterpret_cast<const char*>(view.data.data()), view.data.size()};
}

/// A part of the language model and the type in which its tensors stand in the file.
std::map<std::string, DType> types_of(const Checkpoint& c) {
    std::map<std::string, DType> out;
    for (const auto& [name, view] : c.tensors()) out[name] = view.dtype;
    return out;
}

TEST(Quantise, LayersTakeTheTypeAndTheRestKeepsSixteenBits) {
    const ScratchFolder dir;
    const auto out = quantise(dir.path() / "q", {.recipe = {.type = Type::q8_0}});
    ASSERT_EQ(out.size(), 2U);
    const CheckpointSet set(Folder::on_disk(dir.path() / "q"), "3B");
    const auto lm = types_of(set.language_model());
    ASSERT_EQ(lm.size(), 55U);
    for (const auto& [name, type] : lm) {
        const bool layer = name.find(".layers.") != std::string::npos || name == "projection.weight";
        const bool vector = name.ends_with(".scale") || name.ends_with(".bias");
        // The tiny depth decoder is 48 wide: no multiple of 32.
        const bool odd = layer && set.language_model().find(name)->shape.back() % 32 != 0;
        EXPECT_EQ(type, vector ? DType::f32 : odd ? DType::f16 : layer ? DType::q8_0 : DType::bf16) << name;
    }
    const auto source = types_of(CheckpointSet(tiny(), "3B").codec());
    const auto codec = types_of(set.codec());
    for (const auto& [name, type] : codec) EXPECT_EQ(type, source.at(name)) << name;
}

TEST(Quantise, PartsTakeTheirOwnTypes) {
    const ScratchFolder dir;
    (void)quantise(dir.path() / "q", {.recipe = {.type = Type::q8_0,
                                                 .backbone = Type::q4_0,
                                                 .depth = Type::f16,
                                                 .head = Type::f32,
                                                 .embedding = Type::q8_0,
                                                 .codec = Type::f16}});
    const CheckpointSet set(Folder::on_disk(dir.path() / "q"), "3B");
    const auto lm = types_of(set.language_model());
    EXPECT_EQ(lm.at("backbone.layers.0.attn.q_proj.weight"), DType::q4_0);
    EXPECT_EQ(lm.at("decoder.layers.0.mlp.w2.weight"), DType::f16);
    EXPECT_EQ(lm.at("projection.weight"), DType::f16);
    EXPECT_EQ(lm.at("codebook0_head.weight"), DType::f32);
    EXPECT_EQ(lm.at("audio_head"), DType::f32);
    EXPECT_EQ(lm.at("audio_embeddings.weight"), DType::q8_0);
    EXPECT_EQ(lm.at("text_embeddings.weight"), DType::q8_0);
    EXPECT_EQ(lm.at("unconditional_text_embedding.weight"), DType::q8_0);
    EXPECT_EQ(lm.at("muq_linear.weight"), DType::q8_0);
    EXPECT_EQ(lm.at("muq_linear.bias"), DType::f32);
    const auto codec = types_of(set.codec());
    EXPECT_EQ(codec.at("flow_matching.estimator.transformer_blocks.0.attn.q_proj.weight"), DType::f16);
    EXPECT_EQ(codec.at("flow_matching.estimator.proj_in.ffn_2.weight"), DType::f32) << "no matrix of a block";
    EXPECT_EQ(codec.at("flow_matching.estimator.proj_in.ffn_1.weight"), DType::f32) << "a convolution";
    EXPECT_EQ(codec.at("flow_matching.vq_embed.project_out.weight"), DType::f32);
    EXPECT_EQ(codec.at("flow_matching.vq_embed.layers.0._codebook.embed"), DType::f32);
    EXPECT_EQ(codec.at("scalar_model.decoder.0.parametrizations.weight.original1"), DType::f32);
}

TEST(Quantise, RowsThatAreNoWholeBlocksFallBackAndAreNamed) {
    const ScratchFolder dir;
    const auto q4 = quantise(dir.path() / "q4", {.recipe = {.type = Type::q4_k}, .codec = false});
    const auto lm = types_of(CheckpointSet(Folder::on_disk(dir.path() / "q4"), "3B").language_model());
    EXPECT_EQ(lm.at("backbone.layers.0.mlp.w1.weight"), DType::q4_0) << "rows of 64";
    const std::size_t layer_matrices = 7 * (3 + 2);
    ASSERT_EQ(q4.at(0).fallbacks.size(), 2U);
    std::size_t named = 0;
    for (const auto& f : q4.at(0).fallbacks) {
        EXPECT_EQ(f.asked, "q4_k");
        for (const std::string& name : f.tensors) EXPECT_EQ(weight_type_label(lm.at(name)), f.taken) << name;
        named += f.tensors.size();
    }
    EXPECT_EQ(named, layer_matrices + 1) << "and the projection";
    const auto q6 = quantise(dir.path() / "q6", {.recipe = {.type = Type::q6_k}, .codec = false});
    const auto six = types_of(CheckpointSet(Folder::on_disk(dir.path() / "q6"), "3B").language_model());
    EXPECT_EQ(six.at("backbone.layers.0.mlp.w1.weight"), DType::q8_0);
}

TEST(Quantise, NumbersAreTheSourcesRoundedRowByRow) {
    const ScratchFolder dir;
    (void)quantise(dir.path() / "q", {.recipe = {.type = Type::q8_0}, .codec = false, .threads = 3, .piece = 1000});
    const Checkpoint from = CheckpointSet(tiny(), "3B").language_model();
    const Checkpoint to = CheckpointSet(Folder::on_disk(dir.path() / "q"), "3B").language_model();
    for (const auto& [name, source] : from.tensors()) {
        const formats::TensorView& made = *to.find(name);
        ASSERT_EQ(made.shape, source.shape) << name;
        const Type type = parse_weight_type(weight_type_label(made.dtype));
        const auto values = numbers(source);
        std::vector<std::byte> expected(made.data.size());
        graph::quantise_rows(type, static_cast<std::int64_t>(source.shape.back()), values, expected);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), made.data.begin(), made.data.end())) << name;
    }
}

TEST(Quantise, AHalfPrecisionCheckpointKeepsItsHalves) {
    const ScratchFolder dir;
    (void)quantise(dir.path() / "half", {.recipe = {.type = Type::f16}, .codec = false});
    const auto out =
        quantise(dir.path() / "q8", {.recipe = {.type = Type::q8_0}, .codec = false}, Folder::on_disk(dir.path() / "half"));
    const auto lm = types_of(CheckpointSet(Folder::on_disk(dir.path() / "q8"), "3B").language_model());
    EXPECT_EQ(lm.at("audio_head"), DType::f16);
    EXPECT_EQ(lm.at("text_embeddings.weight"), DType::f16);
    for (const auto& [part, type] : out.at(0).recipe) {
        EXPECT_EQ(type, part == "head" || part == "embedding" ? "f16" : "q8_0") << part;
    }
}

TEST(Quantise, TheSameFileOnAnyNumberOfThreads) {
    const ScratchFolder dir;
    for (const int threads : {1, 4}) {
        const QuantiseRequest request{
            .recipe = {.type = Type::q4_k}, .threads = threads, .piece = threads == 1 ? 5000U : 700U};
        (void)quantise(dir.path() / std::to_string(threads), request);
    }
    for (const char* file : {"HeartMuLa-oss-3B/model.gguf", "HeartCodec-oss/model.gguf"}) {
        const auto one = formats::Bytes::map_file(dir.path() / "1" / file),
                   four = formats::Bytes::map_file(dir.path() / "4" / file);
        EXPECT_EQ(one.text(), four.text()) << file;
    }
}

TEST(Quantise, MetadataSaysWhatWasDone) {
    const ScratchFolder dir;
    (void)quantise(dir.path() / "q", {.recipe = {.type = Type::q8_0, .codec = Type::f16}});
    const CheckpointSet set(Folder::on_disk(dir.path() / "q"), "3B");
    const Checkpoint made = set.language_model();
    const auto text = [&](const char* key) { return *formats::find_text(made.metadata(), key); };
    EXPECT_EQ(text("general.architecture"), "heartmula");
    EXPECT_EQ(text("general.name"), "HeartMuLa-oss-3B");
    EXPECT_EQ(text("heart.version"), "3B");
    EXPECT_EQ(text("heart.language_model"), "HeartMuLa-oss-3B");
    EXPECT_EQ(text("heart.codec"), "HeartCodec-oss");
    EXPECT_EQ(made.metadata().at("heart.format_version"), formats::GgufValue(std::uint32_t{1}));
    EXPECT_EQ(made.metadata().at("general.quantization_version"), formats::GgufValue(std::uint32_t{2}));
    EXPECT_EQ(formats::Json::parse(text("heart.config")), CheckpointSet(tiny(), "3B").language_model().config());
    EXPECT_EQ(formats::Json::parse(text("heart.recipe")),
              (formats::Json{{"backbone", "q8_0"}, {"depth", "q8_0"}, {"head", "bf16"}, {"embedding", "bf16"}}));
    const auto strings = [&](const char* key) {
        return std::get<std::vector<std::string>>(std::get<formats::GgufArray>(made.metadata().at(key)));
    };
    const auto files = strings("heart.source.files"), sums = strings("heart.source.sha256");
    ASSERT_EQ(files.size(), 3U) << "shards";
    for (std::size_t i = 0; i < files.size(); ++i) {
        EXPECT_EQ(sums.at(i), formats::sha256(tiny("HeartMuLa-oss-3B").open(files[i]))) << files[i];
    }
    EXPECT_EQ(*formats::find_text(set.codec().metadata(), "general.architecture"), "heartcodec");
    EXPECT_EQ(*formats::find_text(set.codec().metadata(), "heart.recipe"), R"({"flow":"f16"})");
}

TEST(Quantise, TextsAreCopiedAsTheyAre) {
    const ScratchFolder dir;
    (void)quantise(dir.path() / "q", {});
    const Folder made = Folder::on_disk(dir.path() / "q");
    for (const char* name : {"tokenizer.json", "gen_config.json"}) {
        EXPECT_EQ(made.open(name).text(), tiny().open(name).text()) << name;
    }
    for (const char* model : {"HeartMuLa-oss-3B", "HeartCodec-oss"}) {
        EXPECT_EQ(made.sub(model).open("config.json").text(), tiny(model).open("config.json").text()) << model;
    }
}

TEST(Quantise, ASmallerCheckpointCanBeMadeSmallerAgain) {
    const ScratchFolder dir;
    const std::filesystem::path first = dir.path() / "q8", second = dir.path() / "q8-again", third = dir.path() / "q4";
    (void)quantise(first, {.recipe = {.type = Type::q8_0}});
    (void)quantise(second, {.recipe = {.type = Type::q8_0}}, Folder::on_disk(first));
    (void)quantise(third, {.recipe = {.type = Type::q4_0}}, Folder::on_disk(first));
    const auto open = [](const std::filesystem::path& p) {
        return CheckpointSet(Folder::on_disk(p), "3B").language_model();
    };
    const Checkpoint once = open(first), twice = open(second);
    for (const auto& [name, view] : once.tensors()) {
        EXPECT_EQ(bytes_of(*twice.find(name)), bytes_of(view)) << name << ": copied, not rounded again";
    }
    EXPECT_EQ(open(third).find("backbone.layers.0.mlp.w1.weight")->dtype, DType::q4_0);
}

TEST(Quantise, WorksWithoutConfigJsonOfAGguf) {
    const ScratchFolder dir;
    (void)quantise(dir.path() / "a", {.recipe = {.type = Type::q8_0}, .codec = false});
    std::filesystem::remove(dir.path() / "a/HeartMuLa-oss-3B/config.json");
    (void)quantise(dir.path() / "b", {.recipe = {.type = Type::q8_0}, .codec = false}, Folder::on_disk(dir.path() / "a"));
    const auto config = formats::Json::parse(formats::Bytes::map_file(dir.path() / "b/HeartMuLa-oss-3B/config.json").text());
    EXPECT_EQ(config, CheckpointSet(tiny(), "3B").language_model().config());
}

TEST(Quantise, OneModelAlone) {
    const ScratchFolder dir;
    (void)quantise(dir.path() / "lm", {.codec = false});
    (void)quantise(dir.path() / "codec", {.language_model = false});
    EXPECT_FALSE(std::filesystem::exists(dir.path() / "lm/HeartCodec-oss"));
    EXPECT_TRUE(std::filesystem::exists(dir.path() / "lm/tokenizer.json"));
    EXPECT_FALSE(std::filesystem::exists(dir.path() / "codec/HeartMuLa-oss-3B"));
    EXPECT_TRUE(std::filesystem::exists(dir.path() / "codec/HeartCodec-oss/model.gguf"));
}

/// The tiny language model with one number of one tensor changed.
void write_with(const std::filesystem::path& root, const std::string& tensor, float value) {
    const Checkpoint good = CheckpointSet(tiny(), "3B").language_model();
    std::vector<formats::TensorToWrite> header;
    std::string data;
    for (const auto& [name, view] : good.tensors()) {
        header.push_back({name, DType::f32, view.shape});
        auto values = numbers(view);
        if (name == tensor) values.back() = value;
        data += test::raw_bytes(values);
    }
    std::filesystem::create_directories(root / "HeartMuLa-oss-3B");
    std::ofstream(root / "HeartMuLa-oss-3B/config.json") << good.config().dump();
    std::ofstream(root / "HeartMuLa-oss-3B/model.safetensors", std::ios::binary)
        << formats::safetensors_header(header) << data;
    for (const char* name : {"tokenizer.json", "gen_config.json"}) {
        std::ofstream(root / name, std::ios::binary) << tiny().open(name).text();
    }
}

TEST(Quantise, WeightsThatAreNoNumbersAreRefusedAndNothingIsLeft) {
    const ScratchFolder dir;
    const std::string tensor = "decoder.layers.1.mlp.w2.weight";
    write_with(dir.path() / "bad", tensor, std::numeric_limits<float>::quiet_NaN());
    const Refusal r = refusal_of([&] {
        (void)quantise(dir.path() / "q", {.recipe = {.type = Type::q8_0}, .codec = false, .threads = 4},
                       Folder::on_disk(dir.path() / "bad"));
    });
    EXPECT_EQ(r.code, ErrorCode::unsupported);
    EXPECT_NE(r.message.find("'" + tensor + "'"), std::string::npos) << r.message;
    EXPECT_NE(r.message.find("bad/HeartMuLa-oss-3B"), std::string::npos) << r.message;
    EXPECT_NE(r.message.find("nan"), std::string::npos) << r.message;
    EXPECT_FALSE(std::filesystem::exists(dir.path() / "q"));
}

TEST(Quantise, StoppingLeavesNothing) {
    const ScratchFolder dir;
    std::filesystem::create_directory(dir.path() / "empty");
    for (const char* name : {"new", "empty"}) {
        CancelToken cancel;
        int steps = 0;
        const auto stop = [&](std::uint64_t done, std::uint64_t total) {
            EXPECT_LE(done, total);
            if (++steps == 20) cancel.cancel();
        };
        const Refusal r =
            refusal_of([&] { (void)quantise_checkpoint(CheckpointSet(tiny(), "3B"), dir.path() / name, {}, stop, cancel); });
        EXPECT_EQ(r.code, ErrorCode::cancelled);
    }
    EXPECT_FALSE(std::filesystem::exists(dir.path() / "new"));
    EXPECT_TRUE(std::filesystem::is_empty(dir.path() / "empty")) << "left as it was found";
}

TEST(Quantise, ProgressEndsAtItsTotal) {
    const ScratchFolder dir;
    std::uint64_t last = 0, all = 0;
    (void)quantise_checkpoint(CheckpointSet(tiny(), "3B"), dir.path() / "q", {},
                              [&](std::uint64_t done, std::uint64_t total) {
                                  EXPECT_GT(done, last);
                                  last = done;
                                  all = total;
                              },
                              {});
    EXPECT_EQ(last, all);
}

TEST(Quantise, AFolderWithSomethingInItIsLeftAlone) {
    const ScratchFolder dir;
    dir.write("mine.txt", "precious");
    EXPECT_EQ(refusal_of([&] { (void)quantise(dir.path(), {}); }).code, ErrorCode::usage);
    EXPECT_EQ(refusal_of([&] { (void)quantise(dir.path() / "mine.txt", {}); }).code, ErrorCode::usage);
    EXPECT_EQ(formats::Bytes::map_file(dir.path() / "mine.txt").text(), "precious");
}

TEST(Quantise, CodecInBfloat16IsRefused) {
    const ScratchFolder dir;
    const Refusal r = refusal_of([&] { (void)quantise(dir.path() / "q", {.recipe = {.codec = Type::bf16}}); });
    EXPECT_EQ(r.code, ErrorCode::usage);
    EXPECT_NE(r.message.find("ninths"), std::string::npos) << r.message;
}

TEST(WeightTypes, AreKnownByTheirNames) {
    for (const char* name : {"f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "q5_k", "q6_k"}) {
        EXPECT_EQ(weight_type_label(parse_weight_type(name)), name);
    }
    EXPECT_EQ(parse_weight_type("bfloat16"), Type::bf16);
    const Refusal r = refusal_of([] { (void)parse_weight_type("q3_k"); });
    EXPECT_EQ(r.code, ErrorCode::usage);
    EXPECT_NE(r.message.find("q5_k"), std::string::npos) << r.message;
}

// FIPS 180-4 and its examples.
TEST(Sha256, KnownAnswers) {
    const std::string empty, abc = "abc", million(1'000'000, 'a');
    EXPECT_EQ(formats::sha256(test::borrowed(empty)), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(formats::sha256(test::borrowed(abc)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(formats::sha256(test::borrowed(million)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, ReadsInPiecesAndSaysSo) {
    const std::string file(40 << 20, 'x');
    std::uint64_t passed = 0;
    int pieces = 0;
    (void)formats::sha256(test::borrowed(file), [&](std::uint64_t n) { passed += n, ++pieces; });
    EXPECT_EQ(passed, file.size());
    EXPECT_GT(pieces, 1);
}

}  // namespace
}  // namespace heart::engine
