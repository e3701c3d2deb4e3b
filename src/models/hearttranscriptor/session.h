#pragma once

#include "models/hearttranscriptor/decoder.h"
#include "models/hearttranscriptor/model.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace heart::hearttranscriptor {

/// 30 seconds of sound and texts about them: encodes once, then reads prompts and takes steps for several beams at a time.
/// Graphs and caches are kept from one sound to the next. One thread at a time.
class Session {
public:
    /// `beams`: most sequences that are continued at once.
    Session(const Model& model, std::int64_t beams, graph::GraphOptions options = {});
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Encodes log-mel frames [2 * encoder positions][mel_bands], one row after the other, and forgets what was before.
    void listen(std::span<const float> mel);

    /// Reads a prompt as the only sequence. Returns logits [wanted.size()][vocabulary] behind the tokens at the places
    /// `wanted`; valid until the next call. ErrorCode::limit for more tokens than the decoder has positions.
    std::span<const float> start(std::span<const std::int32_t> prompt, std::span<const std::int32_t> wanted);

    /// Continues sequences of the step before: sequence i of this step is sequence `parent` of that one and a token. Returns
    /// logits [next.size()][vocabulary].
    struct Continuation {
        std::size_t parent = 0;
        std::int32_t token = 0;
    };
    std::span<const float> step(std::span<const Continuation> next);

    /// Tokens that may still be added to the sequences.
    [[nodiscard]] std::int64_t room() const noexcept { return model_.config().decoder.positions - position_; }

    /// How much each token of a text looks at each position of the sound: for each of `heads` (layer, head) the cross-
    /// attention [tokens][encoder positions]. Ends what `start` began.
    [[nodiscard]] std::vector<std::vector<float>> cross_attention(
        std::span<const std::int32_t> tokens, const std::vector<std::pair<std::int32_t, std::int32_t>>& heads);

    [[nodiscard]] const Model& model() const noexcept { return model_; }
    /// Nodes of the latest encoding: "encoder.layer0", ..., "encoder.out" [positions][dim].
    [[nodiscard]] const graph::Graph& encoder_graph() const noexcept { return encoder_; }

    /// Bytes that the caches of such a session take.
    [[nodiscard]] static std::uint64_t cache_bytes(const Config& config, std::int64_t beams, graph::Type type);

private:
    struct Pass;

    std::span<const float> run(Pass& pass, std::span<const std::int32_t> tokens, const std::vector<std::int64_t>& positions);
    [[nodiscard]] std::int64_t looked_at(std::int64_t slots) const;
    void fill_prompt(Pass& pass, std::span<const std::int32_t> prompt, std::span<const std::int32_t> wanted);

    const Model& model_;
    std::int64_t beams_;
    graph::GraphOptions options_;
    graph::TensorStore store_;
    graph::Tensor mel_, zero_;
    CrossCache cross_;
    nn::KvCache self_;
    graph::Graph encoder_;
    std::map<std::pair<std::int64_t, std::int64_t>, std::unique_ptr<Pass>> steps_;  // by columns and length
    std::unique_ptr<Pass> prompt_;
    std::vector<std::vector<std::int64_t>> histories_;  // slots that each sequence of the latest step sees
    std::int64_t next_slot_ = 0, position_ = 0;
    std::vector<float> x_, logits_;
};

}  // namespace heart::hearttranscriptor
