#pragma once

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "engine/checkpoint_set.h"
#include "engine/options.h"
#include "models/heartmula/song_batch.h"
#include "text/prompt.h"

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <vector>

namespace heart::engine {

/// Codes as the language model composed them.
struct Composition {
    Codes codes;
    SongRequest request;  ///< as asked, with the seed that was used, and without a reference that changes nothing
    std::int64_t prompt_length = 0;
    std::int64_t frame_limit = 0;     ///< most frames it could have had
    bool limited_by_context = false;  ///< the model's context, not the request, set that limit
    bool ended_by_itself = false;
};

/// A song that is ready to be composed: checked, its words as tokens, its seed and its limit settled.
struct PreparedSong {
    Composition composition;  ///< without codes
    text::Prompt prompt;
    std::vector<float> reference;  ///< what enters the model for reference audio; empty: none
    /// Frames that it has already; it goes on behind them with the codes that it would have had without a break.
    std::vector<heartmula::Frame> known;

    [[nodiscard]] std::int64_t positions() const noexcept { return composition.prompt_length + composition.frame_limit; }
    [[nodiscard]] bool guided() const noexcept {
        return heartmula::is_guided(static_cast<float>(composition.request.cfg_scale));
    }
};

/// Gets songs ready without loading weights.
class SongPreparer {
public:
    /// Reads tokenizer, special ids and sizes; throws what reading these throws.
    explicit SongPreparer(const CheckpointSet& set);

    /// Throws what check_request, the tokenizer and heartmula::check_reference throw, and ErrorCode::limit when the prompt
    /// leaves no room in the model's context.
    [[nodiscard]] PreparedSong prepare(const SongRequest& request) const;

    [[nodiscard]] const heartmula::GenerationConfig& ids() const noexcept { return ids_; }

private:
    text::Tokenizer tokenizer_;
    heartmula::GenerationConfig ids_;
    std::int64_t max_positions_ = 0, reference_dim_ = 0;
};

/// Numbers songs in the order in which they were added, from 0.
using SongNumber = std::size_t;

/// A frame as soon as it is drawn: codes [codebooks] of frame `frame` of a song. Frames come in order, known ones not at
/// all. Called on the composing thread. What it throws ends that song.
using FrameFn = std::function<void(SongNumber song, std::int64_t frame, const heartmula::Frame& codes)>;

/// What to tell about a song while it is composed; all may be empty.
struct SongHooks {
    ProgressFn progress;  ///< of this song: its prompt, its frames
    FrameFn on_frame;
    const CancelToken* cancel = nullptr;  ///< this song leaves within a frame; the others go on
};

/// A song that is composed no more: whole, or what it had when it failed or was cancelled.
struct EndedSong {
    SongNumber number = 0;
    Composition composition;
    std::optional<Error> error;
};

/// Composes songs together: all that are under way share each frame's work. Songs wait until there is a place, join and
/// leave between frames; each gets the codes that it gets alone (see heartmula::SongBatch). To be used from one thread.
class Composer {
public:
    /// The model must outlive the composer. `limits.songs` are composed at once. Throws what SongBatch throws.
    Composer(const heartmula::LanguageModel& model, const heartmula::GenerationConfig& ids,
             const heartmula::BatchLimits& limits, graph::Type cache_type);

    /// Puts a song at the end of those that wait. ErrorCode::limit for one that is longer than `limits.positions`,
    /// ErrorCode::usage for a guided one where `limits` has no room for guidance.
    SongNumber add(PreparedSong song, SongHooks hooks);

    /// To the next frame: songs that are cancelled or have ended leave, waiting ones take their places and read their
    /// prompts, and all draw a frame. False when there is nothing left to do. Throws only what ends all songs.
    bool advance();

    /// Songs that have ended since the last call, in that order.
    [[nodiscard]] std::vector<EndedSong> take_ended();

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
    [[nodiscard]] std::size_t under_way() const noexcept { return singing_.size(); }

    /// Seconds spent so far on prompts and on frames.
    [[nodiscard]] double prompt_seconds() const noexcept { return prompt_seconds_; }
    [[nodiscard]] double frame_seconds() const noexcept { return frame_seconds_; }

private:
    struct Singing {
        SongNumber number = 0;
        PreparedSong song;
        SongHooks hooks;
        std::optional<heartmula::SongBatch::Slot> slot;  // while it is in the batch
        std::vector<heartmula::Frame> frames;            // known and drawn
    };
    using Place = std::list<Singing>::iterator;

    void drop_cancelled(std::list<Singing>& songs);
    void join_waiting();
    void join(Singing& s);
    [[nodiscard]] bool take_frame(Singing& s) const;
    Place take_frame_or_end(Place place);
    Place end(std::list<Singing>& songs, Place place, std::optional<Error> error);

    const heartmula::LanguageModel& model_;
    heartmula::GenerationConfig ids_;
    heartmula::SongBatch batch_;
    std::list<Singing> waiting_, singing_;
    std::vector<EndedSong> ended_;
    SongNumber added_ = 0;
    double prompt_seconds_ = 0, frame_seconds_ = 0;
};

/// What to tell about songs that are all known from the start.
struct TogetherHooks {
    ProgressFn progress;  ///< of all songs as one: frames of all, out of the most that all may have
    FrameFn on_frame;
    const CancelToken* cancel = nullptr;  ///< stops all
};

/// The songs' codes, in their order. Throws the first error of any song.
[[nodiscard]] std::vector<Composition> compose_together(Composer& composer, std::vector<PreparedSong> songs,
                                                        const TogetherHooks& hooks);

/// What a batch needs for these songs, `at_once` of them at a time.
[[nodiscard]] heartmula::BatchLimits limits_for(std::span<const PreparedSong> songs, std::int64_t at_once);

}  // namespace heart::engine
