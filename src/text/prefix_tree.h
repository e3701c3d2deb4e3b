#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace heart::text {

/// Finds which of many byte strings begin at a place of a text. Holds no reference to what it was made of.
class PrefixTree {
public:
    struct Key {
        std::string_view text;   ///< not empty, and no other key has it
        std::int32_t value = 0;  ///< from 0
    };

    PrefixTree() : PrefixTree(std::vector<Key>()) {}
    /// Time is O(n log n) in the number of keys, and linear in their bytes; memory is 12 bytes for each distinct prefix.
    explicit PrefixTree(std::vector<Key> keys);

    /// Calls found(end, value) for every key that is text[at, end), the shortest first.
    template <typename Found>
    void each_at(std::string_view text, std::size_t at, Found found) const {
        const Node* node = nodes_.data();
        while (at < text.size()) {
            node = child(*node, static_cast<unsigned char>(text[at++]));
            if (node == nullptr) return;
            if (node->value >= 0) found(at, node->value);
        }
    }
    /// The value of the longest key that starts at byte `at`, or -1.
    [[nodiscard]] std::int32_t longest_at(std::string_view text, std::size_t at) const noexcept;
    /// The value of the key that is all of `text`, or -1.
    [[nodiscard]] std::int32_t find(std::string_view text) const noexcept;

private:
    /// The children of a node lie side by side, ordered by byte.
    struct Node {
        std::uint32_t first_child = 0;
        std::int32_t value = -1;  ///< of the key that ends here, or -1
        std::uint16_t child_count = 0;
        unsigned char byte = 0;
    };

    [[nodiscard]] const Node* child(const Node& parent, unsigned char byte) const noexcept;  ///< null where there is none

    std::vector<Node> nodes_;  // [0] is the root
};

}  // namespace heart::text
