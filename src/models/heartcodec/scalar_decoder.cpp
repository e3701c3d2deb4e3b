#include "models/heartcodec/scalar_decoder.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace heart::heartcodec {

using graph::Graph;
using graph::Tensor;
using graph::Type;

namespace {

constexpr std::int64_t kLanes = 2;  // left, right

}  // namespace

float round_to_ninth(float x) noexcept {
    return std::nearbyint(9.0F * x) / 9.0F;  // the default rounding mode: to nearest, ties to even
}

ScalarDecoder::ScalarDecoder(const std::shared_ptr<graph::Device>& device, const ScalarDecoderWeights& w, const Config& c,
                             graph::GraphOptions options, std::int64_t tile)
    : tile_(tile),
      samples_per_latent_(c.samples_per_latent()),
      hidden_(c.latent_hidden),
      delay_((c.delay_kernel - 1) / 2),
      store_(device),
      graph_(device, options) {
    input_ = store_.add("latents", Type::f32, {hidden_, (tile_ + 2 * delay_) * kLanes});
    const auto remember = [&](std::int64_t channels, std::int64_t samples) {  // in the order in which `build` asks for them
        memories_.push_back(samples > 0 ? store_.add("memory", Type::f32, {channels, samples * kLanes}) : Tensor{});
    };
    for (const DecoderBlockWeights& b : w.blocks) {
        remember(b.up.blocks.in, 1);
        for (const ResidualWeights& r : b.residuals) remember(r.conv1.in, r.conv1.context());
    }
    if (c.repeat > 1) remember(w.post.in, w.post.context());
    remember(w.last.in, w.last.context());
    store_.allocate();
    build(w, c);
}

void ScalarDecoder::build(const ScalarDecoderWeights& w, const Config& c) {
    Graph& g = graph_;
    const auto causal = [&](const nn::Conv1d& conv, Tensor x, const nn::After& after = {}) {
        return nn::conv1d_causal(g, conv, memories_[next_memory_++], x, kLanes, after);
    };
    Tensor x = g.named(nn::conv1d_valid(g, w.first, input_, kLanes), "decoder0");  // [channels, tile * lanes]
    std::size_t index = 1;
    for (const DecoderBlockWeights& b : w.blocks) {
        x = nn::upsample(g, b.up, memories_[next_memory_++], x, kLanes);  // [channels / 2, time * stride * lanes]
        for (const ResidualWeights& r : b.residuals) {
            const Tensor h = causal(r.conv1, x, {r.slope1, {}});
            x = nn::conv1d_valid(g, r.conv2, h, kLanes, {r.slope2, x});
        }
        g.named(x, fmt::format("decoder{}", index++));
    }
    if (c.repeat > 1) {
        const std::int64_t channels = x.dim(0), time = x.dim(1) / kLanes;
        const Tensor once = g.reshape(x, {channels, kLanes, 1, time});
        const Tensor repeated = g.repeat_to(once, {channels, kLanes, c.repeat, time});
        x = g.reshape(repeated, {channels, kLanes * c.repeat * time});
        x = causal(w.post, x, {w.post_slope, {}});
        g.named(x, fmt::format("decoder{}", index++));
    }
    output_ = g.named(causal(w.last, x), fmt::format("decoder{}", index));  // [1, samples * lanes]
    g.output(output_);
    g.compile();
}

void ScalarDecoder::start(std::span<const float> latents) {
    latents_.assign(latents.begin(), latents.end());
    for (float& x : latents_) x = round_to_ninth(x);
    frames_ = static_cast<std::int64_t>(latents.size()) / (kLanes * hidden_);
    done_ = 0;
    for (const Tensor memory : memories_) {
        if (memory) fill_zero(memory);
    }
}

void ScalarDecoder::decode_tile(std::span<float> out) {
    ensure(static_cast<std::int64_t>(out.size()) == samples_per_tile() * kLanes, "room for one tile");
    // Frames [done - delay, done + tile + delay), zero outside the signal; a latent frame is already left then right.
    const std::int64_t width = kLanes * hidden_;
    std::vector<float> tile(static_cast<std::size_t>((tile_ + 2 * delay_) * width), 0.0F);
    const std::int64_t first = std::max<std::int64_t>(done_ - delay_, 0);
    const std::int64_t last = std::min(done_ + tile_ + delay_, frames_);
    if (first < last) {
        std::copy(latents_.begin() + first * width, latents_.begin() + last * width,
                  tile.begin() + (first - (done_ - delay_)) * width);
    }
    upload(input_, tile);
    graph_.run();
    download(output_, out);
    done_ += tile_;
}

}  // namespace heart::heartcodec
