#include "formats/torch_file.h"

#include "core/checked.h"
#include "core/error.h"
#include "formats/pickle.h"
#include "formats/stored_zip.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace heart::formats {

namespace {

constexpr std::string_view kPickle = "/data.pkl";
constexpr std::string_view kStorages = "/data/";
constexpr std::string_view kByteOrder = "/byteorder";

/// The one folder of the archive that holds the pickle; its name is the file's at the time of writing, or anything.
std::string_view top_folder(const ZipRecords& records, const std::string& file) {
    std::optional<std::string_view> out;
    for (const auto& [name, data] : records) {
        const std::string_view folder = std::string_view(name).substr(0, name.find('/'));
        if (std::string_view(name).substr(folder.size()) != kPickle) continue;
        if (out) throw Error(ErrorCode::malformed, fmt::format("{}: two records data.pkl", file));
        out = folder;
    }
    if (!out) {
        throw Error(ErrorCode::malformed, fmt::format("{}: not a file of PyTorch's weights", file))
            .expected("a record data.pkl in the archive's folder");
    }
    return *out;
}

const std::span<const std::byte>* find_record(const ZipRecords& records, std::string_view folder, std::string_view name) {
    const auto it = records.find(std::string(folder) + std::string(name));
    return it == records.end() ? nullptr : &it->second;
}

/// Elements of `kBytes` from strided places into C order. `shape` has a dimension, and none of size 0.
template <std::size_t kBytes>
void copy_strided(const std::byte* source, std::span<const std::uint64_t> shape, std::span<const std::uint64_t> strides,
                  std::span<std::byte> out) {
    const std::size_t outer = shape.size() - 1;
    const std::uint64_t columns = shape[outer], step = strides[outer] * kBytes;
    std::vector<std::uint64_t> index(outer, 0);
    std::byte* to = out.data();
    for (std::uint64_t row = 0; row < out.size() / kBytes / columns; ++row) {
        std::uint64_t at = 0;
        for (std::size_t d = 0; d < outer; ++d) at += index[d] * strides[d];
        const std::byte* from = source + at * kBytes;
        for (std::uint64_t c = 0; c < columns; ++c, to += kBytes) std::memcpy(to, from + c * step, kBytes);
        for (std::size_t d = outer; d-- > 0 && ++index[d] == shape[d];) index[d] = 0;
    }
}

class Storages {
public:
    Storages(const Bytes& file, const std::string& name, const ZipRecords& records, std::string_view folder)
        : file_(file), name_(name), records_(records), folder_(folder) {}

    TensorView view(const std::string& tensor_name, const PickledTensor& tensor) {
        const std::string label = fmt::format("{}: tensor '{}'", name_, printable(tensor_name));
        const auto storage = storage_of(tensor, label);
        TensorView out{tensor.dtype, tensor.shape, {}, file_};
        const std::uint64_t bytes = tensor_bytes(tensor.dtype, tensor.shape, label);
        const std::uint64_t size = dtype_size(tensor.dtype);
        check_reach(tensor, bytes == 0, label);
        const auto rest = storage.subspan(tensor.offset * size);
        if (bytes == 0 || is_in_c_order(tensor)) {
            out.data = rest.first(bytes);
            return out;
        }
        if (bytes > storage.size()) {
            throw Error(ErrorCode::limit, label + " has more elements than its storage")
                .expected(fmt::format("at most {}", tensor.storage_elements))
                .found(fmt::format("{}", bytes / size));
        }
        out.file = in_c_order(tensor, rest, bytes, label);
        out.data = out.file.view();
        return out;
    }

private:
    std::span<const std::byte> storage_of(const PickledTensor& tensor, const std::string& label) const {
        const auto* record = find_record(records_, folder_, std::string(kStorages) + tensor.storage);
        if (record == nullptr) {
            throw Error(ErrorCode::malformed, label + " lacks its storage")
                .expected(fmt::format("a record data/{}", printable(tensor.storage)));
        }
        const std::uint64_t bytes = tensor_bytes(tensor.dtype, std::array{tensor.storage_elements}, label);
        if (bytes != record->size()) {
            throw Error(ErrorCode::malformed, label + " has a storage of the wrong size")
                .expected(fmt::format("{} bytes for {} {}", bytes, tensor.storage_elements, dtype_name(tensor.dtype)))
                .found(fmt::format("{} bytes", record->size()));
        }
        return *record;
    }

    /// Every element must lie inside the storage.
    static void check_reach(const PickledTensor& tensor, bool is_empty, const std::string& label) {
        std::uint64_t end = tensor.offset;
        if (!is_empty) {
            for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
                const std::uint64_t reach = checked_mul(tensor.shape[d] - 1, tensor.strides[d], label.c_str());
                end = checked_add(end, reach, label.c_str());
            }
            end = checked_add<std::uint64_t>(end, 1, label.c_str());
        }
        if (end > tensor.storage_elements) {
            throw Error(ErrorCode::malformed, label + " reaches past its storage")
                .expected(fmt::format("{} elements", tensor.storage_elements))
                .found(fmt::format("{} of shape {} and strides {} from {} on", end, shape_text(tensor.shape),
                                   shape_text(tensor.strides), tensor.offset));
        }
    }

    /// Strides of dimensions of one element mean nothing.
    static bool is_in_c_order(const PickledTensor& tensor) {
        std::uint64_t next = 1;
        for (std::size_t d = tensor.shape.size(); d-- > 0;) {
            if (tensor.shape[d] > 1 && tensor.strides[d] != next) return false;
            next *= tensor.shape[d];
        }
        return true;
    }

    Bytes in_c_order(const PickledTensor& tensor, std::span<const std::byte> source, std::uint64_t bytes,
                     const std::string& label) {
        if (bytes > file_.view().size() - copied_) {
            throw Error(ErrorCode::limit, label + ": too many tensors are not in C order")
                .expected(fmt::format("copies of at most {} bytes", file_.view().size()));
        }
        copied_ += bytes;
        const auto memory = std::make_shared<std::vector<std::byte>>(bytes);
        switch (dtype_size(tensor.dtype)) {
            case 1: copy_strided<1>(source.data(), tensor.shape, tensor.strides, *memory); break;
            case 2: copy_strided<2>(source.data(), tensor.shape, tensor.strides, *memory); break;
            case 4: copy_strided<4>(source.data(), tensor.shape, tensor.strides, *memory); break;
            default: copy_strided<8>(source.data(), tensor.shape, tensor.strides, *memory); break;
        }
        return Bytes::share(memory, *memory);
    }

    const Bytes& file_;
    const std::string& name_;
    const ZipRecords& records_;
    std::string_view folder_;
    std::uint64_t copied_ = 0;
};

/// Before version 1.6 a file was a row of pickles.
void refuse_old_formats(const Bytes& file, const std::string& name) {
    if (!file.text().starts_with('\x80')) return;
    throw Error(ErrorCode::unsupported, fmt::format("{}: a bare pickle, the format before PyTorch 1.6", name))
        .expected("a zip archive, as torch.save writes since")
        .hint("load the file and save it again with a newer PyTorch, or save it as safetensors");
}

}  // namespace

std::map<std::string, TensorView> parse_torch_file(const Bytes& file, std::string_view file_name) {
    const std::string name = printable(file_name);
    refuse_old_formats(file, name);
    const ZipRecords records = parse_stored_zip(file, name);
    const std::string_view folder = top_folder(records, name);
    const auto* order = find_record(records, folder, kByteOrder);
    if (order != nullptr) {
        const std::string_view text(reinterpret_cast<const char*>(order->data()), order->size());
        if (text != "little") {
            throw Error(ErrorCode::unsupported, fmt::format("{}: numbers in another order", name))
                .expected("byteorder little")
                .found(printable(text, 40));
        }
    }
    const auto pickled = unpickle_tensors(*find_record(records, folder, kPickle), name + ": data.pkl");
    Storages storages(file, name, records, folder);
    std::map<std::string, TensorView> out;
    for (const auto& [tensor_name, tensor] : pickled) out.emplace(tensor_name, storages.view(tensor_name, tensor));
    return out;
}

}  // namespace heart::formats
