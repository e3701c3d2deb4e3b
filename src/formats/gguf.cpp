#include "formats/gguf.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

namespace heart::formats {

namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr const char* kAlignmentKey = "general.alignment";
constexpr std::uint32_t kVersion = 3;

// Limits of a header from a stranger. A language model's vocabulary, the longest metadata there is, stays far below.
constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::uint64_t kMaxKeys = 65'536;
constexpr std::uint64_t kMaxTensors = 131'072;
constexpr std::uint64_t kMaxKeyBytes = 65'535;  // the format's own
constexpr std::uint64_t kMaxArrayElements = 1 << 20;
constexpr std::uint32_t kMaxRank = 4;  // the format's own
constexpr std::uint32_t kMaxAlignment = 65'536;
constexpr std::size_t kBytesOfLeastKey = 8 + 4 + 1, kBytesOfLeastTensor = 8 + 4 + 4 + 8;

/// ggml's numbers for element types.
constexpr std::array<std::pair<std::uint32_t, DType>, 13> kTypes{{{0, DType::f32},
                                                                  {1, DType::f16},
                                                                  {2, DType::q4_0},
                                                                  {8, DType::q8_0},
                                                                  {12, DType::q4_k},
                                                                  {13, DType::q5_k},
                                                                  {14, DType::q6_k},
                                                                  {24, DType::i8},
                                                                  {25, DType::i16},
                                                                  {26, DType::i32},
                                                                  {27, DType::i64},
                                                                  {28, DType::f64},
                                                                  {30, DType::bf16}}};

constexpr std::size_t kArrayType = 9;
static_assert(std::is_same_v<std::variant_alternative_t<kArrayType, GgufValue>, GgufArray>);
static_assert(std::is_same_v<std::variant_alternative_t<kArrayType, GgufArray>, std::monostate>);
static_assert(std::variant_size_v<GgufValue> == 13 && std::variant_size_v<GgufArray> == 13);

std::uint64_t aligned(std::uint64_t bytes, std::uint64_t alignment) {
    return (bytes + alignment - 1) / alignment * alignment;
}

// --- reading ------------------------------------------------------------------------------------------------------------

/// Walks through a header; never leaves it.
class HeaderReader {
public:
    HeaderReader(std::span<const std::byte> bytes, std::string_view file) : bytes_(bytes), file_(printable(file)) {}

    [[nodiscard]] Error malformed(std::string_view what) const {
        return Error(ErrorCode::malformed, fmt::format("{}: {}", file_, what));
    }
    [[nodiscard]] Error unsupported(std::string_view what) const {
        return Error(ErrorCode::unsupported, fmt::format("{}: {}", file_, what));
    }
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    [[nodiscard]] const std::string& file() const noexcept { return file_; }

    std::span<const std::byte> take(std::uint64_t n, std::string_view what) {
        if (n > bytes_.size() - position_) {
            throw malformed(fmt::format("the file ends inside {}", what))
                .expected(fmt::format("{} bytes", n))
                .found(fmt::format("{} bytes", bytes_.size() - position_))
                .hint("was the download interrupted?");
        }
        if (n > kMaxHeader - position_) throw_limit("the GGUF header", kMaxHeader, "bytes");
        const auto part = bytes_.subspan(position_, n);
        position_ += n;
        return part;
    }

    template <typename T>
    T number(std::string_view what) {
        T value{};
        std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
        return value;
    }

    std::string text(std::uint64_t most, std::string_view what) {
        const auto length = number<std::uint64_t>(what);
        if (length > most) throw_limit(what, most, "bytes");
        const auto bytes = take(length, what);
        std::string out(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        if (find_invalid_utf8(out) != std::string_view::npos) {
            throw malformed(fmt::format("{} is not UTF-8", what)).found(printable(out, 60));
        }
        return out;
    }

    /// A count of things that take at least `least_bytes` each: refused before anything is reserved for them.
    std::uint64_t count(std::uint64_t most, std::size_t least_bytes, std::string_view what) {
        const auto n = number<std::uint64_t>(what);
        if (n > most) throw_limit(what, most, "of them");
        if (n > (bytes_.size() - position_) / least_bytes) {
            throw malformed(fmt::format("the file is too short for {}", what))
                .expected(fmt::format("{} of them", n))
                .found(fmt::format("{} bytes", bytes_.size() - position_))
                .hint("was the download interrupted?");
        }
        return n;
    }

private:
    [[noreturn]] void throw_limit(std::string_view what, std::uint64_t most, const char* unit) const {
        throw Error(ErrorCode::limit, fmt::format("{}: too much for {}", file_, what))
            .expected(fmt::format("at most {} {}", most, unit));
    }

    std::span<const std::byte> bytes_;
    std::string file_;
    std::uint64_t position_ = 0;
};

template <typename T>
T read_value(HeaderReader& in, const std::string& what) {
    if constexpr (std::is_same_v<T, bool>) {
        const auto byte = in.number<std::uint8_t>(what);
        if (byte > 1) throw in.malformed(fmt::format("{} is neither true nor false", what)).found(std::to_string(byte));
        return byte == 1;
    } else if constexpr (std::is_same_v<T, std::string>) {
        return in.text(kMaxHeader, what);
    } else {
        return in.number<T>(what);
    }
}

template <typename T>
std::size_t least_bytes() {
    return std::is_same_v<T, std::string> ? 8 : std::is_same_v<T, bool> ? 1 : sizeof(T);
}

[[noreturn]] void throw_unknown_type(const HeaderReader& in, const std::string& what, std::uint32_t type) {
    throw in.unsupported(fmt::format("{} has a type that is not read", what)).found(fmt::format("number {}", type));
}

template <std::size_t I = 0>
GgufArray read_array(HeaderReader& in, const std::string& what, std::uint32_t type, std::uint64_t& elements) {
    if constexpr (I == std::variant_size_v<GgufArray>) {
        throw_unknown_type(in, what, type);
    } else if constexpr (I == kArrayType) {
        if (type == kArrayType) throw in.unsupported(what + " is an array of arrays");
        return read_array<I + 1>(in, what, type, elements);
    } else {
        if (type != I) return read_array<I + 1>(in, what, type, elements);
        using Vector = std::variant_alternative_t<I, GgufArray>;
        using T = typename Vector::value_type;
        const std::uint64_t n = in.count(kMaxArrayElements - elements, least_bytes<T>(), "the elements of " + what);
        elements += n;
        Vector out;
        out.reserve(n);
        for (std::uint64_t i = 0; i < n; ++i) out.push_back(read_value<T>(in, what));
        return GgufArray(std::in_place_index<I>, std::move(out));
    }
}

/// `elements` counts those of all arrays of the file.
template <std::size_t I = 0>
GgufValue read_typed(HeaderReader& in, const std::string& what, std::uint32_t type, std::uint64_t& elements) {
    if constexpr (I == std::variant_size_v<GgufValue>) {
        throw_unknown_type(in, what, type);
    } else {
        if (type != I) return read_typed<I + 1>(in, what, type, elements);
        if constexpr (I == kArrayType) {
            const auto element_type = in.number<std::uint32_t>(what);
            return GgufValue(std::in_place_index<I>, read_array(in, what, element_type, elements));
        } else {
            return GgufValue(std::in_place_index<I>, read_value<std::variant_alternative_t<I, GgufValue>>(in, what));
        }
    }
}

GgufMetadata read_metadata(HeaderReader& in, std::uint64_t keys) {
    GgufMetadata out;
    std::uint64_t elements = 0;
    for (std::uint64_t i = 0; i < keys; ++i) {
        std::string key = in.text(kMaxKeyBytes, "a metadata key");
        const std::string what = fmt::format("metadata '{}'", printable(key));
        const auto type = in.number<std::uint32_t>(what);
        GgufValue value = read_typed(in, what, type, elements);
        if (!out.emplace(std::move(key), std::move(value)).second) throw in.malformed(what + " stands there twice");
    }
    return out;
}

std::uint64_t alignment_of(const HeaderReader& in, const GgufMetadata& metadata) {
    const auto it = metadata.find(kAlignmentKey);
    if (it == metadata.end()) return 32;  // the format's default
    const auto* value = std::get_if<std::uint32_t>(&it->second);
    if (value == nullptr || *value < 8 || *value > kMaxAlignment || !std::has_single_bit(*value)) {
        throw in.malformed("general.alignment is not an alignment")
            .expected(fmt::format("a power of two from 8 to {}, of 32 bits", kMaxAlignment))
            .found(value != nullptr ? std::to_string(*value) : "another type");
    }
    return *value;
}

/// A tensor as the header describes it; its data is looked for when all are known.
struct Described {
    std::string name;
    TensorView view;
    std::uint64_t offset = 0, bytes = 0;
};

Described read_tensor(HeaderReader& in, std::uint64_t alignment) {
    Described out;
    out.name = in.text(kMaxKeyBytes, "a tensor's name");
    const std::string label = fmt::format("tensor '{}'", printable(out.name));
    const auto rank = in.number<std::uint32_t>(label);
    if (rank > kMaxRank) {
        throw in.malformed(label + " has too many dimensions")
            .expected(fmt::format("at most {}", kMaxRank))
            .found(std::to_string(rank));
    }
    out.view.shape.resize(rank);
    for (auto n = out.view.shape.rbegin(); n != out.view.shape.rend(); ++n) *n = in.number<std::uint64_t>(label);
    const auto type = in.number<std::uint32_t>(label);
    const auto* known = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == type; });
    if (known == kTypes.end()) throw_unknown_type(in, label, type);
    out.view.dtype = known->second;
    out.bytes = tensor_bytes(out.view.dtype, out.view.shape, fmt::format("{}: {}", in.file(), label));
    out.offset = in.number<std::uint64_t>(label);
    if (out.offset % alignment != 0) {
        throw in.malformed(label + " is not aligned")
            .expected(fmt::format("an offset that is a multiple of {}", alignment))
            .found(std::to_string(out.offset));
    }
    return out;
}

/// Gives each tensor its data. Between them stands nothing but what alignment asks for: a gap or an overlap hides something
/// or is damage.
void place(std::vector<Described>& tensors, const HeaderReader& in, std::span<const std::byte> data,
           std::uint64_t alignment) {
    std::vector<Described*> order;
    order.reserve(tensors.size());
    for (Described& t : tensors) order.push_back(&t);
    std::sort(order.begin(), order.end(), [](const Described* a, const Described* b) {
        return std::pair(a->offset, a->bytes) < std::pair(b->offset, b->bytes);
    });
    std::uint64_t next = 0;
    for (Described* t : order) {
        const std::string label = fmt::format("tensor '{}'", printable(t->name));
        if (t->offset > data.size() || t->bytes > data.size() - t->offset) {
            throw in.malformed(label + " lies outside the file")
                .expected(fmt::format("{} bytes at {} of the data", t->bytes, t->offset))
                .found(fmt::format("{} bytes of data", data.size()))
                .hint("is the file complete?");
        }
        if (t->offset != next) {
            throw in.malformed(
                fmt::format("{} {}", label, t->offset < next ? "overlaps another" : "leaves a gap before it"));
        }
        t->view.data = data.subspan(t->offset, t->bytes);
        next = aligned(t->offset + t->bytes, alignment);
    }
    if (data.size() > next) {
        throw in.malformed("bytes are left over after the last tensor")
            .expected(fmt::format("{} bytes of data", next))
            .found(fmt::format("{} bytes", data.size()));
    }
}

/// Reads up to the counts of the header and checks what kind of file it is.
void check_kind(HeaderReader& in) {
    const auto magic = in.take(kMagic.size(), "its first bytes");
    if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0) {
        throw in.malformed("not a GGUF file").expected("the letters GGUF at its start");
    }
    const auto version = in.number<std::uint32_t>("its version");
    if (version == 2 || version == kVersion) return;
    const bool swapped = version != 0 && (version & 0xffffU) == 0;
    throw in.unsupported("another kind of GGUF file")
        .expected("version 2 or 3, little-endian")
        .found(swapped ? "a big-endian file" : fmt::format("version {}", version));
}

// --- writing ------------------------------------------------------------------------------------------------------------

template <typename T>
void put(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& out, std::string_view text) {
    put<std::uint64_t>(out, text.size());
    out += text;
}

template <typename T>
void put_one(std::string& out, const T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
        put_text(out, value);
    } else if constexpr (std::is_same_v<T, bool>) {
        put<std::uint8_t>(out, value ? 1 : 0);
    } else if constexpr (std::is_same_v<T, GgufArray>) {
        put(out, static_cast<std::uint32_t>(value.index()));
        std::visit(
            [&](const auto& elements) {
                using Elements = std::remove_cvref_t<decltype(elements)>;
                if constexpr (std::is_same_v<Elements, std::monostate>) {
                    ensure(false, "gguf_header: an array without elements' type");
                } else {
                    put<std::uint64_t>(out, elements.size());
                    for (const typename Elements::value_type& e : elements) put_one(out, e);
                }
            },
            value);
    } else {
        put(out, value);
    }
}

std::uint32_t gguf_type(const TensorToWrite& tensor) {
    const auto* known = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.second == tensor.dtype; });
    if (known != kTypes.end()) return known->first;
    throw Error(ErrorCode::unsupported, fmt::format("GGUF has no type for tensor '{}'", printable(tensor.name)))
        .found(std::string(dtype_name(tensor.dtype)));
}

}  // namespace

const std::string* find_text(const GgufMetadata& metadata, const std::string& key) {
    const auto it = metadata.find(key);
    return it == metadata.end() ? nullptr : std::get_if<std::string>(&it->second);
}

GgufFile parse_gguf(const Bytes& file, std::string_view file_name) {
    HeaderReader in(file.view(), file_name);
    check_kind(in);
    const std::uint64_t tensors = in.count(kMaxTensors, kBytesOfLeastTensor, "the tensors");
    const std::uint64_t keys = in.count(kMaxKeys, kBytesOfLeastKey, "the metadata");
    GgufFile out;
    out.metadata = read_metadata(in, keys);
    const std::uint64_t alignment = alignment_of(in, out.metadata);
    std::vector<Described> described;
    for (std::uint64_t i = 0; i < tensors; ++i) described.push_back(read_tensor(in, alignment));

    const std::uint64_t start = std::min<std::uint64_t>(aligned(in.position(), alignment), file.view().size());
    place(described, in, file.view().subspan(start), alignment);
    for (Described& t : described) {
        t.view.file = file;
        const auto [at, is_new] = out.tensors.emplace(std::move(t.name), std::move(t.view));
        if (!is_new) throw in.malformed(fmt::format("tensor '{}' stands there twice", printable(at->first)));
    }
    return out;
}

std::size_t gguf_padding(std::uint64_t bytes) noexcept {
    return (kGgufAlignment - bytes % kGgufAlignment) % kGgufAlignment;
}

std::string gguf_header(std::span<const std::pair<std::string, GgufValue>> metadata,
                        std::span<const TensorToWrite> tensors) {
    std::string out(kMagic);
    put(out, kVersion);
    put<std::uint64_t>(out, tensors.size());
    put<std::uint64_t>(out, metadata.size() + 1);
    const auto put_pair = [&](const std::string& key, const GgufValue& value) {
        put_text(out, key);
        put(out, static_cast<std::uint32_t>(value.index()));
        std::visit([&](const auto& v) { put_one(out, v); }, value);
    };
    put_pair(kAlignmentKey, std::uint32_t{kGgufAlignment});
    for (const auto& [key, value] : metadata) put_pair(key, value);
    std::uint64_t offset = 0;
    for (const TensorToWrite& t : tensors) {
        const std::string label = fmt::format("tensor '{}'", printable(t.name));
        if (t.shape.size() > kMaxRank) {
            throw Error(ErrorCode::unsupported, label + " has too many dimensions for GGUF").found(shape_text(t.shape));
        }
        put_text(out, t.name);
        put(out, static_cast<std::uint32_t>(t.shape.size()));
        for (std::size_t i = t.shape.size(); i-- > 0;) put(out, t.shape[i]);
        put(out, gguf_type(t));
        put(out, offset);
        const std::uint64_t bytes = tensor_bytes(t.dtype, t.shape, label);
        offset = checked_add<std::uint64_t>(offset, bytes + gguf_padding(bytes), label.c_str());
    }
    out.append(gguf_padding(out.size()), '\0');
    return out;
}

bool has_gguf_type(DType type) noexcept {
    return std::any_of(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.second == type; });
}

}  // namespace heart::formats
