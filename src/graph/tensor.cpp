#include "graph/tensor.h"

#include "core/error.h"
#include "graph/ggml_types.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace heart::graph {

const char* type_name(Type type) noexcept {
    return ggml_type_name(to_ggml(type));
}

bool is_quantised(Type type) noexcept {
    return ggml_is_quantized(to_ggml(type));
}

std::int64_t block_size(Type type) noexcept {
    return ggml_blck_size(to_ggml(type));
}

std::uint64_t type_bytes(Type type, std::uint64_t elements) noexcept {
    const ggml_type t = to_ggml(type);
    return elements / static_cast<std::uint64_t>(ggml_blck_size(t)) * ggml_type_size(t);
}

std::string shape_text(const Shape& shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::int64_t Tensor::dim(int i) const noexcept {
    return raw_->ne[i];
}

Shape Tensor::shape() const {
    return {raw_->ne, raw_->ne + GGML_MAX_DIMS};
}

std::int64_t Tensor::elements() const noexcept {
    return ggml_nelements(raw_);
}

Type Tensor::type() const {
    return from_ggml(raw_->type);
}

std::size_t Tensor::bytes() const noexcept {
    return ggml_nbytes(raw_);
}

std::string Tensor::name() const {
    return ggml_get_name(raw_);
}

ggml_type to_ggml(Type type) noexcept {
    switch (type) {
        case Type::f32: return GGML_TYPE_F32;
        case Type::f16: return GGML_TYPE_F16;
        case Type::bf16: return GGML_TYPE_BF16;
        case Type::q8_0: return GGML_TYPE_Q8_0;
        case Type::q4_0: return GGML_TYPE_Q4_0;
        case Type::q4_k: return GGML_TYPE_Q4_K;
        case Type::q5_k: return GGML_TYPE_Q5_K;
        case Type::q6_k: return GGML_TYPE_Q6_K;
        case Type::i32: return GGML_TYPE_I32;
        case Type::i64: return GGML_TYPE_I64;
    }
    return GGML_TYPE_F32;
}

Type from_ggml(ggml_type type) {
    switch (type) {
        case GGML_TYPE_F32: return Type::f32;
        case GGML_TYPE_F16: return Type::f16;
        case GGML_TYPE_BF16: return Type::bf16;
        case GGML_TYPE_Q8_0: return Type::q8_0;
        case GGML_TYPE_Q4_0: return Type::q4_0;
        case GGML_TYPE_Q4_K: return Type::q4_k;
        case GGML_TYPE_Q5_K: return Type::q5_k;
        case GGML_TYPE_Q6_K: return Type::q6_k;
        case GGML_TYPE_I32: return Type::i32;
        case GGML_TYPE_I64: return Type::i64;
        default: throw Error(ErrorCode::internal, fmt::format("tensor of unexpected type {}", ggml_type_name(type)));
    }
}

}  // namespace heart::graph
