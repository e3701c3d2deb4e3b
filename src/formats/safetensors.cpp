#include "formats/safetensors.h"

#include "core/checked.h"
#include "core/error.h"
#include "formats/json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

namespace heart::formats {

static_assert(std::endian::native == std::endian::little, "tensor files are read in place");

namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxRank = 8;

struct DTypeInfo {
    DType type;
    std::string_view name;
    std::size_t size;
};

constexpr std::array<DTypeInfo, 15> kDTypes{{{DType::boolean, "BOOL", 1},
                                             {DType::u8, "U8", 1},
                                             {DType::i8, "I8", 1},
                                             {DType::f8_e5m2, "F8_E5M2", 1},
                                             {DType::f8_e4m3, "F8_E4M3", 1},
                                             {DType::i16, "I16", 2},
                                             {DType::u16, "U16", 2},
                                             {DType::f16, "F16", 2},
                                             {DType::bf16, "BF16", 2},
                                             {DType::i32, "I32", 4},
                                             {DType::u32, "U32", 4},
                                             {DType::f32, "F32", 4},
                                             {DType::f64, "F64", 8},
                                             {DType::i64, "I64", 8},
                                             {DType::u64, "U64", 8}}};

const DTypeInfo& info_of(DType type) noexcept {
    return *std::find_if(kDTypes.begin(), kDTypes.end(), [&](const DTypeInfo& d) { return d.type == type; });
}

Error malformed(std::string_view file, std::string_view what) {
    return Error(ErrorCode::malformed, fmt::format("{}: {}", printable(file), what));
}

std::string_view header_text(const Bytes& file, std::string_view file_name) {
    const auto all = file.view();
    if (all.size() < kLengthBytes) {
        throw malformed(file_name, "not a safetensors file")
            .expected("at least 8 bytes")
            .found(fmt::format("{} bytes", all.size()));
    }
    std::uint64_t length = 0;
    std::memcpy(&length, all.data(), kLengthBytes);
    if (length > kMaxHeader) {
        throw malformed(file_name, "the safetensors header is too large")
            .expected(fmt::format("at most {} bytes", kMaxHeader))
            .found(fmt::format("{} bytes", length));
    }
    if (length > all.size() - kLengthBytes) {
        throw malformed(file_name, "the file ends inside its header")
            .expected(fmt::format("a header of {} bytes", length))
            .found(fmt::format("{} bytes", all.size() - kLengthBytes))
            .hint("was the download interrupted?");
    }
    return file.text().substr(kLengthBytes, length);
}

std::vector<std::uint64_t> parse_counts(const Json& value, std::string_view file, std::string_view tensor,
                                        const char* field) {
    const auto refuse = [&](const char* found) {
        return malformed(file, fmt::format("tensor '{}' has an invalid {}", printable(tensor), field))
            .expected("a list of non-negative integers")
            .found(found);
    };
    if (!value.is_array()) throw refuse("no list");
    std::vector<std::uint64_t> out;
    for (const Json& v : value) {
        if (!v.is_number_unsigned()) throw refuse("something else in the list");
        out.push_back(v.get<std::uint64_t>());
    }
    return out;
}

TensorView parse_entry(const Json& entry, std::string_view name, std::string_view file_name, const Bytes& file,
                       std::span<const std::byte> data) {
    const std::string label = fmt::format("tensor '{}'", printable(name));
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets")) {
        throw malformed(file_name, label + " is not described").expected("dtype, shape and data_offsets");
    }
    TensorView out;
    const Json& type = entry.at("dtype");
    const auto known = std::find_if(kDTypes.begin(), kDTypes.end(), [&](const DTypeInfo& d) {
        return type.is_string() && d.name == type.get_ref<const std::string&>();
    });
    if (known == kDTypes.end()) {
        throw Error(ErrorCode::unsupported, fmt::format("{}: {} has an unknown dtype", printable(file_name), label))
            .found(type.dump(-1, ' ', true));
    }
    out.dtype = known->type;
    out.shape = parse_counts(entry.at("shape"), file_name, name, "shape");
    if (out.shape.size() > kMaxRank) {
        throw malformed(file_name, label + " has too many dimensions")
            .expected(fmt::format("at most {}", kMaxRank))
            .found(std::to_string(out.shape.size()));
    }
    std::uint64_t bytes = known->size;
    const std::string counted = fmt::format("{}: {}", printable(file_name), label);
    for (const std::uint64_t n : out.shape) bytes = checked_mul(bytes, n, counted.c_str());

    const auto offsets = parse_counts(entry.at("data_offsets"), file_name, name, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
        throw malformed(file_name, label + " lies outside the file")
            .expected(fmt::format("two offsets within {} bytes of data", data.size()))
            .found(fmt::format("{}", offsets))
            .hint("is the file complete?");
    }
    if (offsets[1] - offsets[0] != bytes) {
        throw malformed(file_name, label + " has the wrong size")
            .expected(fmt::format("{} bytes for {} {}", bytes, known->name, shape_text(out.shape)))
            .found(fmt::format("{} bytes", offsets[1] - offsets[0]));
    }
    out.data = data.subspan(offsets[0], bytes);
    out.file = file;
    return out;
}

/// The format asks that tensors fill the data exactly; a gap or an overlap hides something or is damage.
void check_coverage(const std::map<std::string, TensorView>& tensors, std::span<const std::byte> data,
                    std::string_view file_name) {
    std::vector<const std::pair<const std::string, TensorView>*> order;
    for (const auto& entry : tensors) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
        return std::pair(a->second.data.data(), a->second.data.size()) <
               std::pair(b->second.data.data(), b->second.data.size());
    });
    const std::byte* next = data.data();
    for (const auto* entry : order) {
        const auto part = entry->second.data;
        if (part.data() != next) {
            throw malformed(file_name, fmt::format("tensor '{}' {}", printable(entry->first),
                                                   part.data() < next ? "overlaps another" : "leaves a gap before it"));
        }
        next = part.data() + part.size();
    }
    if (next != data.data() + data.size()) {
        throw malformed(file_name, "bytes are left over after the last tensor")
            .expected(fmt::format("{} bytes of data", next - data.data()))
            .found(fmt::format("{} bytes", data.size()));
    }
}

}  // namespace

std::string_view dtype_name(DType type) noexcept {
    return info_of(type).name;
}

std::size_t dtype_size(DType type) noexcept {
    return info_of(type).size;
}

bool is_floating_point(DType type) noexcept {
    return type == DType::f16 || type == DType::bf16 || type == DType::f32 || type == DType::f64;
}

std::string shape_text(std::span<const std::uint64_t> shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::uint64_t TensorView::elements() const noexcept {
    return data.size() / dtype_size(dtype);
}

std::map<std::string, TensorView> parse_safetensors(const Bytes& file, std::string_view file_name) {
    const std::string_view text = header_text(file, file_name);
    if (!text.starts_with('{'))
        throw malformed(file_name, "not a safetensors file").expected("a header that starts with '{'");
    const Json header =
        parse_json(text, fmt::format("the header of {}", printable(file_name)), {.max_bytes = kMaxHeader, .max_depth = 4});
    const auto data = file.view().subspan(kLengthBytes + text.size());

    std::map<std::string, TensorView> out;
    for (const auto& [name, entry] : header.items()) {
        if (name == "__metadata__") continue;
        out.emplace(name, parse_entry(entry, name, file_name, file, data));
    }
    check_coverage(out, data, file_name);
    return out;
}

std::string safetensors_header(std::span<const TensorToWrite> tensors) {
    nlohmann::ordered_json header;
    header["__metadata__"] = {{"format", "pt"}};
    std::uint64_t offset = 0;
    for (const TensorToWrite& t : tensors) {
        std::uint64_t bytes = dtype_size(t.dtype);
        for (const std::uint64_t n : t.shape) bytes = checked_mul(bytes, n, "tensor");
        header[t.name] = {{"dtype", dtype_name(t.dtype)}, {"shape", t.shape}, {"data_offsets", {offset, offset + bytes}}};
        offset += bytes;
    }
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');  // data starts aligned
    const std::uint64_t length = text.size();
    std::string out(kLengthBytes, '\0');
    std::memcpy(out.data(), &length, kLengthBytes);
    return out + text;
}

float f16_to_f32(std::uint16_t bits) noexcept {
    const std::uint32_t sign = (bits & 0x8000U) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1f;
    const std::uint32_t fraction = bits & 0x3ffU;
    if (exponent == 0)
        return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24F));
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000U | (fraction << 13));
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

std::uint16_t f32_to_f16(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16) & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude > 0x7f800000U) return static_cast<std::uint16_t>(sign | 0x7e00U);   // NaN
    if (magnitude >= 0x477ff000U) return static_cast<std::uint16_t>(sign | 0x7c00U);  // rounds beyond 65504
    if (magnitude < 0x38800000U) {                                                    // subnormal: count units of 2^-24
        const float units = std::bit_cast<float>(magnitude) * 0x1p24F;
        const float rounded = (units + 0x1p23F) - 0x1p23F;  // to nearest, ties to even
        return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(rounded));
    }
    const std::uint32_t rounded = magnitude + 0xfffU + ((magnitude >> 13) & 1U);
    return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000U) >> 13));
}

float bf16_to_f32(std::uint16_t bits) noexcept {
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

std::uint16_t f32_to_bf16(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);  // keep NaN a NaN
    return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

void read_as_f32(const TensorView& tensor, std::uint64_t first, std::span<float> out) {
    ensure(first + out.size() <= tensor.elements(), "read_as_f32: inside the tensor");
    const std::byte* source = tensor.data.data() + first * dtype_size(tensor.dtype);
    const auto each16 = [&](auto&& convert) {
        for (std::size_t i = 0; i < out.size(); ++i) {
            std::uint16_t bits = 0;  // copied: a tensor need not be aligned
            std::memcpy(&bits, source + 2 * i, 2);
            out[i] = convert(bits);
        }
    };
    switch (tensor.dtype) {
        case DType::f32:
            if (!out.empty()) std::memcpy(out.data(), source, out.size_bytes());
            return;
        case DType::bf16: return each16(bf16_to_f32);
        case DType::f16: return each16(f16_to_f32);
        case DType::f64:
            for (std::size_t i = 0; i < out.size(); ++i) {
                double value = 0;
                std::memcpy(&value, source + 8 * i, 8);
                out[i] = static_cast<float>(value);
            }
            return;
        default:
            throw Error(ErrorCode::unsupported, "cannot read numbers from this tensor")
                .expected("F32, F16, BF16 or F64")
                .found(std::string(dtype_name(tensor.dtype)));
    }
}

}  // namespace heart::formats
