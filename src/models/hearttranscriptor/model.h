#pragma once

#include "core/cancel.h"
#include "formats/checkpoint.h"
#include "graph/weight_loading.h"
#include "models/hearttranscriptor/config.h"
#include "models/hearttranscriptor/weights.h"

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace heart::hearttranscriptor {

/// A HeartTranscriptor on a device: sizes and weights, shared by any number of sessions.
class Model {
public:
    /// Loads a HeartTranscriptor-oss checkpoint (or any Whisper in Hugging Face's layout). `dtype` is the type of matrices
    /// on the device: f32 is the exact mode, f16 what the reference uses; a quantised type leaves convolutions and the head
    /// in f16. Throws what `Config::parse` and `load_weights` throw.
    [[nodiscard]] static std::unique_ptr<Model> load(formats::Checkpoint checkpoint, std::shared_ptr<graph::Device> device,
                                                     graph::Type dtype, const graph::LoadProgress& progress,
                                                     const CancelToken& cancel);

    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    [[nodiscard]] const Config& config() const noexcept { return config_; }
    [[nodiscard]] const Weights& weights() const noexcept { return weights_; }
    [[nodiscard]] const std::shared_ptr<graph::Device>& device() const noexcept { return device_; }
    [[nodiscard]] graph::Type dtype() const noexcept { return dtype_; }
    /// What keys and values are kept in: f32 in the exact mode, else f16.
    [[nodiscard]] graph::Type cache_type() const noexcept;
    [[nodiscard]] std::size_t weight_bytes() const { return store_->bytes(); }

    /// What enters the decoder for a token at a position: out [dim] = token embedding + position embedding.
    /// ErrorCode::mismatch for a token outside the vocabulary, ::internal for a position outside the table.
    void embed(std::int32_t token, std::int64_t position, std::span<float> out) const;

private:
    Model(formats::Checkpoint checkpoint, std::shared_ptr<graph::Device> device, graph::Type dtype)
        : checkpoint_(std::move(checkpoint)), device_(std::move(device)), dtype_(dtype) {}

    formats::Checkpoint checkpoint_;
    std::shared_ptr<graph::Device> device_;
    graph::Type dtype_;
    Config config_;
    Weights weights_;
    std::unique_ptr<graph::TensorStore> store_;
};

/// The parsed sizes and the weight plan of a checkpoint, checked against its tensors, without loading any.
/// Returns the bytes the weights will take.
[[nodiscard]] std::uint64_t check_checkpoint(const formats::Checkpoint& checkpoint, graph::Type dtype);

}  // namespace heart::hearttranscriptor
