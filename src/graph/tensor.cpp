#include "graph/tensor.h"

#include "core/error.h"
#include "graph/ggml_types.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace heart::graph {

const char* type_name(Type type) noexcept {
    return ggml_type_name(to_ggml(type));
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
        case GGML_TYPE_I32: return Type::i32;
        case GGML_TYPE_I64: return Type::i64;
        default: throw Error(ErrorCode::internal, fmt::format("tensor of unexpected type {}", ggml_type_name(type)));
    }
}

}  // namespace heart::graph
