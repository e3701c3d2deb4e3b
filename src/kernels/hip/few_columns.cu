// Products of a wide matrix with a few columns (kernels/cuda/decode_products.h) without matrix units: a warp takes kRows
// rows, its lanes eight numbers of each row at a time, and multiplies them by as many of every column, in f32. A matrix is
// read once, columns as often as there are warps, from the caches.

#include "kernels/cuda/decode_products.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/quantised.cuh"
#include "kernels/cuda/settings.h"

#include <algorithm>

namespace heart::cuda {

namespace {

constexpr int kWarps = 4;  // of a block
constexpr int kRows = 4;   // of a warp: their sums are in registers; with swiglu two of each half
constexpr int kEight = 8;  // numbers that a lane reads at once

/// Rows of f32, f16 or bf16.
template <typename T>
struct Plain {
    static __device__ void eight(const char* row, int at, float (&out)[8]) {
        struct alignas(16) Words {
            T x[16 / sizeof(T)];
        };
        const auto* from = reinterpret_cast<const Words*>(row + at * sizeof(T));
        for (int i = 0; i < 8; ++i) {
            constexpr int kEach = 16 / sizeof(T);
            out[i] = to_float(from[i / kEach].x[i % kEach]);
        }
    }
};

/// q8_0 in planes: all integers of a row, then its scales.
struct Planes8 {
    int in;
    __device__ void eight(const char* row, int at, float (&out)[8]) const {
        const uint2 bits = *reinterpret_cast<const uint2*>(row + at);
        const float scale = __half2float(reinterpret_cast<const __half*>(row + in)[at / 32]);
        for (int i = 0; i < 8; ++i) {
            out[i] = scale * static_cast<float>(static_cast<signed char>((i < 4 ? bits.x : bits.y) >> (8 * (i % 4))));
        }
    }
};

__device__ void load_eight(const float* from, float (&out)[8]) {
    const float4 low = *reinterpret_cast<const float4*>(from), high = *reinterpret_cast<const float4*>(from + 4);
    out[0] = low.x, out[1] = low.y, out[2] = low.z, out[3] = low.w;
    out[4] = high.x, out[5] = high.y, out[6] = high.z, out[7] = high.w;
}

/// What a lane has summed up of a warp's rows, and of the columns' squares.
template <int kColumns>
struct Sums {
    float of[kColumns][kRows] = {};
    float squares[kColumns] = {};
};

/// Row `r` of the warp that begins at `first`; with swiglu the second half of the warp's rows lies in the second of W's.
template <bool kSwiglu>
__device__ int row_of(const DecodeProduct& p, int first, int r) {
    constexpr int kEach = kSwiglu ? kRows / 2 : kRows;
    const int rows = kSwiglu ? p.out / 2 : p.out;
    return min(first + r % kEach, rows - 1) + r / kEach * rows;  // rows behind the last are the last again
}

template <bool kNorm, int kColumns>
__device__ void add_eight(const DecodeProduct& p, const float (&w)[kRows][8], int at, Sums<kColumns>& sums) {
    float weight[8];
    if constexpr (kNorm) load_eight(p.norm_weight + at, weight);
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
        if (c >= p.columns) continue;
        float x[8];
        load_eight(p.x + c * p.x_stride + at, x);
        for (int i = 0; i < 8; ++i) {
            if constexpr (kNorm) {
                sums.squares[c] = fmaf(x[i], x[i], sums.squares[c]);
                x[i] *= weight[i];
            }
            for (int r = 0; r < kRows; ++r) sums.of[c][r] = fmaf(w[r][i], x[i], sums.of[c][r]);
        }
    }
}

/// Lane 0 writes what the warp's lanes have summed up.
template <bool kNorm, bool kSwiglu, int kColumns>
__device__ void finish(const DecodeProduct& p, Sums<kColumns>& sums, int first, int lane) {
    constexpr int kEach = kSwiglu ? kRows / 2 : kRows;
    const int rows = kSwiglu ? p.out / 2 : p.out;
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
        if (c >= p.columns) continue;
        float factor = 1;
        if constexpr (kNorm) factor = rsqrtf(warp_sum(sums.squares[c]) / static_cast<float>(p.in) + p.norm_eps);
        float total[kRows];
        for (int r = 0; r < kRows; ++r) total[r] = warp_sum(sums.of[c][r]) * factor;
        for (int r = 0; r < kEach; ++r) {
            const int row = first + r;
            if (lane != 0 || row >= rows) continue;
            float result = total[r];
            if constexpr (kSwiglu) result = silu(total[r]) * total[r + kEach];
            if (p.residual != nullptr) result += p.residual[c * p.residual_stride + row];
            p.y[c * p.y_stride + row] = result;
        }
    }
}

template <typename W, bool kNorm, bool kSwiglu, int kColumns>
__global__ void __launch_bounds__(kWarps * 32) few_kernel(DecodeProduct p, W weights) {
    const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
    const int first = (static_cast<int>(blockIdx.x) * kWarps + warp) * (kSwiglu ? kRows / 2 : kRows);
    if (first >= (kSwiglu ? p.out / 2 : p.out)) return;
    const char* row[kRows];
    for (int r = 0; r < kRows; ++r) {
        row[r] = static_cast<const char*>(p.w) + static_cast<std::int64_t>(row_of<kSwiglu>(p, first, r)) * p.row_bytes;
    }
    wait_for_inputs();
    Sums<kColumns> sums;
    for (int at = lane * kEight; at < p.in; at += 32 * kEight) {
        float w[kRows][8];
        for (int r = 0; r < kRows; ++r) weights.eight(row[r], at, w[r]);
        add_eight<kNorm>(p, w, at, sums);
    }
    finish<kNorm, kSwiglu>(p, sums, first, lane);
}

template <typename W, int kColumns>
void launch_columns(const Context& c, const DecodeProduct& p, W weights) {
    const int rows = p.swiglu ? p.out / 2 : p.out, of_block = kWarps * (p.swiglu ? kRows / 2 : kRows);
    const auto start = [&](auto kernel) { launch(c, kernel, blocks_for(rows, of_block), kWarps * 32, p, weights); };
    const bool norm = p.norm_weight != nullptr;
    if (norm && p.swiglu) return start(few_kernel<W, true, true, kColumns>);
    if (norm) return start(few_kernel<W, true, false, kColumns>);
    if (p.swiglu) return start(few_kernel<W, false, true, kColumns>);
    start(few_kernel<W, false, false, kColumns>);
}

template <typename W>
void launch_few(const Context& c, const DecodeProduct& p, W weights) {
    if (p.columns <= 2) return launch_columns<W, 2>(c, p, weights);
    if (p.columns <= 4) return launch_columns<W, 4>(c, p, weights);
    launch_columns<W, kDecodeColumns>(c, p, weights);
}

}  // namespace

bool can_decode(const DecodeProduct& p) {
    if (p.columns > kMostDecodeColumns) return false;
    const bool words = p.type == GGML_TYPE_F32 || p.type == GGML_TYPE_F16 || p.type == GGML_TYPE_BF16 || p.in_planes;
    const bool w_fits = p.in % kEight == 0 && (!words || (p.row_bytes % 16 == 0 && on_16_bytes(p.w)));
    const bool x_fits = on_16_bytes(p.x) && p.x_stride % 4 == 0 && on_16_bytes(p.norm_weight);
    return w_fits && x_fits && (!p.swiglu || (p.out % 2 == 0 && p.residual == nullptr));
}

void decode_at_once(const Context& c, const DecodeProduct& p) {
    switch (p.type) {
        case GGML_TYPE_F16: return launch_few(c, p, Plain<__half>{});
        case GGML_TYPE_BF16: return launch_few(c, p, Plain<__nv_bfloat16>{});
        case GGML_TYPE_Q8_0:
            if (p.in_planes) return launch_few(c, p, Planes8{p.in});
            return launch_few(c, p, Quantised<GGML_TYPE_Q8_0>{});
        case GGML_TYPE_Q4_0: return launch_few(c, p, Quantised<GGML_TYPE_Q4_0>{});
        case GGML_TYPE_Q4_K: return launch_few(c, p, Quantised<GGML_TYPE_Q4_K>{});
        case GGML_TYPE_Q5_K: return launch_few(c, p, Quantised<GGML_TYPE_Q5_K>{});
        case GGML_TYPE_Q6_K: return launch_few(c, p, Quantised<GGML_TYPE_Q6_K>{});
        default: launch_few(c, p, Plain<float>{});
    }
}

}  // namespace heart::cuda
