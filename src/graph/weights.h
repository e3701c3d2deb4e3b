#pragma once

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

/// The types a model's matrices are kept in. A checkpoint that is quantised already keeps its own: quantising twice loses
/// twice, and widening gains nothing.
struct WeightTypes {
    Type product = Type::f32;  ///< of most matrices
    Type wide = Type::f32;     ///< of lookup tables and of matrices that quantising would harm; never quantised

    /// `dtype` for all where it is not quantised, else `wide` beside it.
    [[nodiscard]] static WeightTypes of(Type dtype, Type wide) { return {dtype, is_quantised(dtype) ? wide : dtype}; }
};

/// Numbers in a tensor of this shape.
[[nodiscard]] std::uint64_t element_count(const Shape& shape) noexcept;

/// All numbers of a tensor as f32.
[[nodiscard]] std::vector<float> read_all(const formats::TensorView& tensor);

/// What a model's weights are made of: each slot of its typed weight struct, and the published tensors behind it. Models
/// declare a plan from their configuration alone, so that names and shapes can be listed and checked without a file and
/// without memory.
class WeightPlan {
public:
    /// What a weight is for, which decides its type and its layout.
    enum class Use {
        vector,    ///< anything element-wise or small: f32
        table,     ///< rows are looked up: the wide type
        product,   ///< W of y = W x: the type of products, which may be quantised
        sensitive  ///< W of y = W x that quantising would harm: the wide type
    };

    /// A matrix of y = W x: published [out, in] matrices stacked along `out` into one [in, sum of out] tensor.
    void matrix(Tensor& slot, const std::string& name, std::vector<Published> stacked, Use use = Use::product);
    /// A published [count, width] matrix whose rows are looked up: [width, count].
    void table(Tensor& slot, Published source);
    /// Any vector or small table that is kept as f32 and as published; its shape read innermost first.
    void vector(Tensor& slot, Published source);
    /// A weight that is computed while loading; one that is a product's is a matrix [in, out].
    void derived(Tensor& slot, const std::string& name, Use use, Shape shape, std::vector<Published> sources, Derive derive);
    /// The matrix [taps * in, out] of a convolution, `sensitive`, computed while loading.
    void convolution(Tensor& slot, const std::string& name, std::int64_t taps, std::int64_t in, std::int64_t out,
                     std::vector<Published> sources, Derive derive);
    /// A single number that graphs are built with (a slope); published with shape [1], kept on the host.
    void scalar(float& slot, Published source);
    /// A tensor that must be there but stays in the file (looked up row by row, or needed only by other uses).
    void in_file(Published source);

    /// Every published tensor that the plan asks for, in order of declaration.
    [[nodiscard]] std::vector<Published> published() const;

    /// Throws unless the checkpoint holds every published tensor with the planned shape and numbers we can read:
    /// ErrorCode::not_found or ::mismatch naming tensor, expected and found shape. `where` names the checkpoint.
    void check(const TensorLookup& lookup, const std::string& where) const;

    struct Entry {
        Tensor* slot = nullptr;        ///< null for scalars and for tensors that stay in the file
        float* scalar_slot = nullptr;  ///< of scalars
        std::string name;
        Use use = Use::vector;
        Shape shape;
        std::vector<Published> sources;
        Derive derive;          ///< empty: sources are copied one behind the other
        std::int64_t taps = 1;  ///< of convolutions
    };
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

private:
    std::vector<Entry> entries_;
};

}  // namespace heart::graph
