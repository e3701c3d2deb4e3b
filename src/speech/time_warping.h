#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace heart::speech {

/// Numbers [rows][columns], row by row.
struct Matrix {
    std::size_t rows = 0, columns = 0;
    std::vector<float> values;

    [[nodiscard]] float at(std::size_t row, std::size_t column) const { return values[row * columns + column]; }
    [[nodiscard]] float& at(std::size_t row, std::size_t column) { return values[row * columns + column]; }
};

/// How well each token (row) goes with each place of the sound (column), from the cross-attention of heads that follow the
/// sound (openai/whisper timing.py, find_alignment): each head's rows are softmaxes over the first `columns` places; a
/// place's column is centred and scaled over the tokens, places are smoothed by a median of 7, and the heads' mean is taken.
/// `heads`: each [rows][all columns].
[[nodiscard]] Matrix alignment_matrix(std::span<const Matrix> heads, std::size_t columns);

/// Dynamic time warping (Sakoe and Chiba, 1978): the path from the first cell to one of the last column with the largest
/// sum, in steps of one row, one column or both. Returns for each row the column at which the path enters it. With `whole`
/// the path ends in the last row; else wherever its mean is largest, and rows it does not reach get the number of columns.
/// Throws ErrorCode::internal for an empty matrix.
[[nodiscard]] std::vector<std::size_t> warp(const Matrix& scores, bool whole = true);

/// Seconds of a column: an encoder position.
inline constexpr double kColumnSeconds = 0.02;

}  // namespace heart::speech
