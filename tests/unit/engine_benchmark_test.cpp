// Does the benchmark count what is there: bytes, operations, medians; and are random models in memory as they should be?

#include "engine/benchmark.h"

#include "core/error.h"
#include "engine/benchmark_work.h"
#include "engine/synthetic_checkpoint.h"
#include "graph/weight_loading.h"
#include "models/heartcodec/weights.h"
#include "models/heartmula/song_batch.h"
#include "models/heartmula/weights.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

namespace heart::test {
namespace {

using namespace engine;
using graph::Type;

/// Weights of a configuration as they would be stored, without memory.
struct Declared {
    Declared(const heartmula::Config& config, Type type) : store(graph::Device::open("cpu", 1)) {
        weights.plan(plan, config);
        for (const graph::WeightPlan::Entry& e : plan.entries()) {
            if (e.slot != nullptr) *e.slot = store.add(e.name, stored_type(e, {type, type}, {}), e.shape);
        }
    }
    heartmula::Weights weights;
    graph::WeightPlan plan;
    graph::TensorStore store;
};

/// 1 backbone layer of 2 heads and 1 depth layer; 3 codebooks of 10 ids.
heartmula::Config small_config() {
    heartmula::Config c;
    c.backbone = {.layers = 1, .heads = 2, .kv_heads = 1, .dim = 8, .hidden = 16, .max_length = 512};
    c.depth = {.layers = 1, .heads = 2, .kv_heads = 2, .dim = 4, .hidden = 6, .max_length = 16};
    c.text_vocabulary = 20;
    c.audio_vocabulary = 10;
    c.codebooks = 3;
    return c;
}

TEST(FrameBytes, CountEveryWeightAsOftenAsItIsUsed) {
    const heartmula::Config c = small_config();
    const Declared model(c, Type::f32);
    const FrameBytes bytes = frame_bytes(model.weights, c, 0, 1.5F, Type::f32);
    // qkv 8 x (8 + 4 + 4), output 8 x 8, gate and up 8 x 32, down 16 x 8; norms 8, 8 and 8
    const std::uint64_t backbone = 128 + 64 + 256 + 128 + 24;
    // qkv 4 x 12, output 4 x 4, gate and up 4 x 12, down 6 x 4; norms 4, 4 and 4
    const std::uint64_t depth_layer = 48 + 16 + 48 + 24 + 12;
    // the first head 8 x 10, two more 4 x 10; twice projection 8 x 4 and layer
    const std::uint64_t depth = 80 + 2 * 40 + 2 * (32 + depth_layer);
    EXPECT_EQ(bytes.backbone, 4 * backbone);
    EXPECT_EQ(bytes.depth, 4 * depth);
    EXPECT_EQ(bytes.all(), 4 * (backbone + depth));
}

TEST(FrameBytes, AddKeysAndValuesOfTheContext) {
    const heartmula::Config c = small_config();
    const Declared model(c, Type::bf16);
    const auto at = [&](std::int64_t context, float scale) {
        return frame_bytes(model.weights, c, context, scale, Type::bf16).backbone;
    };
    EXPECT_EQ(at(100, 1.5F) - at(0, 1.5F), 100U * 2 * 2 * 4 * 2) << "rows, k and v, kv_dim, bytes";
    EXPECT_EQ(at(100, 1.0F) - at(0, 1.0F), 100U * 2 * 4 * 2) << "without guidance one row";
}

TEST(FrameBytes, OfTheSizesThatArePublished) {
    heartmula::Config c;
    c.backbone = heartmula::known_flavor("llama-3B");
    c.depth = heartmula::known_flavor("llama-300M");
    c.text_vocabulary = 128256;
    c.audio_vocabulary = 8197;
    const Declared model(c, Type::bf16);
    const FrameBytes bytes = frame_bytes(model.weights, c, 0, 1.5F, Type::bf16);
    const double backbone = 28 * (3072.0 * (3072 + 2 * 1024) + 3072.0 * 3072 + 3 * 3072.0 * 8192);
    const double depth = 3 * (3072.0 * (3072 + 2 * 1536) + 3072.0 * 3072 + 3 * 3072.0 * 8192) + 3072.0 * 3072;
    EXPECT_NEAR(static_cast<double>(bytes.backbone), 2 * backbone, 2e6) << "norms are small";
    EXPECT_NEAR(static_cast<double>(bytes.depth), 2 * (7 * depth + 8 * 3072.0 * 8197), 2e6);
}

TEST(CodecWork, CountsTheFlowTransformer) {
    heartcodec::Config c;
    c.head_dim = 8;
    c.heads = 2;
    c.layers = 1;
    c.layers_2 = 0;
    c.in_channels = 4;
    c.latent_channels = 4;
    const double columns = 2 * 10, width = 256;  // of the feed-forward: rounded up
    const double in = 3 * 4 * 16 + 16 * 16, middle = 3 * 20 * 32 + 32 * 32, out = 3 * 32 * 4 + 4 * 4;
    const double block = 4 * 16 * 16 + 3 * 16 * width + 2 * 10 * 16;  // the last: each column looks at 10
    EXPECT_EQ(estimator_flops(c, 10, 2), 2 * columns * (in + middle + out + block));
}

TEST(CodecWork, CountsTheScalarDecoder) {
    heartcodec::Config c;
    c.up_factors = {3};
    c.up_kernels = {6};
    c.latent_hidden = 4;
    c.init_channels = 2;  // 4 before the only upsampling, 2 behind it
    c.repeat = 2;
    const double first = 4 * 4 * 5, up = 4 * 2 * 6, residuals = 5 * (2 * 2 * 7 + 2 * 2);
    const double post = 2 * 2 * 7, last = 2 * 7;
    const double of_one_latent = first + up + 3 * residuals + 6 * (post + last);
    EXPECT_EQ(scalar_decoder_flops(c, 10), 2 * 2 * 10 * of_one_latent) << "two operations, two channels, ten latents";
}

TEST(Spread, IsMedianLeastAndMost) {
    const Spread odd = spread_of({3, 1, 2}), even = spread_of({4, 1, 2, 3});
    EXPECT_EQ(odd.median, 2);
    EXPECT_EQ(even.median, 2.5);
    EXPECT_EQ(even.least, 1);
    EXPECT_EQ(even.most, 4);
}

TEST(RandomModels, HoldEveryTensorAndShareMemory) {
    const formats::Checkpoint lm = synthetic_language_model("tiny", formats::DType::bf16), codec = synthetic_codec("tiny");
    EXPECT_NO_THROW((void)heartmula::check_checkpoint(lm, Type::bf16));
    std::set<const std::byte*> places;
    for (const auto& [name, tensor] : lm.tensors()) places.insert(tensor.data.data());
    EXPECT_LT(places.size(), lm.tensors().size() / 2);
    EXPECT_GT(codec.tensors().size(), 100U);
    EXPECT_THROW((void)synthetic_language_model("2B", formats::DType::bf16), Error);
}

TEST(RandomModels, LettingGoOfPagesKeepsTheNumbers) {
    const formats::Checkpoint lm = synthetic_language_model("tiny", formats::DType::bf16);
    const formats::TensorView& table = *lm.find("audio_embeddings.weight");
    const std::vector<float> before = graph::read_all(table);
    table.file.release(table.data);
    EXPECT_EQ(graph::read_all(table), before);
    EXPECT_TRUE(std::any_of(before.begin(), before.end(), [](float x) { return x != 0; }));
}

// --- halves of a frame --------------------------------------------------------------------------------------------------

TEST(FrameParts, DrawOrDoNotAndFollowAPretendedPrompt) {
    const auto model = heartmula::LanguageModel::load(synthetic_language_model("tiny", formats::DType::bf16),
                                                      graph::Device::open("cpu", 1), Type::f32, {}, {});
    using heartmula::FramePart;
    for (const FramePart part : {FramePart::whole, FramePart::backbone, FramePart::depth}) {
        heartmula::SongBatch batch(*model, {1, 310, true}, {.part = part, .graph = {.keep_named = true}});
        const auto slot = batch.join_pretended({}, {}, 300);
        EXPECT_EQ(batch.length(slot), 300);
        batch.step();
        EXPECT_EQ(batch.length(slot), 301);
        EXPECT_EQ(batch.graph().has("layer0"), part != FramePart::depth);
        EXPECT_EQ(batch.graph().has("depth_step6.out"), part != FramePart::backbone);
        for (const float x : batch.graph().read("backbone_out")) ASSERT_TRUE(std::isfinite(x));
    }
}

}  // namespace
}  // namespace heart::test
