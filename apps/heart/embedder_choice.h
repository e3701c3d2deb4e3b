#pragma once

#include "engine/embedder.h"
#include "options.h"

#include <string>

namespace CLI {
class App;
}

namespace heart::app {

/// Which embedding model verbs use that need one.
struct EmbedderChoice {
    std::string folder = "MuQ-MuLan", dtype = "float32";

    void add(CLI::App& verb, const std::string& group);

    /// Opens it in the folder that --model-path names; loads no weights yet. ErrorCode::usage without --model-path.
    [[nodiscard]] engine::Embedder open(const CommonOptions& common) const;

    /// Under which licence the model stands that makes the embeddings; empty where nothing tells.
    [[nodiscard]] std::string licence(const CommonOptions& common) const;
};

}  // namespace heart::app
