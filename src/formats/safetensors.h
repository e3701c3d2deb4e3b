#pragma once

#include "formats/bytes.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::formats {

/// Element types of the safetensors format.
enum class DType : std::uint8_t { boolean, u8, i8, f8_e5m2, f8_e4m3, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

[[nodiscard]] std::string_view dtype_name(DType type) noexcept;        ///< as written in files: "F32", "BF16", ...
[[nodiscard]] std::size_t dtype_size(DType type) noexcept;             ///< bytes per element
[[nodiscard]] bool is_floating_point(DType type) noexcept;             ///< F16, BF16, F32, F64
[[nodiscard]] std::string shape_text(std::span<const std::uint64_t>);  ///< "[3072, 8192]"

/// One tensor of a file: row-major (C order), little-endian, `data` of exactly the size that dtype and shape ask for.
struct TensorView {
    DType dtype = DType::f32;
    std::vector<std::uint64_t> shape;
    std::span<const std::byte> data;
    Bytes file;  ///< keeps `data` alive

    [[nodiscard]] std::uint64_t elements() const noexcept;
};

/// Parses one .safetensors file (https://github.com/huggingface/safetensors, "Format"): an 8-byte header length, a JSON
/// header, then the data. Everything is checked before it is believed: header length, types, products, and that the
/// tensors cover the data without overlap or gap. Throws ErrorCode::malformed or ::limit naming `file_name` and tensor.
[[nodiscard]] std::map<std::string, TensorView> parse_safetensors(const Bytes& file, std::string_view file_name);

/// One tensor of a file that is to be written.
struct TensorToWrite {
    std::string name;
    DType dtype = DType::f32;
    std::vector<std::uint64_t> shape;
};

/// The header of a file that holds `tensors` in that order: length field, JSON padded to 8 bytes, `__metadata__`
/// {"format": "pt"} as the published files have it.
[[nodiscard]] std::string safetensors_header(std::span<const TensorToWrite> tensors);

/// value[i] of a floating-point tensor as f32, for `out.size()` elements from element `first` on.
/// ErrorCode::unsupported for types that are not floating-point.
void read_as_f32(const TensorView& tensor, std::uint64_t first, std::span<float> out);

/// IEEE half and bfloat16, rounding to nearest, ties to even.
[[nodiscard]] float f16_to_f32(std::uint16_t bits) noexcept;
[[nodiscard]] std::uint16_t f32_to_f16(float value) noexcept;
[[nodiscard]] float bf16_to_f32(std::uint16_t bits) noexcept;
[[nodiscard]] std::uint16_t f32_to_bf16(float value) noexcept;

}  // namespace heart::formats
