#include "graph/quantise.h"

#include "core/error.h"
#include "formats/safetensors.h"
#include "graph/ggml_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace heart::graph {

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
        if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) {
            throw Error(ErrorCode::malformed, fmt::format("a weight that shall become {} is not finite", type_name(type)))
                .expected("numbers")
                .hint("a damaged checkpoint, or one that was written in too narrow a type");
        }
        const auto rows = static_cast<std::int64_t>(values.size()) / row_length;
        ggml_quantize_chunk(to_ggml(type), values.data(), out.data(), 0, rows, row_length, nullptr);
    }
}

Type fitting_type(Type wanted, std::int64_t row_length, Type wide) noexcept {
    if (row_length % block_size(wanted) == 0) return wanted;
    const Type small = wanted == Type::q4_k ? Type::q4_0 : Type::q8_0;
    return row_length % block_size(small) == 0 ? small : wide;
}

}  // namespace heart::graph
