#pragma once

#include "audio/stream_writer.h"
#include "core/consumer_thread.h"
#include "engine/generator.h"
#include "options.h"

#include <string>
#include <vector>

namespace heart::app {

/// Options of a song that is written while it is made.
struct StreamOptions {
    bool on = false;
    std::string format = "wav";

    void add(CLI::App& verb);

    /// How the samples are written; for WAV as `audio` says. Throws ErrorCode::usage.
    [[nodiscard]] audio::StreamFormat written_as(const AudioOptions& audio) const;

    /// Refuses what cannot work before anything is loaded: ErrorCode::usage for options that do not go together, and what
    /// a StreamWriter refuses.
    void check(const AudioOptions& audio, const CommonOptions& common, std::uint32_t takes) const;
};

/// Where a streamed song goes. A thread of its own writes, so that rendering runs ahead of a player that takes the sound no
/// faster than it plays it, by a minute at most.
class StreamOutput {
public:
    /// `keep`: holds the whole song, for `wave()`.
    StreamOutput(const std::string& path, audio::StreamFormat format, std::uint32_t sample_rate, bool keep);

    /// Throws what writing failed with.
    void put(const engine::AudioBlock& block);

    /// Waits until everything is written, and ends the stream. Throws like StreamWriter::finish().
    audio::StreamReport finish(const audio::SongTags& tags);

    [[nodiscard]] const audio::Waveform& wave() const noexcept { return wave_; }

private:
    bool keep_;
    audio::Waveform wave_;
    audio::StreamWriter writer_;
    ConsumerThread<std::vector<float>> writing_;
};

}  // namespace heart::app
