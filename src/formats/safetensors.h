#pragma once

#include "formats/bytes.h"
#include "formats/tensor_view.h"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace heart::formats {

/// Parses one .safetensors file (https://github.com/huggingface/safetensors, "Format"): an 8-byte header length, a JSON
/// header, then the data. Everything is checked before it is believed: header length, types, products, and that the
/// tensors cover the data without overlap or gap. Throws ErrorCode::malformed or ::limit naming `file_name` and tensor.
[[nodiscard]] std::map<std::string, TensorView> parse_safetensors(const Bytes& file, std::string_view file_name);

/// The header of a file that holds `tensors` in that order: length field, JSON padded to 8 bytes, `__metadata__`
/// {"format": "pt"} as the published files have it. ErrorCode::unsupported for quantised types, which the format lacks.
[[nodiscard]] std::string safetensors_header(std::span<const TensorToWrite> tensors);

}  // namespace heart::formats
