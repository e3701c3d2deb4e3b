#pragma once

#include "graph/graph.h"
#include "graph/weights.h"
#include "nn/layers.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heart::listeners {

/// Sizes of the convolutions through which MuQ and MuEncoder hear a mel spectrogram (MuQ muq/modules/conv.py,
/// Conv2dSubsampling): two residual modules, each halving frequency and time, then a linear layer over all of a frame.
struct SubsamplingConfig {
    std::int64_t mel_bands = 128;
    std::int64_t channels = 0;
    std::int64_t dim = 0;  ///< of the frames that come out

    /// A side behind a halving: odd ones round up.
    [[nodiscard]] static std::int64_t halved(std::int64_t n) noexcept { return (n + 1) / 2; }
    /// Frames that come out of so many mel frames.
    [[nodiscard]] static std::int64_t frames(std::int64_t mel_frames) noexcept { return halved(halved(mel_frames)); }
};

/// A convolution of 3 x 3 over an image, with its batch norm folded in, as products along time: for each of the three places
/// in frequency a matrix over the three places in time.
struct ImageConv {
    std::array<graph::Tensor, 3> taps;  ///< each [3 in, out]
    graph::Tensor bias;                 ///< [out]
};

/// The same with stride 2 both ways. An output meets even places of the image (one zero in front) twice and odd ones once
/// in each direction, so that every tap is a plain product over one of the four images of places of one kind.
struct HalvingImageConv {
    struct Column {
        graph::Tensor even;  ///< [2 in, out]: the two even places in time
        graph::Tensor odd;   ///< [in, out]: the odd one
    };
    std::array<Column, 3> taps;  ///< by place in frequency
    graph::Tensor bias;          ///< [out]
};

struct SubsamplingWeights {
    nn::Linear entry, entry_skip;  ///< conv.0.conv1 and .conv3 with bn1 and bn3: [9, channels], over patches of the mel
    ImageConv square0;             ///< conv.0.conv2, bn2
    HalvingImageConv halving, halving_skip;  ///< conv.1.conv1 and .conv3 with bn1 and bn3
    ImageConv square1;                       ///< conv.1.conv2, bn2
    nn::Linear linear;                       ///< linear: [bands / 4 * channels, dim], columns by band, then channel

    /// Declares every weight; `prefix` is what the published names begin with. The plan points into this object.
    void plan(graph::WeightPlan& plan, const SubsamplingConfig& config, const std::string& prefix);
};

/// How many patches of a mel spectrogram the first convolutions see: (halved bands + 2) * halved frames.
[[nodiscard]] std::int64_t patches_of(std::int64_t mel_frames, std::int64_t bands);
/// These patches, [9, patches_of(frames, bands)]: what `subsample` takes. `mel` is [frames][bands]; the two places behind
/// the bands of each frame are zeros.
[[nodiscard]] std::vector<float> mel_patches(std::span<const float> mel, std::int64_t bands);

/// Patches of a clip of `mel_frames` frames -> [dim, SubsamplingConfig::frames(mel_frames)]. `zero` [channels or more] holds
/// zeros. Names, with `prefix` before them, "conv.res0" and "conv.res1" [channels, bands + 2, frames], whose last two bands
/// hold nothing, and "frontend".
[[nodiscard]] graph::Tensor subsample(graph::Graph& g, const SubsamplingWeights& w, const SubsamplingConfig& config,
                                      graph::Tensor zero, graph::Tensor patches, std::int64_t mel_frames,
                                      const std::string& prefix);

}  // namespace heart::listeners
