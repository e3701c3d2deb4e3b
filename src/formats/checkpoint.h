#pragma once

#include "formats/bytes.h"
#include "formats/gguf.h"
#include "formats/json.h"
#include "formats/tensor_view.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace heart::formats {

/// All tensors of one model folder of the published (Hugging Face) layout, whether in `model.safetensors`, in shards that
/// `model.safetensors.index.json` maps, in `model.gguf`, or, where none of these is there, in `pytorch_model.bin`; nothing
/// is read before it is asked for, except tensors of the latter that are not in C order.
class Checkpoint {
public:
    /// Opens and checks every header. ErrorCode::not_found for a missing folder, file or shard; ::mismatch where index
    /// and shards disagree, or where weights stand there both as GGUF and as safetensors; ::unsupported for a model.gguf
    /// of a later Heart; what `parse_safetensors`, `parse_gguf` and `parse_torch_file` throw.
    [[nodiscard]] static Checkpoint open(const Folder& folder);

    /// A checkpoint without files: its config.json and tensors that keep their own memory alive. `label` names it in
    /// messages.
    [[nodiscard]] static Checkpoint in_memory(Json config, std::map<std::string, TensorView> tensors, std::string label);

    /// config.json of the folder; without one, the text behind "heart.config" in model.gguf.
    [[nodiscard]] const Json& config() const { return *config_; }

    /// What model.gguf says of itself; empty for other files.
    [[nodiscard]] const GgufMetadata& metadata() const noexcept { return metadata_; }

    /// The files that hold the tensors, by name.
    struct WeightFile {
        std::string name;
        Bytes bytes;
    };
    [[nodiscard]] const std::vector<WeightFile>& weight_files() const noexcept { return files_; }

    /// The tensor, or nullptr.
    [[nodiscard]] const TensorView* find(const std::string& name) const;

    [[nodiscard]] const std::map<std::string, TensorView>& tensors() const noexcept { return tensors_; }
    /// For messages: where this is.
    [[nodiscard]] const std::string& describe() const noexcept { return label_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept;

private:
    explicit Checkpoint(std::string label) : label_(std::move(label)) {}

    std::string label_;
    void open_single(const Folder& folder);
    void open_shards(const Folder& folder);
    void open_gguf(const Folder& folder);
    void open_torch(const Folder& folder);
    void read_config(const Folder& folder);

    std::shared_ptr<const Json> config_;
    GgufMetadata metadata_;
    std::vector<WeightFile> files_;
    std::map<std::string, TensorView> tensors_;
};

}  // namespace heart::formats
