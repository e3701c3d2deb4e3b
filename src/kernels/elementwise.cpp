#include "kernels/elementwise.h"

#include <ggml.h>

#include <bit>
#include <cstddef>
#include <cstring>

namespace heart::kernels {

namespace {

/// A row of a tensor, given its place in the three outer dimensions.
char* row_of(const ggml_tensor* t, std::int64_t i1, std::int64_t i2, std::int64_t i3) noexcept {
    return static_cast<char*>(t->data) + static_cast<std::size_t>(i1) * t->nb[1] + static_cast<std::size_t>(i2) * t->nb[2] +
           static_cast<std::size_t>(i3) * t->nb[3];
}

struct RowRange {
    std::int64_t first, last;
};

/// The share of all rows of `t` that thread `ith` works on.
RowRange rows_of_thread(const ggml_tensor* t, int ith, int nth) noexcept {
    const std::int64_t rows = t->ne[1] * t->ne[2] * t->ne[3];
    return {rows * ith / nth, rows * (ith + 1) / nth};
}

}  // namespace

void* pack_dimension(int dimension) noexcept {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(dimension));
}

void* pack_slope(float slope) noexcept {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(std::bit_cast<std::uint32_t>(slope)));
}

void concat(ggml_tensor* dst, int ith, int nth, void* setting) {
    const auto dimension = static_cast<int>(reinterpret_cast<std::uintptr_t>(setting));
    const ggml_tensor* a = dst->src[0];
    const ggml_tensor* b = dst->src[1];
    const RowRange range = rows_of_thread(dst, ith, nth);
    for (std::int64_t r = range.first; r < range.last; ++r) {
        std::int64_t i[4] = {0, r % dst->ne[1], r / dst->ne[1] % dst->ne[2], r / dst->ne[1] / dst->ne[2]};
        char* out = row_of(dst, i[1], i[2], i[3]);
        const std::size_t a_bytes = static_cast<std::size_t>(a->ne[0]) * sizeof(float);
        if (dimension == 0) {
            std::memcpy(out, row_of(a, i[1], i[2], i[3]), a_bytes);
            std::memcpy(out + a_bytes, row_of(b, i[1], i[2], i[3]), static_cast<std::size_t>(b->ne[0]) * sizeof(float));
            continue;
        }
        const ggml_tensor* from = i[dimension] < a->ne[dimension] ? a : b;
        if (from == b) i[dimension] -= a->ne[dimension];
        std::memcpy(out, row_of(from, i[1], i[2], i[3]), a_bytes);
    }
}

void prelu(ggml_tensor* dst, int ith, int nth, void* setting) {
    const auto slope = std::bit_cast<float>(static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(setting)));
    const ggml_tensor* x = dst->src[0];
    const RowRange range = rows_of_thread(dst, ith, nth);
    for (std::int64_t r = range.first; r < range.last; ++r) {
        const std::int64_t i1 = r % dst->ne[1], i2 = r / dst->ne[1] % dst->ne[2], i3 = r / dst->ne[1] / dst->ne[2];
        const auto* in = reinterpret_cast<const float*>(row_of(x, i1, i2, i3));
        auto* out = reinterpret_cast<float*>(row_of(dst, i1, i2, i3));
        for (std::int64_t i = 0; i < dst->ne[0]; ++i) out[i] = in[i] > 0.0F ? in[i] : slope * in[i];
    }
}

}  // namespace heart::kernels
