#pragma once

#include "formats/bytes.h"
#include "formats/tensor_view.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::formats {

/// A dense array of numbers read from a file, row-major.
template <typename T>
struct Array {
    std::vector<std::uint64_t> shape;
    std::vector<T> values;
};

/// Splits "file.safetensors:key" into path and key; the key is empty where none is given. Only a ':' behind
/// ".safetensors" separates, so that other names may hold one.
struct ArrayPath {
    std::filesystem::path file;
    std::string key;
};
[[nodiscard]] ArrayPath split_array_path(std::string_view text);

/// Reads 32- or 64-bit integers (signed or unsigned) from .npy (versions 1 to 3, C or Fortran order) or from one tensor of
/// a .safetensors file. At most 2^26 elements. Values beyond 32 bits are ErrorCode::limit.
[[nodiscard]] Array<std::int32_t> read_integer_array(const ArrayPath& path);

/// Reads float16, float32 or float64 numbers (bfloat16 too, from .safetensors).
[[nodiscard]] Array<float> read_float_array(const ArrayPath& path);

/// The numbers of a .npy file where they lie, mapped, for arrays too large to be copied whole: float32 in C order and
/// nothing else (ErrorCode::unsupported), at most `max_elements` (ErrorCode::limit).
[[nodiscard]] TensorView map_npy_floats(const std::filesystem::path& file, std::uint64_t max_elements);

/// What stands before the numbers in a .npy file of float32 (version 1.0, little-endian, C order).
[[nodiscard]] std::string npy_float_header(std::span<const std::uint64_t> shape);

/// The bytes of a .npy file (version 1.0, little-endian int32, C order).
[[nodiscard]] std::string npy_file(std::span<const std::uint64_t> shape, std::span<const std::int32_t> values);

}  // namespace heart::formats
