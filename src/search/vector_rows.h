#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace heart::search {

/// Rows of f32 numbers, one behind the other in blocks. A row stays where it is while others are added, so that what points
/// at it stays good, also when the object is moved.
class VectorRows {
public:
    /// Rows whose numbers stand side by side: [kBlockRows][width].
    static constexpr std::int64_t kBlockRows = 4096;

    /// Precondition: width is 1 to 2^20.
    explicit VectorRows(std::int64_t width) noexcept : width_(width) {}

    [[nodiscard]] std::int64_t width() const noexcept { return width_; }

    /// Makes room for rows 0 to rows - 1; new ones are zeros. Never takes room away. ErrorCode::memory.
    void reserve(std::int64_t rows);

    /// Precondition: there is room for row i.
    [[nodiscard]] float* row(std::int64_t i) noexcept { return at(i); }
    [[nodiscard]] const float* row(std::int64_t i) const noexcept { return at(i); }

private:
    struct Unmap {
        std::size_t bytes = 0;
        void operator()(float* address) const noexcept;
    };

    [[nodiscard]] float* at(std::int64_t i) const noexcept {
        return blocks_[static_cast<std::size_t>(i / kBlockRows)].get() + i % kBlockRows * width_;
    }

    std::int64_t width_;
    std::vector<std::unique_ptr<float[], Unmap>> blocks_;
};

}  // namespace heart::search
