#include "engine/rendering.h"

#include "core/error.h"
#include "core/philox.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace heart::engine {

using heartcodec::WindowPlan;

heartcodec::DecodeOptions decode_options(const SongRequest& r) {
    constexpr std::int64_t kFrameMs = kWindowMs / WindowPlan::kWindowCodes;
    static_assert(kFrameMs * WindowPlan::kWindowCodes == kWindowMs);
    return {r.codec_steps, static_cast<float>(r.codec_guidance), r.first_window_ms / kFrameMs};
}

heartcodec::NoiseSource drawn_noise(const SongRequest& request) {
    return [seed = request.seed.value_or(0), take = request.take](std::int64_t window, std::span<float> out) {
        fill_normal({seed, take, Draw::latent, static_cast<std::uint32_t>(window), 0}, out);
    };
}

heartcodec::NoiseSource given_noise(const GivenNoise& noise, const Codes& codes, const heartcodec::Config& config,
                                    const heartcodec::DecodeOptions& options) {
    const auto per_window = static_cast<std::size_t>(WindowPlan::kWindowLatents * config.latent_channels);
    const WindowPlan plan = WindowPlan::of(std::max<std::int64_t>(codes.frames, 1), options.first_window);
    if (noise.size() < static_cast<std::size_t>(plan.windows) * per_window) {
        throw Error(ErrorCode::mismatch, "not enough noise for this song")
            .expected(fmt::format("[{}, {}, {}] numbers", plan.windows, WindowPlan::kWindowLatents, config.latent_channels))
            .found(fmt::format("{} numbers", noise.size()));
    }
    return [&noise, per_window](std::int64_t window, std::span<float> out) {
        const auto part = std::span(noise).subspan(static_cast<std::size_t>(window) * per_window, per_window);
        std::copy(part.begin(), part.end(), out.begin());
    };
}

void check_codebooks(std::int64_t codebooks, const heartcodec::Config& config) {
    if (codebooks == config.quantizers) return;
    throw Error(ErrorCode::mismatch, "the codes do not belong to this codec")
        .expected(fmt::format("{} codebooks", config.quantizers))
        .found(std::to_string(codebooks));
}

}  // namespace heart::engine
