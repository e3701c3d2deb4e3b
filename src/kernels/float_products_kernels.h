#pragma once

#include <cstddef>
#include <cstdint>

// The innermost loops of float products, one table per family of instructions. Included by files compiled for different
// machines: plain declarations only.

namespace heart::kernels {

/// One tile of a product: whole strips of 16 rows times a few columns, over a range of W's columns that is `segments`
/// times `segment_length` long; in segment s, column n of the operand begins at x + s * segment_stride + n * x_stride, or
/// the columns stand interleaved: first input 0 of all of them.
struct FloatTile {
    const char* w;            ///< the first strip, at the range's first column
    std::size_t strip_bytes;  ///< from one strip to the next
    std::int64_t ahead;       ///< weights are asked for so many bytes before they are read
    const char* next_w;       ///< weights of a later tile, fetched from memory meanwhile: 64 bytes for every two columns
    const float* x;
    std::int64_t x_stride;
    std::int64_t segments;
    std::int64_t segment_length;  ///< even for f16 and bf16
    std::int64_t segment_stride;
    float* y;
    std::int64_t y_stride;
    const float* next_y;  ///< sums of the next tile, fetched from memory meanwhile
    bool resume;          ///< sums continue from the numbers in y, else from zero
    bool finish;          ///< the epilogue follows; its pointers stand at the tile's first row and column
    bool prelu;
    float slope;
    const float* bias;
    const float* residual;
    std::int64_t residual_stride;
};

/// Dot products of one row of `segments` times `segment_length` plain weights with a few columns, placed as in FloatTile.
struct FloatDots {
    const float* w;
    const float* x;
    std::int64_t x_stride;
    std::int64_t segments;
    std::int64_t segment_length;
    std::int64_t segment_stride;
    float* sums;  ///< one per column
};

inline constexpr int kWinogradPoints = 6, kWinogradOutputs = 3;

/// One place of a Winograd convolution (kernels/winograd.h): six columns of the signal are combined to as many points.
struct WinogradSignal {
    const float* x[kWinogradPoints];
    float* out;
    std::int64_t stride;    ///< from one point's channels to the next one's
    std::int64_t channels;  ///< a multiple of 16, and so below
};

/// The points' products of one place are combined to three outputs; those that do not exist have no y, and are the last.
struct WinogradOutputs {
    const float* products;
    std::int64_t stride;
    std::int64_t channels;
    float* y[kWinogradOutputs];
    const float* bias;
    bool prelu;
    float slope;
    const float* residual[kWinogradOutputs];
};

/// How a tile's columns stand in memory.
enum ColumnLayout { kApart, kInterleaved, kColumnLayouts };

inline constexpr int kFloatTypes = 3;   ///< f32, f16, bf16, in the order of WeightType
inline constexpr int kTileHeights = 3;  ///< tiles are 1, 2 or 4 strips high
inline constexpr int kMaxTileColumns = 12;
inline constexpr int kDotColumns = 8;

struct FloatKernels {
    int tile_columns;     ///< the widest tile
    int shallow_columns;  ///< the best width where a tile's weights stay in the first-level cache
    /// How far ahead weights are asked for: beyond what a page's end hides from the hardware's own prefetching.
    std::int64_t prefetch_bytes;
    /// By ColumnLayout, type, log2 of strips, columns - 1; null where the sums do not fit in the registers. One strip always
    /// does.
    void (*tile[kColumnLayouts][kFloatTypes][kTileHeights][kMaxTileColumns])(const FloatTile&);
    /// By type: from so many tiles on, a strip's weights are better made f32 once than in each tile; 0: never.
    int unpacked_tiles[kFloatTypes];
    /// By type: a range of an even number of a strip's columns, from the layout of its type to that of f32.
    void (*unpack[kFloatTypes])(const char* w, std::int64_t columns, float* out);
    void (*dots)(const FloatDots&);     ///< kDotColumns columns
    void (*one_dot)(const FloatDots&);  ///< one column, the same sum
    void (*winograd_signal)(const WinogradSignal&);
    void (*winograd_outputs)(const WinogradOutputs&);
};

/// Those of the family that kernels use (kernels/instruction_set.h).
[[nodiscard]] const FloatKernels& float_kernels() noexcept;

extern const FloatKernels kFloatKernelsPortable;
extern const FloatKernels kFloatKernelsAvx2;
extern const FloatKernels kFloatKernelsAvx512;

}  // namespace heart::kernels
