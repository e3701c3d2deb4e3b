#pragma once

#include "models/heartclap/model.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace heart::heartclap {

/// Sounds and texts to latents, one at a time. The graph of the latest length is kept for each. One thread at a time.
class Session {
public:
    explicit Session(const Model& model, graph::GraphOptions options = {});
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// The latent [latent_dim], of unit length, of mel frames [frames][bands] as MelConfig has them, of one clip.
    /// ErrorCode::internal unless there are whole frames.
    [[nodiscard]] std::vector<float> listen(std::span<const float> mel);

    /// The latent [latent_dim], of unit length, of a text's ids. Throws what Model::embed throws; ErrorCode::internal for no
    /// ids.
    [[nodiscard]] std::vector<float> read(std::span<const std::int32_t> ids);

    /// Nodes of the latest sound and text, where GraphOptions::keep_named asked for them.
    [[nodiscard]] const graph::Graph& audio_graph() const;
    [[nodiscard]] const graph::Graph& text_graph() const;

private:
    struct Pass;
    const Model& model_;
    graph::GraphOptions options_;
    std::unique_ptr<Pass> audio_, text_;
};

}  // namespace heart::heartclap
