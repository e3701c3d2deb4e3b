#pragma once

#include "core/cancel.h"
#include "engine/new_folder.h"
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

}  // namespace heart::engine
