#include "formats/safetensors.h"

#include "core/error.h"
#include "formats/json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace heart::formats {

namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxJsonHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxTensorRank = 8;
constexpr std::array kKnownTypes{DType::boolean, DType::u8,  DType::i8,  DType::f8_e5m2, DType::f8_e4m3,
                                 DType::i16,     DType::u16, DType::f16, DType::bf16,    DType::i32,
                                 DType::u32,     DType::f32, DType::f64, DType::i64,     DType::u64};

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
    if (length > kMaxJsonHeader) {
        throw malformed(file_name, "the safetensors header is too large")
            .expected(fmt::format("at most {} bytes", kMaxJsonHeader))
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
    const auto known = std::find_if(kKnownTypes.begin(), kKnownTypes.end(), [&](DType t) {
        return type.is_string() && dtype_name(t) == type.get_ref<const std::string&>();
    });
    if (known == kKnownTypes.end()) {
        throw Error(ErrorCode::unsupported, fmt::format("{}: {} has an unknown dtype", printable(file_name), label))
            .found(type.dump(-1, ' ', true));
    }
    out.dtype = *known;
    out.shape = parse_counts(entry.at("shape"), file_name, name, "shape");
    if (out.shape.size() > kMaxTensorRank) {
        throw malformed(file_name, label + " has too many dimensions")
            .expected(fmt::format("at most {}", kMaxTensorRank))
            .found(std::to_string(out.shape.size()));
    }
    const std::uint64_t bytes = tensor_bytes(*known, out.shape, fmt::format("{}: {}", printable(file_name), label));
    const auto offsets = parse_counts(entry.at("data_offsets"), file_name, name, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
        throw malformed(file_name, label + " lies outside the file")
            .expected(fmt::format("two offsets within {} bytes of data", data.size()))
            .found(fmt::format("{}", offsets))
            .hint("is the file complete?");
    }
    if (offsets[1] - offsets[0] != bytes) {
        throw malformed(file_name, label + " has the wrong size")
            .expected(fmt::format("{} bytes for {} {}", bytes, dtype_name(*known), shape_text(out.shape)))
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
    order.reserve(tensors.size());
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

std::map<std::string, TensorView> parse_safetensors(const Bytes& file, std::string_view file_name) {
    const std::string_view text = header_text(file, file_name);
    if (!text.starts_with('{'))
        throw malformed(file_name, "not a safetensors file").expected("a header that starts with '{'");
    const Json header = parse_json(text, fmt::format("the header of {}", printable(file_name)),
                                   {.max_bytes = kMaxJsonHeader, .max_depth = 4});
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
        if (is_quantised(t.dtype)) {
            throw Error(ErrorCode::unsupported, fmt::format("safetensors has no type for tensor '{}'", printable(t.name)))
                .found(std::string(dtype_name(t.dtype)))
                .hint("quantised tensors are kept in GGUF files");
        }
        const std::uint64_t bytes = tensor_bytes(t.dtype, t.shape, fmt::format("tensor '{}'", printable(t.name)));
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

}  // namespace heart::formats
