#include "kernels/interleaved.h"

#include <algorithm>
#include <cstring>

namespace heart::kernels {

namespace {

constexpr std::int64_t kHalfBytes = 2, kWordBytes = 4;

/// A type's plain block: some 16-bit numbers in front (scales), then words of four bytes, none of which is split.
struct BlockLayout {
    std::int64_t values;  ///< numbers in a block
    std::int64_t halves;
    std::int64_t words;

    [[nodiscard]] std::int64_t bytes() const noexcept { return halves * kHalfBytes + words * kWordBytes; }
};

BlockLayout layout_of(WeightType type) noexcept {
    switch (type) {
        case WeightType::f32: return {1, 0, 1};
        case WeightType::f16:
        case WeightType::bf16: return {2, 0, 1};
        case WeightType::q8_0: return {32, 1, 8};
        case WeightType::q4_0: return {32, 1, 4};
        case WeightType::q4_k: return {256, 2, 35};
    }
    return {1, 0, 1};
}

/// Interleaves `count` units of `bytes` each from rows `row_bytes` apart. Goes by sixteen units, about a cache line of a
/// row: rows are often a power of two apart, so their lines compete for the same few places in the cache.
template <std::int64_t bytes>
void interleave_units(const char* rows, std::size_t row_bytes, std::int64_t row_count, std::int64_t count,
                      char* out) noexcept {
    constexpr std::int64_t kStep = 16;
    for (std::int64_t first = 0; first < count; first += kStep) {
        const std::int64_t last = std::min(first + kStep, count);
        for (std::int64_t r = 0; r < row_count; ++r) {
            const char* row = rows + static_cast<std::size_t>(r) * row_bytes;
            for (std::int64_t u = first; u < last; ++u)
                std::memcpy(out + (u * kStripRows + r) * bytes, row + u * bytes, bytes);
        }
    }
}

/// Makes the int8 of an interleaved q8_0 block unsigned: plus 128 is its highest bit flipped.
void make_unsigned(char* words, std::int64_t bytes) noexcept {
    for (std::int64_t i = 0; i < bytes; ++i) words[i] = static_cast<char>(words[i] ^ 0x80);
}

}  // namespace

bool can_interleave(WeightType type, std::int64_t cols) noexcept {
    return cols > 0 && cols % layout_of(type).values == 0;
}

std::size_t plain_row_bytes(WeightType type, std::int64_t cols) noexcept {
    const BlockLayout block = layout_of(type);
    return static_cast<std::size_t>(cols / block.values * block.bytes());
}

void interleave_strip(WeightType type, std::int64_t cols, const void* rows, std::int64_t row_count, void* strip) noexcept {
    const BlockLayout block = layout_of(type);
    const std::size_t row_bytes = plain_row_bytes(type, cols);
    const auto* in = static_cast<const char*>(rows);
    auto* out = static_cast<char*>(strip);
    if (row_count < kStripRows) std::memset(out, 0, static_cast<std::size_t>(kStripRows) * row_bytes);
    if (block.halves == 0) return interleave_units<kWordBytes>(in, row_bytes, row_count, cols / block.values, out);
    for (std::int64_t b = 0; b < cols / block.values; ++b) {
        interleave_units<kHalfBytes>(in, row_bytes, row_count, block.halves, out);
        char* words = out + block.halves * kHalfBytes * kStripRows;
        interleave_units<kWordBytes>(in + block.halves * kHalfBytes, row_bytes, row_count, block.words, words);
        if (type == WeightType::q8_0) make_unsigned(words, block.words * kWordBytes * kStripRows);
        in += block.bytes();
        out += block.bytes() * kStripRows;
    }
}

}  // namespace heart::kernels
