#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::text {

/// The precompiled character map of SentencePiece: what a text's characters become before it is cut into pieces (NMT-NFKC
/// for most models). The rules of its use are those of Hugging Face's crate spm_precompiled, which SentencePiece itself does
/// not share.
class CharacterMap {
public:
    /// `bytes`: the size of the trie in bytes (u32, little-endian), the trie (a Darts double array of u32 units), then the
    /// replacements, UTF-8 strings that end with a zero byte or with the map. A value of the trie is a replacement's offset.
    /// Walks the whole trie; `where` stands for the map in errors.
    /// Throws ErrorCode::malformed where anything refers to what is not there.
    CharacterMap(std::span<const std::byte> bytes, std::string_view where);

    /// What a valid UTF-8 text becomes. An extended grapheme cluster shorter than 6 bytes is replaced as a whole by the
    /// replacement of its shortest prefix in the map; where there is none, and in longer clusters, each character is
    /// replaced alone, or stays. Clusters by the Unicode version of the linked utf8proc.
    /// Throws ErrorCode::limit where more than `max_bytes` come out. Time is linear in the text and the result.
    [[nodiscard]] std::string apply(std::string_view utf8, std::size_t max_bytes) const;

    /// The replacement of the shortest prefix of `text` in the map.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view text) const noexcept;

private:
    void check_trie(std::string_view where) const;

    std::vector<std::uint32_t> units_;
    std::string replacements_;
};

}  // namespace heart::text
