#pragma once

#include "audio/write_file.h"
#include "core/cancel.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace heart::audio {

/// How a stream of stereo sound is written.
struct StreamFormat {
    bool wav = true;  ///< with a WAV header; else the samples alone: little-endian, left and right by turns
    SampleFormat samples = SampleFormat::s24;
};

/// What a finished stream is.
struct StreamReport {
    std::uint64_t frames = 0;   ///< samples of each channel
    std::uint64_t bytes = 0;    ///< written in all
    std::uint64_t clipped = 0;  ///< samples that integers could not hold
    float peak = 0;             ///< largest |sample|
};

/// Writes stereo sound while it is made. Unlike write_audio(), it cannot turn a song down that will be too loud: integer
/// samples clip, and are counted; floats are kept as they are.
class StreamWriter {
public:
    /// The path that stands for standard output.
    static constexpr const char* kStandardOutput = "-";

    /// Throws ErrorCode::usage when standard output is a terminal, and what check_target() throws for a file.
    static void check(const std::filesystem::path& path);

    /// Writes to an ordinary file that grows under its name, or to standard output. Nothing is opened before the first
    /// sound. `cancel` must outlive the writer and is asked while it waits for a slow reader. Throws like check().
    StreamWriter(std::filesystem::path path, StreamFormat format, std::uint32_t sample_rate, const CancelToken& cancel);
    StreamWriter(const StreamWriter&) = delete;
    StreamWriter& operator=(const StreamWriter&) = delete;
    /// Removes the file unless it is finished. What went to standard output just ends.
    ~StreamWriter();

    /// The next frames, interleaved. Throws ErrorCode::io with the system's words, also when the reader of a pipe went away
    /// (SIGPIPE must be ignored), ErrorCode::limit beyond the 4 GB of a WAV file, ErrorCode::cancelled, and
    /// ErrorCode::internal for samples that are not finite.
    void write(std::span<const float> stereo);

    /// Ends the stream. In a WAV file, or in standard output that is a file, the header gets its sizes and `tags` go behind
    /// the samples: it is then the file that write_audio() makes of a song that fits. Throws like write() and check_tags().
    StreamReport finish(const SongTags& tags);

private:
    void open();
    void put(std::span<const char> bytes);
    void complete_wav(const SongTags& tags);
    [[nodiscard]] bool to_standard_output() const { return path_ == kStandardOutput; }

    std::filesystem::path path_;
    StreamFormat format_;
    std::uint32_t sample_rate_;
    const CancelToken& cancel_;
    int descriptor_ = -1;
    std::int64_t start_ = 0;  ///< where in the file the stream begins
    bool seekable_ = false, finished_ = false;
    StreamReport report_;
    std::vector<char> block_;
};

}  // namespace heart::audio
