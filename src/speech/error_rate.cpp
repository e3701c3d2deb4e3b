#include "speech/error_rate.h"

#include "core/error.h"

#include <algorithm>

namespace heart::speech {

namespace {

using Kind = Edit::Kind;

void check_length(std::size_t units) {
    if (units <= kMostUnits) return;
    throw Error(ErrorCode::limit, "a text is too long to be compared")
        .expected(std::to_string(kMostUnits) + " words or characters at most")
        .found(std::to_string(units));
}

}  // namespace

double ErrorCounts::rate() const noexcept {
    if (reference_units() == 0) return errors() == 0 ? 0 : 1;
    return static_cast<double>(errors()) / static_cast<double>(reference_units());
}

std::vector<Edit> align_units(std::span<const std::string> reference, std::span<const std::string> hypothesis) {
    check_length(reference.size());
    check_length(hypothesis.size());
    const std::size_t rows = reference.size() + 1, columns = hypothesis.size() + 1;
    std::vector<Kind> steps(rows * columns);
    // An edit costs more than all hits together gain: as few edits as possible, and among those as many hits.
    constexpr std::int64_t kEdit = std::int64_t{2} * kMostUnits, kHit = -1;
    std::vector<std::int64_t> before(columns), now(columns);
    for (std::size_t h = 0; h < columns; ++h) before[h] = static_cast<std::int64_t>(h) * kEdit, steps[h] = Kind::insertion;
    for (std::size_t r = 1; r < rows; ++r) {
        now[0] = static_cast<std::int64_t>(r) * kEdit;
        steps[r * columns] = Kind::deletion;
        for (std::size_t h = 1; h < columns; ++h) {
            const bool equal = reference[r - 1] == hypothesis[h - 1];
            std::int64_t best = before[h - 1] + (equal ? kHit : kEdit);
            Kind step = equal ? Kind::hit : Kind::substitution;
            if (before[h] + kEdit < best) best = before[h] + kEdit, step = Kind::deletion;
            if (now[h - 1] + kEdit < best) best = now[h - 1] + kEdit, step = Kind::insertion;
            now[h] = best;
            steps[r * columns + h] = step;
        }
        std::swap(before, now);
    }
    std::vector<Edit> out;
    for (std::size_t r = rows - 1, h = columns - 1; r > 0 || h > 0;) {
        const Kind step = steps[r * columns + h];
        if (step != Kind::insertion) --r;
        if (step != Kind::deletion) --h;
        out.push_back({step, r, h});
    }
    std::reverse(out.begin(), out.end());
    return out;
}

ErrorCounts count_errors(std::span<const Edit> edits) {
    ErrorCounts out;
    for (const Edit& e : edits) {
        switch (e.kind) {
            case Kind::hit: ++out.hits; break;
            case Kind::substitution: ++out.substitutions; break;
            case Kind::deletion: ++out.deletions; break;
            case Kind::insertion: ++out.insertions; break;
        }
    }
    return out;
}

}  // namespace heart::speech
