#include "speech/fallback.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <zlib.h>

namespace heart::speech {

double compression_ratio(std::span<const std::int32_t> ids, std::size_t vocabulary) {
    if (ids.empty()) return 0;
    const auto width = static_cast<int>(std::log2(static_cast<double>(vocabulary)) / 8) + 1;
    std::string bytes;
    for (const std::int32_t id : ids) {
        for (int i = 0; i < width; ++i) bytes += static_cast<char>(static_cast<std::uint32_t>(id) >> (8 * i) & 0xffU);
    }
    uLongf size = compressBound(static_cast<uLong>(bytes.size()));
    std::string compressed(size, '\0');
    const int done = compress(reinterpret_cast<Bytef*>(compressed.data()), &size,
                              reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uLong>(bytes.size()));
    ensure(done == Z_OK, "compressing a text failed");
    return static_cast<double>(bytes.size()) / static_cast<double>(size);
}

namespace {

double probability(std::span<const float> logits, std::int32_t token) {
    std::vector<float> scores(logits.begin(), logits.end());
    log_softmax(scores);
    return std::exp(static_cast<double>(scores.at(static_cast<std::size_t>(token))));
}

}  // namespace

Attempt decode_with_fallback(TokenModel& model, const LogitRules& rules, const Fallback& f,
                             std::span<const std::int32_t> prompt, std::size_t start, std::int32_t no_speech,
                             std::uint32_t sound, const CancelToken& cancel) {
    const std::int64_t most = std::min(f.max_new_tokens, model.room_behind(prompt.size()));
    Attempt out;
    bool sampled = false;
    for (std::size_t i = 0; i < f.temperatures.size(); ++i) {
        const auto logits = model.begin(prompt, start);
        const std::size_t vocabulary = logits.behind.size();
        out.no_speech_probability = probability(logits.at_start, no_speech);
        out.temperature = f.temperatures[i];
        out.tries = static_cast<int>(i) + 1;
        sampled = sampled || out.temperature > 0;
        const Sampling how{out.temperature, Sampling{}.top_k, f.seed, sound, static_cast<std::uint32_t>(i)};
        out.text = f.beams > 1 && !sampled ? decode_by_beams(model, rules, logits.behind, most, f.beams, cancel)
                                           : decode_one_by_one(model, rules, logits.behind, most, how, cancel);
        std::vector<std::int32_t> ids = out.text.ids();
        if (out.text.ended) ids.push_back(rules.end_of_text);  // the reference counts it
        out.compression_ratio = compression_ratio(ids, vocabulary);
        out.average_log_probability = out.text.average_log_probability();
        const bool repeats = f.compression_ratio && out.compression_ratio > *f.compression_ratio;
        const bool guessed = f.log_probability && out.average_log_probability < *f.log_probability;
        out.skipped = guessed && f.no_speech && out.no_speech_probability > *f.no_speech;
        if (out.skipped || !(repeats || guessed)) break;
    }
    return out;
}

}  // namespace heart::speech
