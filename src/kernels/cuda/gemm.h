#pragma once

#include "kernels/cuda/context.h"

namespace heart::cuda {

/// Products of many columns, by cuBLAS: C = A^T B (+ C), A [k, m], B [k, n] and C [m, n] with dimension 0 side by side, and
/// `batch` of them at the strides given. A and B in one type: f32 (multiplied as f32, never as TF32), f16 or bf16; C and
/// all sums in f32. Leading dimensions and strides in numbers.
struct Gemm {
    ggml_type type = GGML_TYPE_F32;
    std::int64_t m = 0, n = 0, k = 0;
    const void* a = nullptr;
    const void* b = nullptr;
    float* c = nullptr;
    std::int64_t lda = 0, ldb = 0, ldc = 0;
    std::int64_t stride_a = 0, stride_b = 0, stride_c = 0;
    std::int64_t batch = 1;
    bool accumulate = false;
};

void multiply(const Context& context, const Gemm& g);

/// Columns of f32 side by side in another type: to [rows, columns] without gaps from columns `stride` numbers apart. f16
/// takes the largest number it has for those beyond.
void convert_columns(const Context& c, ggml_type type, const float* from, std::int64_t stride, std::int64_t rows,
                     std::int64_t columns, void* to);

/// Rows of a quantised matrix as f16: to [in, rows] without gaps. `in_planes`: q8_0 as kernels/planes.h has it.
void dequantise_rows(const Context& c, ggml_type type, bool in_planes, const void* from, std::int64_t row_bytes,
                     std::int64_t in, std::int64_t rows, void* to);

/// Any strided tensor of f16, bf16 or f32 as f32 without gaps.
void widen(const Context& c, const ggml_tensor* from, float* to);

}  // namespace heart::cuda
