#include "text/added_tokens.h"

#include "core/utf8.h"
#include "text/unicode.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace heart::text {

namespace {

/// Start of the white space that ends at byte `at`, but not before `least`.
std::size_t space_start(std::string_view text, std::size_t at, std::size_t least) noexcept {
    while (at > least) {
        std::size_t previous = at - 1;
        while (previous > least && (static_cast<unsigned char>(text[previous]) & 0xc0) == 0x80) --previous;
        if (!is_space(decode_utf8(text, previous).code)) break;
        at = previous;
    }
    return at;
}

/// End of the white space that starts at byte `at`.
std::size_t space_end(std::string_view text, std::size_t at) noexcept {
    while (at < text.size()) {
        const Utf8Char c = decode_utf8(text, at);
        if (!is_space(c.code)) break;
        at += c.length;
    }
    return at;
}

}  // namespace

AddedTokenSplitter::AddedTokenSplitter(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)), verbatim_(build_tree(false)), normalized_(build_tree(true)) {}

AddedTokenSplitter::Tree AddedTokenSplitter::build_tree(bool normalized) const {
    std::vector<std::int32_t> sorted;  // indices of the tokens in question, by content
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        if (tokens_[i].normalized == normalized) sorted.push_back(static_cast<std::int32_t>(i));
    }
    const auto content = [&](std::size_t i) -> const std::string& {
        return tokens_[static_cast<std::size_t>(sorted[i])].content;
    };
    std::sort(sorted.begin(), sorted.end(), [&](std::int32_t a, std::int32_t b) {
        return tokens_[static_cast<std::size_t>(a)].content < tokens_[static_cast<std::size_t>(b)].content;
    });

    struct Work {
        std::size_t node, first, last,
            depth;  // contents [first, last) share their first `depth` bytes, which lead to `node`
    };
    Tree tree(1);
    std::deque<Work> queue{{0, 0, sorted.size(), 0}};
    while (!queue.empty()) {
        Work work = queue.front();
        queue.pop_front();
        if (work.first < work.last && content(work.first).size() == work.depth) {
            tree[work.node].token = sorted[work.first++];
        }
        tree[work.node].first_child = static_cast<std::uint32_t>(tree.size());
        for (std::size_t i = work.first; i < work.last;) {
            const char byte = content(i)[work.depth];
            std::size_t end = i;
            while (end < work.last && content(end)[work.depth] == byte) ++end;
            queue.push_back({tree.size(), i, end, work.depth + 1});
            tree.push_back({.byte = static_cast<unsigned char>(byte)});
            ++tree[work.node].child_count;
            i = end;
        }
    }
    return tree;
}

std::int32_t AddedTokenSplitter::longest_at(const Tree& tree, std::string_view text, std::size_t at) const noexcept {
    std::int32_t longest = -1;
    const Node* node = tree.data();
    for (; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const Node* first = tree.data() + node->first_child;
        const Node* last = first + node->child_count;
        const Node* child = std::lower_bound(first, last, byte, [](const Node& n, unsigned char b) { return n.byte < b; });
        if (child == last || child->byte != byte) break;
        node = child;
        if (node->token >= 0) longest = node->token;
    }
    return longest;
}

void AddedTokenSplitter::split_with(const Tree& tree, std::string_view text, std::vector<Segment>& out) const {
    std::size_t done = 0;  // everything before is in `out`
    for (std::size_t at = 0; at < text.size();) {
        const std::int32_t found = longest_at(tree, text, at);
        if (found < 0) {
            ++at;
            continue;
        }
        const AddedToken& token = tokens_[static_cast<std::size_t>(found)];
        std::size_t end = at + token.content.size();
        const std::size_t search_from = end;
        const std::size_t start = token.lstrip ? space_start(text, at, std::min(done, at)) : at;
        if (token.rstrip) end = space_end(text, end);
        if (done < start) out.push_back({text.substr(done, start - done), std::nullopt});
        out.push_back({text.substr(start, end - start), token.id});
        done = end;
        // The search goes on behind the content, not behind the swallowed space: as in the reference, a token that is white
        // space itself is still found there.
        at = search_from;
    }
    if (done < text.size()) out.push_back({text.substr(done), std::nullopt});
}

std::vector<Segment> AddedTokenSplitter::split(std::string_view text) const {
    std::vector<Segment> first, out;
    split_with(verbatim_, text, first);
    for (const Segment& segment : first) {
        if (segment.id) out.push_back(segment);
        else split_with(normalized_, segment.text, out);
    }
    return out;
}

}  // namespace heart::text
