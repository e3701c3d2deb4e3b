#include "speech/time_warping.h"

#include "core/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace heart::speech {

namespace {

constexpr std::size_t kMedian = 7;

/// Each value becomes the median of those around it in its row, which is mirrored at its ends.
void smooth(std::span<float> row) {
    constexpr auto kHalf = static_cast<std::ptrdiff_t>(kMedian / 2);
    const auto n = static_cast<std::ptrdiff_t>(row.size());
    if (n <= kHalf) return;
    const std::vector<float> before(row.begin(), row.end());
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        std::array<float, kMedian> around{};
        for (std::ptrdiff_t k = -kHalf; k <= kHalf; ++k) {
            std::ptrdiff_t at = std::abs(i + k);
            if (at >= n) at = 2 * (n - 1) - at;
            around[static_cast<std::size_t>(k + kHalf)] = before[static_cast<std::size_t>(at)];
        }
        std::nth_element(around.begin(), around.begin() + kHalf, around.end());
        row[static_cast<std::size_t>(i)] = around[static_cast<std::size_t>(kHalf)];
    }
}

/// The first columns of a head, each row a softmax again, each column with mean 0 and deviation 1.
Matrix normalised(const Matrix& head, std::size_t columns) {
    Matrix m{head.rows, columns, std::vector<float>(head.rows * columns)};
    for (std::size_t r = 0; r < m.rows; ++r) {
        double sum = 0;
        for (std::size_t c = 0; c < columns; ++c) sum += static_cast<double>(head.at(r, c));
        const auto factor = static_cast<float>(sum > 0 ? 1 / sum : 0);
        for (std::size_t c = 0; c < columns; ++c) m.at(r, c) = head.at(r, c) * factor;
    }
    const auto count = static_cast<double>(m.rows);
    for (std::size_t c = 0; c < columns; ++c) {
        double sum = 0, squares = 0;
        for (std::size_t r = 0; r < m.rows; ++r) sum += static_cast<double>(m.at(r, c));
        const double mean = sum / count;
        for (std::size_t r = 0; r < m.rows; ++r) squares += std::pow(static_cast<double>(m.at(r, c)) - mean, 2);
        const double deviation = std::sqrt(squares / count);
        for (std::size_t r = 0; r < m.rows; ++r) {
            m.at(r, c) = deviation > 0 ? static_cast<float>((static_cast<double>(m.at(r, c)) - mean) / deviation) : 0.0F;
        }
    }
    return m;
}

enum class Step : std::uint8_t { both, row, column };

}  // namespace

Matrix alignment_matrix(std::span<const Matrix> heads, std::size_t columns) {
    ensure(!heads.empty() && columns > 0 && heads[0].rows > 0, "an alignment has tokens, places and heads");
    Matrix mean{heads[0].rows, columns, std::vector<float>(heads[0].rows * columns, 0.0F)};
    for (const Matrix& head : heads) {
        ensure(head.rows == mean.rows && head.columns >= columns, "heads of an alignment have one shape");
        Matrix m = normalised(head, columns);
        for (std::size_t r = 0; r < m.rows; ++r) smooth(std::span(m.values).subspan(r * columns, columns));
        for (std::size_t i = 0; i < m.values.size(); ++i) mean.values[i] += m.values[i] / static_cast<float>(heads.size());
    }
    return mean;
}

std::vector<std::size_t> warp(const Matrix& scores, bool whole) {
    const std::size_t rows = scores.rows, columns = scores.columns;
    ensure(rows > 0 && columns > 0 && scores.values.size() == rows * columns, "a path needs a matrix");
    constexpr double kNone = -std::numeric_limits<double>::infinity();
    std::vector<double> before(rows + 1, kNone), now(rows + 1, kNone);  // of a column; [0] is outside
    std::vector<Step> steps(rows * columns, Step::both);
    std::vector<double> lengths_before(rows + 1, 0), lengths(rows + 1, 0);
    for (std::size_t c = 0; c < columns; ++c) {
        now[0] = kNone;
        for (std::size_t r = 0; r < rows; ++r) {
            // Of equal ways the diagonal one, then down, then across.
            double best = r == 0 && c == 0 ? 0 : before[r], length = lengths_before[r];
            Step step = Step::both;
            if (now[r] > best) best = now[r], length = lengths[r], step = Step::row;
            if (before[r + 1] > best) best = before[r + 1], length = lengths_before[r + 1], step = Step::column;
            now[r + 1] = best + static_cast<double>(scores.at(r, c));
            lengths[r + 1] = length + 1;
            steps[r * columns + c] = step;
        }
        std::swap(before, now);
        std::swap(lengths_before, lengths);
    }
    std::size_t row = rows - 1;
    if (!whole) {
        for (std::size_t r = 0; r < rows; ++r) {
            if (before[r + 1] / lengths_before[r + 1] > before[row + 1] / lengths_before[row + 1]) row = r;
        }
    }
    std::vector<std::size_t> entries(rows, columns);
    std::size_t column = columns - 1;
    while (true) {
        entries[row] = column;
        if (row == 0 && column == 0) break;
        const Step step = steps[row * columns + column];
        if (step != Step::row) --column;
        if (step != Step::column) --row;
    }
    return entries;
}

}  // namespace heart::speech
