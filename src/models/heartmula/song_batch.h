#pragma once

#include "models/heartmula/frame_pass.h"
#include "models/heartmula/language_model.h"
#include "nn/kv_cache.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace heart::heartmula {

/// The type of cached keys and values that goes with matrices of a type: the reference caches in the model's own
/// (`setup_caches`), and beside quantised matrices bf16 stays.
[[nodiscard]] graph::Type default_cache_type(graph::Type dtype) noexcept;

/// What a batch has room for. Each song has a slot of the cache, as long as the longest song may be; on the CPU, memory of
/// a slot is taken as its song grows.
struct BatchLimits {
    std::int64_t songs = 1;      ///< at once
    std::int64_t positions = 1;  ///< of a song, prompt and frames together; must not exceed the backbone's
    bool guided = true;          ///< songs may be guided; without, a slot is half as large
};

/// How a batch keeps its cache, and how it cuts its work, which the codes of whole frames do not depend on.
struct BatchOptions {
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

/// Writes the Gumbel noise of one codebook of a song's frame: [vocabulary]. Called ahead of time, and from several threads
/// at once; empty: no noise.
using NoiseFn = std::function<void(std::int64_t frame, std::int64_t codebook, std::span<float> out)>;

/// A song that is to join.
struct NewSong {
    PromptIds prompt;
    Sampling sampling;
    NoiseFn noise;
    /// Frames that it has already: it goes on behind them, with the codes that it would have had without a break.
    std::span<const Frame> known;
};

/// Songs that are composed together: each frame is one graph that reads the weights once for all of them. Songs join and
/// leave between frames, and differ in length and settings.
///
/// A song's codes are those that it gets alone, bit for bit, wherever the device's results for a column do not depend on
/// the other columns: so it is with Heart's own CPU kernels (device "cpu"; matrices of f32, f16, bf16, q8_0, q4_0, q4_k).
/// ggml's kernels choose another order of summing for another number of columns.
class SongBatch {
public:
    using Slot = std::int64_t;

    /// The model must outlive the batch. ErrorCode::limit for more positions than the model has, ErrorCode::unsupported for
    /// a cache type that its heads do not fit, ErrorCode::memory.
    SongBatch(const LanguageModel& model, const BatchLimits& limits, const BatchOptions& options = {});
    ~SongBatch();

    /// Called between pieces of a prompt and of known frames with the positions done.
    using PrefillProgress = std::function<void(std::int64_t done)>;

    /// Reads the song's prompt and draws its first frame, or that behind the known ones: then `latest` has it. The other
    /// songs wait. When it throws (ErrorCode::cancelled, ::limit for a song that does not fit, ::mismatch for its tokens,
    /// what `check_reference` throws), the song has not joined. Precondition: has_room().
    [[nodiscard]] Slot join(const NewSong& song, const CancelToken& cancel, const PrefillProgress& progress = {});

    /// In place of `join`, for measurements: a song of `length` positions, at most `BatchOptions::prompt_piece` of them
    /// different, with random keys and values.
    [[nodiscard]] Slot join_pretended(const Sampling& sampling, NoiseFn noise, std::int64_t length);

    /// Makes room for another song. What the others get does not change.
    void leave(Slot slot);

    /// Draws the next frame of every song: `begin_step` starts the device and prepares the noise of the frame after, while
    /// `finish_step` waits. In between nothing else may be called. Precondition: songs() > 0, and each has room.
    void step() {
        begin_step();
        finish_step();
    }
    void begin_step();
    void finish_step();

    /// The frame drawn last.
    [[nodiscard]] const Frame& latest(Slot slot) const { return song(slot).latest; }
    /// The next frame follows this one in place of the one drawn last. ErrorCode::mismatch for one that is not the model's.
    void replace_latest(Slot slot, Frame frame);
    /// Positions in use: prompt and frames but the latest.
    [[nodiscard]] std::int64_t length(Slot slot) const { return song(slot).length; }

    [[nodiscard]] std::int64_t songs() const noexcept { return static_cast<std::int64_t>(songs_.size()); }
    [[nodiscard]] bool has_room() const noexcept { return songs() < limits_.songs; }
    [[nodiscard]] const BatchLimits& limits() const noexcept { return limits_; }

    /// The graph of the latest pass, for reading nodes by name (see FramePass) with `GraphOptions::keep_named`.
    [[nodiscard]] const graph::Graph& graph() const;

    /// Bytes of KV cache that a batch takes at most.
    [[nodiscard]] static std::uint64_t cache_bytes(const Config& config, const BatchLimits& limits, graph::Type cache_type);

private:
    struct Song {
        Slot slot = 0;
        Lane lane;
        NoiseFn noise;
        std::int64_t length = 0, frames = 0;  ///< positions in the cache; frames known or drawn
        Frame latest;
    };
    void check_frame(const Frame& frame) const;
    [[nodiscard]] Song new_song(const Sampling& sampling, NoiseFn noise) const;
    [[nodiscard]] const Song& song(Slot slot) const;
    [[nodiscard]] Slot add(Song song);
    FramePass& make_pass(PassShape shape);
    [[nodiscard]] std::int64_t looked_at(std::int64_t positions) const;
    [[nodiscard]] std::int64_t draws(std::int64_t lanes) const;
    void read_prompt(Song& song, const NewSong& plan, const CancelToken& cancel, const PrefillProgress& progress);
    void replay(Song& song, std::span<const Frame> known, const CancelToken& cancel, const PrefillProgress& progress);
    void run_drawing(Song& song, std::int64_t frame);
    void draw_noise(std::span<const Song> songs, std::int64_t ahead);

    const LanguageModel& model_;
    BatchLimits limits_;
    BatchOptions options_;
    graph::TensorStore store_;
    nn::KvCache backbone_cache_;
    nn::KvCache depth_cache_;
    std::vector<Song> songs_;  // by slot
    std::unique_ptr<FramePass> pass_;
    bool steps_ = false;        // pass_ is that of the songs' frames
    bool hears_drawn_ = false;  // and its tokens on the device are the latest frames
    bool running_ = false;
    std::vector<float> noise_;  // [codebooks][songs][vocabulary]
    bool noise_ready_ = false;  // for the next step
};

}  // namespace heart::heartmula
