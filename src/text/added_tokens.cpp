#include "text/added_tokens.h"

#include "core/utf8.h"
#include "text/unicode.h"

#include <algorithm>
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

PrefixTree AddedTokenSplitter::build_tree(bool normalized) const {
    std::vector<std::pair<std::string_view, std::int32_t>> entries;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        if (tokens_[i].normalized == normalized) entries.emplace_back(tokens_[i].content, static_cast<std::int32_t>(i));
    }
    return PrefixTree(std::move(entries));
}

void AddedTokenSplitter::split_with(const PrefixTree& tree, std::string_view text, std::vector<Segment>& out) const {
    std::size_t done = 0;  // everything before is in `out`
    for (std::size_t at = 0; at < text.size();) {
        std::int32_t found = -1;  // the longest
        tree.prefixes(text, at, [&](std::size_t, std::int32_t token) { found = token; });
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
