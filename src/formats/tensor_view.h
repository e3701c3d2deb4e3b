#pragma once

#include "formats/bytes.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::formats {

/// Element types of tensors in files: those of safetensors, and the quantised ones of GGUF that Heart reads.
enum class DType : std::uint8_t {
    boolean,
    u8,
    i8,
    f8_e5m2,
    f8_e4m3,
    i16,
    u16,
    f16,
    bf16,
    i32,
    u32,
    f32,
    f64,
    i64,
    u64,
    q8_0,
    q4_0,
    q4_k,
    q5_k,
    q6_k
};

/// As safetensors writes it ("F32", "BF16"); the quantised ones as ggml does, in capitals ("Q8_0", "Q4_K").
[[nodiscard]] std::string_view dtype_name(DType type) noexcept;
/// True for types that `read_as_f32` reads: F16, BF16, F32, F64, and the quantised ones, whose blocks share an exponent.
[[nodiscard]] bool is_floating_point(DType type) noexcept;
[[nodiscard]] bool is_quantised(DType type) noexcept;
/// Elements that are stored together: 32 or 256 for the quantised types, whose blocks never cross the end of a row; else 1.
[[nodiscard]] std::size_t dtype_block(DType type) noexcept;
/// Bytes of one block, which is one element of the plain types.
[[nodiscard]] std::size_t dtype_size(DType type) noexcept;
/// "[3072, 8192]"
[[nodiscard]] std::string shape_text(std::span<const std::uint64_t> shape);

/// Bytes of a tensor. ErrorCode::limit naming `what` where the product does not fit 64 bits, ::malformed where rows are not
/// whole blocks.
[[nodiscard]] std::uint64_t tensor_bytes(DType type, std::span<const std::uint64_t> shape, const std::string& what);

/// One tensor of a file: row-major (C order), little-endian, `data` of exactly the size that dtype and shape ask for.
struct TensorView {
    DType dtype = DType::f32;
    std::vector<std::uint64_t> shape;
    std::span<const std::byte> data;
    Bytes file;  ///< keeps `data` alive

    [[nodiscard]] std::uint64_t elements() const noexcept;
};

/// One tensor of a file that is to be written.
struct TensorToWrite {
    std::string name;
    DType dtype = DType::f32;
    std::vector<std::uint64_t> shape;
};

/// value[i] of a floating-point or quantised tensor as f32, for `out.size()` elements from element `first` on, which need
/// not begin a block. ErrorCode::unsupported for other types.
void read_as_f32(const TensorView& tensor, std::uint64_t first, std::span<float> out);

/// IEEE half and bfloat16, rounding to nearest, ties to even.
[[nodiscard]] float f16_to_f32(std::uint16_t bits) noexcept;
[[nodiscard]] std::uint16_t f32_to_f16(float value) noexcept;
[[nodiscard]] float bf16_to_f32(std::uint16_t bits) noexcept;
[[nodiscard]] std::uint16_t f32_to_bf16(float value) noexcept;

}  // namespace heart::formats
