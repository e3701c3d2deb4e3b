#pragma once

#include "models/heartclap/model.h"

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace heart::heartclap {

/// Sounds and texts to latents. The graph of the latest sizes is kept for each. One thread at a time.
class Session {
public:
    explicit Session(const Model& model, graph::GraphOptions options = {});
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// The latents [latent_dim], of unit length, of `clips` clips of one length, from their mel frames
    /// [clips][frames][bands] as MelConfig has them, in one pass. No clip's latent depends on the others.
    /// ErrorCode::internal unless each clip has as many whole frames.
    [[nodiscard]] std::vector<std::vector<float>> listen(std::span<const float> mel, std::int64_t clips);
    /// The latent of one clip.
    [[nodiscard]] std::vector<float> listen(std::span<const float> mel) { return std::move(listen(mel, 1).front()); }

    /// The latent [latent_dim], of unit length, of a text's ids. Throws what Model::embed throws; ErrorCode::internal for no
    /// ids.
    [[nodiscard]] std::vector<float> read(std::span<const std::int32_t> ids);

    /// Nodes of the latest sounds and text, where GraphOptions::keep_named asked for them.
    [[nodiscard]] const graph::Graph& audio_graph() const;
    [[nodiscard]] const graph::Graph& text_graph() const;

private:
    struct Pass;
    [[nodiscard]] std::unique_ptr<Pass> audio_pass(std::int64_t frames, std::int64_t clips) const;

    const Model& model_;
    graph::GraphOptions options_;
    std::unique_ptr<Pass> audio_, text_;
};

}  // namespace heart::heartclap
