#include "text/added_tokens.h"

#include "text/unicode.h"

#include <algorithm>
#include <utility>

namespace heart::text {

AddedTokenSplitter::AddedTokenSplitter(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)), verbatim_(contents(false)), normalized_(contents(true)) {}

PrefixTree AddedTokenSplitter::contents(bool normalized) const {
    std::vector<PrefixTree::Key> keys;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        if (tokens_[i].normalized == normalized) keys.push_back({tokens_[i].content, static_cast<std::int32_t>(i)});
    }
    return PrefixTree(std::move(keys));
}

void AddedTokenSplitter::split_with(const PrefixTree& tree, std::string_view text, std::vector<Segment>& out) const {
    std::size_t done = 0;  // everything before is in `out`
    for (std::size_t at = 0; at < text.size();) {
        const std::int32_t found = tree.longest_at(text, at);
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
    std::vector<Segment> out;
    for (const Segment& segment : split_verbatim(text)) {
        if (segment.id) out.push_back(segment);
        else split_with(normalized_, segment.text, out);
    }
    return out;
}

std::vector<Segment> AddedTokenSplitter::split_verbatim(std::string_view text) const {
    std::vector<Segment> out;
    split_with(verbatim_, text, out);
    return out;
}

std::vector<Segment> AddedTokenSplitter::split_normalized(std::string_view text) const {
    std::vector<Segment> out;
    split_with(normalized_, text, out);
    return out;
}

}  // namespace heart::text
