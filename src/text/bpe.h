#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace heart::text {

/// Lets a map with std::string keys be searched with a std::string_view.
struct StringHash {
    using is_transparent = void;
    /// Not noexcept on purpose: libstdc++ then stores the hashes, instead of computing those of a whole bucket at every
    /// search.
    [[nodiscard]] std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

/// Token as it is spelled in tokenizer.json -> id.
using Vocabulary = std::unordered_map<std::string, std::int32_t, StringHash, std::equal_to<>>;

/// The merge rules: pair of ids -> rank (lower is applied first) and id of the merged token.
class MergeTable {
public:
    struct Merge {
        std::uint32_t rank;
        std::int32_t id;
    };

    void reserve(std::size_t count) { merges_.reserve(count); }
    /// A pair that is listed twice keeps its last rank, as in the reference.
    void set(std::int32_t left, std::int32_t right, Merge merge) { merges_.insert_or_assign(key(left, right), merge); }
    /// Null where no rule merges the pair.
    [[nodiscard]] const Merge* find(std::int32_t left, std::int32_t right) const noexcept;

private:
    /// std::hash of an integer is the integer itself; pairs of ids need mixing to spread over the buckets.
    struct KeyHash {
        [[nodiscard]] std::size_t operator()(std::uint64_t key) const noexcept;
    };
    [[nodiscard]] static std::uint64_t key(std::int32_t left, std::int32_t right) noexcept;

    std::unordered_map<std::uint64_t, Merge, KeyHash> merges_;
};

/// Byte-level byte-pair encoding (Sennrich et al. 2016 over the bytes of GPT-2): the model part of tokenizer.json.
class Bpe {
public:
    /// `ignore_merges`: a piece that is a token as a whole becomes that token, whatever the merge rules would make of it.
    Bpe(Vocabulary vocabulary, MergeTable merges, bool ignore_merges);

    /// Appends the ids of one pre-tokenized piece (any bytes). Time is O(n log n) in the piece.
    /// Throws ErrorCode::unsupported when a byte has no token.
    void encode(std::string_view piece, std::vector<std::int32_t>& ids) const;

    [[nodiscard]] const Vocabulary& vocabulary() const noexcept { return vocabulary_; }
    [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;

private:
    void encode_by_merges(std::string_view piece, std::vector<std::int32_t>& ids) const;

    Vocabulary vocabulary_;
    MergeTable merges_;
    bool ignore_merges_;
    std::array<std::int32_t, 256> byte_ids_{};  ///< token of each single byte, -1 where there is none
};

/// GPT-2's spelling of a byte in a vocabulary: a printable character for each of the 256 (space is U+0120).
[[nodiscard]] std::uint32_t byte_level_character(unsigned char byte) noexcept;

}  // namespace heart::text
