// Products of a wide matrix with a few columns: bound by reading the matrix once. Tensor cores multiply tiles of 8 rows and
// 32 numbers, straight from registers: for m16n8k16 the columns of x are the 16 rows of A (zeros where there are fewer), 8
// rows of W are the columns of B. Which number is which k does not matter as long as both sides agree, so a lane takes 8
// numbers that stand side by side: 16 bytes of W and as many of x make two multiplications.

#include "kernels/cuda/decode_products.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/quantised.cuh"
#include "kernels/cuda/settings.h"

#include <algorithm>

namespace heart::cuda {

namespace {

constexpr int kWarps = 8;                               // of a block; each takes every eighth chunk of the rows
constexpr int kChunk = 32;                              // numbers of a row that a warp multiplies at once
constexpr int kTileRows = 8;                            // rows of W that share one multiplication
constexpr int kAhead = 12;                              // chunks of all tiles that are on their way from memory at a time
constexpr std::size_t kSharedWithoutAsking = 32 << 10;  // beside what the kernel declares

struct Sums {
    float c[4] = {0, 0, 0, 0};  // columns lane / 4 and 8 + lane / 4 of x, rows 2 (lane % 4) and the next of the tile
};

/// 8 numbers of 16 bits: what a lane holds of a chunk of one row or column.
struct Eight {
    unsigned pairs[4] = {0, 0, 0, 0};
};

/// What a lane holds of x: of column lane / 4 and of column 8 + lane / 4.
struct Columns {
    Eight low, high;
};

template <typename T>
__device__ void multiply_half(Sums& s, const Columns& x, int half, unsigned b0, unsigned b1, T) {
    const unsigned(&low)[4] = x.low.pairs, (&high)[4] = x.high.pairs;
    multiply_tile(s.c, {low[2 * half], high[2 * half], low[2 * half + 1], high[2 * half + 1]}, {b0, b1}, T{});
}

/// 32 numbers of 8 rows by 32 of 16 columns: w holds this lane's 8 of row lane / 4.
template <typename T>
__device__ void multiply(Sums& s, const Columns& x, const unsigned (&w)[4], T) {
    multiply_half(s, x, 0, w[0], w[1], T{});
    multiply_half(s, x, 1, w[2], w[3], T{});
}

__device__ unsigned pack(float low, float high, __nv_bfloat16) {
    const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const unsigned*>(&both);
}
__device__ unsigned pack(float low, float high, __half) {
    const __half2 both = __floats2half2_rn(clamped(low), clamped(high));
    return *reinterpret_cast<const unsigned*>(&both);
}

// --- weights: what a lane reads of a chunk, and how it multiplies ---------------------------------------------------------

/// The rows that a lane needs of a tile: the one whose numbers it loads, and the two whose sums it holds.
struct TileRows {
    const char *loaded, *even, *odd;
};

/// f16 and bf16: rows as they are.
template <typename T>
struct SixteenBits {
    using Number = T;
    struct Raw {
        uint4 bits;
    };
    static __device__ Raw load(const TileRows& rows, int chunk, int lane, int) {
        return {stream16(rows.loaded + (chunk * kChunk + lane % 4 * 8) * sizeof(T))};
    }
    static __device__ void add_product(Sums& sum, const Columns& x, const Raw& w) {
        multiply(sum, x, {w.bits.x, w.bits.y, w.bits.z, w.bits.w}, T{});
    }
};

/// q8_0 in planes: all integers of a row, then its scales. Integers are exact in bf16; a block's sum is scaled as a whole.
struct Planes8 {
    using Number = __nv_bfloat16;
    struct Raw {
        uint2 bits;
        __half even, odd;  // scales of the two rows whose sums this lane holds
    };
    static __device__ Raw load(const TileRows& rows, int chunk, int lane, int in) {
        const auto scale = [&](const char* row) { return reinterpret_cast<const __half*>(row + in)[chunk]; };
        return {stream8(rows.loaded + chunk * kChunk + lane % 4 * 8), scale(rows.even), scale(rows.odd)};
    }
    static __device__ unsigned two(unsigned bits, int first) {
        const auto number = [&](int i) { return static_cast<float>(static_cast<signed char>(bits >> (8 * i))); };
        return pack(number(first), number(first + 1), Number{});
    }
    static __device__ void add_product(Sums& sum, const Columns& x, const Raw& w) {
        Sums block;
        multiply(block, x, {two(w.bits.x, 0), two(w.bits.x, 2), two(w.bits.y, 0), two(w.bits.y, 2)}, Number{});
        const float even = __half2float(w.even), odd = __half2float(w.odd);
        for (int i = 0; i < 4; ++i) sum.c[i] = fmaf(i % 2 == 0 ? even : odd, block.c[i], sum.c[i]);
    }
};

/// Other blocks of quantised numbers, as ggml has them: rounded to bf16 one by one.
template <ggml_type kType>
struct Blocks {
    using Number = __nv_bfloat16;
    using Raw = Eight;
    static __device__ Raw load(const TileRows& rows, int chunk, int lane, int) {
        float x[8];
        Quantised<kType>::eight(rows.loaded, chunk * kChunk + lane % 4 * 8, x);
        Raw raw;
        for (int i = 0; i < 4; ++i) raw.pairs[i] = pack(x[2 * i], x[2 * i + 1], Number{});
        return raw;
    }
    static __device__ void add_product(Sums& sum, const Columns& x, const Raw& w) { multiply(sum, x, w.pairs, Number{}); }
};

// --- the kernel -----------------------------------------------------------------------------------------------------------

/// What a warp multiplies its rows by: its chunks of x as numbers of 16 bits, in shared memory that is its own. They are
/// read all at once: one after the other, each would wait as long as all of them.
template <typename T, int kChunks>
class Activations {
public:
    static_assert(kChunks % 4 == 0 || kChunks == 6);

    __device__ Activations(const DecodeProduct& p, T* shared) : p_(p), shared_(shared) {}

    /// Chunks first, first + kWarps, ...; with a norm weighted, and their squares added to `squares` [columns].
    template <bool kNorm>
    __device__ void read(int first, int chunks, int lane, float* squares) {
        constexpr int kEach = (kChunks + 3) / 4;  // eight lanes read a chunk
        const int quarter = lane % 8 * 4;
        float4 weight[kEach];
        if constexpr (kNorm) {
            for (int e = 0; e < kEach; ++e) weight[e] = at(p_.norm_weight, first, e, chunks, lane, quarter);
        }
        __syncwarp();  // what was there before has been used
#pragma unroll 2
        for (int column = 0; column < p_.columns; ++column) {
            float4 v[kEach];
            for (int e = 0; e < kEach; ++e) v[e] = at(p_.x + column * p_.x_stride, first, e, chunks, lane, quarter);
            float sum = 0;
            for (int e = 0; e < kEach; ++e) {
                if constexpr (kNorm) {
                    sum = fmaf(v[e].x, v[e].x, fmaf(v[e].y, v[e].y, fmaf(v[e].z, v[e].z, fmaf(v[e].w, v[e].w, sum))));
                    v[e].x *= weight[e].x, v[e].y *= weight[e].y, v[e].z *= weight[e].z, v[e].w *= weight[e].w;
                }
                const int a = e * 4 + lane / 8;
                if (a >= kChunks) continue;
                *reinterpret_cast<uint2*>(shared_ + (a * p_.columns + column) * kChunk + quarter) =
                    make_uint2(pack(v[e].x, v[e].y, T{}), pack(v[e].z, v[e].w, T{}));
            }
            if constexpr (kNorm) {
                sum = warp_sum(sum);
                if (lane == 0) squares[column] += sum;
            }
        }
        __syncwarp();
    }

    /// This lane's part of chunk number `a` of those read.
    template <bool kWide>
    __device__ Columns columns(int a, int lane) const {
        Columns out;
        const auto part = [&](int column) {
            const T* from = shared_ + (a * p_.columns + column) * kChunk + lane % 4 * 8;
            const uint4 v = *reinterpret_cast<const uint4*>(from);
            return Eight{{v.x, v.y, v.z, v.w}};
        };
        if (lane / 4 < p_.columns) out.low = part(lane / 4);
        if (kWide && 8 + lane / 4 < p_.columns) out.high = part(8 + lane / 4);
        return out;
    }

private:
    /// Four numbers of chunk e * 4 + lane / 8; zeros behind the last.
    static __device__ float4 at(const float* x, int first, int e, int chunks, int lane, int quarter) {
        const int a = e * 4 + lane / 8, chunk = first + a * kWarps;
        if (a >= kChunks || chunk >= chunks) return {0, 0, 0, 0};
        return *reinterpret_cast<const float4*>(x + chunk * kChunk + quarter);
    }

    const DecodeProduct& p_;
    T* shared_;
};

/// What the warps of a block have summed up, each over its chunks.
template <int kTiles, int kColumns>
struct Partial {
    float sums[kWarps][kTiles][kColumns][kTileRows];
};
template <int kColumns>
struct Squares {
    float of[kWarps][kColumns];
};

template <bool kNorm, bool kSwiglu, int kColumns>
__device__ void finish(const DecodeProduct& p, const Partial<kSwiglu ? 2 : 1, kColumns>& partial,
                       const Squares<kColumns>& squares_of, int first_row, int rows) {
    const int column = static_cast<int>(threadIdx.x) / kTileRows, row = static_cast<int>(threadIdx.x) % kTileRows;
    if (column >= p.columns || first_row + row >= rows) return;
    constexpr int kTiles = kSwiglu ? 2 : 1;
    float total[kTiles] = {};
    float squares = 0;
    for (int w = 0; w < kWarps; ++w) {
        for (int t = 0; t < kTiles; ++t) total[t] += partial.sums[w][t][column][row];
        if constexpr (kNorm) squares += squares_of.of[w][column];
    }
    if constexpr (kNorm) {
        const float factor = rsqrtf(squares / static_cast<float>(p.in) + p.norm_eps);
        for (float& t : total) t *= factor;
    }
    float result = total[0];
    if constexpr (kSwiglu) result = silu(total[0]) * total[1];
    if (p.residual != nullptr) result += p.residual[column * p.residual_stride + first_row + row];
    p.y[column * p.y_stride + first_row + row] = result;
}

/// A block: one tile of 8 rows, or with swiglu one of the first and one of the second half. Weights are on their way before
/// the kernel that makes x has ended.
template <typename W, bool kNorm, bool kSwiglu, bool kWide>
__global__ void __launch_bounds__(kWarps * 32, 2) decode_kernel(DecodeProduct p) {
    using T = typename W::Number;
    constexpr int kTiles = kSwiglu ? 2 : 1, kOnTheWay = kAhead / kTiles, kColumns = kWide ? 16 : 8;
    __shared__ Partial<kTiles, kColumns> partial;
    __shared__ Squares<kColumns> squares;
    const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32), column = lane / 4;
    const int half = p.out / 2, rows = kSwiglu ? half : p.out;
    const int first_row = static_cast<int>(blockIdx.x) * kTileRows, chunks = p.in / kChunk;
    TileRows tile[kTiles];
    for (int t = 0; t < kTiles; ++t) {
        const auto row = [&](int i) {  // rows behind the last are the last again
            return static_cast<const char*>(p.w) +
                   (static_cast<std::int64_t>(t) * half + min(first_row + i, rows - 1)) * p.row_bytes;
        };
        tile[t] = {row(lane / 4), row(lane % 4 * 2), row(lane % 4 * 2 + 1)};
    }
    typename W::Raw raw[kOnTheWay][kTiles];
#pragma unroll
    for (int a = 0; a < kOnTheWay; ++a) {
        for (int t = 0; t < kTiles; ++t) {
            if (warp + a * kWarps < chunks) raw[a][t] = W::load(tile[t], warp + a * kWarps, lane, p.in);
        }
    }
    let_next_start();
    wait_for_inputs();

    Activations<T, kOnTheWay> x(p, launched_shared<T>() + warp * kOnTheWay * p.columns * kChunk);
    if (kNorm && lane < kColumns) squares.of[warp][lane] = 0;
    Sums sum[kTiles];
    for (int first = warp; first < chunks; first += kWarps * kOnTheWay) {
        x.template read<kNorm>(first, chunks, lane, squares.of[warp]);
#pragma unroll
        for (int a = 0; a < kOnTheWay; ++a) {
            const int chunk = first + a * kWarps, next = chunk + kWarps * kOnTheWay;
            if (chunk >= chunks) break;
            const Columns both = x.template columns<kWide>(a, lane);
            for (int t = 0; t < kTiles; ++t) {
                W::add_product(sum[t], both, raw[a][t]);
                if (next < chunks) raw[a][t] = W::load(tile[t], next, lane, p.in);
            }
        }
    }
    for (int t = 0; t < kTiles; ++t) {
        for (int i = 0; i < (kWide ? 4 : 2); ++i) {
            partial.sums[warp][t][column + i / 2 * 8][lane % 4 * 2 + i % 2] = sum[t].c[i];
        }
    }
    __syncthreads();
    finish<kNorm, kSwiglu, kColumns>(p, partial, squares, first_row, rows);
}

// --- the same for very few columns, without a pause -----------------------------------------------------------------------

// A block takes tile after tile, and each lane has kSlots pieces of 16 bytes on their way into shared memory all the time,
// across the ends of tiles; what it asked for it reads itself, so that nobody waits for anybody but at the end of a tile.
// Chunks go to warps, and sums are added, as above: the results are the same to the last bit.

constexpr int kSlots = 16;
constexpr int kStreamColumns = 4;
constexpr int kStreamBlocks = 2;  // of a multiprocessor

/// The chunks that a lane asks for, in the order in which its warp uses them.
template <typename T, bool kSwiglu>
class ChunkStream {
public:
    static constexpr int kTiles = kSwiglu ? 2 : 1, kDepth = kSlots / kTiles;

    __device__ ChunkStream(const DecodeProduct& p, int rows, uint4* slots) : p_(p), rows_(rows), slots_(slots) {
        tile_ = static_cast<int>(blockIdx.x) * kTileRows;
        if (warp() >= chunks()) tile_ = rows_;  // fewer chunks than warps
        find_rows();
    }

    /// Asks for the next chunk; a group even where there is none, so that groups can be counted.
    __device__ void ask() {
        if (tile_ < rows_) {
            for (int t = 0; t < kTiles; ++t) {
                copy_ahead(slots_ + (asked_ * kTiles + t) * 32 + lane(),
                           row_[t] + (chunk_ * kChunk + lane() % 4 * 8) * sizeof(T));
            }
            chunk_ += kWarps;
            if (chunk_ >= chunks()) {
                chunk_ = warp();
                tile_ += static_cast<int>(gridDim.x) * kTileRows;
                find_rows();
            }
        }
        end_group();
        asked_ = asked_ + 1 == kDepth ? 0 : asked_ + 1;
    }

    /// The chunk asked for first, once it is there.
    __device__ void take(uint4 (&w)[kTiles]) {
        wait_for_groups<kDepth - 1>();
        for (int t = 0; t < kTiles; ++t) w[t] = slots_[(taken_ * kTiles + t) * 32 + lane()];
        taken_ = taken_ + 1 == kDepth ? 0 : taken_ + 1;
    }

private:
    static __device__ int lane() { return static_cast<int>(threadIdx.x % 32); }
    static __device__ int warp() { return static_cast<int>(threadIdx.x / 32); }
    __device__ int chunks() const { return p_.in / kChunk; }
    __device__ void find_rows() {
        for (int t = 0; t < kTiles; ++t) {
            const int row = t * (p_.out / 2) + min(tile_ + lane() / 4, rows_ - 1);
            row_[t] = static_cast<const char*>(p_.w) + row * p_.row_bytes;
        }
    }

    const DecodeProduct& p_;
    int rows_;
    uint4* slots_;
    int tile_ = 0, chunk_ = warp(), asked_ = 0, taken_ = 0;
    const char* row_[kTiles];
};

template <typename T, bool kNorm, bool kSwiglu>
__global__ void __launch_bounds__(kWarps * 32, kStreamBlocks) stream_kernel(DecodeProduct p) {
    using Stream = ChunkStream<T, kSwiglu>;
    constexpr int kTiles = Stream::kTiles, kRound = kAhead / kTiles, kColumns = 8;
    __shared__ Partial<kTiles, kColumns> partial[2];  // in turns: one is read while the next is written
    __shared__ Squares<kColumns> squares;
    auto* shared = launched_shared<uint4>();
    const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
    const int rows = kSwiglu ? p.out / 2 : p.out, chunks = p.in / kChunk,
              rounds = (chunks + kWarps * kRound - 1) / (kWarps * kRound);
    const int own = (chunks - warp + kWarps - 1) / kWarps;
    Stream stream(p, rows, shared + warp * kSlots * 32);
    for (int i = 0; i < Stream::kDepth; ++i) stream.ask();
    let_next_start();
    wait_for_inputs();

    T* mine = reinterpret_cast<T*>(shared + kWarps * kSlots * 32) + warp * rounds * kRound * p.columns * kChunk;
    if (kNorm && lane < kColumns) squares.of[warp][lane] = 0;
    for (int r = 0; r < rounds; ++r) {
        Activations<T, kRound> part(p, mine + r * kRound * p.columns * kChunk);
        part.template read<kNorm>(warp + r * kRound * kWarps, chunks, lane, squares.of[warp]);
    }
    const Activations<T, kRound> x(p, mine);
    int turn = 0;
    for (int first_row = static_cast<int>(blockIdx.x) * kTileRows; first_row < rows;
         first_row += static_cast<int>(gridDim.x) * kTileRows, turn ^= 1) {
        Sums sum[kTiles];
        for (int i = 0; i < own; ++i) {
            uint4 w[kTiles];
            stream.take(w);
            const Columns both = x.template columns<false>(i, lane);
            for (int t = 0; t < kTiles; ++t) multiply(sum[t], both, {w[t].x, w[t].y, w[t].z, w[t].w}, T{});
            stream.ask();
        }
        for (int t = 0; t < kTiles; ++t) {
            for (int i = 0; i < 2; ++i) partial[turn].sums[warp][t][lane / 4][lane % 4 * 2 + i] = sum[t].c[i];
        }
        __syncthreads();
        finish<kNorm, kSwiglu, kColumns>(p, partial[turn], squares, first_row, rows);
    }
    wait_for_groups<0>();
}

template <typename T>
std::size_t stream_bytes(const DecodeProduct& p) {
    const int round = kWarps * (p.swiglu ? kAhead / 2 : kAhead), rounds = (p.in / kChunk + round - 1) / round;
    return kWarps * kSlots * 32 * sizeof(uint4) +
           static_cast<std::size_t>(round) * static_cast<std::size_t>(rounds * p.columns) * kChunk * sizeof(T);
}

/// Whether there is so much of the matrix that a block has several tiles to stream, and room for what it needs.
template <typename T>
bool can_stream(const Context& c, const DecodeProduct& p) {
    constexpr std::size_t kDeclared = 20 << 10;
    return p.columns <= kStreamColumns && (p.swiglu ? p.out / 2 : p.out) / kTileRows > c.processors &&
           stream_bytes<T>(p) + kDeclared <= c.shared_bytes;
}

template <typename T>
void launch_stream(const Context& c, const DecodeProduct& p) {
    const int tiles = static_cast<int>(blocks_for(p.swiglu ? p.out / 2 : p.out, kTileRows));
    const dim3 blocks(static_cast<unsigned>(std::min(tiles, kStreamBlocks * c.processors)));
    const std::size_t bytes = stream_bytes<T>(p);
    const auto start = [&](auto kernel) {
        check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
              "taking shared memory");
        launch_early(c, kernel, blocks, kWarps * 32, bytes, p);
    };
    const bool norm = p.norm_weight != nullptr;
    if (norm && p.swiglu) return start(stream_kernel<T, true, true>);
    if (norm) return start(stream_kernel<T, true, false>);
    if (p.swiglu) return start(stream_kernel<T, false, true>);
    start(stream_kernel<T, false, false>);
}

/// f32 weights, multiplied in f32: one warp a row. The exact mode.
__global__ void decode_f32(DecodeProduct p) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    const int row = static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x / 32);
    wait_for_inputs();
    if (row >= p.out) return;
    const auto* w = reinterpret_cast<const float*>(static_cast<const char*>(p.w) + row * p.row_bytes);
    float sum[kDecodeColumns] = {};
    for (int i = lane; i < p.in; i += 32) {
        const float weight = w[i];
        for (int c = 0; c < kDecodeColumns; ++c) {
            if (c < p.columns) sum[c] = fmaf(weight, p.x[c * p.x_stride + i], sum[c]);
        }
    }
    for (int c = 0; c < kDecodeColumns; ++c) {
        if (c >= p.columns) break;
        const float total = warp_sum(sum[c]);
        if (lane == 0) {
            p.y[c * p.y_stride + row] = total + (p.residual != nullptr ? p.residual[c * p.residual_stride + row] : 0.0F);
        }
    }
}

template <typename W, bool kWide>
void launch(const Context& c, const DecodeProduct& p) {
    const dim3 blocks(blocks_for(p.swiglu ? p.out / 2 : p.out, kTileRows));
    const auto chunks = static_cast<std::size_t>(p.swiglu ? kAhead / 2 : kAhead);
    const std::size_t shared = kWarps * chunks * static_cast<std::size_t>(p.columns) * kChunk * sizeof(typename W::Number);
    const auto start = [&](auto kernel) {
        if (shared > kSharedWithoutAsking) {
            check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)),
                  "taking shared memory");
        }
        launch_early(c, kernel, blocks, kWarps * 32, shared, p);
    };
    const bool norm = p.norm_weight != nullptr;
    if (norm && p.swiglu) return start(decode_kernel<W, true, true, kWide>);
    if (norm) return start(decode_kernel<W, true, false, kWide>);
    if (p.swiglu) return start(decode_kernel<W, false, true, kWide>);
    start(decode_kernel<W, false, false, kWide>);
}

template <typename W>
void launch(const Context& c, const DecodeProduct& p) {
    p.columns > 8 ? launch<W, true>(c, p) : launch<W, false>(c, p);
}

template <typename T>
void launch_sixteen_bits(const Context& c, const DecodeProduct& p) {
    can_stream<T>(c, p) ? launch_stream<T>(c, p) : launch<SixteenBits<T>>(c, p);
}

}  // namespace

bool can_decode(const DecodeProduct& p) {
    if (p.columns > kMostDecodeColumns) return false;
    if (p.type == GGML_TYPE_F32) return p.norm_weight == nullptr && !p.swiglu;
    const bool words = p.type == GGML_TYPE_F16 || p.type == GGML_TYPE_BF16 || p.in_planes;
    const bool w_fits = p.in % kChunk == 0 && (!words || (p.row_bytes % 16 == 0 && on_16_bytes(p.w)));
    const bool x_fits = on_16_bytes(p.x) && p.x_stride % 4 == 0 && on_16_bytes(p.norm_weight);
    return w_fits && x_fits && (p.norm_weight == nullptr || p.type != GGML_TYPE_F16) &&
           (!p.swiglu || (p.out % 2 == 0 && p.residual == nullptr));
}

void decode_at_once(const Context& c, const DecodeProduct& p) {
    switch (p.type) {
        case GGML_TYPE_F16: return launch_sixteen_bits<__half>(c, p);
        case GGML_TYPE_BF16: return launch_sixteen_bits<__nv_bfloat16>(c, p);
        case GGML_TYPE_Q8_0: return p.in_planes ? launch<Planes8>(c, p) : launch<Blocks<GGML_TYPE_Q8_0>>(c, p);
        case GGML_TYPE_Q4_0: return launch<Blocks<GGML_TYPE_Q4_0>>(c, p);
        case GGML_TYPE_Q4_K: return launch<Blocks<GGML_TYPE_Q4_K>>(c, p);
        case GGML_TYPE_Q5_K: return launch<Blocks<GGML_TYPE_Q5_K>>(c, p);
        case GGML_TYPE_Q6_K: return launch<Blocks<GGML_TYPE_Q6_K>>(c, p);
        default: launch_early(c, decode_f32, dim3(blocks_for(p.out, kWarps)), kWarps * 32, 0, p);
    }
}

}  // namespace heart::cuda
