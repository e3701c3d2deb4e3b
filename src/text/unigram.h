#pragma once

#include "text/bpe.h"
#include "text/prefix_tree.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::text {

/// The unigram language model of SentencePiece (Kudo, 2018), as Hugging Face tokenizers' "Unigram" cuts with it: the tokens
/// of the largest sum of log-probabilities. Immutable, so that threads may share one.
class Unigram {
public:
    /// Token i with its log-probability; distinct, not empty, finite. `unknown` is the id of what no token covers.
    Unigram(std::vector<std::pair<std::string, double>> tokens, std::int32_t unknown);

    /// Appends the ids of a piece of valid UTF-8 (Viterbi; time is at most its length times that of the longest token). A
    /// character that no token covers costs 10 more than the least likely token; a run of them becomes one unknown token.
    void encode(std::string_view piece, std::vector<std::int32_t>& ids) const;

    [[nodiscard]] const Vocabulary& vocabulary() const noexcept { return vocabulary_; }
    [[nodiscard]] std::int32_t unknown() const noexcept { return unknown_; }

private:
    Vocabulary vocabulary_;
    std::vector<double> scores_;  // by id
    PrefixTree tree_;
    std::int32_t unknown_;
    double unknown_score_ = 0;
};

}  // namespace heart::text
