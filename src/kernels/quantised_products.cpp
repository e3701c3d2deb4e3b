#include "kernels/quantised_products.h"

#include "kernels/instruction_set.h"
#include "kernels/quantised_products_families.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace heart::kernels {

namespace {

using namespace quantised;

constexpr std::int64_t kScratchBytes = 2 << 20;   ///< of quantised activations
constexpr std::int64_t kCachedBytes = 512 << 10;  ///< of weights, which stay in the second-level cache for all tiles
constexpr std::int64_t kFewColumns = 48;          ///< below this, reading the weights again costs more than it saves
constexpr std::int64_t kStreamedRows = 48;        ///< three strips, which the families read together

const Family& family() noexcept {
    switch (instruction_set()) {
#if defined(__x86_64__)
        case InstructionSet::avx512: return hardware_reads_ahead() ? kAvx512HardwareAhead : kAvx512;
        case InstructionSet::avx2: return hardware_reads_ahead() ? kAvx2HardwareAhead : kAvx2;
#endif
        default: return kPortable;
    }
}

/// A thread's rows times some of its columns: quantises the columns, then goes through the rows once.
class Chunk {
public:
    Chunk(const QuantisedProduct& p, Piece columns, std::vector<ActivationBlock>& scratch)
        : p_(p),
          columns_(columns),
          width_(columns.size()),
          blocks_(p.w.cols / kBlock),
          tiles_((width_ + family_.widest_tile - 1) / family_.widest_tile),
          scratch_(scratch) {
        const auto needed = static_cast<std::size_t>(width_ * blocks_);
        if (scratch_.size() < needed) scratch_.resize(needed);
        for (std::int64_t t = 0; t < tiles_; ++t) {
            const Piece tile = columns_of_tile(t);
            ActivationBlock* out = scratch_.data() + tile.first * blocks_;
            for (std::int64_t c = tile.first; c < tile.last; ++c) {
                family_.quantise(p_.x + (columns_.first + c) * p_.x_stride, p_.w.cols, p_.w.type, out++,
                                 static_cast<int>(tile.size()));
            }
        }
    }

    void multiply(Piece rows) const {
        const auto row_bytes = static_cast<std::int64_t>(plain_row_bytes(p_.w.type, p_.w.cols));
        const std::int64_t pair = 2 * kStripRows;
        // A single tile reads each row once: nothing has to stay in the cache.
        const std::int64_t step = tiles_ == 1 ? rows.size() : std::max(pair, kCachedBytes / row_bytes / pair * pair);
        for (std::int64_t row = rows.first; row < rows.last; row += step) {
            const Strips strips{.type = p_.w.type,
                                .data = static_cast<const std::uint8_t*>(p_.w.data) + row * row_bytes,
                                .rows = std::min(step, rows.last - row),
                                .cols = p_.w.cols};
            for (std::int64_t t = 0; t < tiles_; ++t) {
                const Piece tile = columns_of_tile(t);
                const Activations x{.blocks = scratch_.data() + tile.first * blocks_,
                                    .width = static_cast<int>(tile.size())};
                family_.multiply(strips, x, p_.y + (columns_.first + tile.first) * p_.y_stride + row, p_.y_stride);
            }
        }
    }

private:
    /// Columns are spread over the tiles evenly, since narrow ones are slow.
    [[nodiscard]] Piece columns_of_tile(std::int64_t i) const noexcept { return Piece{0, width_}.part(i, tiles_); }

    const Family& family_ = family();
    const QuantisedProduct& p_;
    Piece columns_;
    std::int64_t width_, blocks_, tiles_;
    std::vector<ActivationBlock>& scratch_;
};

}  // namespace

bool has_quantised_product(WeightType type) noexcept {
    return type == WeightType::q8_0 || type == WeightType::q4_0 || type == WeightType::q4_k;
}

void multiply(const QuantisedProduct& p, const Worker& me) {
    thread_local std::vector<ActivationBlock> scratch;
    const int tile = family().widest_tile;
    const std::int64_t column_bytes = p.w.cols / kBlock * static_cast<std::int64_t>(sizeof(ActivationBlock));
    const std::int64_t step = std::max<std::int64_t>(tile, kScratchBytes / column_bytes / tile * tile);
    if (p.columns >= kFewColumns * me.nth) {
        share_out(me, p.columns, kFewColumns, [&](std::int64_t first, std::int64_t last) {
            for (; first < last; first += step)
                Chunk(p, {first, std::min(last, first + step)}, scratch).multiply({0, p.w.rows});
        });
        return;
    }
    // Each thread quantises all columns, in as many steps as its scratch asks for, and they share the rows of each.
    const std::int64_t steps = (p.columns + step - 1) / step, groups = (p.w.rows + kStreamedRows - 1) / kStreamedRows;
    std::optional<Chunk> chunk;
    std::int64_t quantised = -1;
    share_out(me, steps * groups, 1, [&](std::int64_t first, std::int64_t last) {
        while (first < last) {
            const std::int64_t at = first / groups, next = std::min(last, (at + 1) * groups);
            if (std::exchange(quantised, at) != at)
                chunk.emplace(p, Piece{at * step, std::min(p.columns, (at + 1) * step)}, scratch);
            chunk->multiply(
                {(first - at * groups) * kStreamedRows, std::min((next - at * groups) * kStreamedRows, p.w.rows)});
            first = next;
        }
    });
}

}  // namespace heart::kernels
