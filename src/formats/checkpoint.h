#pragma once

#include "formats/bytes.h"
#include "formats/json.h"
#include "formats/safetensors.h"

#include <map>
#include <string>
#include <string_view>

namespace heart::formats {

/// All tensors of one model folder of the published (Hugging Face) layout, whether in `model.safetensors` or in shards
/// that `model.safetensors.index.json` maps; nothing is read before it is asked for.
class Checkpoint {
public:
    /// Opens and checks every header. ErrorCode::not_found for a missing folder, file or shard; ::mismatch where index
    /// and shards disagree; what `parse_safetensors` throws.
    [[nodiscard]] static Checkpoint open(const Folder& folder);

    /// A checkpoint without files: its config.json and tensors that keep their own memory alive. `label` names it in
    /// messages.
    [[nodiscard]] static Checkpoint in_memory(Json config, std::map<std::string, TensorView> tensors, std::string label);

    /// config.json of the folder.
    [[nodiscard]] const Json& config() const { return *config_; }

    /// The tensor, or nullptr.
    [[nodiscard]] const TensorView* find(const std::string& name) const;

    [[nodiscard]] const std::map<std::string, TensorView>& tensors() const noexcept { return tensors_; }
    /// For messages: where this is.
    [[nodiscard]] const std::string& describe() const noexcept { return label_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept;

private:
    explicit Checkpoint(std::string label) : label_(std::move(label)) {}

    std::string label_;
    std::shared_ptr<const Json> config_;
    std::map<std::string, TensorView> tensors_;
};

}  // namespace heart::formats
