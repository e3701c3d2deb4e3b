#include "graph/quantise.h"

#include "core/error.h"
#include "formats/safetensors.h"
#include "graph/ggml_types.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace heart::graph {

namespace {

/// The largest magnitude that a type holds.
float largest(Type type) {
    if (type == Type::f32) return std::numeric_limits<float>::max();
    if (type == Type::bf16) return 0x1.fep127F;
    return 65504.0F;
}

}  // namespace

void quantise_rows(Type type, std::int64_t row_length, std::span<const float> values, std::span<std::byte> out) {
    const auto count = static_cast<std::int64_t>(values.size());
    ensure(type != Type::i32 && type != Type::i64, "quantise_rows: a type of real numbers");
    ensure(row_length > 0 && row_length % block_size(type) == 0 && count % row_length == 0, "quantise_rows: whole rows");
    ensure(out.size() == type_bytes(type, values.size()), "quantise_rows: room for the rows");
    const float most = largest(type);
    for (const float x : values) {
        if (std::abs(x) <= most) continue;  // false for NaN
        throw Error(ErrorCode::unsupported, fmt::format("a weight does not fit into {}", type_name(type)))
            .expected(fmt::format("numbers from {} to {}", -most, most))
            .found(fmt::format("{}", x));
    }
    if (values.empty()) return;
    ggml_quantize_chunk(to_ggml(type), values.data(), out.data(), 0, count / row_length, row_length, nullptr);
}

void convert_rows(Type type, std::int64_t row_length, std::span<const float> values, std::span<std::byte> out) {
    ensure(out.size() == type_bytes(type, values.size()), "convert_rows: room for the rows");
    if (type == Type::f32) {
        std::memcpy(out.data(), values.data(), out.size());
    } else if (type == Type::f16 || type == Type::bf16) {
        const auto convert = type == Type::f16 ? formats::f32_to_f16 : formats::f32_to_bf16;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const std::uint16_t bits = convert(values[i]);
            std::memcpy(out.data() + 2 * i, &bits, 2);
        }
    } else {
        quantise_rows(type, row_length, values, out);
    }
}

Type fitting_type(Type wanted, std::int64_t row_length, Type wide) noexcept {
    if (row_length % block_size(wanted) == 0) return wanted;
    const Type small = wanted == Type::q4_k ? Type::q4_0 : Type::q8_0;
    return row_length % block_size(small) == 0 ? small : wide;
}

}  // namespace heart::graph
