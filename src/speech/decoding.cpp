#include "speech/decoding.h"

#include "core/philox.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace heart::speech {

namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void forbid(std::span<float> scores, std::int64_t first, std::int64_t last) {
    const auto size = static_cast<std::int64_t>(scores.size());
    for (std::int64_t i = std::max<std::int64_t>(first, 0); i < std::min(last, size); ++i) {
        scores[static_cast<std::size_t>(i)] = kNever;
    }
}

double log_sum_exp(std::span<const float> scores) {
    if (scores.empty()) return kNever;
    const float most = *std::max_element(scores.begin(), scores.end());
    if (most == kNever) return kNever;
    double sum = 0;
    for (const float s : scores) {
        if (s != kNever) sum += static_cast<double>(std::exp(s - most));
    }
    return static_cast<double>(most) + std::log(sum);
}

/// Timestamps stand in pairs around text and never go back.
void apply_order(const LogitRules& rules, std::span<const std::int32_t> generated, std::span<float> scores) {
    const std::size_t n = generated.size();
    const bool last = n >= 1 && generated[n - 1] >= rules.first_timestamp();
    const bool before_last = n < 2 || generated[n - 2] >= rules.first_timestamp();
    const auto all = static_cast<std::int64_t>(scores.size());
    if (last && before_last) forbid(scores, rules.first_timestamp(), all);
    if (last && !before_last) forbid(scores, 0, rules.end_of_text);
    for (std::size_t i = n; i-- > 0;) {
        if (generated[i] < rules.first_timestamp()) continue;
        // The end of a segment may be the beginning of the next; a segment itself is not empty.
        forbid(scores, rules.first_timestamp(), generated[i] + (last && !before_last ? 0 : 1));
        break;
    }
    if (n == 0) {
        forbid(scores, 0, rules.first_timestamp());
        forbid(scores, std::int64_t{rules.first_timestamp()} + rules.max_initial_timestamp + 1, all);
    }
}

}  // namespace

void LogitRules::apply(std::span<const std::int32_t> generated, std::span<float> scores) const {
    const auto forbid_one = [&](std::int32_t token) { forbid(scores, token, std::int64_t{token} + 1); };
    if (generated.empty()) std::for_each(suppressed_at_begin.begin(), suppressed_at_begin.end(), forbid_one);
    std::for_each(suppressed.begin(), suppressed.end(), forbid_one);
    if (!timestamps) return;
    forbid_one(no_timestamps);
    apply_order(*this, generated, scores);
    const auto text = scores.first(std::min(scores.size(), static_cast<std::size_t>(first_timestamp())));
    const auto times = scores.subspan(text.size());
    // More likely any timestamp than the likeliest word: then it is a timestamp.
    if (!text.empty() && log_sum_exp(times) > static_cast<double>(*std::max_element(text.begin(), text.end()))) {
        std::fill(text.begin(), text.end(), kNever);
    }
}

double Decoded::average_log_probability() const noexcept {
    const std::size_t n = tokens.size() + (ended ? 1 : 0);
    double sum = ended ? static_cast<double>(end_log_probability) : 0;
    for (const ScoredToken& t : tokens) sum += static_cast<double>(t.log_probability);
    return n == 0 ? 0 : sum / static_cast<double>(n);
}

std::vector<std::int32_t> Decoded::ids() const {
    std::vector<std::int32_t> out;
    out.reserve(tokens.size());
    for (const ScoredToken& t : tokens) out.push_back(t.id);
    return out;
}

void log_softmax(std::span<float> scores) {
    const auto norm = static_cast<float>(log_sum_exp(scores));
    if (norm == kNever) return;
    for (float& s : scores) s -= norm;
}

// --- one sequence -------------------------------------------------------------------------------------------------------

namespace {

/// -inf for all but the k largest; those equal to the smallest of these stay.
void keep_largest(std::span<float> scores, int k) {
    if (k <= 0 || static_cast<std::size_t>(k) >= scores.size()) return;
    std::vector<float> sorted(scores.begin(), scores.end());
    std::nth_element(sorted.begin(), sorted.begin() + (k - 1), sorted.end(), std::greater<>());
    const float least = sorted[static_cast<std::size_t>(k - 1)];
    for (float& s : scores) {
        if (s < least) s = kNever;
    }
}

/// The first of the largest scores / temperature + Gumbel noise: a draw from their softmax (Gumbel, 1954).
std::size_t draw(std::span<const float> scores, const Sampling& how, std::uint32_t place) {
    std::vector<float> noise(scores.size());
    fill_gumbel({how.seed, how.sound, Draw::token, place, how.attempt}, noise);
    std::size_t best = 0;
    float most = kNever;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const float s = scores[i] / static_cast<float>(how.temperature) + noise[i];
        if (s > most) most = s, best = i;
    }
    return best;
}

}  // namespace

Decoded decode_one_by_one(TokenModel& model, const LogitRules& rules, std::span<const float> logits, std::int64_t max_tokens,
                          const Sampling& how, const CancelToken& cancel) {
    Decoded out;
    std::vector<std::int32_t> generated;
    while (static_cast<std::int64_t>(generated.size()) < max_tokens) {
        cancel.check();
        std::vector<float> scores(logits.begin(), logits.end());
        rules.apply(generated, scores);
        if (how.temperature > 0) keep_largest(scores, how.top_k);
        const std::size_t chosen =
            how.temperature > 0 ? draw(scores, how, static_cast<std::uint32_t>(generated.size()))
                                : static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
        const auto token = static_cast<std::int32_t>(chosen);
        const float log_probability = scores[chosen] - static_cast<float>(log_sum_exp(scores));
        if (token == rules.end_of_text) {
            out.ended = true;
            out.end_log_probability = log_probability;
            break;
        }
        out.tokens.push_back({token, log_probability});
        generated.push_back(token);
        if (static_cast<std::int64_t>(generated.size()) == max_tokens) break;
        const TokenModel::Continuation next{0, token};
        logits = model.step({&next, 1});
    }
    return out;
}

// --- beams --------------------------------------------------------------------------------------------------------------

namespace {

struct Beam {
    std::vector<ScoredToken> tokens;
    double score = 0;  ///< sum of log-probabilities before suppression
};

struct Candidate {
    std::size_t parent = 0;
    std::int32_t token = 0;
    float score = kNever;
    float log_probability = 0;  ///< among the allowed tokens
};

struct Finished {
    Decoded text;
    double score = 0;
};

/// The `count` best continuations of all beams, best first; of equals, that of the earlier beam and the smaller token.
/// `logits` [beams][vocabulary].
std::vector<Candidate> best_continuations(const std::vector<Beam>& beams, const LogitRules& rules,
                                          std::span<const float> logits, std::size_t count) {
    std::vector<Candidate> best;
    const std::size_t vocabulary = logits.size() / beams.size();
    const auto better = [](const Candidate& a, const Candidate& b) { return a.score > b.score; };
    for (std::size_t b = 0; b < beams.size(); ++b) {
        const auto row = logits.subspan(b * vocabulary, vocabulary);
        std::vector<float> scores(row.begin(), row.end());
        std::vector<std::int32_t> generated;
        for (const ScoredToken& t : beams[b].tokens) generated.push_back(t.id);
        log_softmax(scores);
        rules.apply(generated, scores);
        const auto norm = static_cast<float>(log_sum_exp(scores));
        for (std::size_t t = 0; t < vocabulary; ++t) {
            const float score = scores[t] + static_cast<float>(beams[b].score);
            if (scores[t] == kNever || (best.size() == count && score <= best.back().score)) continue;
            const Candidate c{b, static_cast<std::int32_t>(t), score, scores[t] - norm};
            best.insert(std::upper_bound(best.begin(), best.end(), c, better), c);
            if (best.size() > count) best.pop_back();
        }
    }
    return best;
}

/// Keeps the `most` best, in their order.
void keep(std::vector<Finished>& finished, Finished more, std::size_t most) {
    const auto worse = [](const Finished& a, const Finished& b) { return a.score > b.score; };
    finished.insert(std::upper_bound(finished.begin(), finished.end(), more, worse), std::move(more));
    if (finished.size() > most) finished.pop_back();
}

}  // namespace

Decoded decode_by_beams(TokenModel& model, const LogitRules& rules, std::span<const float> logits, std::int64_t max_tokens,
                        std::size_t count, const CancelToken& cancel) {
    std::vector<Beam> beams(1);
    std::vector<Finished> finished;
    for (std::int64_t length = 1; length <= max_tokens; ++length) {
        cancel.check();
        const auto candidates = best_continuations(beams, rules, logits, 2 * count);
        std::vector<Beam> next;
        std::vector<TokenModel::Continuation> continuations;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const Candidate& c = candidates[i];
            Beam beam{beams[c.parent].tokens, static_cast<double>(c.score)};
            const bool ends = c.token == rules.end_of_text;
            if (!ends) beam.tokens.push_back({c.token, c.log_probability});
            if (!ends && length < max_tokens) {
                if (next.size() == count) continue;
                next.push_back(std::move(beam));
                continuations.push_back({c.parent, c.token});
            } else if (i < count) {
                keep(finished,
                     {{std::move(beam.tokens), ends, ends ? c.log_probability : 0.0F},
                      static_cast<double>(c.score) / static_cast<double>(length)},
                     count);
            }
        }
        if (next.empty()) break;
        const bool full = finished.size() == count;
        if (full && next.front().score / static_cast<double>(length) <= finished.back().score) break;
        logits = model.step(continuations);
        beams = std::move(next);
    }
    return finished.empty() ? Decoded{} : std::move(finished.front().text);
}

}  // namespace heart::speech
