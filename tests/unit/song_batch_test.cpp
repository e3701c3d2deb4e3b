// Does a song that shares its frames with others get the codes that it gets alone?

#include "models/heartmula/song_batch.h"
#include "core/error.h"
#include "core/philox.h"
#include "formats/checkpoint.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace heart::heartmula {
namespace {

using graph::Type;
using Frames = std::vector<Frame>;

formats::Json sizes(int layers, int heads, int kv_heads, int dim, int hidden, int length) {
    return {{"num_layers", layers},       {"num_heads", heads},    {"num_kv_heads", kv_heads},
            {"embed_dim", dim},           {"norm_eps", 1e-5},      {"rope_base", 500000},
            {"intermediate_dim", hidden}, {"max_seq_len", length}, {"rope_scale_factor", 32}};
}

/// Random weights at sizes whose rows are whole blocks of every quantised type.
formats::Checkpoint random_checkpoint() {
    const formats::Json config{
        {"backbone_flavor", "small"},
        {"decoder_flavor", "small-depth"},
        {"text_vocab_size", 100},
        {"audio_vocab_size", 301},
        {"audio_num_codebooks", 8},
        {"muq_dim", 8},
        {"flavor_dims", {{"small", sizes(2, 4, 2, 256, 256, 1024)}, {"small-depth", sizes(1, 4, 2, 256, 256, 64)}}}};
    graph::WeightPlan plan;
    Weights weights;
    weights.plan(plan, Config::parse(config, "config"));
    std::map<std::string, formats::TensorView> tensors;
    for (const graph::Published& t : plan.published()) {
        std::size_t count = 1;
        for (const std::uint64_t n : t.shape) count *= n;
        std::vector<float> values(count);
        fill_normal({.seed = 1, .purpose = Draw::weight, .major = static_cast<std::uint32_t>(tensors.size())}, values);
        const bool is_norm = t.shape.size() == 1;
        for (float& x : values) x = is_norm ? 1 + 0.1F * x : x / 16;
        const auto memory = std::make_shared<std::byte[]>(4 * count);
        std::memcpy(memory.get(), values.data(), 4 * count);
        const std::span<const std::byte> bytes{memory.get(), 4 * count};
        tensors.emplace(t.name,
                        formats::TensorView{formats::DType::f32, t.shape, bytes, formats::Bytes::share(memory, bytes)});
    }
    return formats::Checkpoint::in_memory(config, std::move(tensors), "(random)");
}

std::unique_ptr<LanguageModel> random_model(Type type, int threads = 1, const char* device = "cpu") {
    return LanguageModel::load(random_checkpoint(), graph::Device::open(device, threads), type, {}, {});
}

/// A song that differs from the others in everything.
struct Plan {
    std::int64_t words = 5, frames = 10;
    Sampling sampling;
    std::uint64_t seed = 0;
    std::int64_t joins_at = 0;  ///< the step of the batch before which it joins
    std::vector<float> reference;

    [[nodiscard]] std::vector<std::int32_t> lyrics() const {
        std::vector<std::int32_t> out;
        for (std::int64_t i = 0; i < words; ++i) out.push_back(static_cast<std::int32_t>((7 * i + words) % 100));
        return out;
    }
    [[nodiscard]] std::int64_t positions() const { return 2 + words + frames; }
    [[nodiscard]] NoiseFn noise() const {
        return [seed = seed](std::int64_t frame, std::int64_t codebook, std::span<float> out) {
            fill_gumbel({seed, 0, Draw::token, static_cast<std::uint32_t>(frame), static_cast<std::uint32_t>(codebook)},
                        out);
        };
    }
};

constexpr std::int32_t kTag = 3;
const std::vector<float> kReference{1, -2, 3, 0.5F, 0, -1, 2, 4};

SongBatch::Slot join(SongBatch& batch, const Plan& plan, std::span<const Frame> known = {}) {
    const auto lyrics = plan.lyrics();
    return batch.join({{std::span(&kTag, 1), lyrics, plan.reference}, plan.sampling, plan.noise(), known}, {});
}

Frames alone(const LanguageModel& model, const Plan& plan, const BatchOptions& options = {}) {
    SongBatch batch(model, {1, plan.positions(), is_guided(plan.sampling.cfg_scale)}, options);
    const auto slot = join(batch, plan);
    Frames out{batch.latest(slot)};
    while (static_cast<std::int64_t>(out.size()) < plan.frames) {
        batch.step();
        out.push_back(batch.latest(slot));
    }
    return out;
}

/// All plans in one batch, each joining in its step and leaving when it has its frames.
std::vector<Frames> together(const LanguageModel& model, const std::vector<Plan>& plans, std::int64_t songs,
                             const BatchOptions& options = {}) {
    std::int64_t positions = 0;
    for (const Plan& p : plans) positions = std::max(positions, p.positions());
    SongBatch batch(model, {songs, positions, true}, options);
    std::vector<Frames> out(plans.size());
    std::map<std::size_t, SongBatch::Slot> inside;
    const auto done = [&](std::size_t i) { return static_cast<std::int64_t>(out[i].size()) == plans[i].frames; };
    for (std::int64_t step = 0; step < 500; ++step) {
        for (std::size_t i = 0; i < plans.size(); ++i) {
            if (inside.contains(i) || !out[i].empty() || plans[i].joins_at > step || !batch.has_room()) continue;
            inside[i] = join(batch, plans[i]);
            out[i].push_back(batch.latest(inside[i]));
        }
        std::erase_if(inside, [&](const auto& song) {
            if (done(song.first)) batch.leave(song.second);
            return done(song.first);
        });
        if (inside.empty()) continue;  // the next joins in the next step
        batch.step();
        for (const auto& [i, slot] : inside) out[i].push_back(batch.latest(slot));
    }
    return out;
}

/// Guided and not, with a reference and without, likeliest and drawn, short and long; they join while others are under way
/// and leave in another order, so that slots become free in the middle and are taken again.
std::vector<Plan> many_songs() {
    return {{5, 30, {50, 1.0F, 1.5F}, 11, 0, kReference},
            {40, 6, {50, 1.0F, 1.5F}, 12, 0},
            {9, 24, {1, 1.0F, 1.0F}, 13, 0},
            {300, 8, {5, 0.7F, 3.0F}, 14, 2, kReference},
            {7, 20, {50, 1.3F, 1.5F}, 15, 3},
            {20, 12, {400, 1.0F, 1.0F}, 16, 4, kReference},
            {11, 15, {50, 1.0F, 2.0F}, 17, 9},
            {3, 10, {50, 0.9F, 0.5F}, 18, 10}};
}

void expect_same_as_alone(const LanguageModel& model, const std::vector<Plan>& plans, std::int64_t songs,
                          const BatchOptions& options = {}) {
    const auto found = together(model, plans, songs, options);
    for (std::size_t i = 0; i < plans.size(); ++i) EXPECT_EQ(found[i], alone(model, plans[i], options)) << "song " << i;
}

TEST(SongBatch, SongsTogetherGetTheCodesThatEachGetsAlone) {
    for (const Type type : {Type::f32, Type::bf16, Type::f16, Type::q8_0, Type::q4_0, Type::q4_k}) {
        SCOPED_TRACE(graph::type_name(type));
        expect_same_as_alone(*random_model(type), many_songs(), 4);
    }
}

TEST(SongBatch, ThreadsChangeNoCodesOfSongsTogether) {
    const auto plans = many_songs();
    for (const Type type : {Type::f32, Type::q8_0}) {
        EXPECT_EQ(together(*random_model(type, 2), plans, 4), together(*random_model(type, 1), plans, 4));
    }
}

TEST(SongBatch, AnyNumberOfSongsTogetherIsTheSame) {
    const auto model = random_model(Type::f32);
    for (const std::int64_t songs : {1, 2, 8}) {
        SCOPED_TRACE(songs);
        expect_same_as_alone(*model, many_songs(), songs);
    }
}

TEST(SongBatch, CachesOfEveryTypeKeepSongsApart) {
    for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::q8_0}) {
        SCOPED_TRACE(graph::type_name(type));
        expect_same_as_alone(*random_model(Type::q8_0), many_songs(), 4, {.cache_type = type});
    }
}

// One song stays below 256 positions when the other goes beyond, where the graph is built anew.
TEST(SongBatch, SongsOfVeryDifferentLengthCrossBlocksAtTheirOwnTime) {
    const std::vector<Plan> plans{{3, 40, {}, 1, 0}, {230, 60, {}, 2, 0}, {100, 190, {}, 3, 5}};
    expect_same_as_alone(*random_model(Type::f32), plans, 3);
    expect_same_as_alone(*random_model(Type::f32), plans, 3, {.length_step = 64, .prompt_piece = 50});
}

TEST(SongBatch, SongsDiffer) {
    const auto model = random_model(Type::f32);
    const Plan plan{5, 6, {}, 11, 0};
    Plan other_noise = plan, other_words = plan, other_guidance = plan, other_heat = plan, other_k = plan,
         other_reference = plan;
    other_noise.seed = 12;
    other_words.words = 6;
    other_guidance.sampling.cfg_scale = 2.5F;
    other_heat.sampling.temperature = 2.0F;
    other_k.sampling.topk = 2;
    other_reference.reference = kReference;
    const Frames frames = alone(*model, plan);
    for (const Plan& p : {other_noise, other_words, other_guidance, other_heat, other_k, other_reference})
        EXPECT_NE(alone(*model, p), frames);
}

TEST(SongBatch, ASongGoesOnBehindKnownFrames) {
    for (const Type type : {Type::f32, Type::bf16, Type::q4_k}) {
        const auto model = random_model(type);
        for (const float scale : {1.5F, 1.0F}) {
            const Plan plan{9, 60, {50, 1.0F, scale}, 21, 0, scale > 1 ? kReference : std::vector<float>()};
            const Frames whole = alone(*model, plan);
            for (const std::size_t known : {1, 2, 16, 17, 40}) {  // one pass, several, a last one of one frame
                SongBatch batch(*model, {2, plan.positions(), true});
                const auto other = join(batch, {4, 10, {}, 22, 0});
                const auto slot = join(batch, plan, std::span(whole).first(known));
                Frames frames(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(known));
                frames.push_back(batch.latest(slot));
                for (int i = 0; i < 15; ++i) {
                    batch.step();
                    frames.push_back(batch.latest(slot));
                }
                EXPECT_EQ(frames, Frames(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(frames.size())))
                    << graph::type_name(type) << ", guidance " << scale << ", known " << known;
                batch.leave(other);
            }
        }
    }
}

TEST(SongBatch, AReplacedFrameIsHeard) {
    const auto model = random_model(Type::f32);
    const Plan plan{9, 12, {}, 21, 0};
    const Frames whole = alone(*model, plan);
    SongBatch batch(*model, {1, plan.positions(), true});
    const auto slot = join(batch, plan);
    batch.step();
    batch.replace_latest(slot, Frame(8, 5));
    batch.step();
    EXPECT_NE(batch.latest(slot), whole[2]);
    SongBatch again(*model, {1, plan.positions(), true});
    const auto same = join(again, plan);
    again.step();
    again.replace_latest(same, Frame(8, 5));
    again.replace_latest(same, whole[1]);
    again.step();
    EXPECT_EQ(again.latest(same), whole[2]);
}

// With one number of the reference at a time, each weight shows.
TEST(SongBatch, AReferenceIsProjectedByTheWeightsAsADeviceWouldHoldThem) {
    const formats::Checkpoint checkpoint = random_checkpoint();
    const auto read = [&](const char* name) {
        std::vector<float> out(checkpoint.find(name)->elements());
        formats::read_as_f32(*checkpoint.find(name), 0, out);
        return out;
    };
    const auto weight = read("muq_linear.weight"), bias = read("muq_linear.bias");
    const auto bf16 = [](float x) { return formats::bf16_to_f32(formats::f32_to_bf16(x)); };
    const auto exact = random_model(Type::f32), rounded = random_model(Type::bf16);
    for (std::size_t i = 0; i < 8; ++i) {
        std::vector<float> one(8);
        one[i] = 1;
        const auto row = exact->embed_prompt({{}, {}, one}, false), narrow = rounded->embed_prompt({{}, {}, one}, false);
        ASSERT_EQ(row.size(), bias.size());
        for (std::size_t k = 0; k < row.size(); ++k) {
            ASSERT_EQ(row[k], bias[k] + weight[8 * k + i]) << i << ", " << k;
            ASSERT_EQ(narrow[k], bf16(bias[k]) + bf16(weight[8 * k + i])) << i << ", " << k;
        }
    }
}

TEST(SongBatch, CancelledWhileJoiningASongLeavesTheOthersAsTheyAre) {
    const auto model = random_model(Type::f32);
    const Plan stays{5, 12, {}, 31, 0}, goes{300, 5, {}, 32, 0};
    SongBatch batch(*model, {2, goes.positions(), true});
    const auto slot = join(batch, stays);
    Frames frames{batch.latest(slot)};
    for (int i = 1; i < 12; ++i) {
        CancelToken cancel;
        const auto lyrics = goes.lyrics();
        const auto after_a_piece = [&](std::int64_t) { cancel.cancel(); };
        const NewSong song{{std::span(&kTag, 1), lyrics}, {}, goes.noise(), {}};
        if (i == 4) {
            EXPECT_THROW((void)batch.join(song, cancel, after_a_piece), Error);
        }
        EXPECT_EQ(batch.songs(), 1);
        batch.step();
        frames.push_back(batch.latest(slot));
    }
    EXPECT_EQ(frames, alone(*model, stays));
}

TEST(SongBatch, RefusesWhatDoesNotFit) {
    const auto model = random_model(Type::f32);
    const auto code_of = [](const auto& work) {
        try {
            work();
        } catch (const Error& e) {
            return e.code();
        }
        return ErrorCode::internal;
    };
    EXPECT_EQ(code_of([&] { SongBatch(*model, {1, 1025, true}); }), ErrorCode::limit);
    SongBatch batch(*model, {1, 20, true});
    EXPECT_EQ(code_of([&] { (void)join(batch, {.words = 30}); }), ErrorCode::limit);
    EXPECT_EQ(code_of([&] { (void)join(batch, {}, Frames{Frame(8, 301)}); }), ErrorCode::mismatch);
    EXPECT_EQ(code_of([&] { (void)join(batch, {}, Frames{Frame(7, 1)}); }), ErrorCode::mismatch);
    EXPECT_EQ(code_of([&] { (void)join(batch, {.reference = std::vector<float>(7)}); }), ErrorCode::mismatch);
    EXPECT_EQ(batch.songs(), 0);
    const auto slot = join(batch, {});
    EXPECT_THROW((void)join(batch, {}), Error) << "no room";
    EXPECT_EQ(code_of([&] { batch.replace_latest(slot, Frame(8, -1)); }), ErrorCode::mismatch);
    EXPECT_NO_THROW(batch.step());
}

// ggml's kernels sum in another order for another number of columns: the codes are a song's own, but not bit for bit those
// that it gets alone. What can be asked is that nothing of another song leaks in, which the first frame shows.
TEST(SongBatch, OnGgmlsKernelsSongsJoinAndLeaveToo) {
    const auto model = random_model(Type::f32, 1, "cpu-ggml");
    const auto found = together(*model, many_songs(), 4);
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].size(), static_cast<std::size_t>(many_songs()[i].frames));
        Plan first = many_songs()[i];
        first.frames = 1, first.joins_at = 0;
        EXPECT_EQ(found[i].front(), alone(*model, first).front());
    }
}

}  // namespace
}  // namespace heart::heartmula
