#include "text/unigram.h"

#include "core/error.h"
#include "core/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace heart::text {

namespace {

constexpr double kUnknownPenalty = 10.0;

PrefixTree make_tree(const std::vector<Unigram::Token>& tokens) {
    std::vector<PrefixTree::Key> keys;
    keys.reserve(tokens.size());
    for (const Unigram::Token& token : tokens) keys.push_back({token.text, static_cast<std::int32_t>(keys.size())});
    return PrefixTree(std::move(keys));
}

}  // namespace

Unigram::Unigram(const std::vector<Token>& tokens, std::int32_t unknown) : tree_(make_tree(tokens)), unknown_(unknown) {
    ensure(unknown >= 0 && static_cast<std::size_t>(unknown) < tokens.size(), "the unknown token is none of the model's");
    double least = std::numeric_limits<double>::infinity();
    scores_.reserve(tokens.size());
    for (const Token& token : tokens) {
        scores_.push_back(token.score);
        least = std::min(least, token.score);
    }
    unknown_score_ = least - kUnknownPenalty;
}

std::optional<std::int32_t> Unigram::id_of(std::string_view token) const {
    const std::int32_t id = tree_.find(token);
    return id < 0 ? std::nullopt : std::optional(id);
}

std::vector<Unigram::Step> Unigram::best_steps(std::string_view text) const {
    std::vector<Step> best(text.size() + 1);
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t next = start + decode_utf8(text, start).length;
        const auto offer = [&](std::size_t end, double token_score, std::int32_t id) {
            const double score = token_score + best[start].score;
            Step& step = best[end];
            if (step.start == kNowhere || score > step.score) step = {score, static_cast<std::uint32_t>(start), id};
        };
        bool known = false;  // the character here is a token
        tree_.each_at(text, start, [&](std::size_t end, std::int32_t id) {
            known = known || end == next;
            offer(end, scores_[static_cast<std::size_t>(id)], id);
        });
        if (!known) offer(next, unknown_score_, unknown_);
        start = next;
    }
    return best;
}

void Unigram::encode(std::string_view text, std::vector<std::int32_t>& ids) const {
    ensure(text.size() < kNowhere, "a text is longer than its positions can count");
    const std::vector<Step> best = best_steps(text);
    const std::size_t before = ids.size();
    for (std::size_t end = text.size(); end > 0;) {
        std::size_t start = best[end].start;
        std::int32_t id = best[end].id;
        if (id == unknown_) {
            while (start > 0 && best[start].id == unknown_) start = best[start].start;
            // As in the reference, the joined characters are looked up again: with scores far above 0, two unknown
            // characters can be better than the token that they make together.
            id = id_of(text.substr(start, end - start)).value_or(unknown_);
        }
        ids.push_back(id);
        end = start;
    }
    std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(before), ids.end());
}

double score_as_the_reference_reads_it(double score) noexcept {
    constexpr int kMostExact = 22;  // powers of ten up to this one are doubles
    static const std::array<double, kMostExact + 1> powers = [] {
        std::array<double, kMostExact + 1> out{1.0};
        for (std::size_t i = 1; i < out.size(); ++i) out[i] = out[i - 1] * 10.0;
        return out;
    }();
    // The shortest form: "d.ddde-dd", 17 digits at most.
    std::array<char, 32> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), std::abs(score), std::chars_format::scientific).ptr;
    std::uint64_t digits = 0;
    int exponent = 0;
    const char* at = text.data();
    for (bool behind_point = false; at < end && *at != 'e'; ++at) {
        if (*at == '.') {
            behind_point = true;
            continue;
        }
        if (*at < '0' || *at > '9') return score;  // no number
        digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
        if (behind_point) --exponent;
    }
    int written = 0;
    if (at < end) {
        ++at;
        if (at < end && *at == '+') ++at;
        std::from_chars(at, end, written);
    }
    exponent += written;
    if (std::abs(exponent) > kMostExact) return score;
    const double power = powers[static_cast<std::size_t>(std::abs(exponent))];
    const double read = exponent < 0 ? static_cast<double>(digits) / power : static_cast<double>(digits) * power;
    return std::copysign(read, score);
}

}  // namespace heart::text
