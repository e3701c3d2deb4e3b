// Is every node of every model's graph one that the CUDA module computes? A graph refuses to be built with one that its
// device does not support, so it is enough to walk through all models on a device with the module's own rules.

#include "engine/embedder.h"
#include "engine/generator.h"
#include "engine/transcriber.h"
#include "gpu/pretended_gpu.h"
#include "graph/device.h"
#include "support/golden.h"

#include <ggml-backend.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using graph::Type;

/// Walks on a device "cuda" that has the module's rules and no kernels.
class CudaSupport : public ::testing::Test {
protected:
    void SetUp() override {
        pretend_a_gpu();
        before = pretended_runs();
    }
    void TearDown() override { EXPECT_GT(pretended_runs(), before) << "nothing was computed on the device"; }

    int before = 0;
};

constexpr Type kMatrices[] = {Type::f32, Type::f16, Type::bf16, Type::q8_0, Type::q4_0, Type::q4_k, Type::q5_k, Type::q6_k};

engine::SongRequest short_song(double cfg_scale) {
    engine::SongRequest r;
    r.lyrics = "[Verse]\nThe sun creeps in across the floor\n";
    r.tags = "piano,happy";
    r.max_audio_length_ms = 400;
    r.cfg_scale = cfg_scale;
    return r;
}

/// Half a second at 16 or 24 kHz, handed out once.
engine::SoundSource half_a_second(std::vector<float>& samples) {
    samples.assign(12'000, 0.1F);
    return [&samples, given = false]() mutable {
        if (given) return std::span<const float>{};
        given = true;
        return std::span<const float>(samples);
    };
}

TEST_F(CudaSupport, SongsInEveryTypeOfMatrices) {
    for (const Type type : kMatrices) {
        for (const double cfg_scale : {1.0, 1.5}) {
            SCOPED_TRACE(engine::type_label(type) + (cfg_scale > 1 ? ", guided" : ""));
            engine::EngineOptions options;
            options.language_model_device = options.codec_device = "cuda";
            options.language_model_type = type;
            options.codec_type = type == Type::bf16 ? Type::f32 : type;
            engine::Generator generator(tiny(), options);
            const auto song = generator.compose(short_song(cfg_scale), {}, {});
            if (cfg_scale > 1) {
                EXPECT_GT(generator.render(song.codes, song.request, nullptr, {}, {}).channels.at(0).size(), 0U);
            }
        }
    }
}

TEST_F(CudaSupport, SongsTogether) {
    engine::EngineOptions options;
    options.language_model_device = options.codec_device = "cuda";
    const std::vector<engine::SongRequest> requests(5, short_song(1.5));
    EXPECT_EQ(engine::Generator(tiny(), options).compose_together(requests, 3, {}, {}).size(), requests.size());
}

TEST_F(CudaSupport, EveryTypeOfCache) {
    for (const Type type : {Type::f32, Type::f16, Type::bf16}) {
        engine::EngineOptions options;
        options.language_model_device = options.codec_device = "cuda";
        options.cache_type = type;
        EXPECT_GT(engine::Generator(tiny(), options).compose(short_song(1.5), {}, {}).codes.values.size(), 0U);
    }
}

TEST_F(CudaSupport, Transcriptions) {
    for (const Type type : {Type::f32, Type::f16, Type::q8_0, Type::q4_0}) {
        for (const std::size_t beams : {1, 2}) {
            engine::TranscriptionRequest request;
            request.times = engine::TranscriptionRequest::Times::word;
            request.fallback.beams = beams;
            request.fallback.max_new_tokens = 8;
            std::vector<float> samples;
            engine::Transcriber transcriber(tiny(), {.device = "cuda", .type = type});
            EXPECT_NO_THROW((void)transcriber.transcribe(half_a_second(samples), request, {}, {}));
        }
    }
}

TEST_F(CudaSupport, EmbeddingsOfSoundsAndTexts) {
    for (const Type type : {Type::f32, Type::f16, Type::q8_0}) {
        std::vector<float> samples;
        engine::Embedder embedder(tiny(), {.device = "cuda", .type = type});
        EXPECT_EQ(embedder.embed(half_a_second(samples), {}, {}).values.size(), embedder.dimension());
        EXPECT_EQ(embedder.embed_text("calm piano", {}, {}).size(), embedder.dimension());
    }
}

// That the walks above mean something.
TEST_F(CudaSupport, WhatNoKernelComputesIsNotSupported) {
    engine::EngineOptions options;
    options.language_model_device = options.codec_device = "cuda";
    (void)engine::Generator(tiny(), options).compose(short_song(1.0), {}, {});
    EXPECT_TRUE(pretended_operations().contains("RMS_NORM"));
    EXPECT_FALSE(pretended_operations().contains("SIN"));
    ggml_context* context = ggml_init({1 << 16, nullptr, true});
    const ggml_tensor* sine = ggml_sin(context, ggml_new_tensor_1d(context, GGML_TYPE_F32, 8));
    EXPECT_FALSE(ggml_backend_supports_op(graph::Device::open("cuda")->backend(), sine));
    ggml_free(context);
}

}  // namespace
}  // namespace heart::test
