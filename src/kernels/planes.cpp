#include "kernels/planes.h"

#include <cstring>

namespace heart::kernels {

namespace {

constexpr std::int64_t kBlock = 32;  // numbers that share a scale
constexpr std::size_t kScaleBytes = sizeof(std::uint16_t);
constexpr std::size_t kBlockBytes = kScaleBytes + static_cast<std::size_t>(kBlock);
constexpr std::size_t kRowAlignment = 16;

}  // namespace

bool can_split(WeightType type, std::int64_t cols) noexcept {
    const bool known = type == WeightType::f32 || type == WeightType::f16 || type == WeightType::bf16 ||
                       (type == WeightType::q8_0 && cols % kBlock == 0);
    return known && plain_row_bytes(type, cols) % kRowAlignment == 0;
}

void split_rows(WeightType type, std::int64_t cols, const void* rows, std::int64_t row_count, void* planes) noexcept {
    const std::size_t row_bytes = plain_row_bytes(type, cols);
    if (type != WeightType::q8_0) {
        std::memcpy(planes, rows, row_bytes * static_cast<std::size_t>(row_count));
        return;
    }
    for (std::int64_t r = 0; r < row_count; ++r) {
        const auto* from = static_cast<const char*>(rows) + static_cast<std::size_t>(r) * row_bytes;
        auto* integers = static_cast<char*>(planes) + static_cast<std::size_t>(r) * row_bytes;
        char* scales = integers + cols;
        for (std::int64_t b = 0; b < cols / kBlock; ++b, from += kBlockBytes) {
            std::memcpy(scales + static_cast<std::size_t>(b) * kScaleBytes, from, kScaleBytes);
            std::memcpy(integers + b * kBlock, from + kScaleBytes, static_cast<std::size_t>(kBlock));
        }
    }
}

}  // namespace heart::kernels
