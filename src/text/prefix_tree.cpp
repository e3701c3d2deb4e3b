#include "text/prefix_tree.h"

#include "core/error.h"

#include <algorithm>

namespace heart::text {

PrefixTree::PrefixTree(std::vector<Key> keys) : nodes_(1) {
    std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.text < b.text; });
    for (std::size_t i = 0; i < keys.size(); ++i) {
        ensure(!keys[i].text.empty() && keys[i].value >= 0, "a key of a prefix tree is empty or has no value");
        ensure(i == 0 || keys[i - 1].text != keys[i].text, "a prefix tree has a key twice");
    }

    // The keys [first, last) share their first `depth` bytes: they belong to one node of that depth. Nodes are made level by
    // level, in the order of the ranges.
    struct Range {
        std::size_t first, last;
    };
    std::vector<Range> level{{0, keys.size()}}, next;
    std::size_t node = 0;
    for (std::size_t depth = 0; !level.empty(); ++depth) {
        next.clear();
        for (auto [first, last] : level) {
            if (first < last && keys[first].text.size() == depth) nodes_[node].value = keys[first++].value;
            ensure(nodes_.size() < UINT32_MAX, "a prefix tree has more nodes than it can count");
            nodes_[node].first_child = static_cast<std::uint32_t>(nodes_.size());
            while (first < last) {
                const char byte = keys[first].text[depth];
                std::size_t end = first;
                while (end < last && keys[end].text[depth] == byte) ++end;
                nodes_.push_back({.byte = static_cast<unsigned char>(byte)});
                next.push_back({first, end});
                ++nodes_[node].child_count;
                first = end;
            }
            ++node;
        }
        level.swap(next);
    }
    nodes_.shrink_to_fit();
}

const PrefixTree::Node* PrefixTree::child(const Node& parent, unsigned char byte) const noexcept {
    const Node* first = nodes_.data() + parent.first_child;
    const Node* last = first + parent.child_count;
    const Node* at = std::lower_bound(first, last, byte, [](const Node& n, unsigned char b) { return n.byte < b; });
    return at == last || at->byte != byte ? nullptr : at;
}

std::int32_t PrefixTree::longest_at(std::string_view text, std::size_t at) const noexcept {
    std::int32_t longest = -1;
    each_at(text, at, [&](std::size_t, std::int32_t value) { longest = value; });
    return longest;
}

std::int32_t PrefixTree::find(std::string_view text) const noexcept {
    std::int32_t found = -1;
    each_at(text, 0, [&](std::size_t end, std::int32_t value) {
        if (end == text.size()) found = value;
    });
    return found;
}

}  // namespace heart::text
