#include "formats/npy.h"

#include "core/checked.h"
#include "core/error.h"
#include "formats/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

namespace heart::formats {

namespace {

constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 26;
constexpr std::string_view kNpyMagic = "\x93NUMPY";

Error malformed(const std::filesystem::path& file, std::string_view what) {
    return Error(ErrorCode::malformed, fmt::format("'{}': {}", file.string(), what));
}

/// A .npy header is a Python dict literal; this reads the one form that numpy writes:
/// {'descr': '<i4', 'fortran_order': False, 'shape': (8, 24), }
struct NpyHeader {
    std::string descr;
    bool fortran_order = false;
    std::vector<std::uint64_t> shape;
};

/// The text behind `'key':`, with leading spaces removed.
std::string_view npy_field(std::string_view header, std::string_view key, const std::filesystem::path& file) {
    const std::string quoted = fmt::format("'{}':", key);
    const std::size_t at = header.find(quoted);
    if (at == std::string_view::npos) throw malformed(file, fmt::format("the .npy header has no '{}'", key));
    std::string_view rest = header.substr(at + quoted.size());
    return rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
}

std::vector<std::uint64_t> parse_npy_shape(std::string_view text, const std::filesystem::path& file) {
    const std::size_t end = text.find(')');
    if (!text.starts_with('(') || end == std::string_view::npos) throw malformed(file, "the .npy shape is not a tuple");
    std::string_view body = text.substr(1, end - 1);
    std::vector<std::uint64_t> out;
    while (true) {
        body.remove_prefix(std::min(body.find_first_not_of(" ,"), body.size()));
        if (body.empty()) break;
        std::uint64_t n = 0;
        const auto [next, error] = std::from_chars(body.data(), body.data() + body.size(), n);
        if (error != std::errc{} || out.size() == 8) throw malformed(file, "the .npy shape is not a list of sizes");
        out.push_back(n);
        body.remove_prefix(static_cast<std::size_t>(next - body.data()));
    }
    return out;
}

NpyHeader parse_npy_header(std::string_view header, const std::filesystem::path& file) {
    NpyHeader out;
    const std::string_view descr = npy_field(header, "descr", file);
    const std::size_t close = descr.size() > 1 ? descr.find('\'', 1) : std::string_view::npos;
    if (!descr.starts_with('\'') || close == std::string_view::npos) throw malformed(file, "the .npy type is not a text");
    out.descr = std::string(descr.substr(1, close - 1));
    out.fortran_order = npy_field(header, "fortran_order", file).starts_with("True");
    out.shape = parse_npy_shape(npy_field(header, "shape", file), file);
    return out;
}

/// numpy's type code -> ours; only little-endian numbers.
std::optional<DType> dtype_of_descr(std::string_view descr) {
    constexpr std::pair<std::string_view, DType> known[] = {{"<i4", DType::i32}, {"<i8", DType::i64}, {"<u4", DType::u32},
                                                            {"<u8", DType::u64}, {"<f2", DType::f16}, {"<f4", DType::f32},
                                                            {"<f8", DType::f64}};
    for (const auto& [name, type] : known) {
        if (name == descr) return type;
    }
    return std::nullopt;
}

std::uint64_t count_elements(std::span<const std::uint64_t> shape, const std::filesystem::path& file,
                             std::uint64_t most = kMaxElements) {
    std::uint64_t n = 1;
    const std::string label = fmt::format("the array of '{}'", file.string());
    for (const std::uint64_t s : shape) n = checked_mul(n, s, label.c_str());
    if (n > most) {
        throw Error(ErrorCode::limit, fmt::format("'{}' is too large", file.string()))
            .expected(fmt::format("at most {} numbers", most))
            .found(fmt::format("{}", n));
    }
    return n;
}

struct NpyArray {
    TensorView tensor;
    bool fortran_order = false;
};

NpyArray open_npy(const std::filesystem::path& file, std::uint64_t max_elements = kMaxElements) {
    const Bytes bytes = Bytes::map_file(file);
    const std::string_view all = bytes.text();
    if (!all.starts_with(kNpyMagic) || all.size() < 12) {
        throw malformed(file, "not an array file").expected("a .npy file, or FILE.safetensors:KEY");
    }
    const unsigned major = static_cast<unsigned char>(all[6]);
    const std::size_t length_bytes = major == 1 ? 2 : 4;
    if (major < 1 || major > 3) throw malformed(file, fmt::format("unknown .npy version {}", major));
    std::uint32_t length = 0;
    std::memcpy(&length, all.data() + 8, length_bytes);
    const std::size_t start = 8 + length_bytes;
    if (length > 65536 || all.size() - start < length)
        throw malformed(file, "the .npy header is longer than the file or 64 KiB");
    const NpyHeader header = parse_npy_header(all.substr(start, length), file);

    NpyArray out;
    const auto type = dtype_of_descr(header.descr);
    if (!type) {
        throw Error(ErrorCode::unsupported, fmt::format("'{}' holds another kind of number", file.string()))
            .expected("int32, int64, uint32, uint64, float16, float32 or float64, little-endian")
            .found(printable(header.descr, 40));
    }
    out.fortran_order = header.fortran_order;
    out.tensor.dtype = *type;
    out.tensor.shape = header.shape;
    const std::uint64_t size =
        checked_mul(count_elements(header.shape, file, max_elements), dtype_size(*type), "a .npy array");
    if (all.size() - start - length < size) {
        throw malformed(file, "the file ends inside its data")
            .expected(fmt::format("{} bytes", size))
            .found(fmt::format("{} bytes", all.size() - start - length));
    }
    out.tensor.data = bytes.view().subspan(start + length, size);
    out.tensor.file = bytes;
    return out;
}

NpyArray open_array(const ArrayPath& path) {
    if (path.file.extension() != ".safetensors") return open_npy(path.file);
    const auto tensors = parse_safetensors(Bytes::map_file(path.file), path.file.string());
    const auto it = path.key.empty() && tensors.size() == 1 ? tensors.begin() : tensors.find(path.key);
    if (it == tensors.end()) {
        std::vector<std::string> names;
        names.reserve(tensors.size());
        for (const auto& [name, tensor] : tensors) names.push_back(printable(name, 60));
        names.resize(std::min<std::size_t>(names.size(), 8));
        throw Error(ErrorCode::not_found, fmt::format("'{}' has no tensor '{}'", path.file.string(), printable(path.key)))
            .expected(fmt::format("FILE.safetensors:KEY with one of: {}", fmt::join(names, ", ")));
    }
    count_elements(it->second.shape, path.file);
    return {it->second, false};
}

/// Column-major -> row-major.
template <typename T>
std::vector<T> to_row_major(const std::vector<T>& source, std::span<const std::uint64_t> shape) {
    std::vector<T> out(source.size());
    std::vector<std::uint64_t> index(shape.size(), 0);
    for (const T& value : source) {  // walks in file order: first index fastest
        std::uint64_t at = 0;
        for (std::size_t d = 0; d < shape.size(); ++d) at = at * shape[d] + index[d];
        out[at] = value;
        for (std::size_t d = 0; d < shape.size() && ++index[d] == shape[d]; ++d) index[d] = 0;
    }
    return out;
}

template <typename Source>
void read_integers(const TensorView& tensor, std::vector<std::int32_t>& out, const std::filesystem::path& file) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        Source value{};
        std::memcpy(&value, tensor.data.data() + i * sizeof(Source), sizeof(Source));
        if (!std::in_range<std::int32_t>(value)) {
            throw Error(ErrorCode::limit, fmt::format("'{}': number {} does not fit", file.string(), i))
                .expected("32-bit integers")
                .found(fmt::format("{}", value));
        }
        out[i] = static_cast<std::int32_t>(value);
    }
}

}  // namespace

ArrayPath split_array_path(std::string_view text) {
    constexpr std::string_view mark = ".safetensors:";
    const std::size_t at = text.rfind(mark);
    if (at == std::string_view::npos) return {std::filesystem::path(text), ""};
    return {std::filesystem::path(text.substr(0, at + mark.size() - 1)), std::string(text.substr(at + mark.size()))};
}

Array<std::int32_t> read_integer_array(const ArrayPath& path) {
    const NpyArray source = open_array(path);
    const TensorView& tensor = source.tensor;
    Array<std::int32_t> out{tensor.shape, std::vector<std::int32_t>(tensor.elements())};
    switch (tensor.dtype) {
        case DType::i32: read_integers<std::int32_t>(tensor, out.values, path.file); break;
        case DType::u32: read_integers<std::uint32_t>(tensor, out.values, path.file); break;
        case DType::i64: read_integers<std::int64_t>(tensor, out.values, path.file); break;
        case DType::u64: read_integers<std::uint64_t>(tensor, out.values, path.file); break;
        default:
            throw Error(ErrorCode::malformed, fmt::format("'{}' does not hold whole numbers", path.file.string()))
                .expected("32- or 64-bit integers")
                .found(std::string(dtype_name(tensor.dtype)));
    }
    if (source.fortran_order) out.values = to_row_major(out.values, out.shape);
    return out;
}

Array<float> read_float_array(const ArrayPath& path) {
    const NpyArray source = open_array(path);
    Array<float> out{source.tensor.shape, std::vector<float>(source.tensor.elements())};
    read_as_f32(source.tensor, 0, out.values);
    if (source.fortran_order) out.values = to_row_major(out.values, out.shape);
    return out;
}

TensorView map_npy_floats(const std::filesystem::path& file, std::uint64_t max_elements) {
    NpyArray array = open_npy(file, max_elements);
    if (array.tensor.dtype != DType::f32 || array.fortran_order) {
        throw Error(ErrorCode::unsupported, fmt::format("'{}' holds its numbers in another way", file.string()))
            .expected("float32 in C order")
            .found(fmt::format("{} in {} order", dtype_name(array.tensor.dtype), array.fortran_order ? "Fortran" : "C"));
    }
    return std::move(array.tensor);
}

namespace {

std::string npy_header(std::string_view descr, std::span<const std::uint64_t> shape) {
    std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                                     fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
    header.append((64 - (kNpyMagic.size() + 4 + header.size() + 1) % 64) % 64, ' ');  // data starts at a multiple of 64
    header += '\n';
    std::string out(kNpyMagic);
    out += '\x01';
    out += '\0';
    const auto length = static_cast<std::uint16_t>(header.size());
    out.append(reinterpret_cast<const char*>(&length), sizeof length);
    return out + header;
}

}  // namespace

std::string npy_float_header(std::span<const std::uint64_t> shape) {
    return npy_header("<f4", shape);
}

std::string npy_file(std::span<const std::uint64_t> shape, std::span<const std::int32_t> values) {
    std::string out = npy_header("<i4", shape);
    out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    return out;
}

}  // namespace heart::formats
