#include "text/unigram.h"

#include "core/utf8.h"

#include <algorithm>

namespace heart::text {

namespace {

constexpr double kUnknownPenalty = 10;

/// The best way to get from the start of a piece to one of its bytes.
struct Way {
    double score = 0;
    std::size_t from = 0;
    std::int32_t id = -1;  ///< of the last token; -1: nothing leads there yet
};

}  // namespace

Unigram::Unigram(std::vector<std::pair<std::string, double>> tokens, std::int32_t unknown) : unknown_(unknown) {
    std::vector<std::pair<std::string_view, std::int32_t>> entries;
    entries.reserve(tokens.size());
    vocabulary_.reserve(tokens.size());
    double least = tokens.empty() ? 0 : tokens.front().second;
    for (const auto& [token, score] : tokens) {
        const auto id = static_cast<std::int32_t>(scores_.size());
        const auto [place, fresh] = vocabulary_.emplace(token, id);
        if (fresh) entries.emplace_back(place->first, id);  // a repeated one shows in the vocabulary's size
        scores_.push_back(score);
        least = std::min(least, score);
    }
    tree_ = PrefixTree(std::move(entries));
    unknown_score_ = least - kUnknownPenalty;
}

void Unigram::encode(std::string_view piece, std::vector<std::int32_t>& ids) const {
    std::vector<Way> ways(piece.size() + 1);
    const auto offer = [&](std::size_t to, double score, std::size_t from, std::int32_t id) {
        if (ways[to].id < 0 || score > ways[to].score) ways[to] = {score, from, id};
    };
    for (std::size_t at = 0; at < piece.size();) {
        const std::size_t character = decode_utf8(piece, at).length;
        bool alone = false;  // whether the character is a token by itself
        tree_.prefixes(piece, at, [&](std::size_t length, std::int32_t id) {
            offer(at + length, ways[at].score + scores_[static_cast<std::size_t>(id)], at, id);
            alone = alone || length == character;
        });
        if (!alone) offer(at + character, ways[at].score + unknown_score_, at, unknown_);
        at += character;
    }
    const std::size_t first = ids.size();
    for (std::size_t at = piece.size(); at > 0; at = ways[at].from) {
        const bool joins = ways[at].id == unknown_ && ids.size() > first && ids.back() == unknown_;
        if (!joins) ids.push_back(ways[at].id);
    }
    std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end());
}

}  // namespace heart::text
