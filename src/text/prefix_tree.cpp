#include "text/prefix_tree.h"

#include <deque>

namespace heart::text {

PrefixTree::PrefixTree(std::vector<std::pair<std::string_view, std::int32_t>> entries) : nodes_(1) {
    std::sort(entries.begin(), entries.end());
    struct Work {
        std::size_t node, first, last, depth;  // entries [first, last) share their first `depth` bytes, which lead to `node`
    };
    std::deque<Work> queue{{0, 0, entries.size(), 0}};
    while (!queue.empty()) {
        Work work = queue.front();
        queue.pop_front();
        if (work.first < work.last && entries[work.first].first.size() == work.depth) {
            nodes_[work.node].number = entries[work.first++].second;
        }
        nodes_[work.node].first_child = static_cast<std::uint32_t>(nodes_.size());
        for (std::size_t i = work.first; i < work.last;) {
            const char byte = entries[i].first[work.depth];
            std::size_t end = i;
            while (end < work.last && entries[end].first[work.depth] == byte) ++end;
            queue.push_back({nodes_.size(), i, end, work.depth + 1});
            nodes_.push_back({.byte = static_cast<unsigned char>(byte)});
            ++nodes_[work.node].child_count;
            i = end;
        }
    }
}

}  // namespace heart::text
