#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heart::speech {

/// How two sequences of words (or characters, or phonemes) differ, with as few edits as possible (Levenshtein, 1966).
struct Edit {
    enum class Kind : std::uint8_t { hit, substitution, deletion, insertion };
    Kind kind = Kind::hit;
    std::size_t reference = 0;   ///< index of the unit there; of an insertion, the unit before which it stands
    std::size_t hypothesis = 0;  ///< index there; of a deletion, the unit before which it would stand
};

struct ErrorCounts {
    std::size_t hits = 0, substitutions = 0, deletions = 0, insertions = 0;

    [[nodiscard]] std::size_t reference_units() const noexcept { return hits + substitutions + deletions; }
    [[nodiscard]] std::size_t errors() const noexcept { return substitutions + deletions + insertions; }
    /// Errors by units of the reference: word error rate for words. May be above 1; for an empty reference 0 without
    /// errors, else 1.
    [[nodiscard]] double rate() const noexcept;
};

/// Most units of either sequence that are compared: memory is their product in bytes.
inline constexpr std::size_t kMostUnits = 10'000;

/// The edits that turn `reference` into `hypothesis`, in order; of equally short ways, one that keeps most units. Throws
/// ErrorCode::limit beyond kMostUnits.
[[nodiscard]] std::vector<Edit> align_units(std::span<const std::string> reference, std::span<const std::string> hypothesis);

[[nodiscard]] ErrorCounts count_errors(std::span<const Edit> edits);

}  // namespace heart::speech
