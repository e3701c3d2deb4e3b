#pragma once

#include "text/prefix_tree.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace heart::text {

/// A unigram language model (Kudo 2018) as Hugging Face tokenizers applies it: a text becomes the sequence of tokens whose
/// scores have the largest sum. Immutable, so that threads may share one.
class Unigram {
public:
    struct Token {
        std::string_view text;  ///< not empty; needed while the model is made only
        double score = 0;       ///< logarithm of its probability
    };

    /// A token's id is its place in `tokens`; no text stands there twice. `unknown`: id of the token for characters that are
    /// no token.
    Unigram(const std::vector<Token>& tokens, std::int32_t unknown);

    /// Appends the ids of a valid UTF-8 text. A character that is no token costs 10 less than the smallest score; a run of
    /// unknown characters is one token. Of two sequences with the same sum, the one with the longer last token wins.
    /// Time is the text's length times that of the longest token at most; memory 16 bytes for each byte of text.
    void encode(std::string_view text, std::vector<std::int32_t>& ids) const;

    [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;
    [[nodiscard]] std::size_t size() const noexcept { return scores_.size(); }

private:
    /// The best way to a place in the text: its last token.
    struct Step {
        double score = 0;  ///< sum of the scores up to here
        std::uint32_t start = kNowhere;
        std::int32_t id = 0;
    };
    static constexpr std::uint32_t kNowhere = 0xffffffff;

    [[nodiscard]] std::vector<Step> best_steps(std::string_view text) const;

    PrefixTree tree_;
    std::vector<double> scores_;
    std::int32_t unknown_;
    double unknown_score_ = 0;
};

/// The number that serde_json (without its feature float_roundtrip), and so the reference, reads where a file says `score`
/// in its shortest decimal form: the digits as a double, divided by a power of ten as a double. That rounds twice and misses
/// about every eighth score of XLM-RoBERTa's by one unit in the last place, which decides between sequences of equal sums.
[[nodiscard]] double score_as_the_reference_reads_it(double score) noexcept;

}  // namespace heart::text
