#include "models/heartcodec/codec.h"

#include "core/error.h"
#include "models/heartcodec/song_decoder.h"

#include <fmt/format.h>

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

std::unique_ptr<Codec> Codec::load(const formats::Checkpoint& checkpoint, std::shared_ptr<graph::Device> device,
                                   graph::Type dtype, const graph::LoadProgress& progress, const CancelToken& cancel) {
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

void Codec::decode(std::span<const std::int32_t> codes, const NoiseSource& noise, const DecodeOptions& options,
                   const AudioSink& sink, const CancelToken& cancel, const DecodeProgress& progress) const {
    const auto quantizers = static_cast<std::size_t>(config_.quantizers);
    const std::size_t frames = codes.size() / quantizers;
    if (frames < 1 || codes.size() != frames * quantizers) {
        throw Error(ErrorCode::usage, "nothing to decode")
            .expected(fmt::format("at least one frame of {} codes", quantizers))
            .found(fmt::format("{} codes", codes.size()));
    }
    std::vector<std::int32_t> by_frame(codes.size());
    for (std::size_t q = 0; q < quantizers; ++q) {
        for (std::size_t i = 0; i < frames; ++i) by_frame[i * quantizers + q] = codes[q * frames + i];
    }
    SongDecoder decoder(*this, static_cast<std::int64_t>(frames), noise, options, sink, cancel, progress);
    decoder.append(by_frame);
    decoder.finish();
}

}  // namespace heart::heartcodec
