#include "models/heartcodec/codec.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace heart::heartcodec {

namespace {

/// Finds published names at the root or, when the checkpoint has none there, under `decoder.`.
graph::TensorLookup lookup_in(const formats::Checkpoint& checkpoint) {
    const bool nested = checkpoint.find("flow_matching.cond_feature_emb.weight") == nullptr &&
                        checkpoint.find("decoder.flow_matching.cond_feature_emb.weight") != nullptr;
    const std::string prefix = nested ? "decoder." : "";
    return [&checkpoint, prefix](const std::string& name) { return checkpoint.find(prefix + name); };
}

graph::WeightTypes weight_types(graph::Type dtype) {
    return graph::WeightTypes::of(dtype, graph::Type::f32);
}

Config parse_config(const formats::Checkpoint& checkpoint) {
    return Config::parse(checkpoint.config(), checkpoint.describe() + "/config.json");
}

}  // namespace

std::unique_ptr<Codec> Codec::load(formats::Checkpoint checkpoint, std::shared_ptr<graph::Device> device, graph::Type dtype,
                                   const graph::LoadProgress& progress, const CancelToken& cancel) {
    if (dtype == graph::Type::bf16) {
        throw Error(ErrorCode::unsupported, "HeartCodec does not run in bfloat16")
            .expected("float32 or float16")
            .hint("its latents are rounded to ninths, and bfloat16 moves them across the edges");
    }
    std::unique_ptr<Codec> codec(new Codec(std::move(device)));
    codec->config_ = parse_config(checkpoint);
    graph::WeightPlan plan;
    codec->weights_.plan(plan, codec->config_);
    codec->store_ = load_weights(plan, lookup_in(checkpoint), checkpoint.describe(), codec->device_, weight_types(dtype),
                                 progress, cancel);
    return codec;
}

std::uint64_t check_checkpoint(const formats::Checkpoint& checkpoint, graph::Type dtype) {
    Weights weights;
    graph::WeightPlan plan;
    weights.plan(plan, parse_config(checkpoint));
    plan.check(lookup_in(checkpoint), checkpoint.describe());
    return planned_bytes(plan, weight_types(dtype), lookup_in(checkpoint));
}

namespace {

/// The codes of one window, [quantizers][372], each within its codebook.
std::vector<std::int32_t> window_codes(std::span<const std::int32_t> codes, const WindowPlan& plan, std::int64_t window,
                                       const Config& c) {
    std::vector<std::int32_t> out;
    const auto largest = static_cast<std::int32_t>(c.codebook_size - 1);
    for (std::int64_t q = 0; q < c.quantizers; ++q) {
        for (std::int64_t i = 0; i < WindowPlan::kWindowCodes; ++i) {
            const std::int32_t code = codes[static_cast<std::size_t>(q * plan.codes + plan.source(window, i))];
            out.push_back(std::clamp(code, 0, largest));
        }
    }
    return out;
}

constexpr std::int64_t tiles_for(std::int64_t latents) {
    return (latents + ScalarDecoder::kTile - 1) / ScalarDecoder::kTile;
}

}  // namespace

void Codec::decode(std::span<const std::int32_t> codes, const NoiseSource& noise, const DecodeOptions& options,
                   const AudioSink& sink, const CancelToken& cancel, const DecodeProgress& progress) const {
    const auto frames = static_cast<std::int64_t>(codes.size()) / config_.quantizers;
    if (frames < 1 || static_cast<std::int64_t>(codes.size()) != frames * config_.quantizers) {
        throw Error(ErrorCode::usage, "nothing to decode")
            .expected(fmt::format("at least one frame of {} codes", config_.quantizers))
            .found(fmt::format("{} codes", codes.size()));
    }
    const WindowPlan plan = WindowPlan::of(frames);
    FlowSolver flow(device_, weights_, config_, WindowPlan::kWindowCodes, {options.steps, options.guidance, {}});
    ScalarDecoder decoder(device_, weights_.decoder, config_);
    Stitcher stitcher(plan, config_.samples_per_latent() * kLatentsPerCode, sink);

    std::int64_t done = 0, total = 0;
    for (std::int64_t w = 0; w < plan.windows; ++w) total += options.steps + tiles_for(plan.heard_latents(w));
    const auto advance = [&] {
        cancel.check();
        ++done;
        if (progress) progress(done, total, stitcher.samples_out());
    };

    const auto channels = static_cast<std::size_t>(config_.latent_channels);
    std::vector<float> start(WindowPlan::kWindowLatents * channels), latents;
    std::vector<float> tile(static_cast<std::size_t>(2 * decoder.samples_per_tile()));
    for (std::int64_t w = 0; w < plan.windows; ++w) {
        const auto held = static_cast<std::size_t>(WindowPlan::context(w)) * channels;
        const std::vector<float> context(latents.end() - static_cast<std::ptrdiff_t>(held), latents.end());
        noise(w, start);
        flow.condition(window_codes(codes, plan, w, config_));
        latents = flow.solve(start, context, cancel, [&](int) { advance(); });
        std::copy(context.begin(), context.end(), latents.begin());  // the solver leaves them one step short

        decoder.start(latents);
        const std::int64_t heard = plan.heard_latents(w) * config_.samples_per_latent();
        for (std::int64_t at = 0; at < heard; at += decoder.samples_per_tile()) {
            decoder.decode_tile(tile);
            const std::int64_t n = std::min(decoder.samples_per_tile(), heard - at);
            stitcher.push(std::span(tile).first(static_cast<std::size_t>(2 * n)));
            advance();
        }
        stitcher.end_window();
    }
}

}  // namespace heart::heartcodec
