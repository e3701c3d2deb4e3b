#include "kernels/float_products.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "kernels/float_products_kernels.h"
#include "kernels/instruction_set.h"

namespace heart::kernels {

namespace {

/// Columns that are computed together: their inputs stay in the second-level cache while weights stream past.
constexpr std::int64_t kBlockColumns = 192;
/// Weight columns that are summed at a time when inputs are packed.
constexpr std::int64_t kBlockInputs = 1024;
constexpr std::int64_t kPackedFloats = 196608;
constexpr std::int64_t kLineFloats = 16;
/// Packing inputs pays from this many rows and columns on.
constexpr std::int64_t kPackedRows = 512, kPackedColumns = 5;
/// A matrix with no more columns is multiplied in tiles of more strips and fewer columns.
constexpr std::int64_t kShallowInputs = 128;
/// Threads divide strips in pairs.
constexpr std::int64_t kSharedStrips = 2;
/// While they share out the work, they take so many strips at least: the highest tile of few columns.
constexpr std::int64_t kStreamedStrips = 4;
/// And so many columns: below, weights are read too often. No more than the latter, so that the last pieces are small.
constexpr std::int64_t kLeastShared = 24, kMostShared = 96;
/// A matrix with no more rows is multiplied row by row.
constexpr std::int64_t kFewRows = 4;

struct Scratch {
    alignas(64) float packed[kPackedFloats];
    alignas(64) float edge[kMaxTileColumns * kStripRows];
    alignas(64) float weights[kBlockInputs * kStripRows];  ///< of a strip, as f32
};

Scratch& scratch() {
    static thread_local const std::unique_ptr<Scratch> mine(new Scratch);
    return *mine;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) noexcept {
    return (a + b - 1) / b;
}

/// One thread's part of one product.
class Share {
public:
    Share(const FloatProduct& p, const FloatKernels& k) noexcept
        : p_(p), k_(k), inputs_(p.inputs()), context_(p.past ? p.context() : 0), work_(scratch()) {}

    void tiles(Piece strips, Piece columns);
    void dots(Piece columns);

private:
    using Kernel = void (*)(const FloatTile&);

    /// Inputs of some columns as the kernels take them. Apart, those of column n and segment s begin at x + n * stride +
    /// s * segment_stride; interleaved are those of each tile (see tiles_of), one tile behind the other.
    struct Operand {
        const float* x;
        std::int64_t stride;  ///< also from a column's place to the next one's where tiles are interleaved
        std::int64_t segments, segment_length, segment_stride;
        ColumnLayout layout;
    };

    [[nodiscard]] std::int64_t tiles_of(Piece columns) const noexcept;
    [[nodiscard]] Operand in_place(std::int64_t column) const noexcept;
    [[nodiscard]] Operand pack(Piece columns, Piece inputs) const noexcept;
    [[nodiscard]] bool must_pack(std::int64_t first_column) const noexcept;
    void block(const Operand& x, Piece strips, Piece columns, Piece inputs) const noexcept;
    [[nodiscard]] int height(std::int64_t whole_strips, std::int64_t columns) const noexcept;
    void whole_tile(FloatTile& t, Kernel kernel, std::int64_t strip, Piece columns) const noexcept;
    void edge_tile(FloatTile& t, Kernel kernel, std::int64_t strip, Piece columns) const noexcept;
    [[nodiscard]] float finished(float sum, std::int64_t row, std::int64_t column) const noexcept;

    const FloatProduct& p_;
    const FloatKernels& k_;
    std::int64_t inputs_;
    std::int64_t context_;  ///< columns that `past` holds
    Scratch& work_;
};

/// As many tiles as columns are divided into, evenly.
std::int64_t Share::tiles_of(Piece columns) const noexcept {
    return ceil_div(columns.size(), p_.w.cols <= kShallowInputs ? k_.shallow_columns : k_.tile_columns);
}

Share::Operand Share::in_place(std::int64_t column) const noexcept {
    return {p_.x + (column - context_) * p_.x_stride, p_.x_stride, p_.taps, inputs_, p_.tap_shift * p_.x_stride, kApart};
}

/// Copies inputs [inputs) of W's columns, those of a tile interleaved: it then reads one stream from end to end, where
/// columns apart would be as many, and at a multiple of 4 KiB, a common width, compete for the same few places in the cache.
Share::Operand Share::pack(Piece columns, Piece inputs) const noexcept {
    const std::int64_t tiles = tiles_of(columns);
    for (std::int64_t i = 0; i < tiles; ++i) {
        const Piece tile = columns.part(i, tiles);
        for (std::int64_t n = tile.first; n < tile.last; ++n) {
            float* out = work_.packed + (tile.first - columns.first) * inputs.size() + (n - tile.first);
            for (std::int64_t at = inputs.first; at < inputs.last;) {
                const std::int64_t tap = at / inputs_, from = at % inputs_;
                const std::int64_t count = std::min(inputs_ - from, inputs.last - at);
                const std::int64_t place = n + tap * p_.tap_shift;
                const float* column = place < context_ ? p_.past + place * inputs_ : p_.x + (place - context_) * p_.x_stride;
                for (std::int64_t k = from; k < from + count; ++k, out += tile.size()) *out = column[k];
                at += count;
            }
        }
    }
    return {work_.packed, inputs.size(), 1, inputs.size(), 0, kInterleaved};
}

/// Whether columns from `first_column` on cannot be read where they are.
bool Share::must_pack(std::int64_t first_column) const noexcept {
    return first_column < context_ || (p_.w.type != WeightType::f32 && inputs_ % 2 != 0);
}

float Share::finished(float sum, std::int64_t row, std::int64_t column) const noexcept {
    const Epilogue& e = p_.epilogue;
    if (e.bias) sum += e.bias[row];
    if (e.prelu && !(sum > 0.0F)) sum *= e.slope;
    return e.residual ? sum + e.residual[column * e.residual_stride + row] : sum;
}

/// The logarithm of the strips of the highest tile of so many columns.
int Share::height(std::int64_t whole_strips, std::int64_t columns) const noexcept {
    int log = kTileHeights - 1;
    while (log > 0 && (whole_strips >> log == 0 || !k_.tile[kApart][static_cast<int>(p_.w.type)][log][columns - 1])) --log;
    return log;
}

void Share::whole_tile(FloatTile& t, Kernel kernel, std::int64_t strip, Piece columns) const noexcept {
    const std::int64_t row = strip * kStripRows;
    const Epilogue& e = p_.epilogue;
    t.y = p_.y + columns.first * p_.y_stride + row;
    t.y_stride = p_.y_stride;
    t.bias = e.bias ? e.bias + row : nullptr;
    t.residual = e.residual ? e.residual + columns.first * e.residual_stride + row : nullptr;
    kernel(t);
}

/// A strip of which some rows do not exist; they must not be written, so the tile goes by way of scratch.
void Share::edge_tile(FloatTile& t, Kernel kernel, std::int64_t strip, Piece columns) const noexcept {
    const std::int64_t row = strip * kStripRows, rows = p_.w.rows - row;
    const bool finish = std::exchange(t.finish, false);
    t.y = work_.edge;
    t.y_stride = kStripRows;
    for (std::int64_t n = 0; t.resume && n < columns.size(); ++n) {
        std::copy_n(p_.y + (columns.first + n) * p_.y_stride + row, rows, t.y + n * kStripRows);
    }
    kernel(t);
    for (std::int64_t n = 0; n < columns.size(); ++n) {
        float* y = p_.y + (columns.first + n) * p_.y_stride + row;
        for (std::int64_t r = 0; r < rows; ++r) {
            const float sum = t.y[n * kStripRows + r];
            y[r] = finish ? finished(sum, row + r, columns.first + n) : sum;
        }
    }
    t.finish = finish;
}

/// Adds the inputs [inputs) of W's columns to the sums of a block.
void Share::block(const Operand& x, Piece strips, Piece columns, Piece inputs) const noexcept {
    const Epilogue& e = p_.epilogue;
    FloatTile t{};
    t.strip_bytes = static_cast<std::size_t>(kStripRows) * plain_row_bytes(p_.w.type, p_.w.cols);
    t.x_stride = x.stride;
    t.segments = x.segments;
    t.segment_length = x.segment_length;
    t.segment_stride = x.segment_stride;
    t.resume = inputs.first > 0;
    t.finish = inputs.last == p_.w.cols && (e.bias || e.prelu || e.residual);
    t.prelu = e.prelu;
    t.slope = e.slope;
    t.residual_stride = e.residual_stride;
    const char* w = static_cast<const char*>(p_.w.data) +
                    static_cast<std::size_t>(kStripRows) * plain_row_bytes(p_.w.type, inputs.first);
    const std::int64_t whole_strips = std::min(strips.last, p_.w.rows / kStripRows);
    const std::int64_t tiles = tiles_of(columns);
    // Weights that are read once come from memory, and asking may be in the way; others come from a cache.
    t.ahead = tiles == 1 && hardware_reads_ahead() ? 0 : k_.prefetch_bytes;
    // While a tile is multiplied, it fetches 32 bytes for each of W's columns: a half or all of a strip.
    const std::int64_t fetched = inputs.size() / 2 * 64, parts = p_.w.type == WeightType::f32 ? 2 : 1;
    const int kind = static_cast<int>(p_.w.type), from = k_.unpacked_tiles[kind];
    const bool unpacks = from > 0 && tiles >= from && inputs.size() <= kBlockInputs && inputs.size() % 2 == 0;
    for (std::int64_t strip = strips.first; strip < strips.last;) {
        const int log = height(whole_strips - strip, ceil_div(columns.size(), tiles));
        const std::int64_t next = strip + (std::int64_t{1} << log);
        const char* next_w = w + static_cast<std::size_t>(next) * t.strip_bytes;
        t.w = w + static_cast<std::size_t>(strip) * t.strip_bytes;
        WeightType type = p_.w.type;
        if (unpacks && log == 0) {
            k_.unpack[kind](t.w, inputs.size(), work_.weights);
            t.w = reinterpret_cast<const char*>(work_.weights);
            type = WeightType::f32;
        }
        for (std::int64_t i = 0; i < tiles; ++i) {
            const Piece tile = columns.part(i, tiles);
            t.x = x.x + (tile.first - columns.first) * x.stride;
            const std::int64_t ahead = i / parts;  // strips of the next tiles
            t.next_w = tiles > 1 && next + ahead < strips.last
                           ? next_w + static_cast<std::size_t>(ahead) * t.strip_bytes + i % parts * fetched
                           : t.w;
            const bool last = i + 1 == tiles;
            t.next_y = p_.y + (last ? columns.first : tile.last) * p_.y_stride + (last ? next : strip) * kStripRows;
            const Kernel kernel = k_.tile[x.layout][static_cast<int>(type)][log][tile.size() - 1];
            if (strip < whole_strips) whole_tile(t, kernel, strip, tile);
            else edge_tile(t, kernel, strip, tile);
        }
        strip = next;
    }
}

void Share::tiles(Piece strips, Piece columns) {
    const bool pays = strips.size() * kStripRows >= kPackedRows && columns.size() >= kPackedColumns;
    while (columns.size() > 0) {
        // The first columns of a signal, which see the past, are packed whatever the size.
        const bool packed = pays || must_pack(columns.first);
        Piece all = columns;
        if (packed && !pays && columns.first < context_) all.last = std::min(columns.last, context_);
        const Piece some = all.part(0, ceil_div(all.size(), kBlockColumns));
        columns.first = some.last;
        if (!packed) {
            block(in_place(some.first), strips, some, {0, p_.w.cols});
            continue;
        }
        const std::int64_t most = std::min(kBlockInputs, kPackedFloats / some.size());
        const std::int64_t step = ceil_div(ceil_div(p_.w.cols, ceil_div(p_.w.cols, most)), kLineFloats) * kLineFloats;
        for (std::int64_t at = 0; at < p_.w.cols; at += step) {
            const Piece inputs{at, std::min(at + step, p_.w.cols)};
            block(pack(some, inputs), strips, some, inputs);
        }
    }
}

/// For a few rows, whose strip would be nearly empty: each row is laid out plainly and multiplied along W's columns.
void Share::dots(Piece columns) {
    const std::int64_t width = p_.w.cols;
    float* weights = work_.packed;
    float* column = weights + width;
    const auto* strip = static_cast<const float*>(p_.w.data);
    for (std::int64_t row = 0; row < p_.w.rows; ++row) {
        for (std::int64_t i = 0; i < width; ++i) weights[i] = strip[i * kStripRows + row];
        for (std::int64_t n = columns.first; n < columns.last;) {
            float sums[kDotColumns];
            const bool packed = n < context_;
            const std::int64_t count = packed || n + kDotColumns > columns.last ? 1 : kDotColumns;
            FloatDots d{weights, column, 0, p_.taps, inputs_, inputs_, sums};
            if (packed) {
                for (std::int64_t tap = 0; tap < p_.taps; ++tap) {
                    const std::int64_t place = n + tap * p_.tap_shift;
                    const float* from =
                        place < context_ ? p_.past + place * inputs_ : p_.x + (place - context_) * p_.x_stride;
                    std::copy_n(from, inputs_, column + tap * inputs_);
                }
            } else {
                const Operand x = in_place(n);
                d.x = x.x;
                d.x_stride = x.stride;
                d.segment_stride = x.segment_stride;
            }
            (count == 1 ? k_.one_dot : k_.dots)(d);
            for (std::int64_t i = 0; i < count; ++i) p_.y[(n + i) * p_.y_stride + row] = finished(sums[i], row, n + i);
            n += count;
        }
    }
}

/// The strips and columns of thread `ith`: threads stand in a grid, the one with the least work for the busiest thread and
/// then with the least memory to read.
void divide(const FloatProduct& p, int ith, int nth, Piece& strips, Piece& columns) {
    const Piece all_strips{0, ceil_div(p.w.rows, kStripRows)};
    std::int64_t best_work = 0, best_reads = 0, across = 1;
    for (std::int64_t c = 1; c <= nth; ++c) {
        if (nth % c != 0) continue;
        const std::int64_t most_strips = ceil_div(ceil_div(all_strips.last, kSharedStrips), nth / c) * kSharedStrips;
        const std::int64_t most_columns = ceil_div(p.columns, c);
        const std::int64_t work = most_strips * most_columns;
        const std::int64_t reads = most_strips * kStripRows * ceil_div(most_columns, kBlockColumns) + most_columns;
        if (c == 1 || work < best_work || (work == best_work && reads < best_reads)) {
            best_work = work, best_reads = reads, across = c;
        }
    }
    const Piece groups = Piece{0, ceil_div(all_strips.last, kSharedStrips)}.part(ith / across, nth / across);
    strips = {groups.first * kSharedStrips, std::min(groups.last * kSharedStrips, all_strips.last)};
    columns = Piece{0, p.columns}.part(ith % across, across);
}

/// How many columns threads take at least when each goes through all strips with its columns; 0 where there are too few.
std::int64_t shared_columns(const FloatProduct& p, int nth, const FloatKernels& k) {
    if (p.columns < 4 * kLeastShared * nth) return 0;
    const std::int64_t columns = std::clamp(p.columns / (8 * nth), kLeastShared, kMostShared);
    return ceil_div(columns, k.tile_columns) * k.tile_columns;
}

}  // namespace

const FloatKernels& float_kernels() noexcept {
#if defined(__x86_64__)
    switch (instruction_set()) {
        case InstructionSet::avx512: return kFloatKernelsAvx512;
        case InstructionSet::avx2: return kFloatKernelsAvx2;
        case InstructionSet::portable: break;
    }
#endif
    return kFloatKernelsPortable;
}

void multiply(const FloatProduct& p, const Worker& me) {
    const FloatKernels& k = float_kernels();
    Share share(p, k);
    if (p.w.rows <= kFewRows && p.w.type == WeightType::f32 && 2 * p.w.cols <= kPackedFloats) {
        share_out(me, p.columns, kDotColumns, [&](std::int64_t first, std::int64_t last) { share.dots({first, last}); });
        return;
    }
    const std::int64_t all_strips = ceil_div(p.w.rows, kStripRows), columns = shared_columns(p, me.nth, k);
    if (p.columns < kPackedColumns) {
        share_out(me, all_strips, kStreamedStrips, [&](std::int64_t first, std::int64_t last) {
            share.tiles({first, last}, {0, p.columns});
        });
    } else if (columns > 0) {
        share_out(me, p.columns, columns, [&](std::int64_t first, std::int64_t last) {
            share.tiles({0, all_strips}, {first, last});
        });
    } else {
        Piece strips{}, part{};
        divide(p, me.ith, me.nth, strips, part);
        if (strips.size() > 0) share.tiles(strips, part);
    }
}

void dot_products(const float* w, std::int64_t inputs, const float* x, std::int64_t x_stride, std::int64_t columns,
                  float* y) noexcept {
    const FloatKernels& k = float_kernels();
    FloatDots d{w, x, x_stride, 1, inputs, 0, y};
    std::int64_t n = 0;
    for (; n + kDotColumns <= columns; n += kDotColumns, d.x += kDotColumns * x_stride, d.sums += kDotColumns) k.dots(d);
    for (; n < columns; ++n, d.x += x_stride, ++d.sums) k.one_dot(d);
}

}  // namespace heart::kernels
