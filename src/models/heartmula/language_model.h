#pragma once

#include "core/cancel.h"
#include "formats/checkpoint.h"
#include "graph/weight_loading.h"
#include "models/heartmula/config.h"
#include "models/heartmula/weights.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace heart::heartmula {

/// A prompt as token ids, with begin and end marks (heartlib pipelines/music_generation.py, preprocess).
struct PromptIds {
    std::span<const std::int32_t> tags;
    std::span<const std::int32_t> lyrics;
    /// What stands for reference audio: [Config::reference_dim], see `check_reference`; empty: none.
    std::span<const float> reference;

    [[nodiscard]] std::int64_t reference_index() const noexcept { return static_cast<std::int64_t>(tags.size()); }
    /// Tags, one position for the reference-audio embedding, lyrics.
    [[nodiscard]] std::int64_t length() const noexcept { return static_cast<std::int64_t>(tags.size() + 1 + lyrics.size()); }
};

/// Throws ErrorCode::mismatch for an embedding of reference audio that has not `dim` numbers (Config::reference_dim),
/// ErrorCode::malformed for one with NaN or infinity, and ErrorCode::limit for numbers beyond 1e6, from where on the model's
/// own arithmetic would overflow: MuQ-MuLan's embeddings have unit length.
void check_reference(std::span<const float> embedding, std::int64_t dim);

/// The HeartMuLa language model on a device: sizes and weights, shared by any number of songs.
class LanguageModel {
public:
    /// Loads a HeartMuLa-oss checkpoint. `dtype` is the type of matrices on the device: f32 is the exact mode, bf16 what
    /// the reference uses; a quantised type leaves tables and heads in bf16. Throws what `Config::parse` and `load_weights`
    /// throw.
    [[nodiscard]] static std::unique_ptr<LanguageModel> load(formats::Checkpoint checkpoint,
                                                             std::shared_ptr<graph::Device> device, graph::Type dtype,
                                                             const graph::LoadProgress& progress, const CancelToken& cancel);

    LanguageModel(const LanguageModel&) = delete;
    LanguageModel& operator=(const LanguageModel&) = delete;

    [[nodiscard]] const Config& config() const noexcept { return config_; }
    [[nodiscard]] const Weights& weights() const noexcept { return weights_; }
    [[nodiscard]] const std::shared_ptr<graph::Device>& device() const noexcept { return device_; }
    [[nodiscard]] graph::Type dtype() const noexcept { return dtype_; }
    [[nodiscard]] std::size_t weight_bytes() const { return store_->bytes(); }

    /// What enters the backbone for a prompt: [dim, length], `guided` + 1. Every position is its text embedding, the
    /// reference position muq_linear(reference), without one muq_linear(0) = its bias. What guidance adds is the
    /// unconditional embedding: its row hears that at all positions, whatever the reference (heartlib
    /// modeling_heartmula.py, `continuous_segments`).
    /// ErrorCode::mismatch for an id outside the vocabulary; throws what `check_reference` throws.
    [[nodiscard]] std::vector<float> embed_prompt(const PromptIds& prompt, bool guided) const;

private:
    LanguageModel(formats::Checkpoint checkpoint, std::shared_ptr<graph::Device> device, graph::Type dtype)
        : checkpoint_(std::move(checkpoint)), device_(std::move(device)), dtype_(dtype) {}

    /// One row of a table that stays in the file, rounded as the device would hold it.
    void read_row(const formats::TensorView& table, std::uint64_t row, std::span<float> out) const;
    /// muq_linear(reference), its bias included; without a reference the bias alone.
    void embed_reference(std::span<const float> reference, std::span<float> out) const;

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

}  // namespace heart::heartmula
