#include "kernels/elementwise.h"

#include "kernels/work_queue.h"

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

/// The share of all rows of `t` that thread `ith` works on.
Piece rows_of_thread(const ggml_tensor* t, int ith, int nth) noexcept {
    return Piece{0, t->ne[1] * t->ne[2] * t->ne[3]}.part(ith, nth);
}

/// exp(x) for x <= 0 by 2^n times a polynomial, without a branch, so that loops over it become vector code; relative error
/// 2e-7, and 0 instead of what is below 2^-126.
inline float exp_of_negative(float x) noexcept {
    constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F, kLeast = -87.3F;
    const float clamped = x < kLeast ? kLeast : x;
    const float n = static_cast<float>(static_cast<std::int32_t>(clamped * kLog2E - 0.5F));
    const float r = clamped - n * kLn2High - n * kLn2Low;  // |r| <= ln(2) / 2
    float p = 1.9875691500e-4F;                            // Cephes expf
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    const float power = p * r * r + r + 1.0F;
    const float scale = std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
    return x < kLeast ? 0.0F : power * scale;
}

/// erfc(|z|) by Abramowitz and Stegun 7.1.26, absolute error 1.5e-7.
inline float erfc_of(float magnitude) noexcept {
    const float t = 1.0F / (1.0F + 0.3275911F * magnitude);
    float p = 1.061405429F;
    p = p * t - 1.453152027F;
    p = p * t + 1.421413741F;
    p = p * t - 0.284496736F;
    p = p * t + 0.254829592F;
    return p * t * exp_of_negative(-magnitude * magnitude);
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
    const Piece range = rows_of_thread(dst, ith, nth);
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
    const Piece range = rows_of_thread(dst, ith, nth);
    for (std::int64_t r = range.first; r < range.last; ++r) {
        const std::int64_t i1 = r % dst->ne[1], i2 = r / dst->ne[1] % dst->ne[2], i3 = r / dst->ne[1] / dst->ne[2];
        const auto* in = reinterpret_cast<const float*>(row_of(x, i1, i2, i3));
        auto* out = reinterpret_cast<float*>(row_of(dst, i1, i2, i3));
        for (std::int64_t i = 0; i < dst->ne[0]; ++i) out[i] = in[i] > 0.0F ? in[i] : slope * in[i];
    }
}

void gelu(ggml_tensor* dst, int ith, int nth, void*) {
    constexpr float kRootHalf = 0.70710678F;
    const ggml_tensor* x = dst->src[0];
    const Piece range = rows_of_thread(dst, ith, nth);
    for (std::int64_t r = range.first; r < range.last; ++r) {
        const std::int64_t i1 = r % dst->ne[1], i2 = r / dst->ne[1] % dst->ne[2], i3 = r / dst->ne[1] / dst->ne[2];
        const auto* in = reinterpret_cast<const float*>(row_of(x, i1, i2, i3));
        auto* out = reinterpret_cast<float*>(row_of(dst, i1, i2, i3));
        for (std::int64_t i = 0; i < dst->ne[0]; ++i) {
            const float v = in[i], tail = 0.5F * erfc_of((v < 0.0F ? -v : v) * kRootHalf);
            out[i] = v * (v < 0.0F ? tail : 1.0F - tail);
        }
    }
}

}  // namespace heart::kernels
