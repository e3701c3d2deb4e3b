#pragma once

#include "core/cancel.h"
#include "engine/new_folder.h"
#include "formats/checkpoint.h"
#include "formats/safetensors.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace heart::engine {

/// A checkpoint of the published format with random weights: for tests, benchmarks and bug reports. It loads and runs like
/// the real one and makes noise.
struct SyntheticCheckpoint {
    std::string language_model = "3B";  ///< 3B, 7B, 1B, tiny or none
    std::string codec = "full";         ///< full (published sizes), tiny or none
    std::string transcriptor = "none";  ///< tiny, base, small, medium, large-v3, turbo (Whisper's sizes), mini or none
    std::string version = "3B";         ///< names the folder HeartMuLa-oss-<version>
    formats::DType dtype = formats::DType::bf16;
    std::uint64_t seed = 0;
    std::uint64_t shard_bytes = 5'000'000'000;  ///< a file becomes shards beyond it, as published
};

/// Writes the folder (which must not exist, or be empty) with models, tokenizer.json and gen_config.json; returns the
/// bytes of weights. On any error or cancellation everything written is removed. Weights are written piece by piece, so
/// that memory stays small. The codec is always written as F32, since nothing reads a bfloat16 codec well.
std::uint64_t write_synthetic_checkpoint(const std::filesystem::path& folder, const SyntheticCheckpoint& what,
                                         const WriteProgress& progress, const CancelToken& cancel);

/// The same models without a file, for benchmarks; sizes as above. Tensors whose numbers are drawn alike share memory, so
/// that what a 3B model is loaded from takes 1.2 GB and not 8.7.
[[nodiscard]] formats::Checkpoint synthetic_language_model(const std::string& size, formats::DType dtype);
[[nodiscard]] formats::Checkpoint synthetic_codec(const std::string& size);
[[nodiscard]] formats::Checkpoint synthetic_transcriptor(const std::string& size, formats::DType dtype);
/// Of `embedder_configs(size)`.
[[nodiscard]] formats::Checkpoint synthetic_embedder(const std::string& size);

}  // namespace heart::engine
