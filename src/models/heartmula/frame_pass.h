#pragma once

#include "models/heartmula/language_model.h"
#include "models/heartmula/llama.h"
#include "models/heartmula/sampler.h"
#include "nn/kv_cache.h"

#include <cstdint>
#include <span>
#include <vector>

namespace heart::heartmula {

/// One token of each codebook.
using Frame = std::vector<std::int32_t>;

/// What a frame computes: all, or for measurements one half alone.
enum class FramePart {
    whole,
    backbone,  ///< no heads and no depth decoder: nothing is drawn
    depth,     ///< heads and depth decoder see what would enter the backbone
};

/// A song as a pass sees it.
struct Lane {
    Sampling sampling;
    /// Its row of the backbone's cache; with guidance the next one is its unconditional row.
    std::int64_t cache_row = 0;

    [[nodiscard]] std::int64_t rows() const noexcept { return is_guided(sampling.cfg_scale) ? 2 : 1; }
};

/// What a pass hears and draws.
struct PassShape {
    /// One for each frame that is heard, or the one whose prompt is heard. A lane may stand here several times, for frames
    /// that follow one another.
    std::vector<Lane> lanes;
    std::int64_t draws = 0;   ///< so many of the last lanes draw a frame
    std::int64_t prompt = 0;  ///< positions of a prompt, in place of frames; 0: frames
    std::int64_t length = 1;  ///< positions of the backbone's cache that are looked at
};

/// One graph and the inputs that it reads: what a frame of any number of songs computes. Embedding of the frames that are
/// heard (or a piece of a prompt), the backbone over all rows of all songs, guided draw of codebook 0, the depth decoder's
/// steps with their draws (heartlib modeling_heartmula.py, generate_frame). Tokens stay on the device: a pass that is run
/// again hears the frames that it drew. Per run the host uploads positions, cache columns, mask and noise, each in one
/// call, and downloads the tokens in one.
///
/// Columns are ordered lane by lane, in a lane row by row, in a row by position. Of a prompt, guidance has one column behind
/// the others: the unconditional row hears the same at every position (see Placement).
///
/// Names: "backbone_in", "layer0".., "backbone_out", "last_hidden", "depth_step0.in", "depth_step0.layer0"..,
/// "depth_step0.out", .., "logits0".., "guided_logits0"..; of lanes that sample in another way than those before them
/// "guided_logits0.lane3"...
class FramePass {
public:
    struct Caches {
        const nn::KvCache& backbone;  ///< must hold the lanes' rows and `length` positions
        const nn::KvCache& depth;     ///< as many rows as are drawn for at most, `codebooks` positions
    };

    /// Builds the graph. Model and caches must outlive the pass.
    FramePass(const LanguageModel& model, const Caches& caches, PassShape shape, FramePart part,
              graph::GraphOptions options);

    /// Says where each lane stands: the position of its (first) column.
    void place(std::span<const std::int64_t> positions);
    /// What the lanes hear, one frame for each.
    void hear(std::span<const Frame> frames);
    /// What the lane hears: [dim, prompt, with guidance + 1].
    void hear_prompt(std::span<const float> embedded);
    /// Gumbel noise, [codebooks][draws][vocabulary].
    void upload_noise(std::span<const float> noise);

    /// Starts the device; inputs must not be touched before `finish`.
    void start();
    /// Waits for what was started. The frames of the lanes that draw, in their order; none without draws.
    [[nodiscard]] std::vector<Frame> finish();

    [[nodiscard]] const PassShape& shape() const noexcept { return shape_; }
    [[nodiscard]] const graph::Graph& graph() const noexcept { return graph_; }

private:
    /// Lanes that follow one another and are treated alike.
    struct Run {
        std::size_t lane = 0, count = 0;
        std::int64_t row = 0, rows_each = 1;  ///< first row of the pass; rows of each lane
    };
    template <typename Alike>
    [[nodiscard]] static std::vector<Run> runs_of(std::span<const Lane> lanes, const Alike& alike);

    [[nodiscard]] std::span<const Lane> drawing() const;
    void add_inputs();
    void fill_constants();
    void build(FramePart part);
    [[nodiscard]] graph::Tensor embed_frames();
    [[nodiscard]] graph::Tensor embed_codebook(std::int64_t codebook, std::int64_t first, std::int64_t count);
    [[nodiscard]] graph::Tensor spread(graph::Tensor x, std::span<const Lane> lanes);
    void add_draws(graph::Tensor last_hidden);
    void draw_codebook(std::int64_t codebook, graph::Tensor logits);
    [[nodiscard]] graph::Tensor depth_step(std::int64_t step, graph::Tensor x);

    const LanguageModel& model_;
    Caches caches_;
    PassShape shape_;
    std::int64_t rows_ = 0, drawn_rows_ = 0;
    graph::TensorStore inputs_;
    graph::Graph graph_;
    Placement at_;                     // of the backbone
    std::vector<Placement> depth_at_;  // of each depth step
    graph::Tensor prompt_;             // f32 [dim, prompt, with guidance + 1]
    graph::Tensor tokens_;             // i32 [lanes, codebooks]: heard, then drawn
    graph::Tensor noise_;              // f32 [vocabulary, draws, codebooks]
    graph::Tensor cfg_scale_;          // f32 [1, draws]
    graph::Tensor inverse_temperature_;
    std::vector<std::uint16_t> mask_;  // what at_.mask holds
};

}  // namespace heart::heartmula
