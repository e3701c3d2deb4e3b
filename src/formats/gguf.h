#pragma once

#include "formats/bytes.h"
#include "formats/tensor_view.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace heart::formats {

/// An array of a GGUF file's metadata. The place of each alternative is the format's number for the element type; arrays
/// of arrays (number 9) are not read.
using GgufArray = std::variant<std::vector<std::uint8_t>, std::vector<std::int8_t>, std::vector<std::uint16_t>,
                               std::vector<std::int16_t>, std::vector<std::uint32_t>, std::vector<std::int32_t>,
                               std::vector<float>, std::vector<bool>, std::vector<std::string>, std::monostate,
                               std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>>;

/// One value of a GGUF file's metadata; the place of each alternative is the format's number for its type.
using GgufValue = std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, float,
                               bool, std::string, GgufArray, std::uint64_t, std::int64_t, double>;

using GgufMetadata = std::map<std::string, GgufValue>;

/// The text behind a key, or nullptr where there is none or something else.
[[nodiscard]] const std::string* find_text(const GgufMetadata& metadata, const std::string& key);

struct GgufFile {
    GgufMetadata metadata;
    std::map<std::string, TensorView> tensors;  ///< shapes row-major, as in safetensors: the reverse of the file's order
};

/// Parses one little-endian GGUF file of version 2 or 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
/// Everything is checked before it is believed: counts and lengths against what is left of the file, products, types,
/// alignment, and that the tensors stand one behind the other with no more than alignment between them. Throws
/// ErrorCode::malformed, ::limit or ::unsupported naming `file_name` and key or tensor.
[[nodiscard]] GgufFile parse_gguf(const Bytes& file, std::string_view file_name);

/// Where tensors begin in files that Heart writes: at multiples of it.
inline constexpr std::size_t kGgufAlignment = 32;

/// Zero bytes that follow `bytes` of header or tensor, so that what comes next is aligned.
[[nodiscard]] std::size_t gguf_padding(std::uint64_t bytes) noexcept;

/// The header of a version 3 file that holds `tensors` in that order, padded: each tensor's data follows with its
/// `gguf_padding`. `general.alignment` is added to the metadata. ErrorCode::unsupported for types and ranks that the format
/// lacks (BOOL, unsigned numbers, F8; more than four dimensions).
[[nodiscard]] std::string gguf_header(std::span<const std::pair<std::string, GgufValue>> metadata,
                                      std::span<const TensorToWrite> tensors);

/// True for types that a GGUF file can hold.
[[nodiscard]] bool has_gguf_type(DType type) noexcept;

}  // namespace heart::formats
