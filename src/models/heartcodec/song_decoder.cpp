#include "models/heartcodec/song_decoder.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace heart::heartcodec {

namespace {

constexpr std::int64_t tiles_for(std::int64_t latents) {
    return (latents + ScalarDecoder::kTile - 1) / ScalarDecoder::kTile;
}

DecodeOptions checked(const DecodeOptions& options) {
    if (options.first_window >= WindowPlan::kLeastFirstCodes && options.first_window <= WindowPlan::kWindowCodes)
        return options;
    throw Error(ErrorCode::usage, "length of the first window")
        .expected(fmt::format("{} to {} codes", WindowPlan::kLeastFirstCodes, WindowPlan::kWindowCodes))
        .found(std::to_string(options.first_window));
}

}  // namespace

SongDecoder::SongDecoder(const Codec& codec, std::int64_t most_frames, NoiseSource noise, const DecodeOptions& options,
                         AudioSink sink, const CancelToken& cancel, DecodeProgress progress)
    : config_(codec.config()),
      options_(checked(options)),
      noise_(std::move(noise)),
      cancel_(cancel),
      progress_(std::move(progress)),
      flow_(codec.device(), codec.weights(), config_, WindowPlan::kWindowCodes, {options.steps, options.guidance, {}}),
      scalar_(codec.device(), codec.weights().decoder, config_),
      stitcher_(options.first_window, config_.samples_per_latent() * kLatentsPerCode, std::move(sink)),
      total_(work(WindowPlan::of(most_frames, options.first_window))) {}

void SongDecoder::append(std::span<const std::int32_t> frames) {
    ensure(frames.size() % static_cast<std::size_t>(config_.quantizers) == 0, "whole frames of codes");
    codes_.insert(codes_.end(), frames.begin(), frames.end());
    while (WindowPlan::end(windows_, options_.first_window) <= this->frames()) {
        decode_window(WindowPlan::of(this->frames(), options_.first_window), windows_);
    }
}

void SongDecoder::finish() {
    const WindowPlan plan = WindowPlan::of(frames(), options_.first_window);
    total_ = work(plan);
    while (windows_ < plan.windows) decode_window(plan, windows_);
    stitcher_.finish();
}

std::int64_t SongDecoder::frames() const noexcept {
    return static_cast<std::int64_t>(codes_.size()) / config_.quantizers;
}

/// Euler steps and tiles of a song.
std::int64_t SongDecoder::work(const WindowPlan& plan) const {
    std::int64_t sum = 0;
    for (std::int64_t w = 0; w < plan.windows; ++w) sum += options_.steps + tiles_for(plan.heard_latents(w));
    return sum;
}

/// The codes of one window, [quantizers][372], each within its codebook.
std::vector<std::int32_t> SongDecoder::window_codes(const WindowPlan& plan, std::int64_t window) const {
    std::vector<std::int32_t> out;
    const auto largest = static_cast<std::int32_t>(config_.codebook_size - 1);
    for (std::int64_t q = 0; q < config_.quantizers; ++q) {
        for (std::int64_t i = 0; i < WindowPlan::kWindowCodes; ++i) {
            const std::int32_t code = codes_[static_cast<std::size_t>(plan.source(window, i) * config_.quantizers + q)];
            out.push_back(std::clamp(code, 0, largest));
        }
    }
    return out;
}

void SongDecoder::decode_window(const WindowPlan& plan, std::int64_t window) {
    const auto channels = static_cast<std::size_t>(config_.latent_channels);
    const auto held = static_cast<std::size_t>(WindowPlan::context(window)) * channels;
    const std::vector<float> context(latents_.end() - static_cast<std::ptrdiff_t>(held), latents_.end());
    std::vector<float> start(WindowPlan::kWindowLatents * channels);
    noise_(window, start);
    flow_.condition(window_codes(plan, window));
    latents_ = flow_.solve(start, context, cancel_, [&](int) { advance(); });
    std::copy(context.begin(), context.end(), latents_.begin());  // the solver leaves them one step short

    scalar_.start(latents_);
    std::vector<float> tile(static_cast<std::size_t>(2 * scalar_.samples_per_tile()));
    const std::int64_t heard = plan.heard_latents(window) * config_.samples_per_latent();
    for (std::int64_t at = 0; at < heard; at += scalar_.samples_per_tile()) {
        scalar_.decode_tile(tile);
        const std::int64_t n = std::min(scalar_.samples_per_tile(), heard - at);
        stitcher_.push(std::span(tile).first(static_cast<std::size_t>(2 * n)));
        advance();
    }
    stitcher_.end_window();
    latents_.resize(static_cast<std::size_t>(plan.heard_latents(window)) * channels);
    ++windows_;
}

void SongDecoder::advance() {
    cancel_.check();
    ++done_;
    if (progress_) progress_(done_, total_, stitcher_.samples_out());
}

}  // namespace heart::heartcodec
