#include "engine/listener.h"

#include "core/error.h"
#include "formats/config_reader.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace heart::engine {

namespace {

constexpr std::size_t kMostConfigBytes = std::size_t{16} << 20;

/// The decoder's positions that a second of sound takes in the encoder.
constexpr double kPlacesPerSecond = 1 / speech::kColumnSeconds;

formats::Json read_json(const formats::Folder& folder, const char* name) {
    return formats::parse_json(folder.open(name).text(), folder.describe() + "/" + name, {.max_bytes = kMostConfigBytes});
}

/// Every head of the upper half of the layers: what openai/whisper aligns by where nobody chose heads.
std::vector<std::pair<std::int32_t, std::int32_t>> upper_heads(const hearttranscriptor::DecoderConfig& d) {
    std::vector<std::pair<std::int32_t, std::int32_t>> out;
    for (std::int64_t layer = d.layers / 2; layer < d.layers; ++layer) {
        for (std::int64_t head = 0; head < d.heads; ++head) {
            out.emplace_back(static_cast<std::int32_t>(layer), static_cast<std::int32_t>(head));
        }
    }
    return out;
}

double softmax_of(std::span<const float> logits, std::int32_t token) {
    std::vector<float> scores(logits.begin(), logits.end());
    speech::log_softmax(scores);
    return std::exp(static_cast<double>(scores.at(static_cast<std::size_t>(token))));
}

}  // namespace

// --- files --------------------------------------------------------------------------------------------------------------

TranscriptorFiles TranscriptorFiles::read(const formats::Folder& folder, const formats::Json& config) {
    const std::string where = folder.describe() + "/";
    auto sizes = hearttranscriptor::Config::parse(config, where + "config.json");
    if (sizes.encoder.mel_frames() != static_cast<std::int64_t>(audio::LogMel::kFrames)) {
        throw Error(ErrorCode::unsupported, where + "config.json: 'max_source_positions' is not implemented")
            .expected(std::to_string(audio::LogMel::kFrames / 2))
            .found(std::to_string(sizes.encoder.positions));
    }
    auto generation = hearttranscriptor::GenerationConfig::parse(read_json(folder, "generation_config.json"), sizes,
                                                                 where + "generation_config.json");
    auto tokenizer = text::Tokenizer::from_json(folder.open("tokenizer.json").text(), where + "tokenizer.json");
    text::Detokenizer detokenizer(tokenizer);
    bool clean_up = false;
    if (folder.has("tokenizer_config.json")) {
        const formats::Json json = read_json(folder, "tokenizer_config.json");
        const formats::ConfigReader reader(json, where + "tokenizer_config.json");
        if (reader.has("clean_up_tokenization_spaces")) clean_up = reader.boolean("clean_up_tokenization_spaces");
    }
    return {sizes, std::move(generation), std::move(tokenizer), std::move(detokenizer), clean_up};
}

std::string TranscriptorFiles::text_of(std::span<const std::int32_t> ids) const {
    std::string out = detokenizer.decode(ids);
    return clean_up_spaces ? text::clean_up_spaces(std::move(out)) : out;
}

// --- the model as a search sees it --------------------------------------------------------------------------------------

class Listener::Tokens : public speech::TokenModel {
public:
    explicit Tokens(hearttranscriptor::Session& session) : session_(session) {}

    PromptLogits begin(std::span<const std::int32_t> prompt, std::size_t start) override {
        const std::array<std::int32_t, 2> wanted{static_cast<std::int32_t>(start),
                                                 static_cast<std::int32_t>(prompt.size()) - 1};
        const auto logits = session_.start(prompt, wanted);
        return {logits.first(logits.size() / 2), logits.last(logits.size() / 2)};
    }

    std::span<const float> step(std::span<const Continuation> next) override {
        next_.clear();
        for (const Continuation& c : next) next_.push_back({c.parent, c.token});
        return session_.step(next_);
    }

    [[nodiscard]] std::int64_t room_behind(std::size_t prompt) const override {
        return session_.model().config().decoder.positions - static_cast<std::int64_t>(prompt);
    }

private:
    hearttranscriptor::Session& session_;
    std::vector<hearttranscriptor::Session::Continuation> next_;
};

// --- listening ----------------------------------------------------------------------------------------------------------

Listener::Listener(const hearttranscriptor::Model& model, const TranscriptorFiles& files, std::size_t beams)
    : files_(files),
      mel_(static_cast<std::size_t>(model.config().encoder.mel_bands)),
      session_(model, static_cast<std::int64_t>(beams)) {}

void Listener::listen(std::span<const float> samples) {
    session_.listen(mel_.compute(samples).values);
}

HeardLanguage Listener::detect_language() {
    const auto& languages = files_.generation.languages;
    if (languages.empty()) throw Error(ErrorCode::usage, "a model of one language detects none");
    const std::array<std::int32_t, 1> prompt{files_.generation.start_of_transcript}, wanted{0};
    const auto logits = session_.start(prompt, wanted);
    std::vector<float> scores;
    std::vector<const std::string*> codes;
    for (const auto& [code, id] : languages) {
        scores.push_back(logits[static_cast<std::size_t>(id)]);
        codes.push_back(&code);
    }
    speech::log_softmax(scores);
    const auto best = static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    return {*codes[best], std::exp(static_cast<double>(scores[best]))};
}

std::vector<std::int32_t> Listener::prompt(const std::string& language, const std::string& task, bool timestamps) const {
    const auto& g = files_.generation;
    std::vector<std::int32_t> out{g.start_of_transcript};
    const auto look_up = [](const auto& ids, const std::string& name, const char* kind) {
        const auto it = ids.find(name);
        if (it == ids.end()) {
            throw Error(ErrorCode::usage, fmt::format("the model does not know the {} '{}'", kind, printable(name, 40)));
        }
        return it->second;
    };
    if (g.multilingual) {
        out.push_back(look_up(g.languages, language, "language"));
        out.push_back(look_up(g.tasks, task, "task"));
    }
    if (!timestamps) out.push_back(g.no_timestamps);
    return out;
}

speech::Attempt Listener::decode(std::span<const std::int32_t> prompt, const speech::Fallback& fallback, bool timestamps,
                                 std::uint32_t sound, const CancelToken& cancel) {
    const auto& g = files_.generation;
    const speech::LogitRules rules{g.end_of_text,         g.no_timestamps, g.suppressed,
                                   g.suppressed_at_begin, timestamps,      g.max_initial_timestamp};
    Tokens tokens(session_);
    return decode_with_fallback(tokens, rules, fallback, prompt, 0, g.no_speech(), sound, cancel);
}

speech::Matrix Listener::alignment(std::span<const std::int32_t> prompt, std::span<const std::int32_t> ids, double seconds) {
    std::vector<std::int32_t> all(prompt.begin(), prompt.end());
    all.insert(all.end(), ids.begin(), ids.end());
    const auto& heads = files_.generation.alignment_heads;
    const auto positions = static_cast<std::size_t>(files_.config.encoder.positions);
    std::vector<speech::Matrix> attention;
    for (auto& weights : session_.cross_attention(all, heads.empty() ? upper_heads(files_.config.decoder) : heads)) {
        attention.push_back({all.size(), positions, std::move(weights)});
    }
    const auto places = static_cast<std::size_t>(std::ceil(seconds * kPlacesPerSecond));
    speech::Matrix m = alignment_matrix(attention, std::clamp<std::size_t>(places, 1, positions));
    // The column of a token says where the model looks for the next one: the prompt's last finds the first word.
    const std::size_t first = prompt.size() - 1;
    m.values.erase(m.values.begin(), m.values.begin() + static_cast<std::ptrdiff_t>(first * m.columns));
    m.rows -= first;
    return m;
}

double Listener::no_speech_probability() {
    const std::array<std::int32_t, 1> prompt{files_.generation.start_of_transcript}, wanted{0};
    return softmax_of(session_.start(prompt, wanted), files_.generation.no_speech());
}

std::size_t Listener::room_behind(std::size_t prompt) const {
    return static_cast<std::size_t>(files_.config.decoder.positions) - prompt;
}

}  // namespace heart::engine
