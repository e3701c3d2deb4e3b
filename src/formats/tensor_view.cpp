#include "formats/tensor_view.h"

#include "core/checked.h"
#include "core/error.h"
#include "formats/quantised.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace heart::formats {

static_assert(std::endian::native == std::endian::little, "tensor files are read in place");

namespace {

struct DTypeInfo {
    DType type;
    std::string_view name;
    std::size_t block;  ///< elements
    std::size_t size;   ///< bytes
};

constexpr std::array<DTypeInfo, 20> kDTypes{
    {{DType::boolean, "BOOL", 1, 1},    {DType::u8, "U8", 1, 1},           {DType::i8, "I8", 1, 1},
     {DType::f8_e5m2, "F8_E5M2", 1, 1}, {DType::f8_e4m3, "F8_E4M3", 1, 1}, {DType::i16, "I16", 1, 2},
     {DType::u16, "U16", 1, 2},         {DType::f16, "F16", 1, 2},         {DType::bf16, "BF16", 1, 2},
     {DType::i32, "I32", 1, 4},         {DType::u32, "U32", 1, 4},         {DType::f32, "F32", 1, 4},
     {DType::f64, "F64", 1, 8},         {DType::i64, "I64", 1, 8},         {DType::u64, "U64", 1, 8},
     {DType::q8_0, "Q8_0", 32, 34},     {DType::q4_0, "Q4_0", 32, 18},     {DType::q4_k, "Q4_K", 256, 144},
     {DType::q5_k, "Q5_K", 256, 176},   {DType::q6_k, "Q6_K", 256, 210}}};

constexpr bool in_order() {
    for (std::size_t i = 0; i < kDTypes.size(); ++i) {
        if (static_cast<std::size_t>(kDTypes[i].type) != i) return false;
    }
    return true;
}
static_assert(in_order(), "the table is indexed by type");

const DTypeInfo& info_of(DType type) noexcept {
    return kDTypes[static_cast<std::size_t>(type)];
}

}  // namespace

std::string_view dtype_name(DType type) noexcept {
    return info_of(type).name;
}

bool is_floating_point(DType type) noexcept {
    return type == DType::f16 || type == DType::bf16 || type == DType::f32 || type == DType::f64 || is_quantised(type);
}

bool is_quantised(DType type) noexcept {
    return info_of(type).block > 1;
}

std::size_t dtype_block(DType type) noexcept {
    return info_of(type).block;
}

std::size_t dtype_size(DType type) noexcept {
    return info_of(type).size;
}

std::string shape_text(std::span<const std::uint64_t> shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::uint64_t tensor_bytes(DType type, std::span<const std::uint64_t> shape, const std::string& what) {
    const DTypeInfo& info = info_of(type);
    if (info.block > 1 && (shape.empty() || shape.back() % info.block != 0)) {
        throw Error(ErrorCode::malformed, fmt::format("{} has rows that {} cannot hold", what, info.name))
            .expected(fmt::format("a multiple of {} numbers in a row", info.block))
            .found(shape_text(shape));
    }
    std::uint64_t bytes = info.size;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool row = i + 1 == shape.size();
        bytes = checked_mul(bytes, row ? shape[i] / info.block : shape[i], what.c_str());
    }
    return bytes;
}

std::uint64_t TensorView::elements() const noexcept {
    return data.size() / dtype_size(dtype) * dtype_block(dtype);
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
    if (is_quantised(tensor.dtype)) return dequantise(tensor.dtype, tensor.data, first, out);
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
                .expected("F32, F16, BF16, F64 or a quantised type")
                .found(std::string(dtype_name(tensor.dtype)));
    }
}

}  // namespace heart::formats
