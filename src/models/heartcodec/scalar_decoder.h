#pragma once

#include "graph/graph.h"
#include "models/heartcodec/weights.h"

#include <memory>
#include <span>
#include <vector>

namespace heart::heartcodec {

/// Latents -> stereo samples, tile by tile (heartlib sq_codec.py, ScalarModel.decode). Each convolution remembers what it
/// needs of the tile before, so that scratch does not grow with the song and tiles join without a seam: the result is the
/// same as in one piece, up to rounding where convolutions take samples in groups (kernels/winograd.h). Both channels run
/// side by side as two lanes.
class ScalarDecoder {
public:
    ScalarDecoder(const std::shared_ptr<graph::Device>& device, const ScalarDecoderWeights& weights, const Config& config,
                  graph::GraphOptions options = {}, std::int64_t tile = kTile);

    /// Latent frames of a tile.
    static constexpr std::int64_t kTile = 16;
    [[nodiscard]] std::int64_t tile() const noexcept { return tile_; }

    /// Starts a new signal: latents [frames][2 * latent_hidden], first half left, second half right. They are rounded to
    /// multiples of 1/9, ties to even, as the reference does. Copies them.
    void start(std::span<const float> latents);

    /// Decodes the next tile into `out`, interleaved stereo of `tile() * samples_per_latent` frames. Samples behind the
    /// end of the signal are meaningless.
    void decode_tile(std::span<float> out);

    [[nodiscard]] std::int64_t samples_per_tile() const noexcept { return tile_ * samples_per_latent_; }
    /// Nodes of the latest tile: "decoder0", "decoder1", .. (channels-last, lanes interleaved).
    [[nodiscard]] const graph::Graph& graph() const noexcept { return graph_; }

private:
    void build(const ScalarDecoderWeights& weights, const Config& config);

    std::int64_t tile_, samples_per_latent_, hidden_, delay_;
    graph::TensorStore store_;
    std::vector<graph::Tensor> memories_;
    std::size_t next_memory_ = 0;
    graph::Tensor input_, output_;
    graph::Graph graph_;
    std::vector<float> latents_;  // rounded
    std::int64_t frames_ = 0, done_ = 0;
};

/// round(9 x) / 9 with ties to even.
[[nodiscard]] float round_to_ninth(float x) noexcept;

}  // namespace heart::heartcodec
