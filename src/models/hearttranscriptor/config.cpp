#include "models/hearttranscriptor/config.h"

#include "core/error.h"
#include "formats/config_reader.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace heart::hearttranscriptor {

namespace {

using formats::ConfigReader;
using formats::Json;

constexpr std::int64_t kMaxVocabulary = 1 << 21, kMaxDim = 1 << 14, kMaxLayers = 256, kMaxHeads = 512;
constexpr std::int64_t kMaxPositions = 1 << 13;

void check_heads(const ConfigReader& c, std::int64_t dim, std::int64_t heads) {
    if (dim % heads == 0) return;
    throw Error(ErrorCode::malformed, c.where() + ": the heads do not divide the width")
        .expected("d_model a multiple of the attention heads")
        .found(fmt::format("d_model {}, heads {}", dim, heads));
}

/// An object of the form {"<|en|>": 50259, ...}; keys as they are.
std::map<std::string, std::int32_t> ids_by_name(const Json& json, const char* key, const ConfigReader& c,
                                                std::int64_t vocabulary) {
    constexpr std::size_t kMost = 1024;
    std::map<std::string, std::int32_t> out;
    const auto it = json.find(key);
    if (it == json.end() || it->is_null()) return out;
    if (!it->is_object() || it->size() > kMost) {
        throw Error(ErrorCode::malformed, fmt::format("{}: '{}' is malformed", c.where(), key))
            .expected(fmt::format("an object of at most {} ids", kMost));
    }
    const ConfigReader entries = c.object(key);
    for (const auto& [name, value] : it->items()) {
        out[name] = static_cast<std::int32_t>(entries.integer(name.c_str(), 0, vocabulary - 1));
    }
    return out;
}

std::vector<std::int32_t> ids_in(const Json& json, const char* key, const ConfigReader& c, std::int64_t vocabulary) {
    const auto it = json.find(key);
    if (it == json.end() || it->is_null()) return {};
    const auto ids = c.integers(key, static_cast<std::size_t>(vocabulary), 0, vocabulary - 1);
    return {ids.begin(), ids.end()};
}

std::vector<std::pair<std::int32_t, std::int32_t>> heads_in(const Json& json, const ConfigReader& c,
                                                            const DecoderConfig& decoder) {
    std::vector<std::pair<std::int32_t, std::int32_t>> out;
    const auto it = json.find("alignment_heads");
    if (it == json.end() || it->is_null()) return out;
    const auto whole = [](const Json& v, std::int64_t below) {
        return v.is_number_unsigned() && v.get<std::uint64_t>() < static_cast<std::uint64_t>(below);
    };
    const auto most = static_cast<std::size_t>(decoder.layers * decoder.heads);
    bool fits = it->is_array() && it->size() <= most;
    for (std::size_t i = 0; fits && i < it->size(); ++i) {
        const Json& pair = (*it)[i];
        fits = pair.is_array() && pair.size() == 2 && whole(pair[0], decoder.layers) && whole(pair[1], decoder.heads);
        if (fits) out.emplace_back(pair[0].get<std::int32_t>(), pair[1].get<std::int32_t>());
    }
    if (!fits) {
        throw Error(ErrorCode::malformed, c.where() + ": 'alignment_heads' is malformed")
            .expected(fmt::format("pairs of a layer below {} and a head below {}", decoder.layers, decoder.heads));
    }
    return out;
}

}  // namespace

Config Config::parse(const Json& json, const std::string& where) {
    const ConfigReader c(json, where);
    const auto refuse = [&](const char* key, const std::string& expected, const std::string& found) {
        throw Error(ErrorCode::unsupported, fmt::format("{}: '{}' is not implemented", where, key))
            .expected(expected)
            .found(printable(found, 60));
    };
    if (const std::string type = c.string("model_type"); type != "whisper") refuse("model_type", "whisper", type);
    if (c.has("activation_function")) {
        if (const std::string name = c.string("activation_function"); name != "gelu") {
            refuse("activation_function", "gelu", name);
        }
    }
    Config out;
    auto& e = out.encoder;
    e.mel_bands = c.integer("num_mel_bins", 1, 1024);
    e.dim = c.integer("d_model", 2, kMaxDim);
    e.layers = c.integer("encoder_layers", 1, kMaxLayers);
    e.heads = c.integer("encoder_attention_heads", 1, kMaxHeads);
    e.hidden = c.integer("encoder_ffn_dim", 1, 4 * kMaxDim);
    e.positions = c.integer("max_source_positions", 1, kMaxPositions);
    auto& d = out.decoder;
    d.dim = e.dim;
    d.layers = c.integer("decoder_layers", 1, kMaxLayers);
    d.heads = c.integer("decoder_attention_heads", 1, kMaxHeads);
    d.hidden = c.integer("decoder_ffn_dim", 1, 4 * kMaxDim);
    d.positions = c.integer("max_target_positions", 8, kMaxPositions);
    d.vocabulary = c.integer("vocab_size", 8, kMaxVocabulary);
    if (c.has("tie_word_embeddings")) out.tied_head = c.boolean("tie_word_embeddings");
    if (c.has("scale_embedding")) out.scale_embedding = c.boolean("scale_embedding");
    check_heads(c, e.dim, e.heads);
    check_heads(c, d.dim, d.heads);
    return out;
}

GenerationConfig GenerationConfig::parse(const Json& json, const Config& config, const std::string& where) {
    const ConfigReader c(json, where);
    const std::int64_t vocabulary = config.decoder.vocabulary;
    const auto id = [&](const char* key) { return static_cast<std::int32_t>(c.integer(key, 0, vocabulary - 1)); };
    GenerationConfig out;
    out.start_of_transcript = id("decoder_start_token_id");
    out.end_of_text = id("eos_token_id");
    out.no_timestamps = static_cast<std::int32_t>(c.integer("no_timestamps_token_id", 1, vocabulary - 1));
    if (c.has("max_initial_timestamp_index")) {
        out.max_initial_timestamp = static_cast<std::int32_t>(c.integer("max_initial_timestamp_index", 0, 1'000'000));
    }
    if (c.has("is_multilingual")) out.multilingual = c.boolean("is_multilingual");
    for (const auto& [token, language] : ids_by_name(json, "lang_to_id", c, vocabulary)) {
        const bool marked = token.size() > 4 && token.starts_with("<|") && token.ends_with("|>");
        out.languages[marked ? token.substr(2, token.size() - 4) : token] = language;
    }
    out.tasks = ids_by_name(json, "task_to_id", c, vocabulary);
    if (out.multilingual && (out.languages.empty() || !out.tasks.contains("transcribe"))) {
        throw Error(ErrorCode::malformed, where + " names no languages or tasks")
            .expected("'lang_to_id', and 'task_to_id' with 'transcribe', in a file of a model of many languages");
    }
    if (!out.multilingual) out.languages.clear(), out.tasks.clear();
    out.suppressed = ids_in(json, "suppress_tokens", c, vocabulary);
    out.suppressed_at_begin = ids_in(json, "begin_suppress_tokens", c, vocabulary);
    out.alignment_heads = heads_in(json, c, config.decoder);
    return out;
}

}  // namespace heart::hearttranscriptor
