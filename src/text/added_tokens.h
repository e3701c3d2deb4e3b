#pragma once

#include "text/prefix_tree.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::text {

/// One entry of "added_tokens" in tokenizer.json: text that becomes one id wherever it stands.
struct AddedToken {
    std::string content;  ///< plain UTF-8, not the byte-level spelling; not empty
    std::int32_t id = 0;
    bool lstrip = false;      ///< swallows the white space before it
    bool rstrip = false;      ///< swallows the white space behind it
    bool special = false;     ///< no part of the text: a decoder may leave it out
    bool normalized = false;  ///< is searched after the others, in what they leave over
};

/// A stretch of text: either an added token (`id` is set) or text for the model.
struct Segment {
    std::string_view text;
    std::optional<std::int32_t> id;
};

/// Cuts added tokens out of a text: leftmost first, and at one place the longest.
class AddedTokenSplitter {
public:
    explicit AddedTokenSplitter(std::vector<AddedToken> tokens);

    /// The segments of a valid UTF-8 text in order, pointing into it; none for an empty text.
    /// Time is at most the text's length times that of the longest token.
    [[nodiscard]] std::vector<Segment> split(std::string_view text) const;

    [[nodiscard]] const std::vector<AddedToken>& tokens() const noexcept { return tokens_; }

private:
    [[nodiscard]] PrefixTree build_tree(bool normalized) const;
    void split_with(const PrefixTree& tree, std::string_view text, std::vector<Segment>& out) const;

    std::vector<AddedToken> tokens_;
    PrefixTree verbatim_, normalized_;  ///< contents -> index into tokens_
};

}  // namespace heart::text
