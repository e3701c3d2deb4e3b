#pragma once

#include "graph/device.h"
#include "graph/tensor.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace heart::graph {

/// Tensors that outlive a single run: weights, KV caches, states, and the inputs that a run reads. Their addresses stay
/// the same for as long as the store lives, so that a graph can be built once and run many times.
class TensorStore {
public:
    explicit TensorStore(std::shared_ptr<Device> device, std::size_t max_tensors = 4096);
    ~TensorStore();
    TensorStore(TensorStore&&) noexcept;
    TensorStore& operator=(TensorStore&&) noexcept;

    /// Describes a tensor; no memory is taken before `allocate`.
    Tensor add(const std::string& name, Type type, const Shape& shape);

    /// Describes the matrix W [in, out] of products y = W x, in the layout that the device's product reads fastest. It is
    /// written by `upload_rows` and read by `Graph::mul_mat` and `Graph::convolve` only.
    Tensor add_product(const std::string& name, Type type, std::int64_t in, std::int64_t out);

    /// Describes the matrix W [taps * in, out] of a convolution; as `add_product`, but `upload_rows` writes it whole, and
    /// `Graph::convolve` alone reads it.
    Tensor add_convolution(const std::string& name, Type type, std::int64_t taps, std::int64_t in, std::int64_t out);

    /// Takes memory for all tensors. ErrorCode::memory says how much was wanted. `undefined` memory must be written before
    /// it is read, and is not touched here: gigabytes of weights are not filled twice.
    enum class Fill { zero, undefined };
    void allocate(Fill fill = Fill::zero);

    /// Bytes that `allocate` takes or has taken.
    [[nodiscard]] std::size_t bytes() const;

    [[nodiscard]] const std::shared_ptr<Device>& device() const noexcept { return device_; }

private:
    std::shared_ptr<Device> device_;
    struct Memory;
    std::unique_ptr<Memory> memory_;
};

/// Copies to and from a device; `values` must hold exactly the tensor's elements in the tensor's own type (f32 tensors
/// take float, i32 std::int32_t, ...), or for `upload_f32` floats that are converted to f32, f16 or bf16.
void upload(Tensor tensor, std::span<const float> values);
void upload(Tensor tensor, std::span<const std::int32_t> values);
void upload(Tensor tensor, std::span<const std::int64_t> values);
void upload_f32(Tensor tensor, std::span<const float> values);
/// A run of elements from `first` on; for converting large tensors piece by piece.
void upload_f32_part(Tensor tensor, std::size_t first, std::span<const float> values);
/// Whole rows [first, first + n) of a tensor, in the plain layout of its type; of a product's matrix `first` is a multiple
/// of 64, and n too unless the rows end there. Different rows may be written from different threads at a time.
void upload_rows(Tensor tensor, std::int64_t first, std::span<const std::byte> rows);
/// A run of bytes that already has the tensor's type.
void upload_bytes(Tensor tensor, std::size_t offset, std::span<const std::byte> bytes);
void fill_zero(Tensor tensor);

[[nodiscard]] std::vector<float> download_f32(Tensor tensor);
void download(Tensor tensor, std::span<float> out);
void download(Tensor tensor, std::span<std::int32_t> out);

}  // namespace heart::graph
