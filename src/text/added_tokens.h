#pragma once

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
    /// Prefix tree over the contents of tokens_; the children of a node lie side by side, ordered by byte.
    struct Node {
        std::uint32_t first_child = 0;
        std::uint16_t child_count = 0;
        unsigned char byte = 0;
        std::int32_t token = -1;  ///< index into tokens_ of the content that ends here, or -1
    };
    using Tree = std::vector<Node>;  ///< [0] is the root

    [[nodiscard]] Tree build_tree(bool normalized) const;
    /// Index of the longest token that starts at byte `at`, or -1.
    [[nodiscard]] std::int32_t longest_at(const Tree& tree, std::string_view text, std::size_t at) const noexcept;
    void split_with(const Tree& tree, std::string_view text, std::vector<Segment>& out) const;

    std::vector<AddedToken> tokens_;
    Tree verbatim_, normalized_;
};

}  // namespace heart::text
