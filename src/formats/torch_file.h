#pragma once

#include "formats/bytes.h"
#include "formats/tensor_view.h"

#include <map>
#include <string>
#include <string_view>

namespace heart::formats {

/// Parses one file of weights that torch.save wrote (PyTorch 1.6 and later: pytorch_model.bin): a zip archive of stored
/// records, of which `data.pkl` describes tensors and `data/<number>` are their storages. Nothing of it is executed: see
/// `unpickle_tensors`. Tensors whose elements stand one behind the other are views of the file; others (transposed ones) are
/// copied into C order, together at most as many bytes as the file has. Two names may share one storage. Throws
/// ErrorCode::malformed, ::limit or ::unsupported naming `file_name` and record or tensor, also what `parse_stored_zip` and
/// `unpickle_tensors` throw; ::unsupported for the older formats of PyTorch, other contents than weights, and big-endian
/// files.
[[nodiscard]] std::map<std::string, TensorView> parse_torch_file(const Bytes& file, std::string_view file_name);

}  // namespace heart::formats
