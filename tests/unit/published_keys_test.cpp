// Do the weight plans ask for the tensors of the published checkpoints, all of them and no others?

#include "engine/synthetic_embedder.h"
#include "models/heartclap/model.h"
#include "models/heartcodec/codec.h"
#include "models/heartmula/language_model.h"
#include "models/hearttranscriptor/model.h"
#include "support/golden.h"
#include "support/tiny_models.h"
#include "unit/formats_test_support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using Shapes = std::map<std::string, std::vector<std::uint64_t>>;

Shapes published_map(const std::string& file) {
    const auto json = formats::parse_json(formats::Bytes::map_file(data_path("keys/" + file)).text(), file);
    return json.get<Shapes>();
}

Shapes as_map(const std::vector<graph::Published>& tensors) {
    Shapes out;
    for (const graph::Published& p : tensors) {
        EXPECT_TRUE(out.emplace(p.name, p.shape).second) << p.name << " twice";
    }
    return out;
}

/// Every difference by name, so that a failure says which tensor it is.
void expect_same(const Shapes& expected, const Shapes& test) {
    for (const auto& [name, shape] : expected) {
        const auto it = test.find(name);
        if (it == test.end()) {
            ADD_FAILURE() << "not asked for: " << name;
        } else {
            EXPECT_EQ(formats::shape_text(it->second), formats::shape_text(shape)) << name;
        }
    }
    for (const auto& [name, shape] : test) EXPECT_TRUE(expected.contains(name)) << "not published: " << name;
}

std::uint64_t parameters(const Shapes& shapes) {
    std::uint64_t sum = 0;
    for (const auto& [name, shape] : shapes) {
        std::uint64_t n = 1;
        for (const std::uint64_t s : shape) n *= s;
        sum += n;
    }
    return sum;
}

heartmula::Config published_config(const char* backbone, const char* depth) {
    const formats::Json json{{"backbone_flavor", backbone}, {"decoder_flavor", depth},  {"text_vocab_size", 128256},
                             {"audio_vocab_size", 8197},    {"audio_num_codebooks", 8}, {"muq_dim", 512}};
    return heartmula::Config::parse(json, "config.json");
}

// Plans are made without a device and without a store: nothing here can take memory for weights.
Shapes plan_of(const heartmula::Config& config) {
    heartmula::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, config);
    return as_map(plan.published());
}

TEST(PublishedKeys, LanguageModelAsksForExactlyThePublishedTensors) {
    const Shapes expected = published_map("heartmula-lm-keys.json");
    ASSERT_EQ(expected.size(), 289U);
    const Shapes test = plan_of(published_config("llama-3B", "llama-300M"));
    expect_same(expected, test);
    EXPECT_EQ(parameters(test), 3'938'113'536U);
}

TEST(PublishedKeys, LanguageModelBytesFollowFromItsParameters) {
    heartmula::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, published_config("llama-3B", "llama-300M"));
    // On the device: all but the text embedding (128256 x 3072), the unconditional one, and the reference projection.
    const std::uint64_t host = 128256ULL * 3072 + 3072 + 3072ULL * 512 + 3072;
    const std::uint64_t f32_only = (28 * 2 + 1 + 3 * 2 + 1) * 3072ULL;
    const std::uint64_t matrices = 3'938'113'536ULL - host - f32_only;
    const std::uint64_t rope = 128 / 2 + 384 / 2;
    EXPECT_EQ(planned_bytes(plan, graph::WeightTypes::of(graph::Type::bf16, graph::Type::bf16)),
              2 * matrices + 4 * (f32_only + rope));
    EXPECT_EQ(planned_bytes(plan, graph::WeightTypes{}), 4 * (matrices + f32_only + rope));
}

TEST(PublishedKeys, LanguageModelsOfOtherSizesAreConsistent) {
    struct Size {
        const char *backbone, *depth;
        std::uint64_t layers, dim, kv_dim, hidden, depth_layers, depth_dim;
    };
    for (const Size& s : {Size{"llama-7B", "llama-400M", 32, 4096, 1024, 14336, 4, 3072},
                          Size{"1B", "llama-300M", 16, 2048, 512, 8192, 3, 3072}}) {
        const Shapes shapes = plan_of(published_config(s.backbone, s.depth));
        EXPECT_EQ(shapes.size(), 9 * (s.layers + s.depth_layers) + 2 + 8) << s.backbone;
        using Dims = std::vector<std::uint64_t>;
        const std::string last = "backbone.layers." + std::to_string(s.layers - 1) + ".";
        EXPECT_EQ(shapes.at(last + "attn.q_proj.weight"), (Dims{s.dim, s.dim}));
        EXPECT_EQ(shapes.at(last + "attn.v_proj.weight"), (Dims{s.kv_dim, s.dim}));
        EXPECT_EQ(shapes.at(last + "mlp.w1.weight"), (Dims{s.hidden, s.dim}));
        EXPECT_EQ(shapes.at(last + "mlp.w2.weight"), (Dims{s.dim, s.hidden}));
        EXPECT_FALSE(shapes.contains("backbone.layers." + std::to_string(s.layers) + ".mlp.w1.weight"));
        EXPECT_EQ(shapes.at("projection.weight"), (Dims{s.depth_dim, s.dim}));
        EXPECT_EQ(shapes.at("audio_head"), (Dims{7, s.depth_dim, 8197}));
        EXPECT_EQ(shapes.at("audio_embeddings.weight"), (Dims{8 * 8197, s.dim}));
        EXPECT_EQ(shapes.at("text_embeddings.weight"), (Dims{128256, s.dim}));
        EXPECT_EQ(shapes.at("muq_linear.weight"), (Dims{s.dim, 512}));
    }
}

heartcodec::Config published_codec() {
    heartcodec::Config c;
    c.down_factors = {3, 4, 4, 4, 5};
    c.down_kernels = {6, 8, 8, 8, 10};
    c.up_factors = {5, 4, 4, 4, 3};
    c.up_kernels = {10, 8, 8, 8, 6};
    return c;
}

// The published `initted` flags have shape [1].
TEST(PublishedKeys, CodecNamesExactlyThePublishedTensors) {
    const Shapes expected = published_map("heartcodec-keys.json");
    ASSERT_EQ(expected.size(), 818U);
    EXPECT_EQ(expected.at("flow_matching.vq_embed.layers.0._codebook.initted"), std::vector<std::uint64_t>{1});
    expect_same(expected, as_map(heartcodec::published_tensors(published_codec())));
}

TEST(PublishedKeys, CodecDecodingAsksForAPartOfThem) {
    const Shapes all = published_map("heartcodec-keys.json");
    heartcodec::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, published_codec());
    const Shapes needed = as_map(plan.published());
    EXPECT_LT(needed.size(), all.size());
    for (const auto& [name, shape] : needed) {
        ASSERT_TRUE(all.contains(name)) << name;
        EXPECT_EQ(all.at(name), shape) << name;
    }
    for (const auto& [name, shape] : all) {  // and leaves out only what cannot matter for decoding
        if (needed.contains(name)) continue;
        const bool spare = name.starts_with("scalar_model.encoder.") || name.find("._codebook.") != std::string::npos ||
                           name.find("vq_embed.project_in.") != std::string::npos ||
                           name == "flow_matching.zero_cond_embedding1";
        EXPECT_TRUE(spare) << name;
    }
}

TEST(PublishedKeys, TinyCodecHoldsThePublishedTensorsOfItsSizes) {
    const auto checkpoint = formats::Checkpoint::open(tiny("HeartCodec-oss"));
    Shapes file;
    for (const auto& [name, tensor] : checkpoint.tensors()) {
        file[name] = tensor.shape;
        if (name.ends_with("._codebook.initted")) file[name] = {1};  // a scalar in the tiny file; decoding never reads it
    }
    expect_same(file, as_map(heartcodec::published_tensors(heartcodec::Config::parse(checkpoint.config(), "config.json"))));
}

// --- checkpoints that differ from the published ones ----------------------------------------------------------------------

struct Tensors {
    std::vector<formats::TensorToWrite> heads;
    std::vector<std::string> data;

    [[nodiscard]] std::string file() const {
        std::string out = formats::safetensors_header(heads);
        for (const std::string& d : data) out += d;
        return out;
    }
    formats::TensorToWrite& head(const std::string& name) {
        return *std::find_if(heads.begin(), heads.end(), [&](const auto& h) { return h.name == name; });
    }
    void remove(const std::string& name) {
        const auto at = &head(name) - heads.data();
        heads.erase(heads.begin() + at);
        data.erase(data.begin() + at);
    }
};

Tensors tensors_of(const std::string& folder) {
    Tensors out;
    const auto checkpoint = formats::Checkpoint::open(tiny(folder));
    for (const auto& [name, view] : checkpoint.tensors()) {
        out.heads.push_back({name, view.dtype, view.shape});
        out.data.emplace_back(reinterpret_cast<const char*>(view.data.data()), view.data.size());
    }
    return out;
}

/// Tensors under the config.json of a tiny folder.
class OwnCheckpoint {
public:
    OwnCheckpoint(const std::string& like, const Tensors& tensors) {
        dir_.write("config.json", std::string(tiny(like).open("config.json").text()));
        dir_.write("model.safetensors", tensors.file());
    }
    [[nodiscard]] formats::Checkpoint open() const {
        return formats::Checkpoint::open(formats::Folder::on_disk(dir_.path()));
    }

private:
    ScratchFolder dir_;
};

std::unique_ptr<heartcodec::Codec> load_codec(const OwnCheckpoint& checkpoint) {
    return heartcodec::Codec::load(checkpoint.open(), graph::Device::open("cpu", 1), graph::Type::f32, {}, {});
}

std::unique_ptr<heartmula::LanguageModel> load_language_model(const OwnCheckpoint& checkpoint) {
    return heartmula::LanguageModel::load(checkpoint.open(), graph::Device::open("cpu", 1), graph::Type::f32, {}, {});
}

std::vector<float> two_frames(const heartcodec::Codec& codec) {
    std::vector<std::int32_t> codes(16);
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int32_t>(i * 5);
    std::vector<float> out;
    codec.decode(
        codes,
        [](std::int64_t, std::span<float> noise) {
            for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<float>(i % 7) - 3;
        },
        {.steps = 1}, [&](std::span<const float> part) { out.insert(out.end(), part.begin(), part.end()); }, {});
    return out;
}

constexpr const char* kCodec = "HeartCodec-oss";
constexpr const char* kLanguageModel = "HeartMuLa-oss-3B-bf16";

TEST(PublishedKeys, CodecReadsKeysUnderDecoder) {
    Tensors nested = tensors_of(kCodec);
    for (auto& head : nested.heads) head.name = "decoder." + head.name;
    nested.heads.push_back({"encoder.something", formats::DType::f32, {1}});
    nested.data.emplace_back(4, '\0');
    const auto expected = two_frames(*tiny_codec(kCodec));
    ASSERT_FALSE(expected.empty());
    EXPECT_EQ(two_frames(*load_codec({kCodec, nested})), expected);
}

TEST(PublishedKeys, UnknownTensorsAreIgnored) {
    for (const char* folder : {kCodec, kLanguageModel}) {
        Tensors more = tensors_of(folder);
        more.heads.push_back({"a.new.tensor", formats::DType::i64, {2, 3}});
        more.data.emplace_back(48, '\7');
        const OwnCheckpoint checkpoint(folder, more);
        if (folder == kCodec) {
            EXPECT_EQ(load_codec(checkpoint)->weight_bytes(), tiny_codec(folder)->weight_bytes());
        } else {
            EXPECT_EQ(load_language_model(checkpoint)->weight_bytes(), tiny_language_model(folder)->weight_bytes());
        }
    }
}

TEST(PublishedKeys, EveryMissingTensorOfTheLanguageModelIsNamed) {
    const Tensors all = tensors_of(kLanguageModel);
    for (const auto& head : all.heads) {
        Tensors fewer = all;
        fewer.remove(head.name);
        const Refusal r = refusal_of(
            [&] { (void)heartmula::check_checkpoint(OwnCheckpoint(kLanguageModel, fewer).open(), graph::Type::f32); });
        EXPECT_EQ(r.code, ErrorCode::not_found) << head.name;
        EXPECT_NE(r.message.find("'" + head.name + "'"), std::string::npos) << r.message;
        EXPECT_NE(r.message.find(formats::shape_text(head.shape)), std::string::npos) << r.message;
    }
}

TEST(PublishedKeys, AMissingTensorOfTheCodecIsNamed) {
    for (const char* name : {"flow_matching.cond_feature_emb.weight", "flow_matching.vq_embed.layers.7._codebook.embed",
                             "flow_matching.estimator.scale_shift_table_2", "scalar_model.decoder.0.bias"}) {
        Tensors fewer = tensors_of(kCodec);
        fewer.remove(name);
        const Refusal r = refusal_of([&] { (void)load_codec({kCodec, fewer}); });
        EXPECT_EQ(r.code, ErrorCode::not_found) << name;
        EXPECT_NE(r.message.find(std::string("'") + name + "'"), std::string::npos) << r.message;
    }
}

TEST(PublishedKeys, AnotherShapeIsRefusedWithBothShapes) {
    Tensors lm = tensors_of(kLanguageModel);
    lm.head("muq_linear.weight").shape = {512, 64};
    const Refusal r = refusal_of([&] { (void)load_language_model({kLanguageModel, lm}); });
    EXPECT_EQ(r.code, ErrorCode::mismatch);
    EXPECT_NE(r.message.find("'muq_linear.weight'"), std::string::npos) << r.message;
    EXPECT_NE(r.message.find("expected [64, 512], found [512, 64]"), std::string::npos) << r.message;

    Tensors codec = tensors_of(kCodec);
    auto& shape = codec.head("scalar_model.decoder.0.bias").shape;
    const std::string expected = formats::shape_text(shape);
    shape.insert(shape.begin(), 1);
    const Refusal c = refusal_of([&] { (void)load_codec({kCodec, codec}); });
    EXPECT_EQ(c.code, ErrorCode::mismatch);
    EXPECT_NE(c.message.find("expected " + expected + ", found " + formats::shape_text(shape)), std::string::npos)
        << c.message;
}

TEST(PublishedKeys, WeightsOfWholeNumbersAreRefused) {
    Tensors lm = tensors_of(kLanguageModel);
    lm.head("muq_linear.bias").dtype = formats::DType::i16;
    const Refusal r = refusal_of([&] { (void)load_language_model({kLanguageModel, lm}); });
    EXPECT_EQ(r.code, ErrorCode::mismatch);
    EXPECT_NE(r.message.find("I16"), std::string::npos) << r.message;
}

TEST(PublishedKeys, TranscriptorAsksForExactlyThePublishedTensors) {
    const formats::Json json{{"model_type", "whisper"},
                             {"vocab_size", 51865},
                             {"num_mel_bins", 80},
                             {"d_model", 1024},
                             {"encoder_layers", 24},
                             {"decoder_layers", 24},
                             {"encoder_attention_heads", 16},
                             {"decoder_attention_heads", 16},
                             {"encoder_ffn_dim", 4096},
                             {"decoder_ffn_dim", 4096},
                             {"max_source_positions", 1500},
                             {"max_target_positions", 448}};
    const auto config = hearttranscriptor::Config::parse(json, "config.json");
    hearttranscriptor::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, config);
    const Shapes published = published_map("hearttranscriptor-keys.json");
    EXPECT_EQ(published.size(), 947U);
    EXPECT_EQ(parameters(published), 763'857'920U);
    expect_same(published, as_map(plan.published()));
}

/// What MuQ-MuLan's file holds beside what its embeddings need: targets of its training, a position embedding that rotary
/// positions replaced, a pooler, counters (its reference loads non-strictly).
bool is_unused(const std::string& name) {
    for (const char* part : {".pos_conv_embed.", ".model.model.linear.", ".rvq.", ".quantizer_", ".cls_token",
                             ".recon_proj.", "mulan.audio.aggregator.", "mulan.text.model.pooler.", ".position_ids",
                             "mulan.contrast.", "num_batches_tracked", "embed_positions.inv_freq"}) {
        if (name.find(part) != std::string::npos) return true;
    }
    return false;
}

TEST(PublishedKeys, EmbedderAsksForExactlyThePublishedTensorsThatItNeeds) {
    heartclap::Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, engine::embedder_configs("full").parse());
    Shapes published = published_map("muq-mulan-keys.json");
    EXPECT_EQ(published.size(), 806U);
    std::erase_if(published, [](const auto& entry) { return is_unused(entry.first); });
    expect_same(published, as_map(plan.published()));
}

}  // namespace
}  // namespace heart::test
