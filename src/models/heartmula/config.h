#pragma once

#include "formats/json.h"

#include <cstdint>
#include <string>

namespace heart::heartmula {

/// Sizes of one Llama-3.2-style stack (torchtune `llama3_2`).
struct LlamaDims {
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t kv_heads = 0;
    std::int64_t dim = 0;
    std::int64_t hidden = 0;      ///< width of the gated feed-forward
    std::int64_t max_length = 0;  ///< positions
    float norm_eps = 1e-5F;
    float rope_base = 500000.0F;
    float rope_scale = 32.0F;

    [[nodiscard]] std::int64_t head_dim() const noexcept { return dim / heads; }
    [[nodiscard]] std::int64_t kv_dim() const noexcept { return head_dim() * kv_heads; }
};

/// Sizes of a HeartMuLa (heartlib heartmula/configuration_heartmula.py).
struct Config {
    std::string backbone_flavor, depth_flavor;
    LlamaDims backbone;  ///< predicts codebook 0 of each frame
    LlamaDims depth;     ///< fills codebooks 1..7 of a frame ("decoder" in the checkpoint)
    std::int64_t text_vocabulary = 0;
    std::int64_t audio_vocabulary = 0;  ///< ids per codebook, those above the codec's codebook being control ids
    std::int64_t codebooks = 8;
    std::int64_t reference_dim = 512;  ///< width of a reference-audio embedding ("muq_dim")

    /// Reads config.json of a HeartMuLa-oss folder. Flavors are those of the reference by name ("llama-3B", "llama-7B",
    /// "llama-300M", "llama-400M", and "llama-1B" / "1B" with Llama 3.2 1B's sizes) or any name whose sizes stand in an
    /// extra object `flavor_dims`. ErrorCode::malformed, ::limit or ::unsupported names the field.
    [[nodiscard]] static Config parse(const formats::Json& json, const std::string& where);
};

/// Sizes of a flavor that the reference knows by name. ErrorCode::unsupported lists the names.
[[nodiscard]] LlamaDims known_flavor(const std::string& name);

/// Special ids of a checkpoint (gen_config.json).
struct GenerationConfig {
    std::int32_t text_bos = 128000;
    std::int32_t text_eos = 128001;
    std::int32_t audio_eos = 8193;  ///< an audio token at or above it ends the song
    std::int32_t empty = 0;         ///< text id of positions without text

    [[nodiscard]] static GenerationConfig parse(const formats::Json& json, const std::string& where);
};

}  // namespace heart::heartmula
