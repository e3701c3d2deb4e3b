#pragma once

#include "models/heartmula/language_model.h"
#include "models/heartmula/llama.h"
#include "models/heartmula/sampler.h"
#include "nn/kv_cache.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace heart::heartmula {

/// One token of each codebook.
using Frame = std::vector<std::int32_t>;

/// The type of cached keys and values that goes with matrices of a type: the reference caches in the model's own
/// (`setup_caches`), and beside quantised matrices bf16 stays.
[[nodiscard]] graph::Type default_cache_type(graph::Type dtype) noexcept;

/// What a frame computes: all, or for measurements one half alone.
enum class FramePart {
    whole,
    backbone,  ///< no heads and no depth decoder: nothing is drawn
    depth,     ///< heads and depth decoder see what would enter the backbone
};

/// How a session keeps its cache, and how it cuts its work, which the codes of whole frames do not depend on.
struct SessionOptions {
    /// Of the backbone's keys and values: f32, bf16, f16 or q8_0; none: the default of the model's type.
    std::optional<graph::Type> cache_type;
    /// The cache is looked at in steps of this many positions: one graph serves as many frames, and fused attention kernels
    /// of GPUs want whole blocks.
    std::int64_t length_step = 256;
    /// Prompt positions per pass: bounds scratch whatever the prompt's length.
    std::int64_t prompt_piece = 256;
    FramePart part = FramePart::whole;
    graph::GraphOptions graph;
};

/// One song while it is being composed: its KV cache and its graphs. Each frame is one graph on the device: embedding of
/// the previous frame, backbone step of both guidance rows, guided draw of codebook 0, and the depth decoder's steps with
/// their draws (heartlib modeling_heartmula.py, generate_frame).
class SongSession {
public:
    /// `max_positions`: prompt and frames together; must not exceed the backbone's. The model must outlive the session.
    SongSession(const LanguageModel& model, const Sampling& sampling, std::int64_t max_positions,
                const SessionOptions& options = {});
    ~SongSession();

    /// Called between pieces of a long prompt with the positions done.
    using PrefillProgress = std::function<void(std::int64_t done)>;

    /// Reads the prompt and draws frame 0. `noise`: Gumbel noise [codebooks][vocabulary].
    [[nodiscard]] Frame first_frame(const PromptIds& prompt, std::span<const float> noise, const CancelToken& cancel,
                                    const PrefillProgress& progress = {});

    /// Draws the frame that follows `previous`.
    [[nodiscard]] Frame next_frame(const Frame& previous, std::span<const float> noise);

    /// In place of a prompt, for measurements: `length` positions, at most `SessionOptions::prompt_piece` of them different,
    /// with random keys and values.
    void pretend_prompt(std::int64_t length);

    /// Positions in use.
    [[nodiscard]] std::int64_t length() const noexcept { return length_; }

    /// The graph of the latest frame, for reading nodes by name (`GraphOptions::keep_named`): "backbone_in", "layer0".. ,
    /// "backbone_out", "last_hidden", "depth_step0.in", "depth_step0.layer0".., "depth_step0.out", .., "logits0"..,
    /// "guided_logits0"..
    [[nodiscard]] const graph::Graph& graph() const;

    /// Bytes of KV cache and inputs.
    [[nodiscard]] std::size_t cache_bytes() const { return store_.bytes(); }

    /// Bytes of KV cache that a session of `positions` positions takes.
    [[nodiscard]] static std::uint64_t cache_bytes(const Config& config, std::int64_t positions, float cfg_scale,
                                                   graph::Type cache_type);

private:
    struct Pass;

    [[nodiscard]] std::unique_ptr<Pass> make_pass(std::int64_t n, std::int64_t length, bool from_prompt, bool draws) const;
    [[nodiscard]] graph::Tensor embed_frame(graph::Graph& g, Pass& pass) const;
    void add_draws(graph::Graph& g, Pass& pass, graph::Tensor last_hidden) const;
    [[nodiscard]] graph::Tensor depth_step(graph::Graph& g, Pass& pass, std::int64_t step, graph::Tensor x) const;
    void place(Pass& pass, std::int64_t start) const;
    [[nodiscard]] Frame read_frame(const Pass& pass) const;

    const LanguageModel& model_;
    Sampling sampling_;
    SessionOptions options_;
    std::int64_t rows_;  // 2 with guidance: conditional, unconditional
    std::int64_t length_ = 0;
    graph::TensorStore store_;
    nn::KvCache backbone_cache_;
    nn::KvCache depth_cache_;
    std::unique_ptr<Pass> pass_;
};

}  // namespace heart::heartmula
