#pragma once

#include "core/cancel.h"
#include "formats/checkpoint.h"
#include "graph/weight_loading.h"
#include "models/heartclap/config.h"
#include "models/heartclap/text_encoder.h"
#include "models/heartclap/tower.h"
#include "models/listeners/conformer.h"
#include "models/listeners/subsampling.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace heart::heartclap {

/// All weights that live on the device.
struct Weights {
    listeners::SubsamplingWeights subsampling;  ///< mulan.audio.model.model.conv.*
    listeners::ConformerWeights conformer;      ///< mulan.audio.model.model.conformer.*
    TowerWeights audio;                         ///< mulan.audio.proj, .transformer, mulan.audio_to_latents
    TextEncoderWeights text_encoder;            ///< mulan.text.model.*
    TowerWeights text;                          ///< mulan.text.proj, .transformer, mulan.text_to_latents

    /// The plan points into this object.
    void plan(graph::WeightPlan& plan, const Config& config);
};

/// MuQ-MuLan or HeartCLAP on a device: one space for sounds and for words about them.
class Model {
public:
    /// Loads a checkpoint of MuQ-MuLan's layout; `config` has been parsed from it and its companions. `dtype` is the type of
    /// matrices on the device: f32 is exact, and what the model was published for. Throws what `load_weights` throws.
    [[nodiscard]] static std::unique_ptr<Model> load(formats::Checkpoint checkpoint, const Config& config,
                                                     std::shared_ptr<graph::Device> device, graph::Type dtype,
                                                     const graph::LoadProgress& progress, const CancelToken& cancel);

    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    [[nodiscard]] const Config& config() const noexcept { return config_; }
    [[nodiscard]] const Weights& weights() const noexcept { return weights_; }
    [[nodiscard]] const std::shared_ptr<graph::Device>& device() const noexcept { return device_; }
    [[nodiscard]] std::size_t weight_bytes() const { return store_->bytes(); }

    /// What enters the text encoder: for each id the sum of its token's, its position's and the first type's embedding,
    /// [ids.size()][dim]. Positions count the ids that are no padding. ErrorCode::limit for more ids than there are
    /// positions, ::mismatch for an id outside the vocabulary.
    [[nodiscard]] std::vector<float> embed(std::span<const std::int32_t> ids) const;

private:
    Model(formats::Checkpoint checkpoint, const Config& config, std::shared_ptr<graph::Device> device)
        : checkpoint_(std::move(checkpoint)), config_(config), device_(std::move(device)) {}

    formats::Checkpoint checkpoint_;
    Config config_;
    std::shared_ptr<graph::Device> device_;
    Weights weights_;
    std::unique_ptr<graph::TensorStore> store_;
};

/// Checks the weight plan of a checkpoint against its tensors, without loading any. Returns the bytes that they will take.
[[nodiscard]] std::uint64_t check_checkpoint(const formats::Checkpoint& checkpoint, const Config& config, graph::Type dtype);

}  // namespace heart::heartclap
