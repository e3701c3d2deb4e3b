#pragma once

#include "core/cancel.h"
#include "formats/safetensors.h"
#include "graph/tensor_store.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace heart::graph {

/// A tensor as a checkpoint publishes it: its name and its row-major shape.
struct Published {
    std::string name;
    std::vector<std::uint64_t> shape;
};

/// Finds a published tensor; nullptr when the checkpoint lacks it.
using TensorLookup = std::function<const formats::TensorView*(const std::string& name)>;

/// Computes a weight from published ones, in the order in which the plan names them.
using Derive = std::function<void(std::span<const formats::TensorView* const> sources, std::span<float> out)>;

/// All numbers of a tensor as f32.
[[nodiscard]] std::vector<float> read_all(const formats::TensorView& tensor);

/// What a model's weights are made of: each slot of its typed weight struct, and the published tensors behind it. Models
/// declare a plan from their configuration alone, so that names and shapes can be listed and checked without a file and
/// without memory.
class WeightPlan {
public:
    /// A matrix of y = W x: published [out, in] matrices stacked along `out` into one [in, sum of out] tensor of the
    /// model's matrix type.
    void matrix(Tensor& slot, const std::string& name, std::vector<Published> stacked);
    /// Any vector or table that is kept as f32 and as published; its shape read innermost first.
    void vector(Tensor& slot, Published source);
    /// A weight that is computed while loading. `as_matrix` gives it the model's matrix type, else it is f32.
    void derived(Tensor& slot, const std::string& name, bool as_matrix, Shape shape, std::vector<Published> sources,
                 Derive derive);
    /// A single number that graphs are built with (a slope); published with shape [1], kept on the host.
    void scalar(float& slot, Published source);
    /// A tensor that must be there but stays in the file (looked up row by row, or needed only by other uses).
    void in_file(Published source);

    /// Every published tensor that the plan asks for, in order of declaration.
    [[nodiscard]] std::vector<Published> published() const;

    /// Throws unless the checkpoint holds every published tensor with the planned shape and numbers we can read:
    /// ErrorCode::not_found or ::mismatch naming tensor, expected and found shape. `where` names the checkpoint.
    void check(const TensorLookup& lookup, const std::string& where) const;

    /// Bytes the weights will take on a device with this matrix type.
    [[nodiscard]] std::uint64_t bytes(Type matrix_type) const;

    struct Entry {
        Tensor* slot = nullptr;        ///< null for scalars and for tensors that stay in the file
        float* scalar_slot = nullptr;  ///< of scalars
        std::string name;
        bool as_matrix = false;
        Shape shape;
        std::vector<Published> sources;
        Derive derive;  ///< empty: sources are copied one behind the other
    };
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

private:
    std::vector<Entry> entries_;
};

/// Called after each weight with the bytes of checkpoint done so far and in all.
using LoadProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Checks the plan, takes memory on the device, fills every slot, and lets go of the file's pages behind it. The slots are
/// valid as long as the returned store.
[[nodiscard]] std::unique_ptr<TensorStore> load_weights(const WeightPlan& plan, const TensorLookup& lookup,
                                                        const std::string& where, const std::shared_ptr<Device>& device,
                                                        Type matrix_type, const LoadProgress& progress,
                                                        const CancelToken& cancel);

}  // namespace heart::graph
