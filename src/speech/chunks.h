#pragma once

#include "speech/decoding.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace heart::speech {

/// A token with its place in the whole sound, in seconds, once that is known.
struct TimedToken {
    std::int32_t id = 0;
    float log_probability = 0;
    double start = 0, end = 0;
    bool timed = false;
};

/// Joins texts of sounds that overlap, each with the next (transformers tokenization_whisper.py,
/// _find_longest_common_sequence): the next text is slid along the one before, the place with the largest share of equal
/// tokens (two at least) is where they overlap, and the middle of the overlap is where one ends and the other goes on.
/// Where tokens have times, only those count that stand in order in both.
[[nodiscard]] std::vector<TimedToken> join_overlapping(std::span<const std::vector<TimedToken>> texts);

/// Text between two timestamps.
struct ChunkSegment {
    std::vector<TimedToken> tokens;    ///< no timestamps among them
    std::optional<double> start, end;  ///< seconds of the whole sound
    std::size_t first_chunk = 0;       ///< where its text comes from
};

/// Puts the texts of overlapping chunks together (transformers tokenization_whisper.py, _decode_asr). Without timestamps
/// everything becomes one segment; with them each pair of timestamps is a segment, those within a stride being left to
/// the neighbour.
class ChunkJoiner {
public:
    /// Tokens from `first_timestamp` on are timestamps, 20 ms apart.
    explicit ChunkJoiner(std::int32_t first_timestamp) : first_timestamp_(first_timestamp) {}

    /// A chunk of the sound and how much of it, on either side, belongs to its neighbours; in seconds.
    struct Chunk {
        double length = 0, left = 0, right = 0;
    };
    void add(std::span<const TimedToken> tokens, const Chunk& chunk);

    /// The segments, in order. Nothing may be added after it.
    [[nodiscard]] std::vector<ChunkSegment> finish();

private:
    void on_timestamp(std::int32_t token, std::optional<std::int32_t> last, double first);
    void flush();

    std::int32_t first_timestamp_;
    double offset_ = 0;
    bool skip_ = false;
    std::size_t chunk_ = 0;
    ChunkSegment open_;
    std::vector<std::vector<TimedToken>> previous_;
    std::vector<TimedToken> current_;
    std::vector<ChunkSegment> done_;
};

/// What a 30-second window of sequential decoding gives (openai/whisper transcribe.py): segments between timestamps, in
/// seconds of the window, and how far to go on.
struct WindowSegment {
    std::size_t first = 0, last = 0;  ///< tokens [first, last), timestamps left out
    double start = 0, end = 0;
};
struct WindowText {
    std::vector<WindowSegment> segments;
    double advance = 0;  ///< seconds to the next window
};
/// `seconds`: of sound in the window.
[[nodiscard]] WindowText cut_window(std::span<const std::int32_t> tokens, std::int32_t first_timestamp, double seconds);

/// Of a timestamp token.
inline constexpr double kTimestampStep = 0.02;

}  // namespace heart::speech
