#pragma once

#include "formats/tensor_view.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::formats {

/// A tensor as a pickle describes it: elements of a storage, which is a record beside the pickle. Nothing of it has been
/// held against that record.
struct PickledTensor {
    DType dtype = DType::f32;
    std::string storage;                        ///< the record's name, a plain file name
    std::uint64_t storage_elements = 0;         ///< as the pickle says
    std::uint64_t offset = 0;                   ///< of the first element, in elements
    std::vector<std::uint64_t> shape, strides;  ///< of the same length; strides in elements
};

/// Reads the dictionary from names to tensors that PyTorch pickles for a model's weights (torch.save of a state_dict:
/// Python's pickletools describes the instructions, torch/_utils.py and torch/serialization.py what they build). A pickle is
/// a program; this runs the part of it that builds such a dictionary and calls nothing: of names it knows
/// `collections.OrderedDict`, `torch._utils._rebuild_tensor_v2` and the storages of float, half, bfloat16, double, long, int
/// and bool, and no others. What BUILD gives an OrderedDict (versions of modules) is dropped. Bounded are the pickle's
/// length, its values, stack, memo, texts and tensors. Throws ErrorCode::malformed, ::limit, or ::unsupported for other
/// instructions, names and contents, naming `what` and the place.
[[nodiscard]] std::map<std::string, PickledTensor> unpickle_tensors(std::span<const std::byte> pickle,
                                                                    std::string_view what);

}  // namespace heart::formats
