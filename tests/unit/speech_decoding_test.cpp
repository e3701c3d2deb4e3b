// Does decoding follow its rules, whatever a model would say?

#include "core/error.h"
#include "speech/decoding.h"
#include "speech/fallback.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <vector>

namespace heart::speech {
namespace {

using Ids = std::vector<std::int32_t>;

// A vocabulary of 20: words 0 to 9, end 10, start 11, no speech 12, no timestamps 13, timestamps 14 to 19.
constexpr std::size_t kVocabulary = 20;
constexpr std::int32_t kEnd = 10, kStart = 11, kNoSpeech = 12, kNoTimestamps = 13, kFirstTime = 14;
constexpr float kNever = -std::numeric_limits<float>::infinity();
const CancelToken kGoOn;

LogitRules rules(bool timestamps = false) {
    return {kEnd, kNoTimestamps, {}, {}, timestamps, 50};
}

/// A model whose logits are a function of the tokens behind the prompt.
class Scripted : public TokenModel {
public:
    using Script = std::function<std::map<std::int32_t, float>(const Ids& generated)>;
    explicit Scripted(Script script) : script_(std::move(script)) {}

    PromptLogits begin(std::span<const std::int32_t>, std::size_t) override {
        ++begins;
        sequences_ = {{}};
        at_start_.assign(kVocabulary, 0);
        at_start_[kNoSpeech] = no_speech_logit;
        fill();
        return {at_start_, logits_};
    }
    std::span<const float> step(std::span<const Continuation> next) override {
        std::vector<Ids> sequences;
        for (const Continuation& c : next) {
            sequences.push_back(sequences_.at(c.parent));
            sequences.back().push_back(c.token);
        }
        sequences_ = std::move(sequences);
        most_sequences = std::max(most_sequences, sequences_.size());
        fill();
        return logits_;
    }
    [[nodiscard]] std::int64_t room_behind(std::size_t) const override { return room; }

    int begins = 0;
    std::size_t most_sequences = 1;
    float no_speech_logit = -20;
    std::int64_t room = 100;

private:
    void fill() {
        logits_.assign(kVocabulary * sequences_.size(), -30.0F);
        for (std::size_t i = 0; i < sequences_.size(); ++i) {
            for (const auto& [token, logit] : script_(sequences_[i])) {
                logits_[i * kVocabulary + static_cast<std::size_t>(token)] = logit;
            }
        }
    }
    Script script_;
    std::vector<Ids> sequences_;
    std::vector<float> at_start_, logits_;
};

/// Says these tokens and then the end, each 8 above everything else.
Scripted::Script says(const Ids& text) {
    return [text](const Ids& generated) -> std::map<std::int32_t, float> {
        return {{generated.size() < text.size() ? text[generated.size()] : kEnd, 8.0F}};
    };
}

Attempt decode(Scripted& model, const Fallback& fallback, const LogitRules& r = rules()) {
    return decode_with_fallback(model, r, fallback, Ids{kStart}, 0, kNoSpeech, 0, kGoOn);
}

Fallback greedy() {
    Fallback f;
    f.beams = 1;
    f.max_new_tokens = 40;
    return f;
}

// --- rules --------------------------------------------------------------------------------------------------------------

Ids allowed(const LogitRules& r, const Ids& generated, std::vector<float> scores = std::vector<float>(kVocabulary, 0.0F)) {
    r.apply(generated, scores);
    Ids out;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (scores[i] != kNever) out.push_back(static_cast<std::int32_t>(i));
    }
    return out;
}

TEST(LogitRules, SuppressedTokensAreNeverGenerated) {
    LogitRules r = rules();
    r.suppressed = {1, 7, 1000};  // ids beyond the vocabulary mean nothing
    r.suppressed_at_begin = {2, kEnd};
    EXPECT_EQ(allowed(r, {}), (Ids{0, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19}));
    EXPECT_EQ(allowed(r, {3}), (Ids{0, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}));
}

/// Scores with which no timestamp is forced.
std::vector<float> word_likely() {
    std::vector<float> scores(kVocabulary, 0.0F);
    scores[3] = 10;
    scores[kEnd] = 9;
    return scores;
}

TEST(TimestampRules, ATextBeginsWithATimestampThatIsNotTooLate) {
    LogitRules r = rules(true);
    r.max_initial_timestamp = 2;
    EXPECT_EQ(allowed(r, {}, word_likely()), (Ids{14, 15, 16}));
}

TEST(TimestampRules, TimestampsStandInPairs) {
    const LogitRules r = rules(true);
    EXPECT_EQ(allowed(r, {14}, word_likely()), (Ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})) << "text behind the first";
    EXPECT_EQ(allowed(r, {14, 3, 16}, word_likely()), (Ids{10, 11, 12, 16, 17, 18, 19}))
        << "behind an end, the end of all or a beginning that is not before it";
    EXPECT_EQ(allowed(r, {14, 3, 16, 16}, word_likely()), (Ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
}

TEST(TimestampRules, TimestampsNeverGoBack) {
    const LogitRules r = rules(true);
    const Ids seen = allowed(r, {16, 3}, word_likely());
    for (const std::int32_t t : {14, 15, 16}) EXPECT_EQ(std::count(seen.begin(), seen.end(), t), 0) << t;
    for (const std::int32_t t : {17, 18, 19}) EXPECT_EQ(std::count(seen.begin(), seen.end(), t), 1) << t;
}

TEST(TimestampRules, AnyTimestampLikelierThanTheLikeliestWordIsATimestamp) {
    std::vector<float> scores(kVocabulary, -30.0F);
    scores[3] = 1.0F;
    scores[17] = scores[18] = 0.5F;  // together likelier than the word
    EXPECT_EQ(allowed(rules(true), {16, 3}, scores), (Ids{17, 18, 19}));
    scores[3] = 1.5F;
    EXPECT_EQ(allowed(rules(true), {16, 3}, scores).front(), 0);
}

// --- one by one ---------------------------------------------------------------------------------------------------------

TEST(Decoding, StopsAtTheEndOfText) {
    Scripted model(says({4, 2, 4}));
    const Attempt a = decode(model, greedy());
    EXPECT_EQ(a.text.ids(), (Ids{4, 2, 4}));
    EXPECT_TRUE(a.text.ended);
    EXPECT_EQ(a.tries, 1);
    EXPECT_NEAR(a.average_log_probability, 0, 0.01);
}

TEST(Decoding, StopsAtTheLimitsOfRequestAndModel) {
    Scripted model(says(Ids(60, 3)));
    Fallback f = greedy();
    f.temperatures = {0};
    f.max_new_tokens = 7;
    EXPECT_EQ(decode(model, f).text.tokens.size(), 7U);
    EXPECT_FALSE(decode(model, f).text.ended);
    model.room = 5;
    EXPECT_EQ(decode(model, f).text.tokens.size(), 5U);
}

TEST(Decoding, TimestampsAreMonotoneWhateverTheModelWants) {
    // A model that wants the timestamps in falling order, words between.
    Scripted model([](const Ids& g) -> std::map<std::int32_t, float> {
        if (g.size() >= 12) return {{kEnd, 50.0F}};
        std::map<std::int32_t, float> all;
        for (std::int32_t t = kFirstTime; t < 20; ++t) all[t] = g.size() % 3 == 1 ? -10.0F : 20.0F - static_cast<float>(t);
        all[static_cast<std::int32_t>(g.size() % 10)] = g.size() % 3 == 1 ? 5.0F : -5.0F;
        return all;
    });
    Fallback f = greedy();
    f.temperatures = {0};
    const Attempt a = decode(model, f, rules(true));
    std::int32_t latest = 0;
    int times = 0;
    for (const std::int32_t id : a.text.ids()) {
        if (id < kFirstTime) continue;
        EXPECT_GE(id, latest);
        latest = id;
        ++times;
    }
    EXPECT_GE(times, 4);
}

TEST(Decoding, ASampleIsTheSameForTheSameSeedOnly) {
    const auto even = [](const Ids& g) -> std::map<std::int32_t, float> {
        if (g.size() == 20) return {{kEnd, 50.0F}};
        std::map<std::int32_t, float> all;
        for (std::int32_t t = 0; t < 10; ++t) all[t] = 1;
        return all;
    };
    Scripted model(even);
    Fallback f = greedy();
    f.temperatures = {1.0};
    f.seed = 5;
    const Ids first = decode(model, f).text.ids();
    EXPECT_EQ(decode(model, f).text.ids(), first);
    f.seed = 6;
    EXPECT_NE(decode(model, f).text.ids(), first);
}

TEST(Decoding, CancellingStopsIt) {
    Scripted model(says(Ids(50, 1)));
    CancelToken token;
    token.cancel();
    try {
        (void)decode_with_fallback(model, rules(), greedy(), Ids{kStart}, 0, kNoSpeech, 0, token);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::cancelled);
    }
}

// --- beams --------------------------------------------------------------------------------------------------------------

/// 1 looks best at first, but only 2 goes on well.
std::map<std::int32_t, float> garden_path(const Ids& g) {
    if (g.empty()) return {{1, 5.0F}, {2, 4.7F}};
    if (g.front() == 1 && g.size() == 1) return {{3, 5.0F}, {4, 5.0F}, {5, 5.0F}, {6, 5.0F}};
    if (g.front() == 2 && g.size() == 1) return {{7, 12.0F}};
    return {{kEnd, 12.0F}};
}

TEST(Beams, FindWhatOneByOneMisses) {
    Scripted model(garden_path);
    Fallback f = greedy();
    f.temperatures = {0};
    EXPECT_EQ(decode(model, f).text.ids().front(), 1);
    f.beams = 2;
    const Attempt a = decode(model, f);
    EXPECT_EQ(a.text.ids(), (Ids{2, 7}));
    EXPECT_TRUE(a.text.ended);
    EXPECT_EQ(model.most_sequences, 2U);
}

TEST(Beams, OneBeamIsOneByOne) {
    Scripted model(garden_path);
    const auto logits = model.begin(Ids{kStart}, 0);
    const Decoded beam = decode_by_beams(model, rules(), logits.behind, 10, 1, kGoOn);
    const auto again = model.begin(Ids{kStart}, 0);
    const Decoded single = decode_one_by_one(model, rules(), again.behind, 10, {}, kGoOn);
    EXPECT_EQ(beam.ids(), single.ids());
    EXPECT_NEAR(beam.average_log_probability(), single.average_log_probability(), 1e-5);
}

TEST(Beams, AShortEndDoesNotBeatALikelierLongText) {
    // Ending at once costs log 2; going on costs nothing more for four tokens: the mean decides.
    Scripted model([](const Ids& g) -> std::map<std::int32_t, float> {
        if (g.empty()) return {{kEnd, 5.0F}, {1, 5.0F}};
        return {{g.size() < 4 ? 1 : kEnd, 12.0F}};
    });
    Fallback f = greedy();
    f.temperatures = {0};
    f.beams = 2;
    EXPECT_EQ(decode(model, f).text.ids(), (Ids{1, 1, 1, 1}));
}

TEST(Beams, SuppressedTokensAreInNoBeam) {
    Scripted model(garden_path);
    LogitRules r = rules();
    r.suppressed = {2};
    Fallback f = greedy();
    f.temperatures = {0};
    f.beams = 2;
    EXPECT_EQ(decode(model, f, r).text.ids().front(), 1);
}

// --- fallback -----------------------------------------------------------------------------------------------------------

TEST(Fallback, RepetitionIsTriedAgain) {
    Scripted model(says(Ids(40, 3)));
    const Attempt a = decode(model, greedy());
    EXPECT_EQ(a.tries, 4) << "the model repeats itself at every temperature";
    EXPECT_EQ(a.temperature, 0.4);
    EXPECT_GT(a.compression_ratio, 1.8);
    EXPECT_EQ(model.begins, 4);
}

TEST(Fallback, AGuessIsTriedAgain) {
    // Nine words equally likely: log(1/9) < -1.
    Scripted model([](const Ids& g) -> std::map<std::int32_t, float> {
        if (g.size() == 6) return {{kEnd, 20.0F}};
        std::map<std::int32_t, float> all;
        for (std::int32_t t = 0; t < 9; ++t) all[t] = 1;
        return all;
    });
    Fallback f = greedy();
    EXPECT_EQ(decode(model, f).tries, 4);
    f.log_probability = -3;
    EXPECT_EQ(decode(model, f).tries, 1);
    f.log_probability.reset();
    EXPECT_EQ(decode(model, f).tries, 1);
}

TEST(Fallback, ABelievableTextIsTakenAtOnce) {
    Scripted model(says({1, 5, 2, 8, 3}));
    EXPECT_EQ(decode(model, greedy()).tries, 1);
}

TEST(Fallback, BeamsAreForTemperatureZeroOnly) {
    Scripted model(says(Ids(40, 3)));
    Fallback f = greedy();
    f.beams = 3;
    f.temperatures = {0.2, 0};
    EXPECT_EQ(decode(model, f).tries, 2);
    EXPECT_EQ(model.most_sequences, 1U) << "after a sample there are no beams any more";
}

TEST(Fallback, SilenceIsSkippedOnlyWhereTheTextIsAGuess) {
    const auto guess = [](const Ids& g) -> std::map<std::int32_t, float> {
        if (g.size() == 3) return {{kEnd, 20.0F}};
        std::map<std::int32_t, float> all;
        for (std::int32_t t = 0; t < 9; ++t) all[t] = 1;
        return all;
    };
    Scripted silent(guess);
    silent.no_speech_logit = 10;
    const Attempt a = decode(silent, greedy());
    EXPECT_TRUE(a.skipped);
    EXPECT_EQ(a.tries, 1);
    EXPECT_GT(a.no_speech_probability, 0.9);
    Scripted sure(says({1, 2, 3}));
    sure.no_speech_logit = 10;
    EXPECT_FALSE(decode(sure, greedy()).skipped);
    Scripted heard(guess);
    EXPECT_FALSE(decode(heard, greedy()).skipped);
}

TEST(Fallback, CompressionRatioCountsTheBytesThatIdsNeed) {
    EXPECT_EQ(compression_ratio({}, 1000), 0);
    const Ids once{1, 2, 3, 4, 5, 6, 7, 8};
    EXPECT_LT(compression_ratio(once, 51865), 1.8);
    const Ids often(100, 300);
    // Two bytes each for 51865 tokens, one for 200: zlib makes about a dozen bytes of either.
    EXPECT_GT(compression_ratio(often, 51865), compression_ratio(often, 200));
    EXPECT_GT(compression_ratio(often, 200), 1.8);
}

}  // namespace
}  // namespace heart::speech
