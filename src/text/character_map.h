#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::text {

/// Largest character map that is read, in bytes; XLM-RoBERTa's has 237,000.
inline constexpr std::size_t kMaxCharacterMapBytes = std::size_t{16} << 20;

/// The normalisation of a SentencePiece model: which characters are written how (NMT-NFKC as a rule), as Hugging Face
/// tokenizers' "Precompiled" applies it. A double array (Darts) of the characters and the strings that replace them.
/// Immutable, so that threads may share one.
class CharacterMap {
public:
    /// Changes nothing.
    CharacterMap() = default;

    /// From the bytes of "precompiled_charsmap": u32 size of the array in bytes, the array's u32 units, then strings that
    /// end with NUL. `name` stands for it in errors. ErrorCode::malformed, ::limit. Whatever the units say, a search ends
    /// within the text it was given and reads inside the array.
    [[nodiscard]] static CharacterMap parse(std::string_view bytes, std::string_view name);

    /// The normalised form of valid UTF-8. By extended grapheme clusters, as the reference goes: one of fewer than six bytes
    /// is looked up as a whole and replaced as a whole by what its shortest known beginning becomes; in others, and where
    /// nothing is known, each character is looked up alone and stays where nothing is known.
    [[nodiscard]] std::string normalise(std::string_view utf8) const;

private:
    /// What the shortest known beginning of `text` becomes.
    [[nodiscard]] std::optional<std::string_view> replacement(std::string_view text) const noexcept;
    void append_by_character(std::string_view cluster, std::string& out) const;

    std::vector<std::uint32_t> units_;
    std::string strings_;
};

}  // namespace heart::text
