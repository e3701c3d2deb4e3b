#pragma once

#include "engine/reference.h"
#include "graph/tensor.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace heart::engine {

/// Of codes: a frame is 80 ms of sound.
inline constexpr double kFramesPerSecond = 12.5;

/// Where and how models run.
struct EngineOptions {
    std::string version = "3B";  ///< picks the folder HeartMuLa-oss-<version>
    std::string language_model_device = "auto";
    std::string codec_device = "auto";
    graph::Type language_model_type = graph::Type::bf16;  ///< of matrices; f32 is the exact mode
    graph::Type codec_type = graph::Type::f32;            ///< any but bf16
    std::optional<graph::Type> cache_type;                ///< of the KV cache; none: what goes with the matrices
    bool lazy_load = false;                               ///< holds one model at a time
    int threads = 0;                                      ///< 0: one per core
};

/// "float32" / "fp32", "float16" / "fp16", "bfloat16" / "bf16", as the reference's script spells them, a type's short name,
/// or a quantised type: "q8_0", "q6_k", "q5_k", "q4_k", "q4_0". ErrorCode::usage lists them.
[[nodiscard]] graph::Type parse_type(const std::string& name);

/// The type of the KV cache that these options ask for.
[[nodiscard]] graph::Type cache_type_of(const EngineOptions& options);

/// The reference's name of a type: "float32", "float16", "bfloat16"; ggml's in small letters for the others.
[[nodiscard]] std::string type_label(graph::Type type);

/// The length of the codec's windows.
inline constexpr std::int64_t kWindowMs = 29'760;

/// What a song is made from. Defaults are the reference's (heartlib examples/run_music_generation.py).
struct SongRequest {
    std::string lyrics, tags;
    std::int64_t max_audio_length_ms = 240'000;
    int topk = 50;
    double temperature = 1.0;
    double cfg_scale = 1.5;
    std::optional<std::uint64_t> seed;  ///< none: drawn from the system's entropy
    std::uint32_t take = 0;             ///< which of several songs with this seed
    int codec_steps = 10;
    double codec_guidance = 1.25;
    std::int64_t first_window_ms = kWindowMs;  ///< length of the codec's first window; shorter ones are heard earlier
    std::optional<Reference> reference;        ///< audio that the song is to take after
};

/// Throws ErrorCode::usage or ::limit naming the first setting that is out of range.
void check_request(const SongRequest& request);

/// Most frames that a song of this request may have: the reference draws one and then one for every 80 ms.
[[nodiscard]] std::int64_t frames_asked(const SongRequest& request);

/// Code frames: values[codebook * frames + frame].
struct Codes {
    std::int64_t codebooks = 8;
    std::int64_t frames = 0;
    std::vector<std::int32_t> values;

    [[nodiscard]] double seconds() const noexcept { return static_cast<double>(frames) / kFramesPerSecond; }
};

/// Reads codes from .npy or .safetensors:key, [codebooks, frames] (or [1, codebooks, frames]).
[[nodiscard]] Codes read_codes(const std::string& path);
/// Writes codes as .npy int32 [codebooks, frames].
[[nodiscard]] std::string codes_as_npy(const Codes& codes);

}  // namespace heart::engine
