#include "models/heartclap/config.h"

#include "core/error.h"
#include "formats/bytes.h"
#include "formats/config_reader.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace heart::heartclap {

namespace {

using formats::ConfigReader;
using formats::Json;

constexpr std::int64_t kMaxDim = 1 << 14, kMaxLayers = 256, kMaxHeads = 512, kMaxVocabulary = 1 << 21;

[[noreturn]] void refuse(const ConfigReader& c, const char* key, std::string_view expected, std::string_view found) {
    throw Error(ErrorCode::unsupported, fmt::format("{}: '{}' is not implemented", c.where(), key))
        .expected(std::string(expected))
        .found(printable(found, 60));
}

void require_string(const ConfigReader& c, const char* key, std::string_view only) {
    if (const std::string value = c.string(key); value != only) refuse(c, key, only, value);
}

void check_heads(const ConfigReader& c, std::int64_t dim, std::int64_t heads) {
    if (dim % heads == 0) return;
    throw Error(ErrorCode::malformed, c.where() + ": the heads do not divide the width")
        .expected("a width that is a multiple of the attention heads")
        .found(fmt::format("width {}, heads {}", dim, heads));
}

/// "OpenMuQ/MuQ-large-msd-iter" -> "MuQ-large-msd-iter".
std::string folder_of(const ConfigReader& c, const std::string& name) {
    const std::string last = name.substr(name.find_last_of('/') + 1);
    if (formats::is_plain_file_name(last)) return last;
    throw Error(ErrorCode::malformed, c.where() + ": 'name' is malformed")
        .expected("the name of a published model")
        .found(printable(name, 60));
}

std::string lower_ascii(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

TowerConfig tower(const ConfigReader& c) {
    TowerConfig t;
    t.dim = c.integer("dim", 2, kMaxDim);
    t.layers = c.integer("tf_depth", 0, kMaxLayers);
    t.heads = c.integer("heads", 1, kMaxHeads);
    t.head_dim = c.integer("dim_head", 1, kMaxDim);
    t.hidden = t.dim * c.integer("ff_mult", 1, 64) * 2 / 3;
    return t;
}

/// Which state of an encoder enters the tower, and how.
SourceConfig source(const ConfigReader& c, std::int64_t dim, std::int64_t layers, const TowerConfig& tower) {
    SourceConfig s;
    s.dim = dim;
    const std::int64_t index = c.integer("use_layer_idx", -layers - 1, layers);
    s.state = index < 0 ? index + layers + 1 : index;
    const std::int64_t model_dim = c.has_value("model_dim") ? c.integer("model_dim", 1, kMaxDim) : tower.dim;
    if (c.has_value("model_dim") && model_dim != dim) {
        throw Error(ErrorCode::mismatch, c.where() + ": 'model_dim' is not the width of the model that 'name' gives")
            .expected(std::to_string(dim))
            .found(std::to_string(model_dim));
    }
    s.projected = model_dim != tower.dim;
    if (!s.projected && dim != tower.dim) {
        throw Error(ErrorCode::mismatch,
                    c.where() + ": the tower is not as wide as the model it stands on, and no layer is between")
            .expected(std::to_string(dim))
            .found(std::to_string(tower.dim));
    }
    return s;
}

MelConfig mel(const ConfigReader& c, const Json& json, std::int64_t sample_rate) {
    const auto features = json.find("features");
    if (features == json.end() || *features != Json::array({"melspec_2048"})) {
        refuse(c, "features", "[\"melspec_2048\"]", features == json.end() ? "nothing" : features->dump());
    }
    MelConfig m;
    m.sample_rate = sample_rate;
    m.hop = c.integer("hop_length", 1, m.n_fft);
    m.bands = c.integer("n_mels", 4, 1024);
    const ConfigReader stat = c.object("stat");
    m.mean = stat.number("melspec_2048_mean", -1e6, 1e6);
    m.deviation = stat.number("melspec_2048_std", 1e-6, 1e6);
    return m;
}

AudioConfig audio(const ConfigReader& mulan, const ConfigReader& c, const Json& json, std::int64_t sample_rate) {
    if (c.has("is_flash") && c.boolean("is_flash")) refuse(c, "is_flash", "false", "true");
    AudioConfig a;
    a.mel = mel(c, json, sample_rate);
    const std::int64_t dim = c.integer("encoder_dim", 2, kMaxDim);
    a.subsampling = {a.mel.bands, c.integer("conv_dim", 1, kMaxDim), dim};
    const ConfigReader w = c.object("w2v2_config");
    require_string(w, "position_embeddings_type", "rotary");
    require_string(w, "hidden_act", "swish");
    auto& e = a.conformer;
    e.dim = dim;
    e.layers = c.integer("encoder_depth", 1, kMaxLayers);
    e.heads = w.integer("num_attention_heads", 1, kMaxHeads);
    e.hidden = w.integer("intermediate_size", 1, 4 * kMaxDim);
    e.kernel = w.integer("conv_depthwise_kernel_size", 1, 1023);
    e.rotary_base = static_cast<float>(w.number("rotary_embedding_base", 1, 1e9));
    e.norm_eps = static_cast<float>(w.number("layer_norm_eps", 1e-12, 1));
    check_heads(w, e.dim, e.heads);
    if (e.head_dim() % 2 != 0) refuse(w, "num_attention_heads", "heads of even width", std::to_string(e.head_dim()));
    if (e.kernel % 2 == 0) refuse(w, "conv_depthwise_kernel_size", "an odd number", std::to_string(e.kernel));
    a.tower = tower(mulan.object("audio_transformer"));
    a.source = source(mulan.object("audio_model"), dim, e.layers, a.tower);
    return a;
}

TextConfig text(const ConfigReader& mulan, const ConfigReader& c) {
    require_string(c, "model_type", "xlm-roberta");
    require_string(c, "hidden_act", "gelu");
    if (c.has("position_embedding_type")) require_string(c, "position_embedding_type", "absolute");
    TextConfig t;
    auto& e = t.encoder;
    e.dim = c.integer("hidden_size", 2, kMaxDim);
    e.layers = c.integer("num_hidden_layers", 1, kMaxLayers);
    e.heads = c.integer("num_attention_heads", 1, kMaxHeads);
    e.hidden = c.integer("intermediate_size", 1, 4 * kMaxDim);
    e.vocabulary = c.integer("vocab_size", 4, kMaxVocabulary);
    e.pad = static_cast<std::int32_t>(c.integer("pad_token_id", 0, e.vocabulary - 1));
    e.positions = c.integer("max_position_embeddings", e.pad + 4, 1 << 16);
    e.types = c.integer("type_vocab_size", 1, 1024);
    e.norm_eps = static_cast<float>(c.number("layer_norm_eps", 1e-12, 1));
    check_heads(c, e.dim, e.heads);
    t.tower = tower(mulan.object("text_transformer"));
    t.source = source(mulan.object("text_model"), e.dim, e.layers, t.tower);
    return t;
}

}  // namespace

Companions Companions::parse(const Json& mulan, const std::string& where) {
    const ConfigReader c(mulan, where);
    const ConfigReader audio = c.object("audio_model"), text = c.object("text_model");
    Companions out{folder_of(audio, audio.string("name")), folder_of(text, text.string("name"))};
    if (lower_ascii(out.audio).find("muq") == std::string::npos) refuse(audio, "name", "a MuQ model", out.audio);
    if (!lower_ascii(out.text).starts_with("xlm-roberta")) refuse(text, "name", "an XLM-RoBERTa model", out.text);
    return out;
}

Config Config::parse(const Sources& s) {
    const ConfigReader c(s.mulan, s.mulan_path), m = c.object("mulan");
    Config out;
    const std::int64_t rate = m.integer("sr", 1000, 192'000);
    out.clip_seconds = m.number("clip_secs", 0.1, 600);
    out.latent_dim = m.integer("dim_latent", 1, kMaxDim);
    out.audio = heartclap::audio(c, ConfigReader(s.audio, s.audio_path), s.audio, rate);
    out.text = heartclap::text(c, ConfigReader(s.text, s.text_path));
    return out;
}

std::int64_t Config::clip_samples() const noexcept {
    return std::llround(clip_seconds * static_cast<double>(audio.mel.sample_rate));
}

}  // namespace heart::heartclap
