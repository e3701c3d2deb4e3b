#pragma once

#include "text/prefix_tree.h"

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

/// Cuts added tokens out of a text: leftmost first, and at one place the longest. The texts are valid UTF-8; the segments
/// come in order, point into the text, and an empty text has none. Time is at most the text's length times that of the
/// longest token.
class AddedTokenSplitter {
public:
    /// No two tokens of the same `normalized` have the same content.
    explicit AddedTokenSplitter(std::vector<AddedToken> tokens);

    /// By all tokens, where nothing changes the text between the two searches.
    [[nodiscard]] std::vector<Segment> split(std::string_view text) const;
    /// By the tokens that are not `normalized` only: the first search.
    [[nodiscard]] std::vector<Segment> split_verbatim(std::string_view text) const;
    /// By those that are `normalized` only: the second search, in a normalised segment that the first left over.
    [[nodiscard]] std::vector<Segment> split_normalized(std::string_view text) const;

    [[nodiscard]] const std::vector<AddedToken>& tokens() const noexcept { return tokens_; }

private:
    [[nodiscard]] PrefixTree contents(bool normalized) const;  ///< content -> index into tokens_
    void split_with(const PrefixTree& tree, std::string_view text, std::vector<Segment>& out) const;

    std::vector<AddedToken> tokens_;
    PrefixTree verbatim_, normalized_;
};

}  // namespace heart::text
