#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

struct ggml_tensor;

namespace heart::graph {

/// Number types of tensors on a device. The quantised ones hold blocks of 32 (q8_0, q4_0) or 256 numbers that share a scale,
/// in ggml's layouts; only matrices of products have them.
enum class Type : std::uint8_t { f32, f16, bf16, q8_0, q4_0, q4_k, q5_k, q6_k, i32, i64 };

[[nodiscard]] const char* type_name(Type type) noexcept;
[[nodiscard]] bool is_quantised(Type type) noexcept;
/// Numbers that share a scale: a row's length must be a multiple of it. 1 for the plain types.
[[nodiscard]] std::int64_t block_size(Type type) noexcept;
/// Bytes of `elements` numbers, a multiple of the block size.
[[nodiscard]] std::uint64_t type_bytes(Type type, std::uint64_t elements) noexcept;

/// Sizes of a tensor, innermost (fastest) first, as everywhere above this room: a row-major [rows, columns] matrix of a
/// checkpoint is {columns, rows} here. Between 1 and 4 dimensions.
using Shape = std::vector<std::int64_t>;

[[nodiscard]] std::string shape_text(const Shape& shape);

/// A tensor of a graph or of a store: a handle, cheap to copy, valid as long as the graph or store that made it.
class Tensor {
public:
    Tensor() = default;
    explicit Tensor(ggml_tensor* raw) noexcept : raw_(raw) {}

    [[nodiscard]] ggml_tensor* raw() const noexcept { return raw_; }
    explicit operator bool() const noexcept { return raw_ != nullptr; }

    [[nodiscard]] std::int64_t dim(int i) const noexcept;  ///< 1 beyond the last dimension
    [[nodiscard]] Shape shape() const;                     ///< all four dimensions
    [[nodiscard]] std::int64_t elements() const noexcept;
    [[nodiscard]] Type type() const;
    [[nodiscard]] std::size_t bytes() const noexcept;
    [[nodiscard]] std::string name() const;

private:
    ggml_tensor* raw_ = nullptr;
};

}  // namespace heart::graph
