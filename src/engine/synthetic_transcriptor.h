#pragma once

#include "formats/json.h"

#include <nlohmann/json.hpp>

#include <string>

namespace heart::engine {

/// The small files of a transcriptor with Whisper's architecture, its published ids and a made-up vocabulary.
struct TranscriptorFilesOfSize {
    formats::Json config, generation, tokenizer, tokenizer_config;
};

/// `size`: tiny, base, small, medium, large-v3 or turbo, as OpenAI published them, or mini, for tests. ErrorCode::usage
/// lists them.
[[nodiscard]] TranscriptorFilesOfSize transcriptor_files(const std::string& size, const char* torch_dtype);

}  // namespace heart::engine
