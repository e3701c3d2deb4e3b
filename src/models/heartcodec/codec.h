#pragma once

#include "core/cancel.h"
#include "formats/checkpoint.h"
#include "graph/weight_loading.h"
#include "models/heartcodec/flow.h"
#include "models/heartcodec/scalar_decoder.h"
#include "models/heartcodec/windows.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace heart::heartcodec {

/// Noise for one window: fills [744 frames][256 channels] with N(0, 1).
using NoiseSource = std::function<void(std::int64_t window, std::span<float> noise)>;

struct DecodeOptions {
    int steps = 10;
    float guidance = 1.25F;
    std::int64_t first_window = WindowPlan::kWindowCodes;  ///< codes of the first window; see WindowPlan
};

/// `done` and `total` count Euler steps and decoder tiles of the whole song, of the longest it can be while its length is
/// not known; `samples`: frames handed to the sink.
using DecodeProgress = std::function<void(std::int64_t done, std::int64_t total, std::int64_t samples)>;

/// HeartCodec's decoding half on a device: RVQ codes -> flow matching -> scalar decoder -> stereo.
class Codec {
public:
    /// Loads a HeartCodec-oss checkpoint; keys may stand at the root or under `decoder.` (the newer library's layout).
    /// `dtype`: f32, f16, or a quantised type for the matrices of the flow transformer; bf16 is refused
    /// (ErrorCode::unsupported), since latents are rounded to ninths before they are decoded and bf16 drifts across the
    /// edges.
    [[nodiscard]] static std::unique_ptr<Codec> load(const formats::Checkpoint& checkpoint,
                                                     std::shared_ptr<graph::Device> device, graph::Type dtype,
                                                     const graph::LoadProgress& progress, const CancelToken& cancel);

    Codec(const Codec&) = delete;
    Codec& operator=(const Codec&) = delete;

    [[nodiscard]] const Config& config() const noexcept { return config_; }
    [[nodiscard]] const Weights& weights() const noexcept { return weights_; }
    [[nodiscard]] const std::shared_ptr<graph::Device>& device() const noexcept { return device_; }
    [[nodiscard]] std::size_t weight_bytes() const { return store_->bytes(); }

    /// Decodes codes [quantizers][frames], row-major, and hands finished interleaved stereo to `sink` in order, in all
    /// frames * sample_rate / 12.5 samples: a SongDecoder that is given everything at once.
    void decode(std::span<const std::int32_t> codes, const NoiseSource& noise, const DecodeOptions& options,
                const AudioSink& sink, const CancelToken& cancel, const DecodeProgress& progress = {}) const;

private:
    Codec(std::shared_ptr<graph::Device> device) : device_(std::move(device)) {}

    std::shared_ptr<graph::Device> device_;
    Config config_;
    Weights weights_;
    std::unique_ptr<graph::TensorStore> store_;
};

/// The parsed sizes and the weight plan of a checkpoint, checked against its tensors, without loading any.
/// Returns the bytes the weights will take.
[[nodiscard]] std::uint64_t check_checkpoint(const formats::Checkpoint& checkpoint, graph::Type dtype);

}  // namespace heart::heartcodec
