#pragma once

#include "formats/json.h"
#include "models/listeners/whisper_encoder.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace heart::hearttranscriptor {

/// Sizes of the decoder (transformers modeling_whisper.py, WhisperDecoder).
struct DecoderConfig {
    std::int64_t dim = 0;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t hidden = 0;
    std::int64_t positions = 448;  ///< most tokens of a sequence, the prompt among them
    std::int64_t vocabulary = 0;

    [[nodiscard]] std::int64_t head_dim() const noexcept { return dim / heads; }
};

/// Sizes of a HeartTranscriptor, which has Whisper's architecture: any Whisper's.
struct Config {
    listeners::WhisperEncoderConfig encoder;
    DecoderConfig decoder;
    bool tied_head = true;         ///< logits by the token embeddings; else by `proj_out.weight`
    bool scale_embedding = false;  ///< token embeddings times sqrt(dim)

    /// Reads config.json. ErrorCode::malformed, ::limit or ::unsupported names the field; ::unsupported too for a model_type
    /// other than "whisper".
    [[nodiscard]] static Config parse(const formats::Json& json, const std::string& where);
};

/// Special tokens and rules of decoding (generation_config.json, as transformers' Whisper has it).
struct GenerationConfig {
    std::int32_t start_of_transcript = 0;     ///< decoder_start_token_id
    std::int32_t end_of_text = 0;             ///< eos_token_id
    std::int32_t no_timestamps = 0;           ///< no_timestamps_token_id; timestamps begin behind it
    std::int32_t max_initial_timestamp = 50;  ///< in steps of 20 ms
    bool multilingual = true;
    std::map<std::string, std::int32_t> languages;  ///< "en" -> id; empty unless multilingual
    std::map<std::string, std::int32_t> tasks;      ///< "transcribe", "translate" -> id
    std::vector<std::int32_t> suppressed;           ///< never generated
    std::vector<std::int32_t> suppressed_at_begin;  ///< nor at the first position
    /// (layer, head) of the decoder whose cross-attention follows the sound; empty where the file names none.
    std::vector<std::pair<std::int32_t, std::int32_t>> alignment_heads;

    [[nodiscard]] std::int32_t no_speech() const noexcept { return no_timestamps - 1; }
    [[nodiscard]] std::int32_t first_timestamp() const noexcept { return no_timestamps + 1; }

    /// Ids outside the vocabulary and heads that the model lacks are ErrorCode::limit.
    [[nodiscard]] static GenerationConfig parse(const formats::Json& json, const Config& config, const std::string& where);
};

}  // namespace heart::hearttranscriptor
