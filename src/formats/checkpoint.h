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

    /// config.json of the folder.
    [[nodiscard]] const Json& config() const { return *config_; }

    /// The tensor, or nullptr.
    [[nodiscard]] const TensorView* find(const std::string& name) const;

    [[nodiscard]] const std::map<std::string, TensorView>& tensors() const noexcept { return tensors_; }
    [[nodiscard]] std::string describe() const { return folder_.describe(); }
    [[nodiscard]] std::uint64_t bytes() const noexcept;

private:
    explicit Checkpoint(Folder folder) : folder_(std::move(folder)) {}

    Folder folder_;
    std::shared_ptr<const Json> config_;
    std::map<std::string, TensorView> tensors_;
};

}  // namespace heart::formats
