#pragma once

#include "formats/json.h"
#include "models/heartclap/config.h"

#include <nlohmann/json.hpp>

#include <string>

namespace heart::engine {

/// The configurations that an embedding model is built from.
struct EmbedderConfigs {
    formats::Json mulan, audio, text;

    [[nodiscard]] heartclap::Config parse() const;
};

/// `size`: full, as MuQ-MuLan-large is published, or mini, for tests. ErrorCode::usage lists them.
[[nodiscard]] EmbedderConfigs embedder_configs(const std::string& size);

}  // namespace heart::engine
