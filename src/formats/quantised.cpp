#include "formats/quantised.h"

#include "core/error.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace heart::formats {

namespace {

constexpr std::size_t kLargestBlock = 256;

/// One block's bytes. Fields are read one by one: blocks need not be aligned.
class Block {
public:
    explicit Block(const std::byte* bytes) : bytes_(bytes) {}

    [[nodiscard]] unsigned u8(std::size_t at) const noexcept { return std::to_integer<unsigned>(bytes_[at]); }
    [[nodiscard]] int i8(std::size_t at) const noexcept { return static_cast<std::int8_t>(bytes_[at]); }
    [[nodiscard]] float f16(std::size_t at) const noexcept {
        std::uint16_t bits = 0;
        std::memcpy(&bits, bytes_ + at, sizeof bits);
        return f16_to_f32(bits);
    }

private:
    const std::byte* bytes_;
};

/// f16 scale, then 32 signed bytes.
void read_q8_0(const Block& b, float* out) {
    const float scale = b.f16(0);
    for (std::size_t i = 0; i < 32; ++i) out[i] = static_cast<float>(b.i8(2 + i)) * scale;
}

/// f16 scale, then 16 bytes: elements 0..15 in the low halves, 16..31 in the high ones, each 8 too large.
void read_q4_0(const Block& b, float* out) {
    const float scale = b.f16(0);
    for (std::size_t i = 0; i < 16; ++i) {
        const unsigned pair = b.u8(2 + i);
        out[i] = static_cast<float>(static_cast<int>(pair & 15U) - 8) * scale;
        out[16 + i] = static_cast<float>(static_cast<int>(pair >> 4) - 8) * scale;
    }
}

/// The 6-bit scale and minimum of each group of 32 in Q4_K and Q5_K. Of the 12 bytes from `at` on, 0..3 hold the scales and
/// 4..7 the minima of groups 0..3 in their low 6 bits; 8..11 the low 4 bits of scales and minima of groups 4..7, whose
/// high 2 bits are the ones left over in bytes 0..7.
struct Group {
    float scale, minimum;
};
Group read_group(const Block& b, std::size_t at, std::size_t group) {
    if (group < 4) return {static_cast<float>(b.u8(at + group) & 63U), static_cast<float>(b.u8(at + group + 4) & 63U)};
    const unsigned low = b.u8(at + group + 4), scale_high = b.u8(at + group - 4) >> 6, minimum_high = b.u8(at + group) >> 6;
    return {static_cast<float>((low & 15U) | (scale_high << 4)), static_cast<float>((low >> 4) | (minimum_high << 4))};
}

/// f16 scale of scales, f16 scale of minima, 12 bytes of groups, for Q5_K 32 bytes of fifth bits, then 128 bytes of halves:
/// each run of 32 bytes holds two groups of 32, one in the low halves and one in the high ones.
void read_q4_k_or_q5_k(const Block& b, bool fifth_bit, float* out) {
    const float scale = b.f16(0), minimum = b.f16(2);
    const std::size_t high = 16, low = fifth_bit ? 48 : 16;
    for (std::size_t g = 0; g < 8; ++g) {
        const Group group = read_group(b, 4, g);
        const float step = scale * group.scale, offset = minimum * group.minimum;
        for (std::size_t i = 0; i < 32; ++i) {
            unsigned q = (b.u8(low + 32 * (g / 2) + i) >> (4 * (g % 2))) & 15U;
            if (fifth_bit) q |= ((b.u8(high + i) >> g) & 1U) << 4;
            out[32 * g + i] = step * static_cast<float>(q) - offset;
        }
    }
}

/// 128 bytes of low halves, 64 bytes of high pairs of bits, 16 signed scales of 16 elements each, f16 scale of scales.
/// Each half of the block (128 elements) has 64 low bytes and 32 high ones; run r of its four runs of 32 takes low bytes
/// 32 (r % 2) on, the low or (r / 2) high half of them, and bits 2r of the high bytes.
void read_q6_k(const Block& b, float* out) {
    const float scale = b.f16(208);
    for (std::size_t run = 0; run < 8; ++run) {
        const std::size_t half = run / 4, r = run % 4;
        for (std::size_t i = 0; i < 32; ++i) {
            const unsigned low = (b.u8(64 * half + 32 * (r % 2) + i) >> (4 * (r / 2))) & 15U;
            const unsigned high = (b.u8(128 + 32 * half + i) >> (2 * r)) & 3U;
            const float step = scale * static_cast<float>(b.i8(192 + 2 * run + i / 16));
            out[32 * run + i] = step * static_cast<float>(static_cast<int>(low | (high << 4)) - 32);
        }
    }
}

void read_block(DType type, const Block& block, float* out) {
    switch (type) {
        case DType::q8_0: return read_q8_0(block, out);
        case DType::q4_0: return read_q4_0(block, out);
        case DType::q4_k: return read_q4_k_or_q5_k(block, false, out);
        case DType::q5_k: return read_q4_k_or_q5_k(block, true, out);
        case DType::q6_k: return read_q6_k(block, out);
        default: ensure(false, "dequantise: a quantised type");
    }
}

}  // namespace

void dequantise(DType type, std::span<const std::byte> blocks, std::uint64_t first, std::span<float> out) {
    const std::size_t elements = dtype_block(type), size = dtype_size(type);
    std::array<float, kLargestBlock> whole;  // of a block that is asked for in part
    while (!out.empty()) {
        const std::size_t skip = first % elements;
        const std::size_t n = std::min(elements - skip, out.size());
        const Block block(blocks.subspan(first / elements * size, size).data());
        if (n == elements) {
            read_block(type, block, out.data());
        } else {
            read_block(type, block, whole.data());
            std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(skip), n, out.begin());
        }
        out = out.subspan(n);
        first += n;
    }
}

}  // namespace heart::formats
