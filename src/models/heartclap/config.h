#pragma once

#include "formats/json.h"
#include "models/listeners/conformer.h"
#include "models/listeners/subsampling.h"

#include <cstdint>
#include <string>

namespace heart::heartclap {

/// How a spectrogram is made and brought to the numbers that the model was trained on (MuQ, muq/muq/models/muq_model.py).
struct MelConfig {
    std::int64_t sample_rate = 24000;  ///< Hz
    std::int64_t n_fft = 2048, hop = 240;
    std::int64_t bands = 128;
    double mean = 0, deviation = 1;  ///< of decibels: the model takes (dB - mean) / deviation
};

/// The transformer that a tower ends in (MuQ-MuLan, muq_mulan/modules/transformer.py): queries and keys of unit length.
struct TowerConfig {
    std::int64_t dim = 0;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t head_dim = 0;
    std::int64_t hidden = 0;  ///< width of the gated feed-forward: dim * ff_mult * 2 / 3

    [[nodiscard]] std::int64_t inner() const noexcept { return heads * head_dim; }
};

/// What a tower takes from the model that it listens or reads through.
struct SourceConfig {
    std::int64_t dim = 0;    ///< of its states
    std::int64_t state = 0;  ///< which of them: 0 what enters the first layer, i what leaves layer i
    bool projected = false;  ///< by a linear layer to the tower's width; else both are equally wide
};

struct AudioConfig {
    MelConfig mel;
    listeners::SubsamplingConfig subsampling;
    listeners::ConformerConfig conformer;
    SourceConfig source;
    TowerConfig tower;
};

/// XLM-RoBERTa (Conneau et al., 2020; transformers modeling_xlm_roberta.py, XLMRobertaModel).
struct TextEncoderConfig {
    std::int64_t dim = 0;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t hidden = 0;
    std::int64_t positions = 514;  ///< rows of the table; the first two are for padding
    std::int64_t vocabulary = 0;
    std::int64_t types = 1;  ///< of tokens; only the first is used
    std::int32_t pad = 1;
    float norm_eps = 1e-5F;

    /// Most ids of a text, its start and end among them.
    [[nodiscard]] std::int64_t most_tokens() const noexcept { return positions - 1 - pad; }
};

struct TextConfig {
    TextEncoderConfig encoder;
    SourceConfig source;
    TowerConfig tower;
};

/// The folders beside the checkpoint's own that hold the other two configurations: the last parts of the names that its
/// config.json gives. ErrorCode::malformed or ::unsupported, as `Config::parse`.
struct Companions {
    std::string audio, text;

    [[nodiscard]] static Companions parse(const formats::Json& mulan, const std::string& where);
};

/// Sizes of MuQ-MuLan (Zhu et al., 2025) and of HeartCLAP (HeartMuLa paper, section 4), which has the same architecture and
/// a wider latent.
struct Config {
    double clip_seconds = 10;
    std::int64_t latent_dim = 512;
    AudioConfig audio;
    TextConfig text;

    [[nodiscard]] std::int64_t clip_samples() const noexcept;

    /// From config.json of the checkpoint and of the two models that it is built on. ErrorCode::malformed, ::limit or
    /// ::unsupported names the file and the field.
    struct Sources {
        const formats::Json &mulan, &audio, &text;
        std::string mulan_path, audio_path, text_path;  ///< for messages
    };
    [[nodiscard]] static Config parse(const Sources& sources);
};

}  // namespace heart::heartclap
