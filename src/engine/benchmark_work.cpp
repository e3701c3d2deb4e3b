#include "engine/benchmark_work.h"

#include "models/heartmula/song_batch.h"

namespace heart::engine {

namespace {

std::uint64_t stack_bytes(const heartmula::LlamaWeights& stack) {
    std::uint64_t sum = stack.norm.bytes();
    for (const heartmula::LlamaLayer& l : stack.layers) {
        for (const graph::Tensor t : {l.attention_norm, l.qkv, l.attention_out, l.mlp_norm, l.gate_up, l.down}) {
            sum += t.bytes();
        }
    }
    return sum;
}

}  // namespace

FrameBytes frame_bytes(const heartmula::Weights& w, const heartmula::Config& c, std::int64_t context, float cfg_scale,
                       graph::Type type) {
    constexpr std::int64_t kStep = heartmula::BatchOptions{}.length_step;  // caches are as long as a multiple of it
    const heartmula::BatchLimits limits{1, kStep, heartmula::is_guided(cfg_scale)};
    const std::uint64_t position = heartmula::SongBatch::cache_bytes(c, limits, heartmula::default_cache_type(type)) / kStep;
    FrameBytes out;
    out.backbone = stack_bytes(w.backbone) + position * static_cast<std::uint64_t>(context);
    out.depth = w.codebook0_head.bytes() +
                static_cast<std::uint64_t>(c.codebooks - 1) * (w.projection.bytes() + stack_bytes(w.depth));
    for (const graph::Tensor head : w.audio_heads) out.depth += head.bytes();
    return out;
}

double estimator_flops(const heartcodec::Config& c, std::int64_t frames, std::int64_t rows) {
    const auto t = static_cast<double>(frames), columns = static_cast<double>(frames * rows);
    const auto project = [&](std::int64_t from, std::int64_t to) {
        const auto in = static_cast<double>(from), out = static_cast<double>(to);
        return 2 * columns * (3 * in * out + out * out);
    };
    const auto stage = [&](std::int64_t layers, std::int64_t width) {
        const auto dim = static_cast<double>(width), hidden = static_cast<double>(heartcodec::mlp_width(width));
        const double matrices = 2 * columns * (4 * dim * dim + 3 * dim * hidden);
        const double attention = 2 * columns * (2 * t * dim);  // q k, and what it weighs of v
        return static_cast<double>(layers) * (matrices + attention);
    };
    return project(c.in_channels, c.inner()) + stage(c.layers, c.inner()) + project(c.in_channels + c.inner(), c.inner_2()) +
           stage(c.layers_2, c.inner_2()) + project(c.inner_2(), c.latent_channels);
}

double scalar_decoder_flops(const heartcodec::Config& c, std::int64_t latents) {
    constexpr double kLanes = 2, kResiduals = 5;
    double time = static_cast<double>(latents) * kLanes, sum = 0;
    const auto conv = [&](double in, double out, std::int64_t kernel) {
        return 2 * time * in * out * static_cast<double>(kernel);
    };
    auto channels = static_cast<double>(c.decoder_channels());
    sum += conv(static_cast<double>(c.latent_hidden), channels, c.delay_kernel);
    for (const std::int64_t factor : c.up_factors) {
        sum += conv(channels, channels / 2, 2 * factor);  // each input meets a kernel of twice the stride
        time *= static_cast<double>(factor);
        channels /= 2;
        sum += kResiduals * (conv(channels, channels, c.residual_kernel) + conv(channels, channels, 1));
    }
    if (c.repeat > 1) {
        time *= static_cast<double>(c.repeat);
        sum += conv(channels, channels, c.default_kernel);
    }
    return sum + conv(channels, 1, c.default_kernel);
}

}  // namespace heart::engine
