#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::test {

/// Writes precompiled character maps: a Darts double array in which every node has a block of 256 units of its own.
class CharacterMapWriter {
public:
    /// `far`: offsets are written in the form for large arrays, a multiple of 256.
    CharacterMapWriter(const std::map<std::string, std::string>& rules, bool far) : far_(far), units_(kBlock) {
        write_node(rules, 0, 0);
        for (const std::uint32_t unit : units_) put_u32(unit);
        std::string header;
        std::swap(header, bytes_);
        put_u32(static_cast<std::uint32_t>(header.size()));
        bytes_ += header + replacements_;
    }

    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

private:
    static constexpr std::size_t kBlock = 256;

    /// `rules`: those whose keys' first `depth` bytes lead to the node numbered `node`.
    void write_node(const std::map<std::string, std::string>& rules, std::size_t depth, std::size_t node) {
        std::map<unsigned char, std::map<std::string, std::string>> children;
        for (const auto& [key, replacement] : rules) {
            if (key.size() == depth) {
                units_[node] = 0x80000000U | static_cast<std::uint32_t>(replacements_.size());
                replacements_ += replacement + '\0';
            } else {
                children[static_cast<unsigned char>(key[depth])].emplace(key, replacement);
            }
        }
        for (const auto& [label, below] : children) {
            const std::size_t place = node ^ label;
            std::size_t child = units_.size();
            if (far_) child ^= place % kBlock;
            units_.resize(units_.size() + kBlock);
            const auto offset = static_cast<std::uint32_t>(place ^ child);
            const bool ends = below.begin()->first.size() == depth + 1;  // the shortest comes first
            units_[place] = (far_ ? (offset >> 8) << 10 | 0x200U : offset << 10) | (ends ? 0x100U : 0U) | label;
            write_node(below, depth + 1, child);
        }
    }

    void put_u32(std::uint32_t value) {
        for (int i = 0; i < 4; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
    }

    bool far_;
    std::vector<std::uint32_t> units_;
    std::string replacements_, bytes_;
};

/// The map with these rules (text -> what it becomes), as a tokenizer.json holds it before base64.
inline std::string character_map(const std::map<std::string, std::string>& rules, bool far = false) {
    return CharacterMapWriter(rules, far).bytes();
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace heart::test
