#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::text {

/// Finds which of many strings a text begins with, byte by byte. Immutable, so that threads may share one.
class PrefixTree {
public:
    PrefixTree() : nodes_(1) {}
    /// Strings, distinct and not empty, each with a number that is not negative. They are not kept.
    explicit PrefixTree(std::vector<std::pair<std::string_view, std::int32_t>> entries);

    /// Calls found(length, number) for every string that begins at byte `at`, the shortest first.
    template <typename Found>
    void prefixes(std::string_view text, std::size_t at, const Found& found) const {
        const Node* node = nodes_.data();
        for (std::size_t end = at; end < text.size();) {
            const auto byte = static_cast<unsigned char>(text[end]);
            const Node* first = nodes_.data() + node->first_child;
            const Node* last = first + node->child_count;
            node = std::lower_bound(first, last, byte, [](const Node& n, unsigned char b) { return n.byte < b; });
            if (node == last || node->byte != byte) return;
            ++end;
            if (node->number >= 0) found(end - at, node->number);
        }
    }

private:
    /// The children of a node lie side by side, ordered by byte; [0] is the root.
    struct Node {
        std::uint32_t first_child = 0;
        std::uint16_t child_count = 0;
        unsigned char byte = 0;
        std::int32_t number = -1;  ///< of the string that ends here, or -1
    };
    std::vector<Node> nodes_;
};

}  // namespace heart::text
